"""Virtual environments with Azure's own client and nothing else, one for each release line that
we keep up with: `make azure-clients`."""

from __future__ import annotations

from pathlib import Path

from tools.lock import CLIENTS

ROOT = Path(__file__).resolve().parents[2]
RELEASES = tuple(CLIENTS)
NEWEST = RELEASES[0]


def python(release: str) -> Path | None:
    """None where it was not installed."""
    found = ROOT / ".azure" / release / "bin" / "python"
    return found if (found.parents[1] / ".installed").exists() else None
