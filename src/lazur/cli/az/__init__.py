"""`az`, as Azure's scripts type it."""
