"""`lazur run …`"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from knack.util import CLIError

from lazur.cli import comparing, run_tables, session, terminal
from lazur.cli.arguments import MAX_RESULTS, YES, option
from lazur.cli.run_texts import HELP

if TYPE_CHECKING:
    from lazur.sdk.runs import Runs

__all__ = ["ARGUMENTS", "COMMANDS", "HELP"]

COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {
    "run list": ("list_", {"table_transformer": run_tables.rows}),
    "run show": ("show", {"table_transformer": run_tables.row}),
    "run compare": ("compare", {}),
    "run metrics": ("metrics", {}),
    "run delete": ("delete", {"table_transformer": run_tables.rows}),
    "run restore": ("restore", {"table_transformer": run_tables.rows}),
    "run purge": ("purge", {}),
    "run export": ("export", {}),
    "run import": ("import_", {"table_transformer": run_tables.rows}),
}

_NAME = option("--name", "-n", help="Name of the run: its id, or its job's name.")
_NAMES = option(
    "--name", "-n", help="As the names: ids of runs, or names of their jobs.", action="append"
)
_SEVERAL: dict[str, Any] = {
    "options_list": [],
    "nargs": "*",
    "help": "Runs: their ids, or their jobs' names.",
    "metavar": "NAME",
}
_EXPERIMENT = option("--experiment-name", help="All runs of this experiment.")
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "run list": {
        "filter_": option("--filter", help='MLflow\'s filter: "metrics.auc > 0.9".'),
        "order_by": option("--order-by", help="Such as `metrics.auc DESC`, `start_time`."),
        "experiment_name": option("--experiment-name", help="Only runs of this experiment."),
        "max_results": {**MAX_RESULTS, "help": "At most so many."},
        "deleted": option(
            "--deleted", "--archived", help="What is in the trash.", action="store_true"
        ),
        "metrics": option("--metrics", help="Metrics to show, as columns.", nargs="*"),
        "params": option("--params", help="Params to show, as columns.", nargs="*"),
    },
    "run show": {"name": _NAME},
    "run compare": {
        "which": _SEVERAL,
        "names": _NAMES,
        "everything": option("--all", help="What is the same, too.", action="store_true"),
        "diff": option("--diff", help="The changed lines of code.", action="store_true"),
    },
    "run metrics": {
        "name": _NAME,
        "metric": option("--metric", "-m", help="Only this one, every point."),
    },
    "run delete": {"which": _SEVERAL, "names": _NAMES, "experiment_name": _EXPERIMENT, "yes": YES},
    "run restore": {"which": _SEVERAL, "names": _NAMES, "experiment_name": _EXPERIMENT},
    "run purge": {
        "which": _SEVERAL,
        "names": _NAMES,
        "experiment_name": _EXPERIMENT,
        "deleted_before": option(
            "--deleted-before",
            help="Only what has lain there for so long: 30d, 12h.",
            metavar="AGE",
        ),
        "dry_run": option("--dry-run", help="Only say how much it would be.", action="store_true"),
        "yes": YES,
    },
    "run export": {
        "which": _SEVERAL,
        "names": _NAMES,
        "file": option("--file", "-f", help="The file to write. Default: runs.zip."),
        "no_children": option(
            "--no-children", help="These alone, without their child runs.", action="store_true"
        ),
    },
    "run import": {
        "which": {**_SEVERAL, "nargs": "?", "metavar": "FILE", "help": "What was exported."},
        "file": option("--file", "-f", help="As FILE."),
        "experiment_name": option("--experiment-name", help="Experiment to put them into."),
    },
}
_AT_ONCE = 500
_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*(d|h|m)")
_DAYS = {"d": 1.0, "h": 1 / 24, "m": 1 / 1440}


def list_(
    filter_: str | None = None,
    order_by: str | None = None,
    experiment_name: str | None = None,
    max_results: int = 50,
    deleted: bool = False,
    metrics: list[str] | None = None,
    params: list[str] | None = None,
) -> Any:
    found = session.client().runs.list(
        filter=filter_,
        order_by=order_by,
        experiment_name=experiment_name,
        view="deleted" if deleted else "active",
        max_results=max_results,
    )
    asked = f"{filter_ or ''} {order_by or ''}"
    runs = [run.to_dict() for run in found]
    answer = _shown(runs, lambda told: run_tables.listed(told, asked, metrics, params))
    _warn(run_tables.missing(runs, order_by or "", metrics, params))
    if len(runs) == max_results and not session.current.is_read_by_machine:
        terminal.note(f"These are the first {max_results}; --max-results shows more.")
    return answer


def show(name: str) -> Any:
    run = session.client().runs.get(name)
    return _shown(run.to_dict(), run_tables.described)


def compare(
    which: list[str] | None = None,
    names: list[str] | None = None,
    everything: bool = False,
    diff: bool = False,
) -> Any:
    found = session.client().runs.compare(*_several(which, names))
    return _shown(
        found.to_dict(), lambda told: comparing.lines(told, everything=everything, diff=diff)
    )


def metrics(name: str, metric: str | None = None) -> Any:
    runs = session.client().runs
    if metric is None:
        return _shown([one.to_dict() for one in runs.metrics(name)], run_tables.metrics)
    points = runs.history(name, metric)
    if session.current.is_read_by_machine or not sys.stdout.isatty():
        found = [point.to_dict() for point in points]
        return _shown(found, run_tables.points)
    next(points)  # raises, with the names that there are, where this is none
    fine, rough = (
        runs.curves(name, metrics=[metric], buckets=buckets)[0].to_dict()
        for buckets in (terminal.width(200), run_tables.PARTS)
    )
    return _shown(rough, lambda told: run_tables.curve(told, fine))


def delete(
    which: list[str] | None = None,
    names: list[str] | None = None,
    experiment_name: str | None = None,
    yes: bool = False,
) -> Any:
    if experiment_name and not yes:
        terminal.confirm(f"Put all runs of {experiment_name!r} into the trash?")
    runs, chosen = session.client().runs, _which(which, names, experiment_name)
    gone = runs.delete(*chosen, experiment_name=experiment_name)
    return _shown([run.to_dict() for run in gone], lambda told: run_tables.deleted(told, chosen))


def restore(
    which: list[str] | None = None,
    names: list[str] | None = None,
    experiment_name: str | None = None,
) -> Any:
    runs, chosen = session.client().runs, _which(which, names, experiment_name)
    back = runs.restore(*chosen, experiment_name=experiment_name)
    return _shown([run.to_dict() for run in back], lambda told: run_tables.restored(told, chosen))


def purge(
    which: list[str] | None = None,
    names: list[str] | None = None,
    experiment_name: str | None = None,
    deleted_before: str | None = None,
    dry_run: bool = False,
    yes: bool = False,
) -> Any:
    runs, wanted = session.client().runs, _given(which, names)
    how = {"experiment_name": experiment_name, "older_than_days": _days(deleted_before)}
    found = runs.purge(*wanted, dry_run=True, **how).to_dict()
    if not (dry_run or yes) and found["runs"]:
        terminal.note("\n".join(run_tables.purged(found, "This would free")))
        terminal.confirm("Free it? This cannot be undone.")
    if not dry_run and found["runs"]:
        # What was looked at, and nothing that came into the trash since.
        found = {**_freed(runs, [run["id"] for run in found["runs"]]), "kept": found["kept"]}
    verb = "This would free" if dry_run else "Freed"
    return _shown(found, lambda told: run_tables.purged(told, verb))


def export(
    which: list[str] | None = None,
    names: list[str] | None = None,
    file: str | None = None,
    no_children: bool = False,
) -> Any:
    file = file or _unused("runs.zip")
    with terminal.Counted("Exporting") as progress:
        path = session.client().runs.export(
            *_several(which, names), path=file, children=not no_children, progress=progress
        )
    size, lacking = path.stat().st_size, _code_left_out(path)
    return _shown(
        {"file": str(path), "bytes": size, "code_left_out": lacking},
        lambda _: [
            f"Wrote {path} ({terminal.size(size)}).",
            *(f"Without the code {tree[:12]}…: {reason}" for tree, reason in lacking.items()),
        ],
    )


def import_(
    which: str | None = None, file: str | None = None, experiment_name: str | None = None
) -> Any:
    chosen = which or file
    if not chosen:
        raise CLIError("Which file? Write: lazur run import runs.zip")
    with terminal.Progress("Uploading") as progress:
        found = session.client().runs.import_(
            Path(chosen), experiment_name=experiment_name, progress=progress
        )
    return _shown([run.to_dict() for run in found], run_tables.imported)


def _given(which: list[str] | None, names: list[str] | None) -> list[str]:
    return [*(which or []), *(names or [])]


def _several(which: list[str] | None, names: list[str] | None) -> list[str]:
    chosen = _given(which, names)
    if not chosen:
        raise CLIError("Which runs? Give their ids, or their jobs' names. See: lazur run list")
    return chosen


def _code_left_out(file: Path) -> dict[str, str]:
    """By its hash, and why it is not in the file."""
    from zipfile import ZipFile  # noqa: PLC0415 - other commands need none

    with ZipFile(file) as found:
        return json.loads(found.read("manifest.json"))["code_left_out"]


def _unused(file: str) -> str:
    """Nobody named it, so nobody meant to replace it."""
    if Path(file).exists():
        raise CLIError(f"There is a {file} here already. Name the file to write: -f {file}")
    return file


def _which(which: list[str] | None, names: list[str] | None, experiment: str | None) -> list[str]:
    return _given(which, names) if experiment else _several(which, names)


def _shown(found: Any, told: Callable[[Any], list[str]]) -> Any:
    """The answer itself for machines, and its lines for people."""
    if session.current.is_read_by_machine:
        return found
    for line in told(found):
        print(line)
    return None


def _warn(lines: list[str]) -> None:
    if not session.current.only_errors:
        for line in lines:
            terminal.note(line, "yellow")


def _freed(runs: Runs, ids: list[str]) -> dict[str, Any]:
    """A large trash takes several calls."""
    made = [runs.purge(*ids[at : at + _AT_ONCE]) for at in range(0, len(ids), _AT_ONCE)]
    sums = {key: sum(part[key] for part in made) for key in ("rows", "files", "bytes")}
    return {"runs": [run for part in made for run in part["runs"]], **sums, "dry_run": False}


def _days(age: str | None) -> float | None:
    if age is None:
        return None
    found = _AGE.fullmatch(age.strip())
    if not found:
        raise CLIError(f"{age!r} is no age. Write, for example: --deleted-before 30d")
    return float(found[1]) * _DAYS[found[2]]
