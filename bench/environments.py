"""Environments: the builder against `uv venv && uv pip install` of the same set, and one that is
there already."""

from __future__ import annotations

import io
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from uv import find_uv_bin

from bench.harness import Result, compare
from lazur.builders import _bytecode, _uv
from lazur.builders.venv import Venv
from lazur.engine.recipe import Recipe

PACKAGES = ["scikit-learn", "pandas", "mlflow"]
GOAL_BUILD = 1.15
GOAL_CACHED = 0.010
_LOOKUPS = 100


def measure() -> list[Result]:
    quick = bool(os.environ.get("BENCH_QUICK"))
    with tempfile.TemporaryDirectory(prefix="lazur-bench-") as name:
        sides = Sides(Path(name))
        return [
            sides.build("Environment, empty package cache", 1 if quick else 3, cold=True),
            sides.build("Environment, warm package cache", 2 if quick else 7, cold=False),
            sides.cached(),
        ]


class Sides:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        python = ".".join(platform.python_version_tuple()[:2])
        self._recipe = Recipe(python=python, requirements=PACKAGES)
        self._builder = Venv(str(folder / "lazur"))
        # It runs for twenty seconds beside the next round; uv does not compile either.
        _bytecode.start = lambda lock, prefix: None

    def build(self, title: str, rounds: int, *, cold: bool) -> Result:
        result = compare(
            f"{title}: {', '.join(PACKAGES)} and all they need",
            {
                "uv venv, uv pip install": lambda: self._theirs(cold),
                "lazur": lambda: self._ours(cold),
            },
            rounds=rounds,
            warm_up=0 if cold else 1,
            floor="uv venv, uv pip install",
            goal=f"at most {GOAL_BUILD} ×",
        )
        ratio = result.rows[-1].ratio
        return replace(result, met=ratio is not None and ratio <= GOAL_BUILD)

    def cached(self) -> Result:
        """What a job pays when its environment is there: its key, and reading what is known of
        it."""
        self._builder.build(self._recipe, io.BytesIO(), lambda: False)
        result = compare(
            "Environment that is there: key and lookup",
            {"lazur": self._look_up},
            goal=f"under {GOAL_CACHED * 1000:.0f} ms",
        )
        return replace(result, met=result.rows[0].slowest < GOAL_CACHED)

    def _ours(self, cold: bool) -> float:
        """Without the lock of the last round: both sides resolve."""
        self._builder.remove(self._builder.key(self._recipe))
        shutil.rmtree(self._folder / "lazur" / "envs" / ".resolved", ignore_errors=True)
        if cold:
            shutil.rmtree(self._folder / "lazur" / "uv-cache", ignore_errors=True)
        began = time.perf_counter()
        self._builder.build(self._recipe, io.BytesIO(), lambda: False)
        return time.perf_counter() - began

    def _theirs(self, cold: bool) -> float:
        place, cache = self._folder / "theirs", self._folder / "uv"
        shutil.rmtree(place, ignore_errors=True)
        if cold:
            shutil.rmtree(cache, ignore_errors=True)
        env = _uv.environment(cache)
        began = time.perf_counter()
        for arguments in (
            ["venv", "--python", sys.executable, str(place)],
            ["pip", "install", "--python", str(place / "bin" / "python"), *PACKAGES],
        ):
            subprocess.run([find_uv_bin(), *arguments], env=env, check=True, capture_output=True)
        return time.perf_counter() - began

    def _look_up(self) -> float:
        began = time.perf_counter()
        for _ in range(_LOOKUPS):
            assert self._builder.find(self._builder.key(self._recipe))
        return (time.perf_counter() - began) / _LOOKUPS
