"""Many small models: ten thousand of them in one parallel job, against a bare loop in as many
processes that has the same data and fits the same models.

Both are whole programs, from their first line to the last; the processors' time of all their
processes is told as well, which others on the machine disturb less. `LAZUR_BENCH_MODELS` asks for
another number.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv

from bench.harness import Result, compare
from lazur.runtime import parallel

GOAL = 1.05
_PROGRAM = Path(parallel.__file__).parent
_ROWS = 60
_WORKERS = 2
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_MLTABLE = "paths:\n  - file: ./in.csv\ntransformations:\n  - read_delimited: {delimiter: ','}\n"
_TRAIN = '''\
"""An autoregression of each series: order and regularisation are searched for."""
import json, os, sys
import numpy as np

def fit(y, folder, name):
    best = None
    for order in range(1, 13):
        x = np.column_stack([y[at : len(y) - order + at] for at in range(order)])
        for strength in np.logspace(-4, 3, 30):
            weights = np.linalg.solve(x.T @ x + strength * np.eye(order), x.T @ y[order:])
            error = float(np.sqrt(np.mean((x @ weights - y[order:]) ** 2)))
            if best is None or error < best[0]:
                best = (error, order, weights.tolist())
    with open(os.path.join(folder, name + ".json"), "w") as file:
        json.dump(best, file)
    return best[0]

def run(frame, mini_batch_context):
    series = mini_batch_context.partition_key_value["series"]
    error = fit(frame["y"].to_numpy(), sys.argv[1], str(series))
    mini_batch_context.log_metric("rmse", error)
    return [f"{series},{error}"]
'''
_BARE = """\
import multiprocessing, sys
from pyarrow import csv
import train

def part(number, count, source, folder):
    frame = csv.read_csv(source).to_pandas()
    for series, rows in frame.groupby("series"):
        if series % count == number:
            train.fit(rows["y"].to_numpy(), folder, str(series))

if __name__ == "__main__":
    count, source, folder = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    found = [
        multiprocessing.Process(target=part, args=(n, count, source, folder))
        for n in range(count)
    ]
    for process in found:
        process.start()
    for process in found:
        process.join()
"""


def measure() -> list[Result]:
    quick = bool(os.environ.get("BENCH_QUICK"))
    models = int(os.environ.get("LAZUR_BENCH_MODELS") or (500 if quick else 10_000))
    with tempfile.TemporaryDirectory(prefix="lazur-bench-") as name:
        folder = Path(name)
        _make(folder, models)
        rounds = 1 if quick else 3
        spent = {"a bare loop": list[float](), "a parallel job": list[float]()}
        runs = {"a bare loop": lambda: _bare(folder), "a parallel job": lambda: _ours(folder)}
        how: Any = {"rounds": rounds, "warm_up": 0, "floor": "a bare loop"}
        title = f"{models:,} small models, {_WORKERS} processes"
        goal = f"at most {GOAL:.2f} × of the bare loop"
        by_clock = compare(
            title, {name: _noted(run, spent[name]) for name, run in runs.items()}, goal=goal, **how
        )
        noted = {name: iter(seconds).__next__ for name, seconds in spent.items()}
        by_processor = compare(f"{title}: processors' time", noted, goal=goal, **how)
    return [
        replace(one, met=None if quick else (one.rows[1].ratio or 0.0) <= GOAL)
        for one in (by_clock, by_processor)
    ]


def _noted(run: Callable[[], None], spent: list[float]) -> Callable[[], None]:
    """It adds what the processes that it starts take of the processors."""

    def work() -> None:
        before = _used()
        run()
        spent.append(_used() - before)

    return work


def _used() -> float:
    told = resource.getrusage(resource.RUSAGE_CHILDREN)
    return told.ru_utime + told.ru_stime


def _make(folder: Path, models: int) -> None:
    (folder / "in").mkdir()
    (folder / "out").mkdir()
    (folder / "1" / "wd").mkdir(parents=True)
    rows = [((s * 7919 + t * t * 31) % 1009) / 100 for s in range(models) for t in range(_ROWS)]
    table = pa.table({"series": [s for s in range(models) for _ in range(_ROWS)], "y": rows})
    csv.write_csv(table, str(folder / "in" / "in.csv"))
    (folder / "in" / "MLTable").write_text(_MLTABLE)
    for place in (folder, folder / "1" / "wd"):
        (place / "train.py").write_text(_TRAIN)
    (folder / "bare.py").write_text(_BARE)


def _bare(folder: Path) -> None:
    argv = [str(folder / "bare.py"), str(_WORKERS), str(folder / "in" / "in.csv")]
    _run([*argv, str(folder / "out")], {})


def _ours(folder: Path) -> None:
    artifacts = Path(tempfile.mkdtemp(dir=folder))
    (artifacts / "logs").mkdir()
    (folder / "1" / "cache" / "table.arrow").unlink(missing_ok=True)
    asked = {
        "entry_script": "train.py",
        "type": "mltable",
        "partition_keys": ["series"],
        "workers": _WORKERS,
    }
    variables = {
        "LAZUR_PARALLEL": json.dumps(asked),
        "AZUREML_LOGDIRECTORY_PATH": str(artifacts / "logs"),
        "AZUREML_CR_EXECUTION_WORKING_DIR_PATH": str(folder / "1" / "wd"),
        "PYTHONPATH": str(_PROGRAM.parent.parent),
    }
    argv = [str(_PROGRAM), str(folder / "in"), str(artifacts / "all.csv"), str(folder / "out")]
    _run(argv, variables)


def _run(argv: list[str], variables: dict[str, str]) -> None:
    env = {**os.environ, **dict.fromkeys(_THREADS, "1"), **variables}
    subprocess.run(
        [sys.executable, *argv], env=env, check=True, stdout=subprocess.DEVNULL, timeout=1200
    )
