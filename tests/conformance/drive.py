"""Runs cases against one server, in a process of its own: the fluent API is one per process.

    python -m tests.conformance.drive CASE…

Its settings are JSON on standard input: {"uri", "token", "database", "folder"}. What it leaves is
transcripts.json: {case: {"steps", "exchanges", "rows", "routes", "called", "broke"}}.
"""

from __future__ import annotations

import importlib
import json
import logging
import sys
import traceback
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import mlflow

from tests.conformance import suite
from tests.conformance.canon import Names
from tests.conformance.scene import Ear, Scene, Transcript
from tests.conformance.tables import Tables

_ASIDE = "GET /api/3.0/mlflow/server-info"
"""The client's telemetry asks for it, once, in a thread and at a moment of its own: in whichever
case that falls."""


def main() -> None:
    settings = json.load(sys.stdin)
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    tables = Tables(settings["database"])
    done: dict[str, Any] = {}
    for number, name in enumerate(sys.argv[1:], 1):
        tables.align(number)
        done[name] = _done(name, settings, tables)
    Path(settings["folder"], "transcripts.json").write_text(json.dumps(done))


def _done(name: str, settings: dict[str, Any], tables: Tables) -> dict[str, Any]:
    folder = Path(settings["folder"]) / "work" / name
    folder.mkdir(parents=True)
    ear = Ear(settings["uri"])
    broke = None
    with ear.listening():
        scene = Scene(settings["uri"], settings["token"], folder, name.replace(".", "-"))
        ear.transcript = scene.transcript
        try:
            _case(name)(scene)
        except Exception as error:  # noqa: BLE001 - whatever broke a case is told in its test
            broke = _where(error)
    _leave()
    constants = _constants(settings, folder)
    names = Names(constants, unsigned_zero=settings["database"].startswith("postgresql"))
    told = _told(scene.transcript, names, tables)
    return {**told, "broke": broke}


def _case(name: str) -> Any:
    module, _, function = name.partition(".")
    return getattr(importlib.import_module(f"{suite.CASES}.{module}"), function)


def _where(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f"{f.filename.rpartition('/')[2]}:{f.lineno} {f.line}" for f in frames]
    return f"{type(error).__name__}: {error}\n" + "\n".join(lines[1:3] + lines[-2:])


def _constants(settings: dict[str, Any], folder: Path) -> dict[str, str]:
    uri = urlsplit(settings["uri"])
    return {
        settings["uri"]: "<uri>",
        f"host='{uri.hostname}', port={uri.port}": "<host>",
        f"with url: {uri.path}/": "with url: /",
        str(folder): "<work>",
        settings["folder"]: "<folder>",
    }


def _leave() -> None:
    """What one case set shall not be seen by the next."""
    while mlflow.active_run():
        mlflow.end_run()
    mlflow.autolog(disable=True, silent=True)
    mlflow.flush_async_logging()
    mlflow.set_experiment("Default")


def _told(transcript: Transcript, names: Names, tables: Tables) -> dict[str, Any]:
    main = [names.plain(text) for main, text in transcript.exchanges if main]
    steps = [names.plain(step) for step in transcript.steps]
    others = sorted(
        names.plain(text, learn=False)
        for main, text in transcript.exchanges
        if not (main or text.startswith(_ASIDE))
    )
    return {
        "steps": steps,
        "exchanges": [*main, *others],
        "rows": tables.changes(names),
        "routes": transcript.routes,
        "called": sorted(transcript.called),
    }


if __name__ == "__main__":
    main()
