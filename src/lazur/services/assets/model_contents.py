"""Whether a model is what is there already."""

from __future__ import annotations

from typing import Any

from lazur.engine.tree import Manifest
from lazur.errors import NotFound
from lazur.services.assets.versions import is_same
from lazur.services.base.site import Context
from lazur.spec import references
from lazur.spec.references import Tree
from lazur.store.db import AnyRow


class Same:
    """Whether a version has the content that is wanted. Of what was uploaded the bytes count, not
    the folder that they came with: where one model of ten thousand is another one, that one alone
    is new."""

    def __init__(self, context: Context) -> None:
        self._site = context.site
        self._found: dict[str, dict[str, str]] = {}

    def is_same(self, row: AnyRow, spec: dict[str, Any]) -> bool:
        if is_same(row, spec):
            return True
        before, now = str(row.spec.get("path") or ""), str(spec["path"])
        if not before.startswith("tree:") or not now.startswith("tree:"):
            return False
        if not is_same(row, {**spec, "path": before}):
            return False
        held = self._held(before)
        return held is not None and held == self._held(now)

    def _held(self, path: str) -> str | None:
        place = references.parse(path)
        assert isinstance(place, Tree)
        if place.digest not in self._found:
            self._found[place.digest] = self._read(place.digest)
        return self._found[place.digest].get(place.path)

    def _read(self, digest: str) -> dict[str, str]:
        """By its path, each file's hash, and a text that says as much of each folder."""
        try:
            with self._site.blobs.open(digest) as file:
                manifest = Manifest.decode(file.read())
        except NotFound:
            return {}
        folders: dict[str, list[str]] = {}
        for one in manifest.files:
            parts = one.path.split("/")
            for depth in range(1, len(parts)):
                inside = "/".join(parts[depth:])
                folder = folders.setdefault("/".join(parts[:depth]), [])
                folder.append(f"{inside}:{one.digest}:{one.executable}")
        files = {one.path: f"{one.digest}:{one.executable}" for one in manifest.files}
        return {**{path: "\n".join(held) for path, held in folders.items()}, **files}
