"""Whole runs, as plain data and back. The metrics' history is not in it: it comes in pieces, see
`find.points`."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from lazur.store.mlflow import find, sql

_RUN = ("name", "source_type", "source_name", "entry_point_name", "user_id", "status")
_TIMES = ("start_time", "end_time", "source_version")
_KEPT = ", ".join((*_RUN, *_TIMES))
_MODEL = """model_id, name, artifact_location, creation_timestamp_ms, last_updated_timestamp_ms,
            status, model_type, status_message"""
_MODEL_METRICS = """metric_name, metric_timestamp_ms, metric_step, metric_value, dataset_uuid,
                    dataset_name, dataset_digest"""

MODEL = tuple(name.strip() for name in _MODEL.split(","))
"""Fields of a model that was logged; beside them: `params`, `tags`, `metrics`."""

Made = Mapping[str, str]
"""Ids as they were, and as they are here."""


def gather(db: Connection, run_id: str) -> dict[str, Any]:
    """Everything but the history."""
    run = sql.row(db, f"SELECT {_KEPT} FROM runs WHERE run_uuid = :run", {"run": run_id})
    assert run is not None
    return {
        **dict(zip((*_RUN, *_TIMES), run, strict=True)),
        "params": find.params(db, [run_id]).get(run_id, {}),
        "tags": find.tags(db, [run_id]).get(run_id, {}),
        "latest": [
            [*row[:4], bool(row[4])]
            for row in sql.rows(
                db,
                'SELECT "key", value, timestamp, step, is_nan FROM latest_metrics '
                'WHERE run_uuid = :run ORDER BY "key"',
                {"run": run_id},
            )
        ],
        "inputs": [
            {**dataset._asdict(), "tags": tags}
            for dataset, tags in find.inputs(db, [run_id]).get(run_id, [])
        ],
        "models": [_model(db, row) for row in _rows(db, _MODELS, run_id)],
        "links": [list(row) for row in _rows(db, _LINKS, run_id)],
    }


def begin(db: Connection, run_id: str, due: float) -> None:
    """A run that nobody sees yet. It is swept away from `due` on, unless it is shown by then.
    Raises `Taken`."""
    sql.execute(
        db,
        """INSERT INTO runs (run_uuid, lifecycle_stage, status, deleted_time, artifact_uri)
           VALUES (:run, 'deleted', 'FINISHED', :due, '')""",
        {"run": run_id, "due": int(due * 1000)},
    )


def add_points(db: Connection, run_id: str, points: Sequence[Sequence[Any]]) -> None:
    """Twice is once."""
    sql.execute_many(
        db,
        """INSERT INTO metrics (run_uuid, "key", step, timestamp, value, is_nan)
           VALUES (:run, :key, :step, :timestamp, :value, :is_nan) ON CONFLICT DO NOTHING""",
        [
            {"run": run_id, "key": k, "step": s, "timestamp": t, "value": v, "is_nan": n}
            for k, s, t, v, n in points
        ],
    )


def locate(db: Connection, run_id: str, uri: str) -> None:
    sql.execute(
        db,
        "UPDATE runs SET artifact_uri = :uri WHERE run_uuid = :run",
        {"run": run_id, "uri": uri},
    )


def show(
    db: Connection, run_id: str, experiment: int, given: Mapping[str, Any], models: Made, root: str
) -> None:
    """The rest of the run, in the transaction that makes it visible. `root` is where its models
    lie."""
    _add_texts(db, "params", run_id, given["params"])
    _add_texts(db, "tags", run_id, given["tags"])
    _add_latest(db, run_id, given["latest"])
    datasets = {d["uuid"]: _add_input(db, run_id, experiment, d) for d in given["inputs"]}
    for model in given["models"]:
        _add_model(db, run_id, experiment, model, models[model["model_id"]], root, datasets)
    _add_links(db, run_id, experiment, given["links"], models)
    values = {key: given.get(key) for key in (*_RUN, *_TIMES)}
    sql.execute(
        db,
        """UPDATE runs SET name = :name, source_type = :source_type, source_name = :source_name,
             entry_point_name = :entry_point_name, user_id = :user_id, status = :status,
             start_time = :start_time, end_time = :end_time, source_version = :source_version,
             experiment_id = :experiment, lifecycle_stage = 'active', deleted_time = NULL
           WHERE run_uuid = :run AND experiment_id IS NULL""",
        {**values, "run": run_id, "experiment": experiment},
    )


def add_news(db: Connection, run_id: str, given: Mapping[str, Any]) -> None:
    """Of a run that went on elsewhere: what is not here yet. Twice is once."""
    for table in ("params", "tags"):
        _add_texts(db, table, run_id, given[table], _KEPT_HERE)
    _add_latest(db, run_id, given["latest"], _NEWER)
    sql.execute(
        db,
        """UPDATE runs SET status = :status, end_time = :end_time
           WHERE run_uuid = :run AND status IN ('RUNNING', 'SCHEDULED')""",
        {"run": run_id, "status": given["status"], "end_time": given.get("end_time")},
    )


def _add_texts(
    db: Connection, table: str, run_id: str, given: Mapping[str, str], conflict: str = ""
) -> None:
    sql.execute_many(
        db,
        f'INSERT INTO {table} (run_uuid, "key", value) VALUES (:run, :key, :value) {conflict}',
        [{"run": run_id, "key": key, "value": value} for key, value in given.items()],
    )


def _add_latest(
    db: Connection, run_id: str, given: Sequence[Sequence[Any]], conflict: str = ""
) -> None:
    names = ("key", "value", "timestamp", "step", "is_nan")
    sql.execute_many(
        db,
        f"""INSERT INTO latest_metrics (run_uuid, "key", value, timestamp, step, is_nan)
            VALUES (:run, :key, :value, :timestamp, :step, :is_nan) {conflict}""",
        [{"run": run_id, **dict(zip(names, row, strict=True))} for row in given],
    )


def _add_input(db: Connection, run_id: str, experiment: int, given: Mapping[str, Any]) -> str:
    """The dataset's id here. One of the same name and digest is the same."""
    values = {**given, "experiment": experiment, "new": uuid.uuid4().hex}
    values.pop("tags")
    sql.execute(
        db,
        """INSERT INTO datasets (dataset_uuid, experiment_id, name, digest, dataset_source_type,
             dataset_source, dataset_schema, dataset_profile)
           VALUES (:new, :experiment, :name, :digest, :source_type, :source, :schema, :profile)
           ON CONFLICT DO NOTHING""",
        {key: value for key, value in values.items() if key != "uuid"},
    )
    found = sql.row(
        db,
        """SELECT dataset_uuid FROM datasets
           WHERE experiment_id = :experiment AND name = :name AND digest = :digest""",
        {"experiment": experiment, "name": given["name"], "digest": given["digest"]},
    )
    assert found is not None
    use = uuid.uuid4().hex
    _add_use(db, use, ("DATASET", found[0], "RUN", run_id), 0)
    sql.execute_many(
        db,
        "INSERT INTO input_tags (input_uuid, name, value) VALUES (:use, :name, :value)",
        [{"use": use, "name": name, "value": value} for name, value in given["tags"].items()],
    )
    return str(found[0])


def _add_use(db: Connection, use: str, ends: Sequence[str], step: int) -> None:
    sql.execute(
        db,
        """INSERT INTO inputs (input_uuid, source_type, source_id, destination_type,
             destination_id, step) VALUES (:use, :a, :b, :c, :d, :step) ON CONFLICT DO NOTHING""",
        {"use": use, **dict(zip("abcd", ends, strict=True)), "step": step},
    )


def _add_links(
    db: Connection, run_id: str, experiment: int, links: Sequence[Sequence[Any]], models: Made
) -> None:
    """To models that came along, or that are in the workspace."""
    for source_type, destination_type, model, step in links:
        here = models.get(model, model)
        known = sql.row(db, _KNOWN, {"model": here, "experiment": experiment})
        if known:
            ends = (source_type, run_id, destination_type, here)
            _add_use(db, uuid.uuid4().hex, ends, step)


def _model(db: Connection, row: Sequence[Any]) -> dict[str, Any]:
    model = dict(zip(MODEL, row, strict=True))
    by = {"model": model["model_id"]}
    params = "SELECT param_key, param_value FROM logged_model_params WHERE model_id = :model"
    tags = "SELECT tag_key, tag_value FROM logged_model_tags WHERE model_id = :model"
    metrics = f"SELECT {_MODEL_METRICS} FROM logged_model_metrics WHERE model_id = :model"
    return {
        **model,
        "params": {row[0]: row[1] for row in sql.rows(db, params, by)},
        "tags": {row[0]: row[1] for row in sql.rows(db, tags, by)},
        "metrics": [list(row) for row in sql.rows(db, metrics, by)],
    }


def _add_model(
    db: Connection,
    run_id: str,
    experiment: int,
    given: Mapping[str, Any],
    model: str,
    root: str,
    datasets: Made,
) -> None:
    own = {"model": model, "experiment": experiment, "run": run_id}
    kept = {k: v for k, v in given.items() if k not in ("model_id", "artifact_location")}
    for name in ("params", "tags", "metrics"):
        kept.pop(name)
    place = f"{root}/models/{model}/artifacts"
    sql.execute(
        db,
        f"""INSERT INTO logged_models ({_MODEL}, experiment_id, source_run_id, lifecycle_stage)
            VALUES (:model, :name, :place, :creation_timestamp_ms, :last_updated_timestamp_ms,
                    :status, :model_type, :status_message, :experiment, :run, 'active')""",
        {**own, **kept, "place": place},
    )
    plain = {"model": model, "experiment": experiment}
    for kind in ("param", "tag"):
        sql.execute_many(
            db,
            f"""INSERT INTO logged_model_{kind}s
                  (model_id, experiment_id, {kind}_key, {kind}_value)
                VALUES (:model, :experiment, :key, :value)""",
            [{**plain, "key": k, "value": v} for k, v in given[f"{kind}s"].items()],
        )
    names = ("name", "timestamp", "step", "value", "dataset", "dataset_name", "digest")
    rows: list[dict[str, Any]] = [
        {**own, **dict(zip(names, row, strict=True))} for row in given["metrics"]
    ]
    sql.execute_many(
        db,
        f"""INSERT INTO logged_model_metrics ({_MODEL_METRICS}, model_id, experiment_id, run_id)
            VALUES (:name, :timestamp, :step, :value, :dataset, :dataset_name, :digest,
                    :model, :experiment, :run)""",
        [{**row, "dataset": datasets.get(row["dataset"])} for row in rows],
    )


def _rows(db: Connection, statement: str, run_id: str) -> list[tuple[Any, ...]]:
    return sql.rows(db, statement, {"run": run_id})


_KEPT_HERE = "ON CONFLICT DO NOTHING"
_NEWER = """
ON CONFLICT ("key", run_uuid) DO UPDATE SET value = excluded.value,
  timestamp = excluded.timestamp, step = excluded.step, is_nan = excluded.is_nan
WHERE (excluded.step, excluded.timestamp) > (latest_metrics.step, latest_metrics.timestamp)
"""
_MODELS = f"SELECT {_MODEL} FROM logged_models WHERE source_run_id = :run ORDER BY model_id"
_KNOWN = """
SELECT 1 FROM logged_models m JOIN experiments e ON e.experiment_id = m.experiment_id
JOIN experiments own ON own.workspace = e.workspace
WHERE m.model_id = :model AND own.experiment_id = :experiment
"""
_LINKS = """
SELECT source_type, destination_type, destination_id, step FROM inputs
WHERE source_id = :run AND destination_type IN ('MODEL_OUTPUT', 'MODEL_INPUT')
ORDER BY destination_id, source_type
"""
