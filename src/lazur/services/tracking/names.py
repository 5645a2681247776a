"""A job's run id: its name, where that is possible."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterator

_FITS = re.compile(r"[A-Za-z0-9_-]{1,32}")
_DERIVED = re.compile(r"[0-9a-f]{32}")


def candidates(workspace_id: int, name: str) -> Iterator[str]:
    """What a job's run may be called, the best first. Ids are one space for all workspaces, and
    another one may have a job of this name, or one that somebody gave this job's derived id."""
    if _FITS.fullmatch(name):
        yield name
    yield derived(workspace_id, name)
    while True:
        yield uuid.uuid4().hex


def derived(workspace_id: int, name: str) -> str:
    return hashlib.sha256(f"{workspace_id}/{name}".encode()).hexdigest()[:32]


def may_be_derived(text: str) -> bool:
    return _DERIVED.fullmatch(text) is not None
