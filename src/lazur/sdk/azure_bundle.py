"""A file of runs as `lazur run import` takes it: lazur/services/tracking/export.py says what is in
it. It is there when it is whole.

Runs in the Python of the user's that has Azure's client, and imports nothing of Lazur.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any


class Bundle:
    def __init__(self, path: Path, home: str, workspace: str) -> None:
        """`home` tells runs of one place from those of another: under one id a run is the same
        whenever it is fetched."""
        self.size = 0
        self._path = path
        self._draft = path.with_name("." + path.name)
        self._zip = zipfile.ZipFile(self._draft, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        self._files: dict[str, list[Any]] = {}
        self._head = {
            "format": "lazur-runs",
            "version": 1,
            "made_by": "lazur azure import",
            "home": home,
            "lasting": True,
            "workspace": workspace,
            "code_left_out": {},
        }
        self._runs: list[str] = []

    def add_run(self, run: dict[str, Any], points: list[list[Any]]) -> None:
        top = "runs/" + run["id"]
        lines = (json.dumps(point, ensure_ascii=False) + "\n" for point in points)
        self.add(top + "/run.json", [json.dumps(run, ensure_ascii=False).encode()])
        self.add(top + "/metrics.jsonl", (line.encode() for line in lines))
        self._runs.append(run["id"])

    def add(self, name: str, chunks: Iterable[bytes], method: int = zipfile.ZIP_DEFLATED) -> None:
        size, digest, info = 0, hashlib.sha256(), zipfile.ZipInfo(name)
        info.compress_type = method
        with self._zip.open(info, "w", force_zip64=True) as entry:
            for chunk in chunks:
                entry.write(chunk)
                digest.update(chunk)
                size += len(chunk)
        self._files[name] = [size, digest.hexdigest()]
        self.size += size

    def close(self) -> None:
        head = {**self._head, "runs": self._runs, "files": self._files}
        self._zip.writestr("manifest.json", json.dumps(head, ensure_ascii=False))
        self._zip.close()
        self._draft.replace(self._path)

    def discard(self) -> None:
        """Leave nothing of it. Does nothing after `close`."""
        self._zip.close()
        if self._draft.exists():
            self._draft.unlink()
