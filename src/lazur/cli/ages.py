"""Moments as people type them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(text: str | None) -> str | None:
    """`7d` is a week ago. What is no age, the server reads."""
    found = _AGE.fullmatch(text.strip()) if text else None
    if found is None:
        return text
    ago = timedelta(**{_UNITS[found[2]]: float(found[1])})
    return (datetime.now(UTC) - ago).isoformat()
