"""The command line: the grammar of `az ml`, one file per noun."""
