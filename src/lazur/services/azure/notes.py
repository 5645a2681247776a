"""What clients note of blobs, their metadata."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from lazur.engine import paths
from lazur.services.azure import staging


class Notes:
    """What clients note of blobs, beside these: good as long as the blob has not changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, path: str, tag: str) -> dict[str, str]:
        try:
            known = json.loads((self._folder / self._name(path)).read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return {}
        return known["metadata"] if known["tag"] == tag else {}

    def put(self, path: str, tag: str, metadata: dict[str, str]) -> None:
        file = self._folder / self._name(path)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = file.with_name(f"{file.name}.{staging.fresh()}")
        text = json.dumps({"path": path, "tag": tag, "metadata": metadata})
        draft.write_text(text, encoding="utf-8")
        draft.replace(file)

    def drop(self, path: str) -> None:
        (self._folder / self._name(path)).unlink(missing_ok=True)

    @staticmethod
    def _name(path: str) -> str:
        paths.check(path)
        key = hashlib.sha256(path.encode()).hexdigest()
        return f"{key[:2]}/{key}"
