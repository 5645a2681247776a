"""Whose each row is: of every table, ours and MLflow's, the rows that belong to one workspace.

Found out from the tables themselves, so that one that comes later (ours, or of a newer MLflow) is
purged and backed up like the others: by its column that names the workspace, or by what it refers
to. A test goes through all tables, and names those that are the server's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import TopologicalSorter
from typing import Any, NamedTuple

from sqlalchemy import Connection, inspect, text

from lazur.spec.names import fold
from lazur.store.mlflow import spaces

PIECE = 20_000
KEPT = frozenset({"lazur_audit", "lazur_audit_heads"})
"""Theirs, and not purged: the log is only ever added to."""
ROOM = "lazur_workspaces"
_RUNS = "SELECT run_uuid FROM runs WHERE {runs}"
_BY_HAND = {
    ROOM: "id = :id",
    "workspaces": "name = :space",
    "lazur_tokens": "workspace = :name",
    "lazur_lineage": "(source_home = :id OR target_home = :id)",
    "lazur_idempotency": "(workspace = :folded OR SUBSTR(principal, 1, :length) = :slash)",
    "lazur_audit": "chain = :id",
    "lazur_audit_heads": "chain = :id",
    "runs": "(experiment_id IN (SELECT experiment_id FROM experiments WHERE {experiments})"
    " OR run_uuid IN (SELECT run_id FROM lazur_jobs WHERE {lazur_jobs})"
    " OR (experiment_id IS NULL AND SUBSTR(artifact_uri, 1, :root_length) = :root))",
    "inputs": f"(source_id IN ({_RUNS}) OR destination_id IN ({_RUNS})"
    " OR source_id IN (SELECT dataset_uuid FROM datasets WHERE {datasets})"
    " OR destination_id IN (SELECT model_id FROM logged_models WHERE {logged_models}))",
    "input_tags": "input_uuid IN (SELECT input_uuid FROM inputs WHERE {inputs})",
    "entity_associations": f"(source_id IN ({_RUNS}) OR destination_id IN ({_RUNS})"
    " OR source_id IN (SELECT request_id FROM trace_info WHERE {trace_info})"
    " OR source_id IN (SELECT dataset_id FROM evaluation_datasets WHERE {evaluation_datasets}))",
}
"""Where neither a column's name nor a foreign key tells. `{table}` stands for that one's rule."""
_BY_COLUMN = {
    "workspace_id": "workspace_id = :id",
    "workspace": "workspace = :space",
    "experiment_id": "experiment_id IN (SELECT experiment_id FROM experiments"
    " WHERE {experiments})",
}


class Belonging(NamedTuple):
    """The rows of `table` that `where` holds for are the workspace's."""

    table: str
    where: str
    columns: tuple[str, ...]


def of(workspace_id: int, name: str) -> dict[str, Any]:
    """What the rules ask for."""
    space, slash = spaces.name(workspace_id), f"{name}/"
    root = f"{spaces.artifact_root(space)}/"
    return {
        "id": workspace_id,
        "space": space,
        "name": name,
        "folded": fold(name),
        "slash": slash,
        "length": len(slash),
        "root": root,
        "root_length": len(root),
    }


def find(db: Connection) -> list[Belonging]:
    """Each before those that it refers to, so that rows can be deleted in this order and added in
    the other. The tables that are not in it hold nothing of a workspace's."""
    tables = _Tables(db)
    before = {name: tables.needs(name) for name in tables.columns if tables.rule(name)}
    order = [name for name in TopologicalSorter(before).static_order() if tables.rule(name)]
    return [Belonging(n, tables.where(n), tables.columns[n]) for n in reversed(order)]


def every(db: Connection) -> list[tuple[str, tuple[str, ...]]]:
    """All tables with their columns, each after those that it refers to."""
    tables = _Tables(db)
    order = TopologicalSorter({n: tables.needs(n) for n in tables.columns}).static_order()
    return [(name, tables.columns[name]) for name in order if name in tables.columns]


def erase(db: Connection, belonging: Belonging, values: Mapping[str, Any]) -> bool:
    """Some of the rows. False: nothing was left."""
    row = "rowid" if db.dialect.name == "sqlite" else "ctid"
    table = quoted(belonging.table)
    statement = f"""DELETE FROM {table} WHERE {row} IN
                    (SELECT {row} FROM {table} WHERE {belonging.where} LIMIT {PIECE})"""
    return db.execute(text(statement), asked(belonging, values)).rowcount > 0


def count(db: Connection, belonging: Belonging, values: Mapping[str, Any]) -> int:
    statement = f"SELECT COUNT(*) FROM {quoted(belonging.table)} WHERE {belonging.where}"
    return db.execute(text(statement), asked(belonging, values)).scalar_one()


def asked(belonging: Belonging, values: Mapping[str, Any]) -> dict[str, Any]:
    """Of the values, those that the rule asks for."""
    return {k: v for k, v in values.items() if re.search(rf":{k}\b", belonging.where)}


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class _Tables:
    def __init__(self, db: Connection) -> None:
        looked = inspect(db)
        self.columns = {
            table: tuple(
                str(column["name"])
                for column in looked.get_columns(table)
                if "computed" not in column
            )
            for table in looked.get_table_names()
        }
        self._keys = {
            table: [
                (tuple(k["constrained_columns"]), k["referred_table"], k["referred_columns"])
                for k in looked.get_foreign_keys(table)
                if k["referred_table"] != table
            ]
            for table in self.columns
        }
        self.rule = cache(self._rule)

    def where(self, table: str) -> str:
        rule = self.rule(table) or ""
        return re.sub(r"\{(\w+)\}", lambda found: self.where(found[1]), rule)

    def needs(self, table: str) -> set[str]:
        asked = set(re.findall(r"\{(\w+)\}", self.rule(table) or ""))
        return asked | {referred for _, referred, _ in self._keys[table]}

    def _rule(self, table: str) -> str | None:
        if table in _BY_HAND:
            return _BY_HAND[table]
        for column, rule in _BY_COLUMN.items():
            if column in self.columns[table]:
                return rule
        return next(self._by_key(table), None)

    def _by_key(self, table: str) -> Iterator[str]:
        for own, referred, theirs in self._keys[table]:
            if self.rule(referred):
                left = ", ".join(map(quoted, own))
                right = ", ".join(map(quoted, theirs))
                yield (
                    f"({left}) IN (SELECT {right} FROM {quoted(referred)} WHERE {{{referred}}})"
                )
