"""Logged models, as a training script makes them: create, get, finish, parameters, tags."""

from __future__ import annotations

import uuid

from lazur.server.mlflow import fields, messages, random_names
from lazur.server.mlflow.call import Call, Handler, Punt, Refusal
from lazur.server.mlflow.experiments import active
from lazur.server.mlflow.runs import place
from lazur.services.base.site import Context
from lazur.services.tracking import rights
from lazur.store.db import Taken
from lazur.store.mlflow import models as store
from lazur.store.mlflow.models import Model

_PENDING = 1
_BAD = ("/", ":", ".", "%", '"', "'")
_PATH = "2.0/mlflow/logged-models"
_ONE = f"{_PATH}/*"


def route(path: str) -> str:
    """The path with `*` for the model's id."""
    if not path.startswith(_PATH + "/"):
        return path
    _, slash, rest = path[len(_PATH) + 1 :].partition("/")
    return _ONE + slash + rest


async def create(call: Call) -> bytes:
    asked = call.fields("experiment_id", "name", "model_type", "source_run_id", "params", "tags")
    experiment, name = fields.text(asked, "experiment_id"), fields.text(asked, "name")
    kind, run_id = fields.text(asked, "model_type"), fields.text(asked, "source_run_id")
    params, tags = fields.pairs(asked, "params"), fields.pairs(asked, "tags")
    fields.require(asked, "experiment_id")
    _check(name, kind, run_id, params, tags)

    def part(context: Context) -> bytes:
        home = active(context, call.space, experiment)
        if run_id:
            rights.require_writable(context, run_id)
        now, model_id = int(context.now() * 1000), f"m-{uuid.uuid4().hex}"
        model = Model(
            id=model_id,
            experiment_id=home.id,
            name=name or random_names.name(),
            artifacts=place(home.artifacts, "models", model_id, "artifacts"),
            created=now,
            updated=now,
            status=_PENDING,
            stage="active",
            type=kind,
            run=run_id,
            message=None,
            tags=tags,
            params=params,
        )
        store.add(context.db, model)
        return _told(context, model)

    return await call.write(part)


async def get(call: Call) -> bytes:
    if call.query:
        raise Punt
    model_id = _id(call)

    def part(context: Context) -> bytes:
        model = _found(context, call, model_id)
        if model.stage == "deleted":
            raise _missing(model_id)
        return _told(context, model)

    return await call.read(part)


async def finish(call: Call) -> bytes:
    asked = call.fields("model_id", "status")
    fields.require(asked, "model_id", "status")
    model_id, status = fields.text(asked, "model_id"), _status(asked["status"])

    def part(context: Context) -> bytes:
        model = _writable(context, call, model_id)
        now = int(context.now() * 1000)
        store.finish(context.db, model.id, status, now)
        return _told(context, model._replace(status=status, updated=now))

    return await call.write(part)


async def log_params(call: Call) -> bytes:
    asked = call.fields("model_id", "params")
    fields.require(asked, "model_id")
    params = fields.pairs(asked, "params")
    _check_keys(params)

    def part(context: Context) -> bytes:
        model = _writable(context, call, _id(call))
        try:
            store.add_params(context.db, model, params)
        except Taken:
            raise Punt from None
        return messages.EMPTY

    return await call.write(part)


async def set_tags(call: Call) -> bytes:
    asked = call.fields("model_id", "tags")
    fields.text(asked, "model_id")
    tags = list(dict(fields.pairs(asked, "tags")).items())
    _check_keys(tags)

    def part(context: Context) -> bytes:
        store.put_tags(context.db, _writable(context, call, _id(call)), tags)
        return messages.EMPTY

    return await call.write(part)


def _id(call: Call) -> str:
    return call.path[len(_PATH) + 1 :].partition("/")[0]


def _found(context: Context, call: Call, model_id: str) -> Model:
    model = store.find(context.db, call.space.mlflow, model_id)
    if model is None:
        raise _missing(model_id)
    return model


def _writable(context: Context, call: Call, model_id: str) -> Model:
    """A model of another job's run is that job's."""
    model = _found(context, call, model_id)
    if model.run:
        rights.require_writable(context, model.run)
    return model


def _missing(model_id: str) -> Refusal:
    return Refusal("RESOURCE_DOES_NOT_EXIST", f"Logged model with ID '{model_id}' not found.")


def _told(context: Context, model: Model) -> bytes:
    return messages.reply("model", messages.model(1, store.whole(context.db, model)))


def _status(value: object) -> int:
    if value not in messages.MODEL_STATUS:
        raise Punt
    return messages.MODEL_STATUS.index(str(value))


def _check(
    name: str, kind: str, run_id: str, params: list[tuple[str, str]], tags: list[tuple[str, str]]
) -> None:
    if any(bad in name for bad in _BAD):
        raise fields.invalid(
            f"Invalid model name ({name!r}) provided. Model name must be a non-empty string "
            f"and cannot contain the following characters: {_BAD}"
        )
    if len(name) > 500 or len(kind) > 500 or len(run_id) > 32:
        raise Punt  # PostgreSQL refuses them, SQLite does not
    _check_keys(params)
    _check_keys(tags)


def _check_keys(pairs: list[tuple[str, str]]) -> None:
    if len(dict(pairs)) < len(pairs) or any(len(key) > 255 for key, _ in pairs):
        raise Punt


ROUTES: dict[tuple[str, str], Handler] = {
    ("POST", _PATH): create,
    ("GET", _ONE): get,
    ("PATCH", _ONE): finish,
    ("POST", f"{_ONE}/params"): log_params,
    ("PATCH", f"{_ONE}/tags"): set_tags,
}
