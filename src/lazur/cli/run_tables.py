"""What people see of runs: tables, curves, what a purge frees."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from lazur.cli import grid, terminal
from lazur.cli.tables import duration, when

Run = dict[str, Any]

_MENTIONED = re.compile(
    r"\b(metric|param)(?:s|eter|eters)?\.(?:`([^`]+)`|\"([^\"]+)\"|([\w./-]+))"
)
_COLUMNS = 3
_SYSTEM = "system/"
_HEAD = ("Run", "Name", "Status", "Started", "Took")
_SHORT = 8
PARTS = 20
"""Of a curve, in figures."""


def row(run: Run) -> dict[str, Any]:
    """Of `-o table`."""
    told = dict(zip(_HEAD, _told(run), strict=True))
    figures = {**_own(run.get("metrics", {})), **run.get("params", {})}
    return {**told, **{key: grid.figure(value) for key, value in figures.items()}}


def rows(runs: list[Run]) -> list[dict[str, Any]]:
    return [row(run) for run in runs]


def listed(
    runs: list[Run], asked: str, metrics: list[str] | None, params: list[str] | None
) -> list[str]:
    """One line each. `asked` is the filter and the order: what they name becomes a column."""
    if not runs:
        return ["There are no such runs."]
    named = _mentioned(asked)
    columns = [("metrics", key) for key in _chosen(runs, "metrics", metrics, named)]
    columns += [("params", key) for key in _chosen(runs, "params", params, named)]
    told = _brief if sys.stdout.isatty() else _told
    table = [
        (told(run), [grid.figure(run[kind].get(key)) for kind, key in columns]) for run in runs
    ]
    # Times come last: where there is no room, they are what can be missed.
    whole = [[*facts[:3], *figures, *facts[3:]] for facts, figures in table]
    return _table([*_HEAD[:3], *(key for _, key in columns), *_HEAD[3:]], whole)


def missing(
    runs: list[Run], order: str, metrics: list[str] | None, params: list[str] | None
) -> list[str]:
    """Names that were asked for, or put in order by, and are none of any run: slips of the pen,
    often."""
    named = _mentioned(order)
    wanted = {"metrics": [*(metrics or []), *named["metrics"]]}
    wanted["params"] = [*(params or []), *named["params"]]
    made: list[str] = []
    for kind, keys in wanted.items():
        known = sorted({key for run in runs for key in run[kind]})
        unknown = [key for key in dict.fromkeys(keys) if runs and key not in known]
        made += [_unknown(kind[:-1], key, known) for key in unknown]
    return made


def described(run: Run) -> list[str]:
    """All about one."""
    facts = {
        "Run": run["id"],
        "Job": run["job"],
        "Name": run["name"],
        "Parent": run["parent"],
        "Experiment": run["experiment_name"],
        "Status": run["status"] + (" (in the trash)" if run["deleted"] else ""),
        "User": run["user"],
        "Started": when(run["started_at"]),
        "Took": duration(run["duration"]),
        "Description": run["description"],
        "Page": run["url"],
    }
    made = [f"{key:<12} {value}" for key, value in facts.items() if value]
    for title, values in _sections(run).items():
        if values:
            made += ["", terminal.paint(title, "bold", sys.stdout), *_pairs(values)]
    return made


def metrics(found: list[dict[str, Any]]) -> list[str]:
    keys = ("last", "step", "min", "max", "points")
    head = ("Metric", "Last", "Step", "Min", "Max", "Points")
    return _table(head, [[m["name"], *(grid.figure(m[key]) for key in keys)] for m in found])


def points(found: list[dict[str, Any]]) -> list[str]:
    table = [[str(p["step"]), _clock(p["timestamp"]), grid.figure(p["value"])] for p in found]
    return _table(("Step", "Time", "Value"), table)


def curve(found: dict[str, Any], fine: dict[str, Any]) -> list[str]:
    """How it went: as a line, in figures, and in a few parts. `fine` is the same in as many parts
    as there is room for."""
    told = "  ".join(f"{key} {grid.figure(found[key])}" for key in ("last", "min", "max"))
    title = f"{found['metric']}: {count(found['points'], 'point')}  {told}"
    parts = found["buckets"]
    steps = zip(parts["first"], parts["end"], strict=True)
    columns = [[grid.figure(v) for v in parts[key]] for key in ("mean", "min", "max", "last")]
    spans = [str(first) if first == end else f"{first} … {end}" for first, end in steps]
    means = [mean for mean in fine["buckets"]["mean"] if isinstance(mean, int | float)]
    return [
        *([grid.spark(means)] if means else []),
        terminal.paint(title, "bold", sys.stdout),
        *_table(("Steps", "Mean", "Min", "Max", "Last"), list(zip(spans, *columns, strict=True))),
    ]


def purged(found: dict[str, Any], verb: str) -> list[str]:
    made = [f"  {run['job'] or run['name']}  {_weight(run)}" for run in found["runs"]]
    for run in found["kept"]:
        line = f"  {run['job'] or run['name']} is kept: needed by {', '.join(run['because'])}"
        made.append(terminal.paint(line, "yellow", sys.stdout))
    return [*made, f"{verb} {count(len(found['runs']))}: {_weight(found)}."]


def deleted(runs: list[Run], asked: Sequence[str]) -> list[str]:
    """`asked` is empty for those of an experiment. Whoever is not among the runs was in the trash
    before."""
    made = [f"{name} is in the trash already." for name in _others(runs, asked)]
    if runs:
        put = f"Put {count(len(runs))} into the trash."
        return [*made, f"{put} `lazur run restore` takes them out again."]
    return made or ["All runs of this experiment are in the trash already."]


def restored(runs: list[Run], asked: Sequence[str]) -> list[str]:
    """As `deleted`, the other way round."""
    made = [f"{name} is not in the trash." for name in _others(runs, asked)]
    if runs:
        return [*made, f"Restored {count(len(runs))}."]
    return made or ["No run of this experiment is in the trash."]


def imported(runs: list[Run]) -> list[str]:
    made: list[str] = []
    for run in runs:
        was = "imported" if run["imported"] else "is there already"
        where = "in the trash" if run["deleted"] else f"in experiment {run['experiment_name']!r}"
        made.append(f"{run['name']} {was}: run {run['id']}, {where}")
    return made


def count(number: int, what: str = "run") -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _unknown(kind: str, key: str, known: Sequence[str]) -> str:
    close = get_close_matches(key, known, 1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return f"None of these runs has the {kind} {key!r}.{hint}"


def _others(runs: list[Run], asked: Sequence[str]) -> list[str]:
    """Names of runs that are not among these. A name may be a job's, or how an id begins."""
    ids, jobs = [run["id"] for run in runs], {(run["job"] or "").lower() for run in runs}
    return [
        name
        for name in dict.fromkeys(asked)
        if name.lower() not in jobs and not any(key.startswith(name.lower()) for key in ids)
    ]


def _weight(found: dict[str, Any]) -> str:
    size = terminal.size(found["bytes"])
    return f"{count(found['rows'], 'row')}, {count(found['files'], 'file')}, {size}"


def _told(run: Run) -> list[str]:
    key = run["job"] or run["id"]
    name = run["name"] if run["name"] != key else ""
    return [key, name, run["status"], when(run["started_at"]), duration(run["duration"])]


def _brief(run: Run) -> list[str]:
    """For a terminal: the beginning of an id will do, and the year is known."""
    key, name, status, started, took = _told(run)
    this_year = f"{datetime.now().astimezone().year}-"
    return [run["job"] or key[:_SHORT], name, status, started.removeprefix(this_year), took]


def _mentioned(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"metrics": [], "params": []}
    for kind, *names in _MENTIONED.findall(text):
        found[f"{kind}s"].append(next(name for name in names if name))
    return found


def _chosen(
    runs: list[Run], kind: str, asked: list[str] | None, named: dict[str, list[str]]
) -> list[str]:
    """Those that were asked for; else those that the filter or the order names, and the most
    common."""
    if asked is not None:
        return asked
    common = Counter(key for run in runs for key in _own(run[kind]))
    best = sorted(common, key=lambda key: (-common[key], key))
    return list(dict.fromkeys([*named[kind], *best]))[: max(_COLUMNS, len(named[kind]))]


def _sections(run: Run) -> dict[str, dict[str, Any]]:
    hidden = ("mlflow.", "lazur.")
    return {
        "Params": run["params"],
        "Metrics": _own(run["metrics"]),
        "Tags": {k: v for k, v in run["tags"].items() if not k.startswith(hidden)},
        "Data": _together(
            (i["context"] or i["name"], f"{i['name']} {i['digest']}") for i in run["inputs"]
        ),
        "Models": _together((m["name"], f"{m['id']} {m['status']}") for m in run["models"]),
        "Machine": {
            key.removeprefix(_SYSTEM): value
            for key, value in run["metrics"].items()
            if key.startswith(_SYSTEM)
        },
    }


def _together(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Several may be called the same."""
    made: dict[str, str] = {}
    for name, value in pairs:
        made[name] = f"{made[name]}, {value}" if name in made else value
    return made


def _own(values: dict[str, Any]) -> dict[str, Any]:
    """Without what was sampled of the machine."""
    return {key: value for key, value in values.items() if not key.startswith(_SYSTEM)}


def _pairs(values: dict[str, Any]) -> list[str]:
    width = terminal.width(200)
    label = min(max(map(grid.cells, values)), width // 2)
    return [
        f"  {grid.padded(key, label)}  {grid.short(grid.figure(value), width - label - 4)}"
        for key, value in values.items()
    ]


def _table(head: Sequence[str], table: Sequence[Sequence[str]]) -> list[str]:
    return grid.lines(head, table, terminal.width(200), sys.stdout)


def _clock(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000).astimezone().strftime("%Y-%m-%d %H:%M:%S")
