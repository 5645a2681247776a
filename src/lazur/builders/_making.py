"""One build of one environment: Python, packages, and the marker that makes it real."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict
from pathlib import Path

from lazur.builders import _disk, _offered, _packages, _pip
from lazur.builders._interpreter import Interpreter
from lazur.builders._places import LOCK, MARKER, write
from lazur.builders._pythons import Python
from lazur.builders._work import Work
from lazur.engine.contracts import Built


def make(work: Work) -> Built:
    """Called while the key's lock is held. Raises BuildFailed or CanceledError, and leaves
    nothing then."""
    _packages.check(work.recipe.requirements)
    _disk.discard(work.prefix)
    with tempfile.TemporaryDirectory(prefix=f"{work.key}-", dir=work.places.working) as name:
        work.cwd = Path(name)
        work.env["TMPDIR"] = name
        try:
            return _steps(work)
        except BaseException:
            _disk.discard(work.prefix)
            raise


def _steps(work: Work) -> Built:
    with work.phase("python"):
        python = Interpreter(work).choose()
        work.say(f"Python {python.version} ({python.path})")
        _create(work, python)
    lock = _packages.Packages(work, python, lambda: _create(work, python)).make()
    return _finish(work, python, lock)


def _create(work: Work, python: Python) -> None:
    _disk.discard(work.prefix)
    arguments = ["venv", "--no-project", "--python", python.path, str(work.prefix)]
    work.must("python", python.version, arguments)


def _finish(work: Work, python: Python, lock: str) -> Built:
    _pip.offer(work.prefix, python)
    _offered.offer(work.prefix)
    if _offered.is_microsofts(work.prefix):
        work.warn(
            "This environment has Microsoft's azureml-core, whose Run.get_context() knows Azure"
            " alone: here it gives an offline run, which only prints. Leave azureml-core (and what"
            " brings it, such as azureml-defaults) out, and scripts log into their job's run."
        )
    write(work.prefix / LOCK, lock)
    built = Built(
        prefix=str(work.prefix),
        python=python.version,
        size=_disk.environment_bytes(work.prefix),
        lock=lock,
        warnings=work.warnings,
        seconds=work.seconds,
    )
    data = asdict(built)
    del data["lock"]
    write(work.prefix / MARKER, json.dumps(data))
    work.say("Ready.")
    return built
