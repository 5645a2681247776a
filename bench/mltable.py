"""MLTable: a table of delimited or Parquet files to pandas, against reading the same file without
one, and what memory a stream of batches takes."""

from __future__ import annotations

import gc
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from pyarrow import csv as pa_csv
from pyarrow import parquet as pa_parquet

from bench.harness import Result, Row, compare
from lazur import mltable

GOAL_TIME = 2.0
GOAL_MEMORY = 250 << 20
_ROWS = 2_500_000


def measure() -> list[Result]:
    quick = bool(os.environ.get("BENCH_QUICK"))
    with tempfile.TemporaryDirectory(prefix="lazur-bench-") as name:
        files = Files(Path(name), _ROWS // 10 if quick else _ROWS)
        rounds = 2 if quick else 5
        return [
            _times(
                f"CSV of {_megabytes(files.csv)} MB to pandas",
                {
                    "pyarrow.csv, then pandas": lambda: _arrow_csv(files.csv),
                    "pandas.read_csv": lambda: pd.read_csv(files.csv, parse_dates=["time"]),
                    "mltable": lambda: files.delimited().to_pandas_dataframe(),
                },
                rounds,
            ),
            _times(
                f"Parquet of {_megabytes(files.parquet)} MB to pandas",
                {
                    "pyarrow.parquet, then pandas": lambda: _arrow_parquet(files.parquet),
                    "pandas.read_parquet": lambda: pd.read_parquet(files.parquet),
                    "mltable": lambda: files.columns().to_pandas_dataframe(),
                },
                rounds,
            ),
            *([_memory(files)] if Path("/proc/self/status").exists() else []),
        ]


class Files:
    """The same rows as CSV and Parquet: numbers, times, text, and gaps."""

    def __init__(self, folder: Path, rows: int) -> None:
        self.csv, self.parquet = folder / "rows.csv", folder / "rows.parquet"
        table = _rows(min(rows, 100_000))
        with (
            pa_csv.CSVWriter(str(self.csv), table.schema) as csv,
            pa_parquet.ParquetWriter(str(self.parquet), table.schema) as parquet,
        ):
            for _ in range(-(-rows // table.num_rows)):
                csv.write_table(table)
                parquet.write_table(table)

    def delimited(self) -> mltable.MLTable:
        return mltable.from_delimited_files([{"file": str(self.csv)}])

    def columns(self) -> mltable.MLTable:
        return mltable.from_parquet_files([{"file": str(self.parquet)}])


def _rows(count: int) -> pa.Table:
    seeded = random.Random(1)
    words = ["alpha", "beta", "gamma, delta", "épsilon", None]
    return pa.table(
        {
            "id": list(range(count)),
            "count": [seeded.choice([None, seeded.randrange(10**6)]) for _ in range(count)],
            "price": [round(seeded.uniform(0, 1000), 2) for _ in range(count)],
            "rate": [seeded.random() for _ in range(count)],
            "time": pa.array(
                [1_600_000_000 + seeded.randrange(10**8) for _ in range(count)], pa.timestamp("s")
            ),
            "word": [seeded.choice(words) for _ in range(count)],
            "text": [f"row {seeded.randrange(10**9)}" for _ in range(count)],
            "flag": [seeded.random() < 0.5 for _ in range(count)],
        }
    )


def _times(title: str, contenders: dict[str, Callable[[], Any]], rounds: int) -> Result:
    """Of the two ways without a table, the quicker one is the floor."""
    timed = {name: _timing(work) for name, work in contenders.items()}
    floor = next(iter(contenders))
    result = compare(title, timed, rounds=rounds, floor=floor, goal=f"at most {GOAL_TIME} ×")
    ratio = result.rows[-1].ratio
    return replace(result, met=ratio is not None and ratio <= GOAL_TIME)


def _timing(work: Callable[[], Any]) -> Callable[[], float]:
    def timed() -> float:
        gc.collect()
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    return timed


def _arrow_csv(path: Path) -> Any:
    return pa_csv.read_csv(path).to_pandas(split_blocks=True, self_destruct=True)


def _arrow_parquet(path: Path) -> Any:
    table = pa_parquet.read_table(path)
    return table.to_pandas(split_blocks=True, self_destruct=True)


def _memory(files: Files) -> Result:
    """The peak of a process of its own, less that of one that imports the same and reads nothing.
    By Linux's own count, since `getrusage` counts what the parent had, too."""
    streams = "for batch in t.to_batches(): rows = batch.num_rows"
    base = _peak(files, "import pyarrow.csv, pyarrow.parquet, pyarrow.compute")
    samples = {
        "CSV, to_batches": _peak(files, f"t = csv()\n{streams}") - base,
        "Parquet, to_batches": _peak(files, f"t = parquet()\n{streams}") - base,
        "CSV, to_pandas_dataframe": _peak(files, "csv().to_pandas_dataframe()") - base,
    }
    rows = [Row(name, size, size, size, None, None, [size]) for name, size in samples.items()]
    met = max(row.median for row in rows[:2]) * (1 << 20) <= GOAL_MEMORY
    return Result(
        f"Memory for a CSV of {_megabytes(files.csv)} MB",
        "MB",
        rows,
        f"streams under {GOAL_MEMORY >> 20} MB",
        met,
    )


def _peak(files: Files, work: str) -> float:
    code = (
        "import pathlib, re\n"
        "from lazur import mltable\n"
        f"csv = lambda: mltable.from_delimited_files([{{'file': {str(files.csv)!r}}}])\n"
        f"parquet = lambda: mltable.from_parquet_files([{{'file': {str(files.parquet)!r}}}])\n"
        f"{work}\n"
        "status = pathlib.Path('/proc/self/status').read_text()\n"
        "print(re.search(r'VmHWM:\\s+(\\d+) kB', status).group(1))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout
    return int(told) / 1024


def _megabytes(path: Path) -> int:
    return path.stat().st_size >> 20
