"""`lazur job mini-batches`"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from csv import reader
from io import StringIO
from pathlib import Path
from typing import Any

from lazur.cli import session, terminal
from lazur.cli.tables import duration

_SHORT = 60
_SHOWN = 50


def list_(
    name: str,
    status: str | None = None,
    contains: str | None = None,
    slow: bool = False,
    order_by: str | None = None,
    csv: str | None = None,
    max_results: int | None = None,
) -> Any:
    jobs = session.client().jobs
    wanted: dict[str, Any] = {
        "status": status,
        "contains": contains,
        "order_by": "-seconds" if slow else order_by,
    }
    if csv is not None:
        _write(Path(csv), jobs.mini_batch_figures(name, **wanted, max_results=max_results))
        return None
    found = jobs.mini_batches(name, **wanted, max_results=max_results or _SHOWN)
    return [batch.to_dict() for batch in found]


def rows(found: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    """A column for each part of the key and each metric; what nobody has is left out."""
    found = found or []
    keys = _names(found, "key")
    metrics = _names(found, "metrics")
    made = [_row(batch, keys, metrics) for batch in found]
    used = [name for name in (made[0] if made else ()) if any(row[name] != "" for row in made)]
    return [OrderedDict((name, row[name]) for name in used) for row in made]


def _write(path: Path, pieces: Iterator[bytes]) -> None:
    """Nothing is written where the server says no, or where it breaks off."""
    text = b"".join(pieces)
    path.write_bytes(text)
    count = sum(1 for _ in reader(StringIO(text.decode(), newline=""))) - 1
    batches = "mini-batch is" if count == 1 else "mini-batches are"
    terminal.note(f"{count:,} {batches} in {path.absolute()}")


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
