"""One question on standard input, as JSON; on standard output a line of JSON for each step, and
the answer last: `{"progress": …}`, `{"result": …}` or `{"error": {"message", "hint"}}`."""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from lazur.profiling.confinement import Limits, confine

_EVERY = 0.5
_OLDEST = (14, 0, 1)
"""pyarrow before it ran code that a file brought."""


def main() -> int:
    asked: dict[str, Any] = json.loads(sys.stdin.readline())
    limits = Limits(**asked["limits"])
    readable = [asked["path"], *asked["datastores"].values()]
    held = confine(limits, readable, asked["scratch"])
    os.environ["LAZUR_DATASTORES"] = json.dumps(asked["datastores"])
    try:
        found = _answer(asked, limits)
    except BaseException as error:  # noqa: BLE001 - whatever it is, somebody waits for an answer
        _say({"error": _error(error, asked, limits)})
        return 1
    _say({"result": {**found, "held": held}})
    return 0


def _answer(asked: dict[str, Any], limits: Limits) -> dict[str, Any]:
    """What reads data is imported now that nothing else can be reached."""
    _check_arrow()
    blocks = vars(importlib.import_module("lazur.mltable._blocks"))
    blocks["LONGEST"] = asked["longest_line"]
    formats = importlib.import_module("lazur.profiling.formats")
    found = formats.find(asked["path"], asked["type"], asked["datastores"])
    if asked["verb"] == "preview":
        return importlib.import_module("lazur.profiling.preview").preview(found, asked["rows"])
    profile = importlib.import_module("lazur.profiling.profile").profile
    return profile(found, Path(asked["scratch"]), limits.disk, _Paced())


def _check_arrow() -> None:
    arrow = importlib.import_module("pyarrow")
    arrow.set_cpu_count(2)
    version = tuple(int(part) for part in arrow.__version__.split(".")[:3] if part.isdigit())
    if version < _OLDEST:
        raise ImportError(
            f"pyarrow {arrow.__version__} runs code that Parquet files bring. A look at data needs"
            " 14.0.1 or newer: pip install -U pyarrow"
        )


class _Paced:
    """Says how far it is, twice a second."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, progress: dict[str, int]) -> None:
        if time.monotonic() - self._last >= _EVERY:
            self._last = time.monotonic()
            _say({"progress": progress})


def _error(error: BaseException, asked: dict[str, Any], limits: Limits) -> dict[str, str]:
    if isinstance(error, ImportError):
        hint = "On the server's machine: pip install 'lazur[server]'"
        return {"message": f"A look at data cannot be taken here: {error}", "hint": hint}
    reason = importlib.import_module("lazur.profiling.preview").reason
    message, hint = reason(error, asked["path"], asked["called"], limits.memory)
    return {"message": message, "hint": hint}


def _say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line, allow_nan=False) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
