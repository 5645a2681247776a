"""Runs that fit a filter, in an order, and one page of them."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sqlalchemy import Connection

from lazur.store.mlflow import sql
from lazur.store.mlflow.filters import Clause, Order, Unread
from lazur.store.mlflow.inputs import Dataset, Inputs
from lazur.store.mlflow.runs import NAME_TAG, Data, Run
from lazur.store.mlflow.schema import SHORT


@dataclass(frozen=True)
class Search:
    space: str
    experiments: Sequence[int]
    stages: Sequence[str]
    clauses: Sequence[Clause]
    orders: Sequence[Order]
    limit: int
    offset: int = 0


@dataclass(frozen=True)
class Found:
    """A run as it is shown in a list."""

    run: Run
    data: Data
    inputs: Inputs


def run_ids(db: Connection, search: Search) -> list[str]:
    """The page's, in order."""
    experiments = _experiments(db, search)
    if not experiments:
        return []
    statement = _Statement(db, search, experiments)
    first = statement.first_by_value()
    if first is not None and len(found := first.ids()) == search.limit + search.offset:
        return found[search.offset :]
    return statement.all_of_them().ids()


def page(db: Connection, ids: Sequence[str]) -> list[Found]:
    """In the order of `ids`; a number of statements that does not depend on how many they are.

    What belongs to a run comes in the order in which upstream's own queries find it.
    """
    if not ids:
        return []
    runs = {row[0]: Run(*row) for row in _of(db, _RUNS, ids)}
    metrics = _by_run(_of(db, _LATEST, ids), tuple)
    params = _by_run(_of(db, _PARAMS, ids), tuple)
    tags = _by_run(_of(db, _TAGS, ids), tuple)
    datasets = _by_run(_of(db, _DATASETS, ids), tuple)
    outputs = _by_run(_of(db, _OUTPUTS, ids), tuple)
    return [
        Found(
            runs[run],
            Data(metrics[run], params[run], tags[run]),
            Inputs(_datasets(datasets[run]), (), outputs[run]),
        )
        for run in ids
        if run in runs
    ]


_COLUMNS = {
    "run_id": "run_uuid",
    "run_name": "name",
    "status": "status",
    "user_id": "user_id",
    "artifact_uri": "artifact_uri",
    "start_time": "start_time",
    "end_time": "end_time",
}
_TABLES = {"metric": "latest_metrics", "param": "params", "tag": "tags"}
_DATASET_COLUMNS = {"name": "d.name", "digest": "d.digest", "context": "t.value"}
_CONTEXT = "mlflow.data.context"

_RUNS = """
SELECT run_uuid, name, experiment_id, user_id, status, start_time, end_time, artifact_uri,
  lifecycle_stage FROM runs WHERE run_uuid {among}
"""
_LATEST = """
SELECT run_uuid, key, value, timestamp, step, is_nan FROM latest_metrics WHERE run_uuid {among}
"""
_PARAMS = "SELECT run_uuid, key, value FROM params WHERE run_uuid {among}"
_TAGS = "SELECT run_uuid, key, value FROM tags WHERE run_uuid {among}"
_DATASETS = """
SELECT inputs.destination_id, datasets.dataset_uuid, input_tags.name, input_tags.value,
  datasets.name, digest, dataset_source_type, dataset_source, dataset_schema, dataset_profile
FROM inputs JOIN datasets ON inputs.source_id = datasets.dataset_uuid
LEFT OUTER JOIN input_tags ON input_tags.input_uuid = inputs.input_uuid
WHERE inputs.destination_type = 'RUN' AND inputs.destination_id {among}
ORDER BY inputs.destination_id
"""
_OUTPUTS = """
SELECT source_id, destination_id, step FROM inputs
WHERE source_type = 'RUN_OUTPUT' AND source_id {among} AND destination_type = 'MODEL_OUTPUT'
"""

_FEW_RUNS = 2000
"""Where an experiment has no more, all are looked at."""
_MOST_ORDERS = 50
"""SQLite joins no more than 64 tables."""
_MOST_RUNS = 200_000
_MOST_HITS = 20_000
"""No more are counted."""


class _Statement:
    """What the database is asked. Its planner knows PostgreSQL's tables; SQLite's has no
    statistics, so that what to begin with is decided here."""

    def __init__(self, db: Connection, search: Search, experiments: Sequence[int]) -> None:
        self._db = db
        self._sqlite = db.dialect.name == "sqlite"
        self._search = search
        self._page = search.limit + search.offset
        self._names = Names()
        self._own = self._scope(experiments)
        self._orders = [self._order(number, order) for number, order in enumerate(search.orders)]
        self._filters = [self._filter(clause) for clause in search.clauses]
        self._sort = self._sorting()
        self._is_one_index = len(experiments) == len(search.stages) == 1

    def first_by_value(self) -> _Query | None:
        """The first page by a metric, parameter or tag, by the index of its values. Whole only
        where enough runs have one: those come before NaN and before runs without it."""
        if not self._has_values_in_order or self._rarest:
            return None
        head, *rest = self._orders
        join = "CROSS JOIN" if self._sqlite else "JOIN"  # keeps SQLite to this order of tables
        tables = f"{head.table} o0 {join} runs r ON r.run_uuid = o0.run_uuid"
        tables = " ".join((tables, *(order.join for order in rest)))
        within = (f"o0.key = {head.key}", head.has_value, *self._wheres())
        without_missing = self._sort[1:]
        return self._query(tables, within, without_missing, self._page, 0)

    def all_of_them(self) -> _Query:
        begin = "runs r"
        if best := self._rarest:
            begin = f"{best.table} f CROSS JOIN runs r ON r.run_uuid = f.run_uuid"
        return self._query(
            " ".join((begin, *(order.join for order in self._orders))),
            self._wheres(best),
            self._sort,
            self._search.limit,
            self._search.offset,
        )

    def _query(
        self, tables: str, wheres: Iterable[str], sort: Sequence[str], limit: int, offset: int
    ) -> _Query:
        text = (
            f"SELECT r.run_uuid FROM {tables} WHERE {' AND '.join(wheres)} "
            f"ORDER BY {', '.join(sort)} LIMIT :limit OFFSET :offset"
        )
        return _Query(self._db, text, {**self._names.values, "limit": limit, "offset": offset})

    def _wheres(self, without: _Filter | None = None) -> list[str]:
        inside = [found.where for found in self._filters if found is not without]
        return [self._own, *([without.at_first] if without else []), *inside]

    @cached_property
    def _runs(self) -> int:
        return self._counted(f"SELECT 1 FROM runs r WHERE {self._own}", _MOST_RUNS)

    @cached_property
    def _has_values_in_order(self) -> bool:
        """Where other experiments have more such values, passing them takes longer than sorting
        what is here."""
        if not self._search.orders or not self._orders[0].table or self._runs < _FEW_RUNS:
            return False
        head, most = self._orders[0], 2 * self._runs
        values = f"SELECT 1 FROM {head.table} WHERE key = {head.key}"
        return not self._sqlite or self._counted(values, most) < most

    @cached_property
    def _rarest(self) -> _Filter | None:
        """The filter to begin with, if any: where fewer meet it than runs would be passed until
        the page is full."""
        if not self._sqlite or self._runs < _FEW_RUNS:
            return None
        counted = [(self._hits(found), found) for found in self._filters if found.table]
        hits, best = min(counted, key=lambda pair: pair[0], default=(_MOST_HITS, None))
        passed = self._passed(hits for hits, _ in counted)
        return best if hits < min(_MOST_HITS, passed) else None

    def _passed(self, hits: Iterable[int]) -> float:
        if not (self._has_starts_in_order or self._has_values_in_order):
            return self._runs
        share = math.prod(min(1.0, count / self._runs) for count in hits)
        return min(self._runs, self._page / share) if share else self._runs

    @property
    def _has_starts_in_order(self) -> bool:
        first = [order.key for order in self._search.orders[:1]]
        return self._is_one_index and first in ([], ["start_time"])

    def _hits(self, found: _Filter) -> int:
        return self._counted(f"SELECT 1 FROM {found.table} f WHERE {found.at_first}", _MOST_HITS)

    def _counted(self, text: str, most: int) -> int:
        values = {**self._names.values, "most": most}
        counted = f"SELECT count(*) FROM ({text} LIMIT :most) AS counted"
        return int(sql.rows(self._db, counted, values)[0][0])

    def _scope(self, experiments: Sequence[int]) -> str:
        ids = ", ".join(str(int(number)) for number in experiments)
        stages = ", ".join(self._names.put(stage) for stage in self._search.stages)
        return f"r.experiment_id IN ({ids}) AND r.lifecycle_stage IN ({stages})"

    def _order(self, number: int, order: Order) -> _Ordering:
        way = "" if order.ascending else " DESC"
        if order.kind == "attribute":
            return _Ordering(parts=(f"r.{_COLUMNS[order.key]}{way} NULLS LAST",))
        alias, key, table = f"o{number}", self._names.put(order.key), _TABLES[order.kind]
        nan = f"WHEN {alias}.is_nan THEN 1 " if order.kind == "metric" else ""
        return _Ordering(
            parts=(
                f"CASE {nan}WHEN {alias}.value IS NULL THEN 2 ELSE 0 END",
                f"{alias}.value{way}",
            ),
            table=table,
            key=key,
            has_value=f"NOT {alias}.is_nan" if nan else f"{alias}.value IS NOT NULL",
            join=f"LEFT JOIN {table} {alias} "
            f"ON {alias}.key = {key} AND {alias}.run_uuid = r.run_uuid",
        )

    def _sorting(self) -> list[str]:
        seen = [(order.kind, order.key) for order in self._search.orders]
        if len(set(seen)) != len(seen) or len(seen) > _MOST_ORDERS:
            raise Unread
        parts = [part for order in self._orders for part in order.parts]
        if ("attribute", "start_time") not in seen:
            parts.append("r.start_time DESC")
        return [*parts, "r.run_uuid"]

    def _filter(self, clause: Clause) -> _Filter:
        if clause.kind == "dataset":
            return _Filter(self._dataset(clause))
        if clause.kind == "attribute" and clause.key != "run_name":
            return _Filter(self._compared(f"r.{_COLUMNS[clause.key]}", clause))
        table = _TABLES.get(clause.kind, "tags")
        key = self._names.put(NAME_TAG if clause.kind == "attribute" else clause.key)
        if clause.operator.startswith("IS "):
            there = f"EXISTS (SELECT 1 FROM {table} f WHERE f.key = {key} AND {_SAME_RUN})"
            return _Filter(f"NOT {there}" if clause.operator == "IS NULL" else there)
        met = f"f.key = {key} AND {self._met(clause)}"
        return _Filter(f"EXISTS (SELECT 1 FROM {table} f WHERE {met} AND {_SAME_RUN})", table, met)

    def _met(self, clause: Clause) -> str:
        compared = self._compared("f.value", clause)
        if clause.kind != "metric":
            indexed = clause.operator == "=" and not self._sqlite and len(str(clause.value)) <= 250
            return f"{compared} AND {SHORT}" if indexed else compared
        # NaN is kept as 0, and is unlike every number
        return (
            f"({compared} OR f.is_nan)"
            if clause.operator == "!="
            else f"{compared} AND NOT f.is_nan"
        )

    def _dataset(self, clause: Clause) -> str:
        tags = ""
        if clause.key == "context":
            tags = (
                "JOIN input_tags t ON t.input_uuid = i.input_uuid "
                f"AND t.name = {self._names.put(_CONTEXT)} "
            )
        compared = self._compared(_DATASET_COLUMNS[clause.key], clause)
        return (
            f"r.run_uuid IN (SELECT i.destination_id FROM datasets d "
            f"JOIN inputs i ON i.source_id = d.dataset_uuid {tags}WHERE {compared})"
        )

    def _compared(self, column: str, clause: Clause) -> str:
        return compared(self._names.put, self._sqlite, column, clause)


_SAME_RUN = "f.run_uuid = r.run_uuid"


def compared(put: Callable[[Any], str], sqlite: bool, column: str, clause: Clause) -> str:
    """As SQL. Upstream's sessions make SQLite's LIKE tell cases apart; GLOB always does."""
    value, operator = clause.value, clause.operator
    if isinstance(value, tuple):
        return f"{column} {operator} ({', '.join(map(put, value))})"
    if operator in {"LIKE", "ILIKE"} and sqlite:
        pattern = put(_glob(str(value)))
        if operator == "ILIKE":
            return f"lower({column}) GLOB lower({pattern})"
        return f"{column} GLOB {pattern}"
    if clause.kind == "metric":
        value = float(value or 0)
    return f"{column} {operator} {put(value)}"


def among(db: Connection, values: Sequence[Any]) -> tuple[str, Any]:
    """`IN` for any number of values, with the value for `:among`."""
    if db.dialect.name == "sqlite":
        return "IN (SELECT value FROM json_each(:among))", json.dumps(values)
    return "= ANY(:among)", list(values)


@dataclass(frozen=True)
class _Filter:
    where: str
    """On `runs r`."""
    table: str = ""
    at_first: str = ""
    """On `table f`, where the search begins with that."""


@dataclass(frozen=True)
class _Ordering:
    parts: tuple[str, ...]
    """What the statement is ordered by."""
    table: str = ""
    """Where the value is not in the run's own row: its table, its key, ..."""
    key: str = ""
    has_value: str = ""
    join: str = ""


@dataclass
class Names:
    values: dict[str, Any] = field(default_factory=dict[str, Any])

    def put(self, value: Any) -> str:
        """The name by which a statement says it."""
        name = f"v{len(self.values)}"
        self.values[name] = value
        return f":{name}"


@dataclass(frozen=True)
class _Query:
    db: Connection
    text: str
    values: dict[str, Any]

    def ids(self) -> list[str]:
        return [row[0] for row in sql.rows(self.db, self.text, self.values)]


def _experiments(db: Connection, search: Search) -> list[int]:
    """Those of the workspace."""
    if not search.experiments:
        return []
    condition, values = among(db, search.experiments)
    text = (
        f"SELECT experiment_id FROM experiments WHERE experiment_id {condition} "
        "AND workspace = :space"
    )
    found = sql.rows(db, text, {"among": values, "space": search.space})
    return [row[0] for row in found]


def _glob(pattern: str) -> str:
    escaped = pattern.translate({ord(c): f"[{c}]" for c in "*?["})
    return escaped.replace("%", "*").replace("_", "?")


def _of(db: Connection, statement: str, ids: Sequence[str]) -> list[tuple[Any, ...]]:
    condition, values = among(db, ids)
    return sql.rows(db, statement.format(among=condition), {"among": values})


def _by_run(
    rows: Iterable[tuple[Any, ...]], made: Callable[[Sequence[Any]], Any]
) -> defaultdict[str, list[Any]]:
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for run, *rest in rows:
        found[run].append(made(rest))
    return found


def _datasets(rows: Sequence[tuple[Any, ...]]) -> list[Dataset]:
    """One row for each tag."""
    found: dict[str, Dataset] = {}
    tags: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for dataset, key, value, *columns in rows:
        if dataset not in found:
            found[dataset] = Dataset._make((*columns, tags[dataset]))
        if key is not None:
            tags[dataset].append((key, value))
    return list(found.values())
