"""What clients were told and what jobs did, kept outside of the system under test.

A submit is written down, synced, only after its 2xx. Each job keeps a file of its own, appended by
the job itself:
overlaps of attempts and missing lines are computed from there, never from what the server says.
"""

from __future__ import annotations

import json
import os
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

JOB = r"""exec python -u - <<'END'
import json, os, time, urllib.request

def write(text):
    with open(os.path.join(os.environ["LEDGER"], os.environ["AZUREML_RUN_ID"]), "a") as file:
        file.write(text + "\n")

def log_metric(step):
    point = {"run_id": os.environ["AZUREML_RUN_ID"], "key": "line", "value": float(step)}
    request = urllib.request.Request(
        os.environ["MLFLOW_TRACKING_URI"] + "/api/2.0/mlflow/runs/log-metric",
        json.dumps(point | {"timestamp": step, "step": step}).encode(),
        {"Authorization": "Bearer " + os.environ["MLFLOW_TRACKING_TOKEN"]},
    )
    try:
        urllib.request.urlopen(request, timeout=5).read()
    except OSError:
        return
    write(f"point {step}")

attempt = os.environ["LAZUR_ATTEMPT"]
write(f"started {attempt} pid {os.getpid()}")
for step in range(1, int(os.environ["LINES_WANTED"]) + 1):
    write(f"line {step}")
    print(f"line {step}")
    log_metric(step)
    time.sleep(float(os.environ["PAUSE"]))
write(f"ended {attempt}")
raise SystemExit(int(os.environ["CODE"]))
END
"""
"""The line goes to the ledger first: a line in the log is always in the ledger too, and the last
one may be missing in the log when the job was killed between the two. A point goes there once the
server has said that it has it."""


@dataclass
class Acknowledged:
    name: str
    code: int
    lines: int


def pipeline(ledger: Path, codes: dict[str, int]) -> dict[str, Any]:
    """One step after another, one beside them, and a pipeline within."""

    def step(name: str, *needs: str) -> dict[str, Any]:
        variables = {"LEDGER": str(ledger), "LINES_WANTED": 4, "PAUSE": 0.05, "CODE": codes[name]}
        return {
            "command": JOB,
            "environment": {"image": "python"},
            "environment_variables": variables,
            "resources": {"properties": {"cpus": 1}},
            "depends_on": list(needs),
            "is_deterministic": False,
        }

    inner = {"type": "pipeline", "jobs": {"d": step("d")}, "depends_on": ["a"]}
    steps = {"a": step("a"), "b": step("b", "a"), "c": step("c"), "n": inner}
    return {"type": "pipeline", "jobs": steps}


STEPS = {"a": ("a", None), "b": ("b", "a"), "c": ("c", None), "d": ("n_d", "a")}
"""What the job of a step ends with, and what it waits for."""


@dataclass
class Own:
    """What one job wrote about itself."""

    started: list[str] = field(default_factory=list[str])
    ended: list[str] = field(default_factory=list[str])
    lines: list[int] = field(default_factory=list[int])
    points: list[int] = field(default_factory=list[int])
    """Of its metric, that the server acknowledged."""
    rows: list[str] = field(default_factory=list[str])
    """Of a parallel job: what its workers have run; of who reads its results: what it saw."""


class Ledger:
    def __init__(self, folder: Path) -> None:
        self.jobs = folder / "jobs"
        self.jobs.mkdir(parents=True)
        self._path = folder / "acknowledged.jsonl"
        self._lock = threading.Lock()
        self.acknowledged: list[Acknowledged] = []
        self.pipelines: dict[str, dict[str, int]] = {}
        """By name: with what each step leaves."""
        self.sweeps: dict[str, Any] = {}
        """By name: what each has to be."""
        self.rows: dict[str, str | None] = {}
        """Parallel jobs and steps by name, each with the step that reads its rows."""
        self.canceled: set[str] = set()
        self.struck: set[str] = set()
        """Jobs whose processes the killer killed: they may end as lost, killed, or well."""
        self.refused: set[str] = set()
        """Jobs that a reader was told not to cancel."""

    def acknowledge(self, name: str, code: int, lines: int) -> None:
        entry = Acknowledged(name, code, lines)
        with self._lock:
            with self._path.open("a") as file:
                file.write(json.dumps(vars(entry)) + "\n")
                file.flush()
                os.fsync(file.fileno())
            self.acknowledged.append(entry)

    def own(self, name: str) -> Own:
        found = Own()
        try:
            text = (self.jobs / name).read_text()
        except FileNotFoundError:
            return found
        for line in text.splitlines():
            word, _, rest = line.partition(" ")
            if word == "started":
                found.started.append(rest)
            elif word == "ended":
                found.ended.append(rest)
            elif word == "line":
                found.lines.append(int(rest))
            elif word == "point":
                found.points.append(int(rest))
            elif word == "row":
                found.rows.append(rest)
        return found
