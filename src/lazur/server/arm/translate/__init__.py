"""One noun each, pure: Azure's bodies to what is written in YAML, and views to its bodies."""
