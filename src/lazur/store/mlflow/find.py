"""Runs as people look at them: whole, with the job behind each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from lazur.store.mlflow import sql


class RunRow(NamedTuple):
    """Times are milliseconds, as upstream keeps them."""

    id: str
    name: str | None
    user: str | None
    status: str
    start: int | None
    end: int | None
    stage: str
    artifact_uri: str
    deleted: int | None
    experiment_id: int
    experiment: str
    job: str | None
    """The name of the job that it is, if it is one."""
    job_id: int | None


class Metric(NamedTuple):
    """`points` in all; NaN is in none of the figures but `last`."""

    last: float
    step: int
    is_nan: bool
    least: float | None = None
    most: float | None = None
    points: int = 1


class Point(NamedTuple):
    key: str
    step: int
    timestamp: int
    value: float
    is_nan: bool


class Input(NamedTuple):
    uuid: str
    name: str
    digest: str
    source_type: str
    source: str
    schema: str | None
    profile: str | None


class Model(NamedTuple):
    id: str
    name: str
    status: int
    type: str | None
    location: str
    created: int
    updated: int
    message: str | None


_RUN = """
SELECT r.run_uuid, r.name, r.user_id, r.status, r.start_time, r.end_time, r.lifecycle_stage,
       r.artifact_uri, r.deleted_time, r.experiment_id, e.name, j.name, j.id
FROM runs r JOIN experiments e ON e.experiment_id = r.experiment_id
LEFT JOIN lazur_jobs j ON j.run_id = r.run_uuid
WHERE e.workspace = :space
"""
FIRST = Point("", -(1 << 63), -(1 << 63), -1.8e308, False)


def by_ids(db: Connection, space: str, ids: Sequence[str]) -> list[RunRow]:
    """In the order that was asked for; what is not in the workspace is left out."""
    names, values = sql.listed("r", ids)
    found = sql.rows(db, f"{_RUN} AND r.run_uuid IN ({names})", {"space": space, **values})
    by_id = {row[0]: RunRow(*row) for row in found}
    return [by_id[run_id] for run_id in ids if run_id in by_id]


def of_experiment(db: Connection, space: str, experiment: str, stage: str) -> list[RunRow]:
    found = sql.rows(
        db,
        f"{_RUN} AND e.name = :experiment AND r.lifecycle_stage = :stage ORDER BY r.start_time",
        {"space": space, "experiment": experiment, "stage": stage},
    )
    return [RunRow(*row) for row in found]


def children(db: Connection, space: str, parents: Sequence[str]) -> list[RunRow]:
    """Active runs that say that one of `parents` is theirs."""
    names, values = sql.listed("p", parents)
    found = sql.rows(
        db,
        f"""{_RUN} AND r.lifecycle_stage = 'active' AND r.run_uuid IN (
              SELECT run_uuid FROM tags
              WHERE "key" = 'mlflow.parentRunId' AND value IN ({names}))
            ORDER BY r.start_time, r.run_uuid""",
        {"space": space, **values},
    )
    return [RunRow(*row) for row in found]


def deleted(db: Connection, space: str, before: int) -> list[RunRow]:
    """In the trash since `before` or earlier, the longest there first."""
    found = sql.rows(
        db,
        f"""{_RUN} AND r.lifecycle_stage = 'deleted' AND COALESCE(r.deleted_time, 0) <= :before
            ORDER BY r.deleted_time, r.run_uuid""",
        {"space": space, "before": before},
    )
    return [RunRow(*row) for row in found]


def id_of_job(db: Connection, workspace_id: int, job: str) -> str | None:
    found = sql.row(
        db,
        "SELECT run_id FROM lazur_jobs WHERE workspace_id = :workspace AND name = :job",
        {"workspace": workspace_id, "job": job},
    )
    return str(found[0]) if found else None


def beginning(db: Connection, space: str, start: str, limit: int) -> list[str]:
    """Ids that begin with `start`, which is hexadecimal."""
    found = sql.rows(
        db,
        """SELECT r.run_uuid FROM runs r JOIN experiments e ON e.experiment_id = r.experiment_id
           WHERE e.workspace = :space AND r.run_uuid >= :start AND r.run_uuid < :end
           ORDER BY r.run_uuid LIMIT :limit""",
        {"space": space, "start": start, "end": f"{start}g", "limit": limit},
    )
    return [str(row[0]) for row in found]


def called(db: Connection, space: str, name: str, limit: int) -> list[str]:
    """Ids of runs whose name for people is `name`, the newest first."""
    found = sql.rows(
        db,
        """SELECT r.run_uuid FROM runs r JOIN experiments e ON e.experiment_id = r.experiment_id
           WHERE e.workspace = :space AND r.name = :name
           ORDER BY r.start_time DESC LIMIT :limit""",
        {"space": space, "name": name, "limit": limit},
    )
    return [str(row[0]) for row in found]


def tagged(db: Connection, space: str, key: str, value: str) -> str | None:
    """The run that has this tag: the newest, where several have."""
    found = sql.row(
        db,
        """SELECT r.run_uuid FROM tags t JOIN runs r ON r.run_uuid = t.run_uuid
           JOIN experiments e ON e.experiment_id = r.experiment_id
           WHERE t."key" = :key AND t.value = :value AND e.workspace = :space
           ORDER BY r.start_time DESC, r.run_uuid LIMIT 1""",
        {"key": key, "value": value, "space": space},
    )
    return str(found[0]) if found else None


def params(db: Connection, ids: Sequence[str]) -> dict[str, dict[str, str]]:
    return _texts(db, "params", ids)


def tags(db: Connection, ids: Sequence[str]) -> dict[str, dict[str, str]]:
    return _texts(db, "tags", ids)


def latest(db: Connection, ids: Sequence[str]) -> dict[str, dict[str, Metric]]:
    found: dict[str, dict[str, Metric]] = defaultdict(dict)
    for run, key, value, step, is_nan in _of(
        db, 'SELECT run_uuid, "key", value, step, is_nan FROM latest_metrics', "run_uuid", ids
    ):
        found[run][key] = Metric(value, step, bool(is_nan))
    return found


def summaries(db: Connection, ids: Sequence[str]) -> dict[str, dict[str, Metric]]:
    """As `latest`, with the least and the most of the whole history."""
    found = latest(db, ids)
    names, values = sql.listed("r", ids)
    for run, key, least, most, count in sql.rows(
        db,
        f"""SELECT run_uuid, "key", MIN(CASE WHEN NOT is_nan THEN value END),
                   MAX(CASE WHEN NOT is_nan THEN value END), COUNT(*)
            FROM metrics WHERE run_uuid IN ({names}) GROUP BY run_uuid, "key" """,
        values,
    ):
        if key in found[run]:
            found[run][key] = found[run][key]._replace(least=least, most=most, points=count)
    return found


def points(
    db: Connection, run_id: str, key: str | None = None, after: Point = FIRST, limit: int = 20_000
) -> list[Point]:
    """A piece of the history in order of metric, step and time; the next one begins after its last
    point."""
    only = 'AND "key" = :only' if key is not None else ""
    found = sql.rows(
        db,
        f"""SELECT "key", step, timestamp, value, is_nan FROM metrics
            WHERE run_uuid = :run {only} AND ("key", step, timestamp, value, is_nan) >
                  (:key, :step, :timestamp, :value, :is_nan)
            ORDER BY "key", step, timestamp, value, is_nan LIMIT :limit""",
        {**after._asdict(), "run": run_id, "only": key, "limit": limit}
        if key is not None
        else {**after._asdict(), "run": run_id, "limit": limit},
    )
    return [Point(name, step, at, value, bool(nan)) for name, step, at, value, nan in found]


def inputs(db: Connection, ids: Sequence[str]) -> dict[str, list[tuple[Input, dict[str, str]]]]:
    """Datasets of each run, with the tags of their use there."""
    names, values = sql.listed("r", ids)
    used = sql.rows(
        db,
        f"""SELECT i.destination_id, i.input_uuid, d.dataset_uuid, d.name, d.digest,
                   d.dataset_source_type, d.dataset_source, d.dataset_schema, d.dataset_profile
            FROM inputs i JOIN datasets d ON d.dataset_uuid = i.source_id
            WHERE i.source_type = 'DATASET' AND i.destination_type = 'RUN'
              AND i.destination_id IN ({names}) ORDER BY d.name, d.digest""",
        values,
    )
    tagged = _input_tags(db, [row[1] for row in used])
    found: dict[str, list[tuple[Input, dict[str, str]]]] = defaultdict(list)
    for run, use, *rest in used:
        found[run].append((Input(*rest), tagged[use]))
    return found


def models(db: Connection, ids: Sequence[str]) -> dict[str, list[Model]]:
    """Models that each run logged."""
    statement = """SELECT source_run_id, model_id, name, status, model_type, artifact_location,
        creation_timestamp_ms, last_updated_timestamp_ms, status_message FROM logged_models"""
    found: dict[str, list[Model]] = defaultdict(list)
    for run, *rest in _of(db, statement, "source_run_id", ids):
        found[run].append(Model(*rest))
    return found


def _texts(db: Connection, table: str, ids: Sequence[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for run, key, value in _of(
        db, f'SELECT run_uuid, "key", value FROM {table}', "run_uuid", ids, 'ORDER BY "key"'
    ):
        found[run][key] = value or ""
    return found


def _input_tags(db: Connection, uses: Sequence[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = defaultdict(dict)
    statement = "SELECT input_uuid, name, value FROM input_tags"
    for use, name, value in _of(db, statement, "input_uuid", uses):
        found[use][name] = value
    return found


def _of(
    db: Connection, statement: str, column: str, ids: Iterable[str], order: str = ""
) -> list[tuple[Any, ...]]:
    names, values = sql.listed("i", ids)
    return sql.rows(db, f"{statement} WHERE {column} IN ({names}) {order}", values)
