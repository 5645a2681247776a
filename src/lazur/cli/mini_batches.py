"""`lazur job mini-batches`"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from lazur.cli import session
from lazur.cli.tables import duration

_SHORT = 60


def list_(
    name: str,
    status: str | None = None,
    slow: bool = False,
    order_by: str | None = None,
    max_results: int = 50,
) -> Any:
    found = session.client().jobs.mini_batches(
        name,
        status=status,
        order_by="-seconds" if slow else order_by,
        max_results=max_results,
    )
    return [batch.to_dict() for batch in found]


def rows(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A column for each part of the key and each metric; what nobody has is left out."""
    keys = _names(found, "key")
    metrics = _names(found, "metrics")
    made = [_row(batch, keys, metrics) for batch in found]
    used = [name for name in (made[0] if made else ()) if any(row[name] != "" for row in made)]
    return [OrderedDict((name, row[name]) for name in used) for row in made]


def _row(batch: dict[str, Any], keys: list[str], metrics: list[str]) -> dict[str, Any]:
    row: dict[str, Any] = OrderedDict(Number=batch["number"], Status=batch["status"])
    for name in keys:
        row[name] = (batch.get("key") or {}).get(name, "")
    row["Items"] = batch.get("items")
    row["Took"] = duration(batch.get("seconds"))
    row["Tries"] = batch["tries"] if batch["tries"] > 1 else ""
    for name in metrics:
        value = (batch.get("metrics") or {}).get(name)
        row[name] = "" if value is None else f"{value:.5g}"
    row["Error"] = (batch.get("error") or "").split("\n", 1)[0][:_SHORT]
    row["Log"] = batch.get("log") or ""
    return row


def _names(found: list[dict[str, Any]], field: str) -> list[str]:
    return list(OrderedDict.fromkeys(name for one in found for name in one.get(field) or {}))
