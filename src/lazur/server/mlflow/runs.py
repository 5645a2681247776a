"""Runs: create, get, update, delete, restore."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence

from lazur.server.mlflow import checks, fields, messages, random_names
from lazur.server.mlflow.call import Call, Handler, Punt, Refusal
from lazur.server.mlflow.experiments import active
from lazur.services.base.site import Context
from lazur.services.jobs import run_hooks as hooks
from lazur.services.tracking import rights
from lazur.store.mlflow import inputs as input_store
from lazur.store.mlflow import runs as store
from lazur.store.mlflow.runs import NAME_TAG, Data, Pairs, Run

STATUSES = ("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED")

_PLAIN_PLACE = re.compile(r"mlflow-artifacts:(?:/[\w.-]+)+")
"""Where a path is put together without any of upstream's rules for odd addresses."""


async def create(call: Call) -> bytes:
    asked = call.fields("experiment_id", "user_id", "run_name", "start_time", "tags")
    experiment = fields.text(asked, "experiment_id")
    name, user = fields.text(asked, "run_name"), fields.text(asked, "user_id")
    tags = fields.pairs(asked, "tags")
    start = fields.integer(asked, "start_time") or 0
    if len(user) > 256 or any(len(k) > checks.KEY or len(v) > checks.TAG for k, v in tags):
        raise Punt  # PostgreSQL refuses them, SQLite does not

    def part(context: Context) -> bytes:
        home = active(context, call.space, experiment)
        called, told = _named(name, tags)
        run_id = uuid.uuid4().hex
        run = Run(
            id=run_id,
            name=called,
            experiment_id=home.id,
            user=user,
            status="RUNNING",
            start=start,
            end=None,
            artifacts=place(home.artifacts, run_id, "artifacts"),
            stage="active",
        )
        store.add(context.db, run, told)
        return messages.reply("run", messages.run(1, run, Data(tags=told), None))

    return await call.write(part)


async def get(call: Call) -> bytes:
    asked = call.parameters("run_id", "run_uuid")
    if not asked:
        raise Punt  # upstream looks into the body then
    single = {name: values[0] for name, values in asked.items()}
    fields.require(single, "run_id")
    run_id = fields.run_id(single)

    def part(context: Context) -> bytes:
        run = found(context, call, run_id)
        data = store.data(context.db, run.id)
        inputs = input_store.of_run(context.db, run.id)
        named = run._replace(name=run.name or dict(data.tags).get(NAME_TAG, run.name))
        return messages.reply("run", messages.run(1, named, data, inputs))

    return await call.read(part)


async def update(call: Call) -> bytes:
    asked = call.fields("run_id", "run_uuid", "status", "end_time", "run_name")
    fields.require(asked, "run_id")
    run_id, name = fields.run_id(asked), fields.text(asked, "run_name")
    end, status = fields.integer(asked, "end_time"), _status(asked.get("status"))
    checks.fits_run_name(name)

    def part(context: Context) -> bytes:
        run = writable(context, call, run_id)
        changed = change(context, run, status, end, name)
        if not changed.name:
            tag = store.tag(context.db, run.id, NAME_TAG)
            changed = changed._replace(name=tag or changed.name)
        return messages.reply("run_info", messages.run_info(1, changed))

    return await call.write(part)


async def delete(call: Call) -> bytes:
    asked = call.fields("run_id")
    fields.require(asked, "run_id")
    run_id = fields.run_id(asked)

    def part(context: Context) -> bytes:
        run = found(context, call, run_id)
        rights.require_writable(context, run.id)
        if store.is_assessed(context.db, run.id):
            raise Punt  # they go too, and so do figures made of them
        if run.job is not None:
            hooks.deleted(context, run.id)
        store.delete(context.db, run.id, context.now())
        return messages.EMPTY

    return await call.write(part)


async def restore(call: Call) -> bytes:
    asked = call.fields("run_id")
    fields.require(asked, "run_id")
    run_id = fields.run_id(asked)

    def part(context: Context) -> bytes:
        run = found(context, call, run_id)
        rights.require_writable(context, run.id)
        store.restore(context.db, run.id)
        if run.job is not None:
            hooks.restored(context, run.id)
        return messages.EMPTY

    return await call.write(part)


def found(context: Context, call: Call, run_id: str) -> Run:
    run = store.find(context.db, call.space.mlflow, run_id)
    if run is None:
        raise Refusal("RESOURCE_DOES_NOT_EXIST", f"Run with id={run_id} not found")
    if None in (run.user, run.start):
        raise Punt  # upstream cannot tell about such a row, and says so
    return run


def writable(context: Context, call: Call, run_id: str) -> Run:
    """A run to write to: there, not deleted, and not another job's."""
    run = found(context, call, run_id)
    if run.job is not None and run.job != context.who.job:
        rights.require_writable(context, run.id)
    if run.stage != "active":
        raise fields.invalid(
            f"The run {run.id} must be in the 'active' state. Current state is {run.stage}."
        )
    return run


def change(context: Context, run: Run, status: str | None, end: int | None, name: str) -> Run:
    """An empty name changes nothing."""
    changed = run._replace(
        status=status or run.status,
        end=run.end if end is None else end,
        name=name or run.name,
    )
    if changed != run:
        store.update(context.db, changed)
    if name:
        store.put_tags(context.db, run.id, [(NAME_TAG, name)])
    if run.job is not None:
        hooks.updated(context, run.id, status, name or None)
    return changed


def place(root: str, *below: str) -> str:
    if not _PLAIN_PLACE.fullmatch(root):
        raise Punt
    return "/".join((root, *below))


def _named(name: str, tags: Sequence[tuple[str, str]]) -> tuple[str, Pairs]:
    """The run's name, and its tags with it."""
    tagged = next((value for key, value in tags if key == NAME_TAG), "")
    if name and tagged and name != tagged:
        raise fields.invalid(
            "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with "
            f"different values (run_name='{name}', mlflow.runName='{tagged}')."
        )
    called = name or tagged or random_names.name()
    told = tags if tagged else [*tags, (NAME_TAG, called)]
    checks.fits_run_name(called)
    if len({key for key, _ in told}) < len(told):
        raise Punt
    return called, told


def _status(value: object) -> str | None:
    if value is None or value in STATUSES:
        return value and str(value)
    raise Punt


_PATH = "2.0/mlflow/runs/"

ROUTES: dict[tuple[str, str], Handler] = {
    ("POST", _PATH + "create"): create,
    ("GET", _PATH + "get"): get,
    ("POST", _PATH + "update"): update,
    ("POST", _PATH + "delete"): delete,
    ("POST", _PATH + "restore"): restore,
}
