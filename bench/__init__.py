"""Measurements against a floor taken in the same run: `make bench`, results in
docs/performance.md."""
