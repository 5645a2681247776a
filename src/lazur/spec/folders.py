"""Folders, as files from the first months of Azure ML v2 write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

_EVERYTHING = "/**"
_FOLDERS = {"urifolder", "path"}


def folder_of(body: Any) -> str | None:
    """`data` of an input with `path: data/**`; None for any other."""
    if not isinstance(body, Mapping):
        return None
    known = cast("Mapping[str, Any]", body)
    path, kind = known.get("path"), str(known.get("type") or "path")
    if not isinstance(path, str) or kind.replace("_", "").lower() not in _FOLDERS:
        return None
    folder = path.removesuffix(_EVERYTHING)
    return folder if folder and folder != path else None
