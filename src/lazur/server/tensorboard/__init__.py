"""TensorBoard: its own server as a child of ours, one for each board that is looked at."""
