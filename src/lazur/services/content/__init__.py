"""Bytes: by their content, in stores of ours and in those of others."""
