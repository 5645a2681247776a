"""What a pipeline is made of: its steps, what is bound to what, and whether that can be."""
