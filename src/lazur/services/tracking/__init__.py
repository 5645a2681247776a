"""Runs as people use them, and how jobs are runs. See contributing/tracking.md."""
