"""What changed between two snapshots of code."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import unified_diff
from typing import Any

from lazur.engine.tree import File
from lazur.errors import NotFound
from lazur.services.tracking.snapshots import Snapshot

_MOST = 200
"""Files that are told; the others are counted."""
_LARGEST = 256 << 10
_LINES = 400
_Version = tuple[Snapshot, File | None]


def changes(base: Snapshot, other: Snapshot) -> dict[str, Any]:
    """Files of `other` that are not as in `base`, with a unified diff where both are text."""
    if base.tree == other.tree:
        return {"files": [], "more": 0}
    before = {file.path: file for file in base.read().files}
    after = {file.path: file for file in other.read().files}
    found = [
        path
        for path in sorted({**before, **after})
        if _content(before.get(path)) != _content(after.get(path))
    ]
    told = [
        _change(path, (base, before.get(path)), (other, after.get(path))) for path in found[:_MOST]
    ]
    return {"files": told, "more": len(found) - len(told)}


def _change(path: str, before: _Version, after: _Version) -> dict[str, Any]:
    kind = "added" if before[1] is None else "removed" if after[1] is None else "changed"
    old, new = _text(*before), _text(*after)
    if old is None or new is None:
        return {"path": path, "change": kind, "diff": None}
    lines = list(_diff(path, old, new))
    counts = {sign: sum(line.startswith(sign) for line in lines[2:]) for sign in "+-"}
    cut = [f"… {len(lines) - _LINES} more lines"] if len(lines) > _LINES else []
    return {
        "path": path,
        "change": kind,
        "plus": counts["+"],
        "minus": counts["-"],
        "diff": "\n".join([*lines[:_LINES], *cut]),
    }


def _diff(path: str, old: str, new: str) -> Iterator[str]:
    return unified_diff(
        old.splitlines(), new.splitlines(), f"a/{path}", f"b/{path}", lineterm="", n=2
    )


def _text(snapshot: Snapshot, file: File | None) -> str | None:
    """None: too large, or no text."""
    if file is None:
        return ""
    if file.size > _LARGEST:
        return None
    try:
        with snapshot.open(file) as blob:
            data = blob.read(_LARGEST + 1)
        return None if b"\0" in data else data.decode()
    except (UnicodeDecodeError, NotFound):
        return None


def _content(file: File | None) -> tuple[str, bool] | None:
    return (file.digest, file.executable) if file is not None else None
