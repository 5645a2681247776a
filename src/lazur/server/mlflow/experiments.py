"""Experiments, one at a time: create, get, and their tags."""

from __future__ import annotations

from lazur.server.mlflow import checks, fields, messages
from lazur.server.mlflow.call import Call, Handler, Punt, Refusal, Space
from lazur.services.base.site import Context
from lazur.store.db import Taken
from lazur.store.mlflow import experiments as store
from lazur.store.mlflow import spaces
from lazur.store.mlflow.experiments import Experiment

_COLUMN = 256
"""Of an experiment's name: what is longer PostgreSQL refuses, and SQLite keeps."""


async def create(call: Call) -> bytes:
    asked = call.fields("name", "artifact_location", "tags")
    fields.require(asked, "name")
    name, tags = fields.text(asked, "name"), fields.pairs(asked, "tags")
    if fields.text(asked, "artifact_location") or _COLUMN < len(name) <= checks.EXPERIMENT:
        raise Punt
    checks.length("name", checks.EXPERIMENT, name)
    for key, value in tags:
        checks.experiment_tag(key, value)
    if len({key for key, _ in tags}) < len(tags):
        raise Punt

    def part(context: Context) -> bytes:
        try:
            made = spaces.add_experiment(context.db, call.space.mlflow, name, context.now())
        except Taken:
            raise Punt from None  # upstream tells it in its own driver's words
        store.add_tags(context.db, made, tags)
        return messages.reply("experiment_id", f'"{made}"')

    return await call.write(part)


async def get(call: Call) -> bytes:
    asked = _single(call, "experiment_id")

    def part(context: Context) -> bytes:
        return _told(context, found(context, call.space, asked))

    return await call.read(part)


async def get_by_name(call: Call) -> bytes:
    name = _single(call, "experiment_name")

    def part(context: Context) -> bytes:
        experiment = store.by_name(context.db, call.space.mlflow, name)
        if experiment is None:
            raise Refusal(
                "RESOURCE_DOES_NOT_EXIST", f"Could not find experiment with name '{name}'"
            )
        return _told(context, experiment)

    return await call.read(part)


async def set_tag(call: Call) -> bytes:
    asked = call.fields("experiment_id", "key", "value")
    fields.require(asked, "experiment_id", "key")
    experiment_id = fields.text(asked, "experiment_id")
    key, value = fields.text(asked, "key"), fields.text(asked, "value")
    checks.experiment_tag(key, value)

    def part(context: Context) -> bytes:
        experiment = active(context, call.space, experiment_id)
        store.put_tag(context.db, experiment.id, key, value)
        return messages.EMPTY

    return await call.write(part)


def found(context: Context, space: Space, asked: str) -> Experiment:
    number = checks.experiment_id(asked)
    experiment = store.by_id(context.db, space.mlflow, number)
    if experiment is None:
        raise Refusal("RESOURCE_DOES_NOT_EXIST", f"No Experiment with id={number} exists")
    return experiment


def active(context: Context, space: Space, asked: str) -> Experiment:
    experiment = found(context, space, asked)
    if experiment.stage != "active":
        raise fields.invalid(
            f"The experiment {experiment.id} must be in the 'active' state. "
            f"Current state is {experiment.stage}."
        )
    return experiment


def _told(context: Context, experiment: Experiment) -> bytes:
    tags = store.tags(context.db, experiment.id)
    return messages.reply("experiment", messages.experiment(1, experiment, tags))


def _single(call: Call, name: str) -> str:
    asked = call.parameters(name)
    if not asked:
        raise Punt  # upstream looks into the body then
    single = {name: asked[name][0]}
    fields.require(single, name)
    return single[name]


_PATH = "2.0/mlflow/experiments/"

ROUTES: dict[tuple[str, str], Handler] = {
    ("POST", _PATH + "create"): create,
    ("GET", _PATH + "get"): get,
    ("GET", _PATH + "get-by-name"): get_by_name,
    ("POST", _PATH + "set-experiment-tag"): set_tag,
}
