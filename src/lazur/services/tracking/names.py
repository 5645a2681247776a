"""A job's run id: its name, where that is possible."""

from __future__ import annotations

import hashlib
import re

_FITS = re.compile(r"[A-Za-z0-9_-]{1,32}")


def run_id(workspace_id: int, name: str, *, taken: bool = False) -> str:
    """What upstream's column holds. Another workspace may have a job of this name: ids are one
    space for all of them, so `taken` asks for the id that is only this job's."""
    return name if _FITS.fullmatch(name) and not taken else derived(workspace_id, name)


def derived(workspace_id: int, name: str) -> str:
    return hashlib.sha256(f"{workspace_id}/{name}".encode()).hexdigest()[:32]
