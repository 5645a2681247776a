"""From an empty virtual environment, with a warm package cache, to the first completed, tracked
job: what a person does
in their first minute. Needs the package index once, to warm the cache."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.harness import Result, compare

QUICK = bool(os.environ.get("BENCH_QUICK"))
_UV = str(Path(sys.executable).with_name("uv"))
_REPOSITORY = Path(__file__).parents[1]
_JOB = """
command: echo hello
environment: {image: python}
"""


def measure() -> list[Result]:
    result = compare(
        "From an empty virtual environment to the first completed, tracked job",
        {
            "uv venv and uv pip install of lazur[server]": lambda: _first(stop_after_install=True),
            "the same, and the first job": lambda: _first(stop_after_install=False),
        },
        rounds=2 if QUICK else 5,
        floor="uv venv and uv pip install of lazur[server]",
        goal="at most 8 s",
    )
    met = result.rows[1].median <= 8
    return [Result(result.title, result.unit, result.rows, result.goal, met)]


def _first(*, stop_after_install: bool) -> float:
    with tempfile.TemporaryDirectory(prefix="lazur-bench-") as name:
        folder = Path(name)
        (folder / "job.yml").write_text(_JOB)
        environ = {
            k: v for k, v in os.environ.items() if not k.startswith(("LAZUR_", "VIRTUAL_ENV"))
        }
        environ["LAZUR_HOME"] = str(folder / "home")
        python = folder / "venv" / "bin" / "python"
        began = time.perf_counter()
        _run([_UV, "venv", "--quiet", "--python", sys.executable, folder / "venv"], environ)
        wanted = f"{_REPOSITORY}[server]"
        _run([_UV, "pip", "install", "--quiet", "--python", python, wanted], environ)
        if stop_after_install:
            return time.perf_counter() - began
        lazur = python.with_name("lazur")
        _run([lazur, "job", "create", "-f", folder / "job.yml", "--stream"], environ)
        seconds = time.perf_counter() - began
        _run([lazur, "server", "stop"], environ)
        return seconds


def _run(argv: list[str | Path], environ: dict[str, str]) -> None:
    subprocess.run(argv, check=True, env=environ, capture_output=True)
