"""A frozen database, and the frozen API, of every release (contributing/migrations.md)."""
