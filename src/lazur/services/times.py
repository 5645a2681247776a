"""Times as people and wires see them."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(at: float | None) -> str | None:
    """ISO 8601, UTC, microseconds."""
    if at is None:
        return None
    return (
        datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    )
