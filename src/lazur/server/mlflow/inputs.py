"""What runs read and made: datasets, logged models, and models of before there were any."""

from __future__ import annotations

import json
from typing import Any, cast

from lazur.server.mlflow import checks, fields, messages
from lazur.server.mlflow.call import Call, Handler, Punt
from lazur.server.mlflow.runs import writable
from lazur.services.base.site import Context
from lazur.store.db import Taken
from lazur.store.mlflow import inputs as store
from lazur.store.mlflow import runs as run_store
from lazur.store.mlflow.inputs import Dataset

_OF_DATASET = ("name", "digest", "source_type", "source", "schema", "profile")
_TEXT = 65535
_LIMITS = {"name": 500, "digest": 36, "source": _TEXT, "schema": 1048575, "profile": 16777215}
_HISTORY = "mlflow.log-model.history"


async def log_inputs(call: Call) -> bytes:
    asked = call.fields("run_id", "datasets", "models")
    fields.require(asked, "run_id")
    run_id = fields.text(asked, "run_id")
    found = [_dataset(item) for item in fields.records(asked, "datasets", "tags", "dataset")]
    models = [fields.text(m, "model_id") for m in fields.records(asked, "models", "model_id")]
    checks.run_id(run_id)
    for dataset in found:
        _check(dataset)
    datasets: dict[tuple[str, str], Dataset] = {}
    for dataset in found:
        datasets.setdefault((dataset.name, dataset.digest), dataset)

    def part(context: Context) -> bytes:
        run = writable(context, call, run_id)
        for dataset in datasets.values():
            store.add_dataset(context.db, run.id, run.experiment_id, dataset)
        for model in models:
            store.add_model(context.db, run.id, model)
        return messages.EMPTY

    return await call.write(part)


async def log_outputs(call: Call) -> bytes:
    asked = call.fields("run_id", "models")
    fields.require(asked, "run_id", "models")
    run_id = fields.text(asked, "run_id")
    models = [
        (fields.text(item, "model_id"), fields.integer(item, "step") or 0)
        for item in fields.records(asked, "models", "model_id", "step")
    ]

    def part(context: Context) -> bytes:
        run = writable(context, call, run_id)
        try:
            store.add_outputs(context.db, run.id, models)
        except Taken:
            raise Punt from None
        return messages.EMPTY

    return await call.write(part)


async def log_model(call: Call) -> bytes:
    asked = call.fields("run_id", "model_json")
    fields.require(asked, "run_id", "model_json")
    run_id, model = fields.text(asked, "run_id"), _model(fields.text(asked, "model_json"))

    def part(context: Context) -> bytes:
        run = writable(context, call, run_id)
        value = json.dumps([*_history(run_store.tag(context.db, run.id, _HISTORY)), model])
        if len(value) > checks.TAG:
            raise Punt
        run_store.put_tags(context.db, run.id, [(_HISTORY, value)])
        return messages.EMPTY

    return await call.write(part)


def _dataset(item: dict[str, Any]) -> Dataset:
    found = item.get("dataset")
    if type(found) is not dict or not cast("dict[str, Any]", found).keys() <= set(_OF_DATASET):
        raise Punt
    told = cast("dict[str, Any]", found)
    tags = fields.pairs(item, "tags")
    if len(dict(tags)) < len(tags):
        raise Punt
    return Dataset(
        fields.text(told, "name"),
        fields.text(told, "digest"),
        fields.text(told, "source_type"),
        fields.text(told, "source"),
        None if told.get("schema") is None else fields.text(told, "schema"),
        None if told.get("profile") is None else fields.text(told, "profile"),
        tags,
    )


def _check(dataset: Dataset) -> None:
    if len(dataset.source_type) > 36:
        raise Punt  # PostgreSQL refuses it, SQLite does not
    told = dataset._asdict()
    for name, limit in _LIMITS.items():
        checks.length(name, limit, told[name] or "")
    for key, value in dataset.tags:
        checks.length("key", 255, key)
        checks.length("value", 500, value)


def _model(text: str) -> dict[str, Any]:
    """What upstream keeps of it, in the order in which it does."""
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise Punt from None
    if type(found) is not dict or not _is_plain(cast("dict[str, Any]", found)):
        raise Punt
    told: dict[str, Any] = found
    kept = {name: told[name] for name in ("run_id", "artifact_path", "utc_time_created")}
    kept["model_uuid"] = told.get("model_uuid")
    kept["flavors"] = {
        name: {k: v for k, v in config.items() if k != "config"}
        for name, config in told["flavors"].items()
    }
    return kept


def _is_plain(told: dict[str, Any]) -> bool:
    flavors = told.get("flavors")
    return (
        all(
            type(told.get(name)) is str and told[name]
            for name in ("run_id", "artifact_path", "utc_time_created")
        )
        and type(told.get("model_uuid")) in (str, type(None))
        and type(flavors) is dict
        and all(type(config) is dict for config in cast("dict[str, Any]", flavors).values())
        and told.keys() <= _OF_MODEL
    )


_OF_MODEL = {
    "run_id",
    "artifact_path",
    "utc_time_created",
    "flavors",
    "model_uuid",
    "mlflow_version",
    "model_size_bytes",
    "model_id",
    "prompts",
    "metadata",
    "saved_input_example_info",
}
"""Without a signature, which upstream parses."""


def _history(tag: str | None) -> list[Any]:
    if tag is None:
        return []
    try:
        found: Any = json.loads(tag)
    except ValueError:
        raise Punt from None
    if type(found) is not list:
        raise Punt
    return cast("list[Any]", found)


_PATH = "2.0/mlflow/runs/"

ROUTES: dict[tuple[str, str], Handler] = {
    ("POST", _PATH + "log-inputs"): log_inputs,
    ("POST", _PATH + "outputs"): log_outputs,
    ("POST", _PATH + "log-model"): log_model,
}
