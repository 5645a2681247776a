"""Content that specs from a server name, as files in a folder."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from lazur.engine.tree import Manifest
from lazur.sdk.client import Client
from lazur.sdk.downloads import fetch

FOLDER = "content"
_TREE = re.compile(r"tree:([0-9a-f]{64})(/.*)?")
_PARTS = ("build", "environment", "task", "component", "trial")
_DEEPEST = 20
Place = tuple[dict[str, Any], str]
"""Where a path stands: `holder[key]`."""


def places(spec: dict[str, Any], deepest: int = _DEEPEST) -> Iterator[Place]:
    """Every path of an asset's content, wherever it stands: in a task, a step, an environment that
    is written in its place. The asset's own comes first."""
    yield from ((spec, key) for key in ("path", "code") if isinstance(spec.get(key), str))
    jobs, inputs = (spec.get(key) for key in ("jobs", "inputs"))
    parts: list[Any] = [spec.get(key) for key in _PARTS]
    for held in (jobs, inputs):
        if isinstance(held, dict):
            parts += cast("dict[str, Any]", held).values()
    for part in parts:
        if isinstance(part, dict) and deepest:
            yield from places(cast("dict[str, Any]", part), deepest - 1)


def digest(path: str) -> str | None:
    """Of a path that is a whole tree."""
    found = _TREE.fullmatch(path)
    return found[1] if found and not found[2] else None


class Contents:
    """In the folder `content/` below `top`, where what several have is there once."""

    def __init__(self, client: Client, top: Path) -> None:
        self._client = client
        self._top = top

    def replaced(self, path: str, up: str) -> str:
        """The path for a YAML file from which `up` leads to `top`."""
        found = _TREE.fullmatch(path)
        if found is None:
            return path
        folder = self._top / FOLDER / found[1]
        if not folder.exists():
            # Not there at all until it is whole: the next one that has it would take it as it is.
            draft = folder.with_name(f".{folder.name}")
            try:
                self.write(found[1], draft)
                draft.replace(folder)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
        return f"{up}{FOLDER}/{found[1]}{found[2] or ''}"

    def write(self, tree: str, folder: Path) -> list[str]:
        """Its files with their modes, and its empty folders. Returns the files' paths."""
        blobs = self._client.scope.path("blobs")
        manifest = Manifest.decode(self._client.http.request("GET", f"{blobs}/{tree}").body)
        folder.mkdir(parents=True, exist_ok=True)
        entries = [
            (file.path, {"path": file.digest, "size": file.size, "sha256": file.digest})
            for file in manifest.files
        ]
        fetch(self._client.http, blobs, entries, folder, None)
        for file in manifest.files:
            if file.executable:
                (folder / file.path).chmod(0o755)
        for empty in manifest.dirs:
            (folder / empty).mkdir(parents=True, exist_ok=True)
        return [file.path for file in manifest.files]
