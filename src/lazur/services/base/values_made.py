"""Outputs of steps that are values: a number or a word in a file, read when the job ends, so that
other steps are given the value itself."""

from __future__ import annotations

from typing import Any

from lazur.errors import LazurError
from lazur.safe import SafeRoot
from lazur.services.base.site import Site
from lazur.spec import references
from lazur.spec.references import DatastorePath
from lazur.store.jobs import JobRow

_LONGEST = 64 << 10


def read(site: Site, row: JobRow) -> dict[str, Any]:
    """By output. What is not there, or not of its type, is left out: who needs it says so."""
    notes: dict[str, Any] = row.notes or {}
    kinds: dict[str, str] = notes.get("values") or {}
    found: dict[str, Any] = {}
    for output in row.resolved["outputs"] if kinds else ():
        name = str(output["name"])
        text = _text(site, row, output) if name in kinds else None
        if text is not None and (made := _typed(kinds[name], text)) is not None:
            found[name] = made
    return found


def _text(site: Site, row: JobRow, output: dict[str, Any]) -> str | None:
    place = references.parse(output["uri"])
    if not isinstance(place, DatastorePath) or output.get("remote"):
        return None
    try:
        with SafeRoot(site.home.datastore(row.workspace, place.datastore)) as root:
            inside = place.path.strip("/")
            if root.stat(inside).folder:
                files = list(root.scan(inside))
                if len(files) != 1:
                    return None
                inside = files[0].path
            with root.open(inside) as file:
                return file.read(_LONGEST).decode()
    except (LazurError, OSError, UnicodeDecodeError):
        return None


def _typed(kind: str, text: str) -> Any:
    stripped = text.strip()
    try:
        match kind:
            case "boolean":
                return {"true": True, "false": False}.get(stripped.lower())
            case "integer":
                return int(stripped)
            case "number":
                return float(stripped)
            case _:
                return text.removesuffix("\n")
    except ValueError:
        return None
