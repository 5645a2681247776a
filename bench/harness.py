"""Fair comparisons on a busy machine: contenders take turns, medians are compared, ratios
reported.

    result = compare("submit", {"bare python": bare, "lazur": ours}, rounds=15, floor="bare
    python") report([result], Path("bench/results"))

A figure alone says more about the machine than about the program; a ratio to a floor that was
measured in the same minutes does not.
"""

from __future__ import annotations

import atexit
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

Contender = Callable[[], float | None]
"""Does the work once. Returns the seconds that count, or None: then the whole call is timed."""


@dataclass(frozen=True)
class Row:
    name: str
    median: float
    fastest: float
    slowest: float
    ratio: float | None
    """To the floor; None when there is none."""
    over: float | None
    """Seconds beyond the floor."""
    samples: list[float] = field(repr=False)


@dataclass(frozen=True)
class Result:
    title: str
    unit: str
    rows: list[Row]
    goal: str | None = None
    met: bool | None = None
    """Whether the goal was reached; None when the benchmark itself cannot tell."""


def folder() -> Path:
    """A new one, which is removed when all is measured: some file systems are slower for a while
    where thousands of files were just deleted, and that would be told of the next benchmark."""
    made = tempfile.TemporaryDirectory(prefix="lazur-bench-")
    atexit.register(made.cleanup)
    return Path(made.name)


def compare(
    title: str,
    contenders: Mapping[str, Contender],
    *,
    rounds: int = 11,
    warm_up: int = 1,
    floor: str | None = None,
    goal: str | None = None,
) -> Result:
    """Run A B C A B C …, so that whatever else the machine does hits all of them alike."""
    samples: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(warm_up + rounds):
        for name, work in contenders.items():
            seconds = _timed(work)
            if number >= warm_up:
                samples[name].append(seconds)
    base = statistics.median(samples[floor]) if floor else None
    return Result(title, "s", [_row(n, s, base) for n, s in samples.items()], goal)


def rate(title: str, counts: Mapping[str, tuple[int, float]], goal: str | None = None) -> Result:
    """Things per second from (count, seconds) of each contender."""
    rows = [_row(name, [count / seconds], None) for name, (count, seconds) in counts.items()]
    return Result(title, "1/s", rows, goal)


def percentile(samples: Iterable[float], percent: float) -> float:
    """The nearest-rank percentile: a value that really occurred."""
    ordered = sorted(samples)
    rank = max(1, -(-len(ordered) * percent // 100))
    return ordered[int(rank) - 1]


def report(results: list[Result], folder: Path) -> None:
    """Print Markdown, and keep it beside the raw samples: `<folder>/latest.{md,json}`."""
    folder.mkdir(parents=True, exist_ok=True)
    text = markdown(results)
    (folder / "latest.md").write_text(text)
    raw = {"machine": machine(), "results": [asdict(result) for result in results]}
    (folder / "latest.json").write_text(json.dumps(raw, indent=1) + "\n")
    print(text)


def markdown(results: list[Result]) -> str:
    about = machine()
    head = (
        f"{about['when']}, Python {about['python']}, {about['cores']} cores, load {about['load']}"
    )
    return "\n\n".join([head, *map(_table, results)]) + "\n"


def refilled(page: str, names: list[str], results: list[Result]) -> str:
    """A page of the documentation, with these results where `<!-- bench NAMES -->` says."""
    begin, end = f"<!-- bench {' '.join(names)} -->\n", "<!-- /bench -->"
    before, found, rest = page.partition(begin)
    _, ended, after = rest.partition(end)
    if not found or not ended:
        raise ValueError(f"the page has no {begin.strip()} … {end} to fill")
    return f"{before}{begin}{markdown(results)}{end}{after}"


def machine() -> dict[str, object]:
    return {
        "when": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
    }


def _timed(work: Contender) -> float:
    started = time.perf_counter()
    own = work()
    return time.perf_counter() - started if own is None else own


def _row(name: str, samples: list[float], base: float | None) -> Row:
    median = statistics.median(samples)
    return Row(
        name,
        median,
        min(samples),
        max(samples),
        median / base if base else None,
        median - base if base is not None else None,
        samples,
    )


def _table(result: Result) -> str:
    lines = [f"### {result.title}", ""]
    lines += [f"Goal: {result.goal}{_verdict(result.met)}", ""] if result.goal else []
    lines += [
        f"| | median, {result.unit} | fastest – slowest | × floor | over the floor | runs |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    return "\n".join([*lines, *map(_line, result.rows)])


def _verdict(met: bool | None) -> str:
    return {None: "", True: ": reached", False: ": **not reached**"}[met]


def _line(row: Row) -> str:
    ratio = f"{row.ratio:.2f}" if row.ratio is not None else ""
    over = f"{row.over * 1000:+.0f} ms" if row.over is not None else ""
    spread = f"{row.fastest:.4g} – {row.slowest:.4g}"
    return f"| {row.name} | {row.median:.4g} | {spread} | {ratio} | {over} | {len(row.samples)} |"
