"""Replies, as upstream writes them: fields in the order of their protobuf numbers, two spaces of
indent, what is not set left out.

Written piece by piece: `json.dumps(indent=2)` is slow, and some replies have 100,000 pieces.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import cache
from json.encoder import encode_basestring_ascii

from lazur.store.mlflow.experiments import Experiment
from lazur.store.mlflow.inputs import Dataset, Inputs
from lazur.store.mlflow.models import Model, ModelMetric
from lazur.store.mlflow.runs import Data, Point, Run

EMPTY = b"{}"

quote = encode_basestring_ascii
"""A text in JSON, by the same function as upstream's."""


def reply(name: str, value: str) -> bytes:
    """`{"run": …}`; the value was written for depth 1."""
    return f'{{\n  "{name}": {value}\n}}'.encode()


def record(depth: int, *fields: tuple[str, str | None]) -> str:
    """An object, of values that are JSON already, or None for what is not set."""
    pad = "\n" + "  " * (depth + 1)
    told = [f'{pad}"{name}": {value}' for name, value in fields if value is not None]
    return "{" + ",".join(told) + "\n" + "  " * depth + "}" if told else "{}"


def array(depth: int, items: Iterable[str]) -> str | None:
    """A list, of items that were written for `depth + 1`; not set where it is empty."""
    pad = "\n" + "  " * (depth + 1)
    told = [pad + item for item in items]
    return "[" + ",".join(told) + "\n" + "  " * depth + "]" if told else None


def number(value: float) -> str:
    if math.isfinite(value):
        return repr(value)
    return '"NaN"' if value != value else '"Infinity"' if value > 0 else '"-Infinity"'


def pairs(depth: int, items: Iterable[tuple[str, str | None]]) -> str | None:
    """Tags and parameters."""
    form = _pair(depth + 1)
    return array(
        depth,
        [
            record(depth + 1, ("key", quote(key)))
            if value is None
            else form % (quote(key), quote(value))
            for key, value in items
        ],
    )


def points(depth: int, items: Iterable[Point]) -> str | None:
    """Metrics, by their latest value or all of them."""
    form = _point(depth + 1)
    return array(
        depth,
        [
            form % (quote(key), '"NaN"' if is_nan else number(value), timestamp, step)
            for key, value, timestamp, step, is_nan in items
        ],
    )


def run_info(depth: int, run: Run) -> str:
    return record(
        depth,
        ("run_uuid", quote(run.id)),
        ("experiment_id", f'"{run.experiment_id}"'),
        ("run_name", None if run.name is None else quote(run.name)),
        ("user_id", quote(run.user)),
        ("status", f'"{run.status}"'),
        ("start_time", str(run.start)),
        ("end_time", str(run.end) if run.end else None),
        ("artifact_uri", quote(run.artifacts) if run.artifacts else None),
        ("lifecycle_stage", f'"{run.stage}"'),
        ("run_id", quote(run.id)),
    )


def run(depth: int, run: Run, data: Data, inputs: Inputs | None) -> str:
    """`inputs`: None for a run that was just made, whose reply has no outputs."""
    inside = depth + 1
    return record(
        depth,
        ("info", run_info(inside, run)),
        (
            "data",
            record(
                inside,
                ("metrics", points(inside + 1, data.metrics)),
                ("params", pairs(inside + 1, data.params)),
                ("tags", pairs(inside + 1, data.tags)),
            ),
        ),
        ("inputs", _inputs(inside, inputs) if inputs else "{}"),
        ("outputs", _outputs(inside, inputs) if inputs else None),
    )


def experiment(depth: int, found: Experiment, tags: Sequence[tuple[str, str]]) -> str:
    return record(
        depth,
        ("experiment_id", f'"{found.id}"'),
        ("name", quote(found.name)),
        ("artifact_location", quote(found.artifacts)),
        ("lifecycle_stage", f'"{found.stage}"'),
        ("last_update_time", str(found.updated) if found.updated else None),
        ("creation_time", str(found.created) if found.created else None),
        ("tags", pairs(depth + 1, tags)),
        ("workspace", quote(found.space)),
    )


def model(depth: int, found: Model) -> str:
    inside = depth + 1
    info = record(
        inside,
        ("model_id", quote(found.id)),
        ("experiment_id", f'"{found.experiment_id}"'),
        ("name", quote(found.name)),
        ("creation_timestamp_ms", str(found.created)),
        ("last_updated_timestamp_ms", str(found.updated)),
        ("artifact_uri", quote(found.artifacts)),
        ("status", f'"{MODEL_STATUS[found.status]}"'),
        ("model_type", None if found.type is None else quote(found.type)),
        ("source_run_id", None if found.run is None else quote(found.run)),
        ("status_message", None if found.message is None else quote(found.message)),
        ("tags", pairs(inside + 1, found.tags)),
    )
    data = record(
        inside,
        ("params", pairs(inside + 1, found.params)),
        ("metrics", array(inside + 1, [_model_metric(inside + 2, m) for m in found.metrics])),
    )
    return record(depth, ("info", info), ("data", data))


MODEL_STATUS = (
    "LOGGED_MODEL_STATUS_UNSPECIFIED",
    "LOGGED_MODEL_PENDING",
    "LOGGED_MODEL_READY",
    "LOGGED_MODEL_UPLOAD_FAILED",
)


def _inputs(depth: int, found: Inputs) -> str:
    return record(
        depth,
        ("dataset_inputs", array(depth + 1, [_dataset(depth + 2, d) for d in found.datasets])),
        ("model_inputs", array(depth + 1, [_model_input(depth + 2, m) for m in found.models])),
    )


def _outputs(depth: int, found: Inputs) -> str:
    told = [
        record(depth + 2, ("model_id", quote(model)), ("step", str(step)))
        for model, step in found.outputs
    ]
    return record(depth, ("model_outputs", array(depth + 1, told)))


def _model_input(depth: int, model_id: str) -> str:
    return record(depth, ("model_id", quote(model_id)))


def _dataset(depth: int, found: Dataset) -> str:
    inside = depth + 1
    return record(
        depth,
        ("tags", pairs(inside, found.tags)),
        (
            "dataset",
            record(
                inside,
                ("name", quote(found.name)),
                ("digest", quote(found.digest)),
                ("source_type", quote(found.source_type)),
                ("source", quote(found.source)),
                ("schema", quote(found.schema) if found.schema else None),
                ("profile", quote(found.profile) if found.profile else None),
            ),
        ),
    )


def _model_metric(depth: int, found: ModelMetric) -> str:
    return record(
        depth,
        ("key", quote(found.key)),
        ("value", number(found.value)),
        ("timestamp", str(found.timestamp)),
        ("step", str(found.step)),
        ("dataset_name", quote(found.dataset_name) if found.dataset_name else None),
        ("dataset_digest", quote(found.dataset_digest) if found.dataset_digest else None),
        ("model_id", quote(found.model) if found.model else None),
        ("run_id", quote(found.run) if found.run else None),
    )


@cache
def _pair(depth: int) -> str:
    return record(depth, ("key", "%s"), ("value", "%s"))


@cache
def _point(depth: int) -> str:
    return record(depth, ("key", "%s"), ("value", "%s"), ("timestamp", "%s"), ("step", "%s"))
