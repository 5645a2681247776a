"""Experiments that fit a filter, in an order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Connection

from lazur.store.mlflow import sql
from lazur.store.mlflow.experiments import Experiment
from lazur.store.mlflow.filters import Clause, Order
from lazur.store.mlflow.search import Names, among, compared


def find(
    db: Connection,
    space: str,
    stages: Sequence[str],
    clauses: Sequence[Clause],
    orders: Sequence[Order],
    limit: int,
    offset: int,
) -> list[Experiment]:
    names = Names()
    stage = ", ".join(names.put(name) for name in stages)
    wheres = [f"e.workspace = {names.put(space)}", f"e.lifecycle_stage IN ({stage})"]
    wheres += [_filter(names, db.dialect.name == "sqlite", clause) for clause in clauses]
    text = (
        f"{_FIND} WHERE {' AND '.join(wheres)} ORDER BY {', '.join(_sorting(orders))} "
        "LIMIT :limit OFFSET :offset"
    )
    values = {**names.values, "limit": limit, "offset": offset}
    return [Experiment._make(row) for row in sql.rows(db, text, values)]


def tags(db: Connection, ids: Sequence[int]) -> defaultdict[int, list[tuple[str, str]]]:
    found: defaultdict[int, list[tuple[str, str]]] = defaultdict(list)
    condition, values = among(db, ids)
    for experiment, key, value in sql.rows(db, _TAGS.format(among=condition), {"among": values}):
        found[experiment].append((key, value))
    return found


_FIND = """
SELECT e.experiment_id, e.name, e.artifact_location, e.lifecycle_stage, e.creation_time,
  e.last_update_time, e.workspace FROM experiments e"""
_TAGS = "SELECT experiment_id, key, value FROM experiment_tags WHERE experiment_id {among}"


def _filter(names: Names, sqlite: bool, clause: Clause) -> str:
    if clause.kind == "attribute":
        return compared(names.put, sqlite, f"e.{clause.key}", clause)
    there = f"t.experiment_id = e.experiment_id AND t.key = {names.put(clause.key)}"
    if not clause.operator.startswith("IS "):
        there += f" AND {compared(names.put, sqlite, 't.value', clause)}"
    exists = f"EXISTS (SELECT 1 FROM experiment_tags t WHERE {there})"
    return f"NOT {exists}" if clause.operator == "IS NULL" else exists


def _sorting(orders: Sequence[Order]) -> list[str]:
    if not orders:
        return ["e.creation_time DESC", "e.experiment_id"]
    parts = [f"e.{order.key} {'ASC' if order.ascending else 'DESC'}" for order in orders]
    if all(order.key != "experiment_id" for order in orders):
        parts.append("e.experiment_id DESC")
    return parts
