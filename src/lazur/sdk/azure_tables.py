"""Metrics that are no numbers by a step: the rows, tables, texts and matrices that SDK v1 has
logged. MLflow's protocol does not tell of them; the metrics of the run history do. Here each is a
file of the run, in the form that `mlflow.log_table` has.

Runs in the Python of the user's that has Azure's client, and imports nothing of Lazur.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

FOLDER = "azureml/metrics"
_NUMBERS = ("int", "double")
_ODD = re.compile(r"[^\w.@ -]")
Metric = Mapping[str, Any]


def tables(
    metrics: Iterable[Metric],
    known: Collection[str],
    values: Callable[[str, str], Iterable[Metric]],
) -> Iterator[tuple[str, bytes]]:
    """Paths and contents. `metrics`: those of the run; `known`: names of those that MLflow told;
    `values`: of a name in a namespace, what was logged."""
    taken: set[str] = set()
    for one in metrics:
        key = one.get("metricKey") or {}
        name, columns = str(key.get("name") or ""), dict(one.get("columns") or {})
        if not name or _is_told(name, columns, known):
            continue
        rows = values(name, str(key.get("namespace") or ""))
        path = _path(name, taken)
        taken.add(path)
        yield path, _table(list(columns), rows)


def _is_told(name: str, columns: Mapping[str, Any], known: Collection[str]) -> bool:
    numbers = [str(of).lower() in _NUMBERS for of in columns.values()]
    return name in known and len(numbers) < 2 and all(numbers)


def _table(columns: list[str], rows: Iterable[Metric]) -> bytes:
    data = [dict(row.get("data") or {}) for row in rows]
    columns += sorted({name for row in data for name in row} - set(columns))
    table = {"columns": columns, "data": [[row.get(name) for name in columns] for row in data]}
    return json.dumps(table, ensure_ascii=False).encode()


def _path(name: str, taken: Collection[str]) -> str:
    plain = f"{FOLDER}/{_ODD.sub('_', name)[:100]}"
    number = next(n for n in range(len(taken) + 1) if _numbered(plain, n) not in taken)
    return _numbered(plain, number)


def _numbered(plain: str, number: int) -> str:
    return f"{plain}.json" if number == 0 else f"{plain}-{number + 1}.json"
