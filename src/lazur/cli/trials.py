"""`lazur job trials` and `lazur job extend`"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any, cast

from lazur.cli import session, specs
from lazur.cli.tables import duration

_SHORT = 60


def list_(name: str, best: bool = False, order_by: str | None = None) -> Any:
    found = [trial.to_dict() for trial in session.client().jobs.trials(name, order_by=order_by)]
    return [trial for trial in found if trial["best"]] if best else found


def extend(
    name: str,
    total: int | None = None,
    concurrent: int | None = None,
    timeout: int | None = None,
) -> Any:
    limits = {
        "max_total_trials": total,
        "max_concurrent_trials": concurrent,
        "timeout": timeout,
    }
    job = session.client().jobs.extend(name, **limits)
    specs.warn(job.to_dict())
    return job.to_dict()


def rows(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A column for each hyperparameter; what nobody has is left out."""
    names = list(OrderedDict.fromkeys(n for trial in found for n, _ in _flat(trial["values"])))
    made = [_row(trial, names) for trial in found]
    used = [name for name in (made[0] if made else ()) if any(row[name] != "" for row in made)]
    return [OrderedDict((name, row[name]) for name in used) for row in made]


def _row(trial: dict[str, Any], names: list[str]) -> dict[str, Any]:
    row: dict[str, Any] = OrderedDict(Trial=trial["number"], Status=_status(trial))
    known = dict(_flat(trial["values"]))
    for name in names:
        row[name] = _shown(known.get(name, ""))
    row[trial["metric"]] = "" if trial["score"] is None else f"{trial['score']:.6g}"
    row["Best"] = "*" if trial["best"] else ""
    row["Took"] = duration(trial["duration"]) if trial["duration"] is not None else ""
    row["Name"] = trial["name"]
    error = trial["error"] or {}
    said = error.get("message") or error.get("reason") or ""
    row["Error"] = str(said).split("\n", 1)[0][:_SHORT]
    return row


def _status(trial: dict[str, Any]) -> str:
    """A trial that was stopped for being worse is none that somebody canceled."""
    if trial["stopped_at"] is not None:
        return f"Stopped at {trial['stopped_at']}"
    return str(trial["status"])


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested hyperparameters by their paths."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(cast("Mapping[str, Any]", value), f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else json.dumps(value)
