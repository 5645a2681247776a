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


def moment(text: str) -> float:
    """Seconds since the epoch. ValueError for what is no time; without a zone it is UTC."""
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
