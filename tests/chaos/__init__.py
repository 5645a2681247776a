"""Chaos: kill things while jobs run, and compare what the system says with a ledger kept outside
of it."""
