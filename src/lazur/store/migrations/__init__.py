"""Alembic's folder. Expand first, contract a release later; every revision runs inside one
transaction."""
