"""Where things lie under a builder's root."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from lazur.builders import _disk, _turns

MARKER = "lazur-env.json"
"""Written last: a folder without it is no environment."""
LOCK = "lazur-lock.txt"


@dataclass(frozen=True)
class Places:
    root: Path

    @property
    def envs(self) -> Path:
        return self.root / "envs"

    @property
    def cache(self) -> Path:
        return self.root / "uv-cache"

    @property
    def pythons(self) -> Path:
        return self.root / "pythons"

    @property
    def working(self) -> Path:
        return self.envs / ".tmp"

    @property
    def compiling(self) -> Path:
        return self.envs / ".locks" / "bytecode"

    def prefix(self, key: str) -> Path:
        return self.envs / key

    def lock(self, key: str) -> Path:
        return self.envs / ".locks" / key

    def resolved(self, key: str) -> Path:
        return self.envs / ".resolved" / f"{key}.txt"

    def make(self) -> None:
        for folder in (self.root, self.envs, self.cache, self.pythons, self.working):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in (".locks", ".resolved"):
            (self.envs / name).mkdir(exist_ok=True, mode=0o700)

    def sweep(self) -> None:
        """What is without a marker and nobody's work belongs to a build that was killed."""
        for path in self.envs.iterdir():
            if path.name.startswith(_disk.TRASH):
                _disk.empty(path)
            elif not path.name.startswith(".") and not (path / MARKER).exists():
                self._sweep_one(path, path.name)
        for path in self.working.iterdir():
            self._sweep_one(path, path.name.partition("-")[0])

    def _sweep_one(self, path: Path, key: str) -> None:
        with _turns.tried(self.lock(key)) as mine:
            if mine and not (path / MARKER).exists():
                _disk.discard(path)


def write(path: Path, text: str) -> None:
    """Whole or not at all, also after a power cut."""
    temporary = path.with_name(path.name + ".new")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
