"""`lazur job trials`"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from lazur.cli import session
from lazur.cli.tables import duration
from lazur.sdk.hyperparameters import leaves, shown

_SHORT = 60


def list_(name: str, best: bool = False, order_by: str | None = None) -> Any:
    found = [trial.to_dict() for trial in session.client().jobs.trials(name, order_by=order_by)]
    return [trial for trial in found if trial["best"]] if best else found


def rows(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A column for each hyperparameter; what nobody has is left out."""
    names = list(OrderedDict.fromkeys(n for trial in found for n, _ in leaves(trial["values"])))
    made = [_row(trial, names) for trial in found]
    used = [name for name in (made[0] if made else ()) if any(row[name] != "" for row in made)]
    return [OrderedDict((name, row[name]) for name in used) for row in made]


def _row(trial: dict[str, Any], names: list[str]) -> dict[str, Any]:
    row: dict[str, Any] = OrderedDict(Trial=trial["number"], Status=_status(trial))
    known = dict(leaves(trial["values"]))
    for name in names:
        row[name] = shown(known.get(name, ""))
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
