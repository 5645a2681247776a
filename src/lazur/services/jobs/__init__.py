"""Jobs from what a person wrote to what runs."""
