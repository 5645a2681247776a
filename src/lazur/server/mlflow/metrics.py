"""What a run logs: metrics, parameters and tags, one at a time or in batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from lazur.server.mlflow import checks, fields, messages
from lazur.server.mlflow.call import Call, Handler, Punt, Refusal
from lazur.server.mlflow.fields import Fields
from lazur.server.mlflow.runs import change, writable
from lazur.services.base.site import Context
from lazur.services.jobs import run_hooks as hooks
from lazur.store.db import Taken
from lazur.store.mlflow import metrics as store
from lazur.store.mlflow import runs as run_store
from lazur.store.mlflow.metrics import ModelPoint
from lazur.store.mlflow.runs import NAME_TAG, Pairs, Point, Run

_LARGEST = 1.7976931348623157e308
_MOMENTS = 1 << 63
_OF_METRIC: dict[str, Callable[[Fields, str], object]] = {
    "key": fields.text,
    "value": fields.number,
    "timestamp": fields.integer,
    "step": fields.integer,
    "model_id": fields.text,
    "dataset_name": fields.text,
    "dataset_digest": fields.text,
    "run_id": fields.text,
}


class Logged(NamedTuple):
    point: Point
    """As it is kept: no infinities, and 0 for what is not a number."""
    value: float
    """As it was sent."""
    model: ModelPoint | None


async def log_metric(call: Call) -> bytes:
    asked = call.fields("run_uuid", *_OF_METRIC)
    _look(asked)
    fields.require(asked, "run_id", "key", "value", "timestamp")
    run_id, metric = fields.run_id(asked), _metric(asked)
    if metric.model is None:  # else upstream looks for the run first
        _check(metric)

    def part(context: Context) -> bytes:
        run = writable(context, call, run_id)
        if metric.model is not None:
            _check(metric)
            _log_for_models(context, call, run, [metric.model])
        store.log(context.db, run.id, metric.point)
        _tell(context, run)
        return messages.EMPTY

    return await call.write(part)


async def log_param(call: Call) -> bytes:
    asked = call.fields("run_id", "run_uuid", "key", "value")
    fields.require(asked, "run_id", "key")
    run_id = fields.run_id(asked)
    key, value = checks.param(fields.text(asked, "key"), fields.text(asked, "value"))

    def part(context: Context) -> bytes:
        run = writable(context, call, run_id)
        there = run_store.add_param(context.db, run.id, key, value)
        if there != value:
            raise fields.invalid(
                f"Changing param values is not allowed. Param with key='{key}' was already"
                f" logged with value='{there}' for run ID='{run_id}'. Attempted logging new value"
                f" '{value}'."
            )
        return messages.EMPTY

    return await call.write(part)


async def set_tag(call: Call) -> bytes:
    asked = call.fields("run_id", "run_uuid", "key", "value")
    fields.require(asked, "run_id", "key")
    run_id = fields.run_id(asked)
    key, value = checks.tag(fields.text(asked, "key"), fields.text(asked, "value"))

    def part(context: Context) -> bytes:
        put_tags(context, writable(context, call, run_id), [(key, value)])
        return messages.EMPTY

    return await call.write(part)


async def delete_tag(call: Call) -> bytes:
    asked = call.fields("run_id", "key")
    fields.require(asked, "run_id", "key")
    run_id, key = fields.run_id(asked), fields.text(asked, "key")

    def part(context: Context) -> bytes:
        run = writable(context, call, run_id)
        if not run_store.drop_tag(context.db, run.id, key):
            raise Refusal(
                "RESOURCE_DOES_NOT_EXIST", f"No tag with name: {key} in run with id {run_id}"
            )
        if run.job is not None:
            hooks.tagged(context, run.id, key)
        return messages.EMPTY

    return await call.write(part)


async def log_batch(call: Call) -> bytes:
    asked = call.fields("run_id", "metrics", "params", "tags")
    run_id = fields.text(asked, "run_id")
    metrics, params, tags = _batch(asked)
    for_models = [metric.model for metric in metrics if metric.model is not None]
    points = [metric.point for metric in metrics]

    def part(context: Context) -> bytes:
        run = writable(context, call, run_id)
        _add_params(context, run, params)
        store.log_many(context.db, run.id, points)
        _log_for_models(context, call, run, for_models)
        put_tags(context, run, tags)
        if points:
            _tell(context, run)
        return messages.EMPTY

    return await call.write(part)


def _tell(context: Context, run: Run) -> None:
    """A sweep decides by what its trials report. Runs without a parent cost nothing."""
    if run.parent is not None:
        context.publish("reported", str(run.parent))


def _batch(asked: Fields) -> tuple[list[Logged], Pairs, Pairs]:
    """In the order in which upstream looks: what is missing, then what is wrong, then how much it
    is."""
    good = _good(asked.get("metrics", []))
    known = [] if good else fields.records(asked, "metrics", *_OF_METRIC)
    for item in known:
        _look(item)
    params, tags = fields.pairs(asked, "params"), fields.pairs(asked, "tags")
    fields.require(asked, "run_id")
    _require_each("metrics", known, "key", "value", "timestamp")
    _require_each("params", asked.get("params", []), "key")
    _require_each("tags", asked.get("tags", []), "key")
    looked_at = [_metric(item) for item in known]
    checks.run_id(fields.text(asked, "run_id"))
    for number, metric in enumerate(looked_at):
        _check(metric, f"metrics[{number}]")
    params = [checks.param(k, v, f"params[{n}]") for n, (k, v) in enumerate(params)]
    tags = [checks.tag(k, v, f"tags[{n}]") for n, (k, v) in enumerate(tags)]
    metrics = good or looked_at
    checks.batch(len(metrics), len(params), len(tags))
    checks.distinct(params)
    return metrics, params, tags


def _good(items: Any) -> list[Logged] | None:
    """Metrics that one look shows to be good, as nearly all are; None where one needs a closer
    look, which takes five times as long."""
    good: list[Logged] = []
    keys: set[str] = set()
    try:
        for item in items:
            key, value = item["key"], item["value"]
            timestamp, step = item["timestamp"], item["step"]
            if not (
                len(item) == 4
                and type(value) is float
                and -_LARGEST <= value <= _LARGEST
                and type(timestamp) is type(step) is int
                and 0 <= timestamp < _MOMENTS
                and -_MOMENTS <= step < _MOMENTS
                and (key in keys or checks.is_plain(key))
            ):
                return None
            keys.add(key)
            good.append(Logged((key, value, timestamp, step, False), value, None))
    except (KeyError, TypeError):
        return None
    return good


def _require_each(name: str, items: Sequence[dict[str, Any]], *keys: str) -> None:
    for number, item in enumerate(items):
        for key in keys:
            if item.get(key) in (None, ""):
                raise fields.missing(f"{name}[{number}].{key}")


def _look(asked: Fields) -> None:
    """Punt where a field is not of its type: upstream then misses others in other words."""
    for name, read in _OF_METRIC.items():
        if asked.get(name) is not None:
            read(asked, name)


def _metric(asked: Fields) -> Logged:
    key, timestamp = fields.text(asked, "key"), fields.integer(asked, "timestamp")
    value, step = fields.number(asked, "value"), fields.integer(asked, "step") or 0
    is_nan = value != value
    kept = 0.0 if is_nan else min(max(value, -_LARGEST), _LARGEST)
    if timestamp is None:
        raise Punt
    model = fields.text(asked, "model_id")
    name, digest = fields.text(asked, "dataset_name"), fields.text(asked, "dataset_digest")
    if bool(name) != bool(digest):
        raise fields.invalid(
            "Both dataset_name and dataset_digest must be provided if one is provided"
        )
    point = (key, kept, timestamp, step, is_nan)
    if not model:
        return Logged(point, value, None)
    of_model = ModelPoint(model, key, kept, timestamp, step, name or None, digest or None)
    return Logged(point, value, of_model)


def _check(metric: Logged, path: str = "") -> None:
    key, _, timestamp, _, _ = metric.point
    checks.metric(key, metric.value, timestamp, path)


def _log_for_models(context: Context, call: Call, run: Run, points: Sequence[ModelPoint]) -> None:
    if not points:
        return
    distinct = list(dict.fromkeys(points))
    models = sorted({point.model for point in distinct})
    if len(store.models_there(context.db, call.space.mlflow, models)) < len(models):
        raise Punt
    new = store.log_for_models(context.db, run.id, run.experiment_id, distinct)
    if new < len(distinct):
        raise Punt  # the same again, or another value for what is there: upstream tells them apart


def _add_params(context: Context, run: Run, params: Pairs) -> None:
    if not params:
        return
    there = run_store.existing_params(context.db, run.id, [key for key, _ in params])
    changed = [
        {"key": key, "old_value": there[key], "new_value": value}
        for key, value in params
        if there.get(key, value) != value
    ]
    if changed:
        raise fields.invalid(
            "Changing param values is not allowed. Params were already"
            f" logged='{changed}' for run ID='{run.id}'."
        )
    try:
        run_store.add_params(context.db, run.id, [p for p in params if p[0] not in there])
    except Taken:
        raise Punt from None  # another server was faster


def put_tags(context: Context, run: Run, tags: Pairs) -> None:
    """The run's name is its tag too. Rows that are there come before new ones, as upstream writes
    them."""
    for key, value in tags:
        if key == NAME_TAG:
            checks.fits_run_name(value)
    last = dict(tags)
    name = last.pop(NAME_TAG, "")
    if name:
        change(context, run, None, None, name)
    if not last:
        return
    there = run_store.existing_tags(context.db, run.id, list(last)) if len(last) > 1 else set()
    order = [*sorted(there), *(key for key in last if key not in there)]
    run_store.put_tags(context.db, run.id, [(key, last[key]) for key in order])
    if run.job is not None:
        hooks.tagged(context, run.id, *last)


_PATH = "2.0/mlflow/runs/"

ROUTES: dict[tuple[str, str], Handler] = {
    ("POST", _PATH + "log-metric"): log_metric,
    ("POST", _PATH + "log-parameter"): log_param,
    ("POST", _PATH + "set-tag"): set_tag,
    ("POST", _PATH + "delete-tag"): delete_tag,
    ("POST", _PATH + "log-batch"): log_batch,
}
