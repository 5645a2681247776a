"""Versioned assets: data, models, environments and components."""
