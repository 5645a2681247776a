"""Environments as virtual environments made by uv, keyed by content and shared by hard links.

<root>/envs/<key>/               an environment, final from the start: its scripts name its path
<root>/envs/<key>/lazur-env.json written last, by rename: without it there is no environment, only
leftovers <root>/envs/.locks/<key>         held while somebody builds that key
<root>/envs/.resolved/<key>.txt  the hashed lock, kept when the environment is pruned: it comes
back the same <root>/envs/.tmp/                private working folders of builds <root>/uv-cache/
uv's cache, on the same file system so that files are linked, not copied <root>/pythons/
interpreters that uv fetched
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from lazur.builders import _accelerators, _bytecode, _disk, _fence, _making, _offered, _turns, _uv
from lazur.builders._places import LOCK, MARKER, Places
from lazur.builders._work import Work
from lazur.engine.contracts import Builder, Built
from lazur.engine.recipe import Recipe
from lazur.errors import BuildFailed

_VERSION = 3
"""Part of every key: raised when the same recipe would give another environment."""


class Venv(Builder):
    def __init__(self, root: str) -> None:
        super().__init__(root)
        self._places = Places(Path(root))
        self._gpu = _accelerators.has_gpu()
        self._machine = [
            _VERSION,
            sys.platform,
            platform.machine(),
            *platform.libc_ver(),
            self._gpu,
        ]

    def key(self, recipe: Recipe) -> str:
        """Only what the packages depend on: two images with one conda file share an
        environment."""
        named = [recipe.kind, recipe.python, recipe.exact_python, sorted(recipe.requirements)]
        text = json.dumps([self._machine, named], separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def find(self, key: str) -> Built | None:
        prefix = self._places.prefix(key)
        try:
            data: dict[str, Any] = json.loads((prefix / MARKER).read_bytes())
            lock = (prefix / LOCK).read_text("utf-8")
        except (OSError, ValueError):
            return None
        if data.get("prefix") != str(prefix) or not (prefix / "bin" / "python").exists():
            return None  # the folder was moved, or its interpreter was uninstalled
        if not _offered.is_offered(prefix):
            with suppress(OSError):  # it stays as another version of Lazur left it
                _offered.offer(prefix)
        return Built(lock=lock, **data)

    def build(self, recipe: Recipe, log: BinaryIO, cancelled: Callable[[], bool]) -> Built:
        if recipe.kind != "python":
            raise BuildFailed(
                f"This environment needs an image builder: {recipe.reason or 'it is an image'}.",
                hint=(
                    "Give `image` with a `conda_file`, or a Dockerfile that only installs Python"
                    " packages."
                ),
            )
        key = self.key(recipe)
        found = self.find(key)
        if found:
            return found
        self._places.make()
        try:
            return self._take_turn(key, recipe, log, cancelled)
        except _uv.CanceledError:
            raise BuildFailed("The build was canceled.", canceled=True) from None

    def remove(self, key: str) -> int:
        prefix = self._places.prefix(key)
        freed = _disk.own_bytes(prefix) if prefix.is_dir() else 0
        _disk.discard(prefix)
        return freed

    def cache_bytes(self) -> int:
        """uv's cache, without what environments still link to."""
        return _disk.own_bytes(self._places.cache)

    def sweep(self) -> None:
        """Leftovers of builds that were killed. Called before each build; harmless at any time."""
        self._places.sweep()

    def _take_turn(
        self, key: str, recipe: Recipe, log: BinaryIO, cancelled: Callable[[], bool]
    ) -> Built:
        def waiting(pid: str) -> None:
            _say(log, f"Another process ({pid}) builds this environment; waiting for it.")

        with _turns.taken(self._places.lock(key), waiting, cancelled) as turn:
            found = self.find(key)
            if found:
                _say(log, "It is there now.")
                return found
            self._places.sweep()
            built = _making.make(self._work(key, recipe, log, cancelled, turn))
        _bytecode.start(self._places.compiling, Path(built.prefix))
        return built

    def _work(
        self, key: str, recipe: Recipe, log: BinaryIO, cancelled: Callable[[], bool], turn: int
    ) -> Work:
        places = self._places
        return Work(
            places=places,
            key=key,
            recipe=recipe,
            gpu=self._gpu,
            log=log,
            cancelled=cancelled,
            turn=turn,
            cwd=places.working,
            env={
                **_uv.environment(places.cache),
                "UV_PYTHON_INSTALL_DIR": str(places.pythons),
            },
            fence=_fence.around(places.root, [places.envs, places.cache, places.pythons]),
        )


def _say(log: BinaryIO, text: str) -> None:
    log.write(f"{text}\n".encode())
    log.flush()
