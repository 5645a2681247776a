"""Computes that a workspace names itself, as Azure's scripts make them: shares of the server's
compute, each with a bound on how many nodes of its jobs run at a time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from lazur.engine.dispatch import Rooms
from lazur.errors import Conflict, Invalid, NotFound, PreconditionFailed
from lazur.kinds import catalog
from lazur.kinds.resources.compute import Compute
from lazur.services.base import checks, events
from lazur.services.base.events import Change
from lazur.services.base.site import Context
from lazur.services.base.times import iso
from lazur.services.base.workspaces import open_workspace
from lazur.spec.diagnostics import raise_if_errors, told
from lazur.spec.names import fold
from lazur.store import clusters as store
from lazur.store import workspaces
from lazur.store.db import AnyRow, Connection, Taken
from lazur.store.jobs import JobRow

_ACTION = "workspaces/computes/"
_TAKEN = ("local", "serverless")
_APART = ("name", "type", "id", "description", "tags", "location", "resource_id", "ssh_settings")
INSTANCE = "computeinstance"


def put(
    context: Context, workspace: str, name: str, spec: dict[str, Any], etag: str | None = None
) -> dict[str, Any]:
    """Make it, or replace all of it."""
    home = open_workspace(context, workspace, _ACTION + "write", "computes", name)
    name = checks.name(name)
    if fold(str(spec.get("name") or name)) != fold(name):
        raise Invalid(f"The name is {spec['name']!r} in the body and {name!r} in the address.")
    values, warnings = _checked({**spec, "name": name})
    row = store.by_name(context.db, home.id, fold(name))
    _check_etag(name, row, etag)
    if row is None:
        _add(context, home, name, values)
    else:
        _change(context, home, row, values)
    return {**view(context, home, find_row(context, home, name)), "warnings": warnings}


def update(
    context: Context, workspace: str, name: str, changes: dict[str, Any], etag: str | None = None
) -> dict[str, Any]:
    """Only what is given; null takes a field away."""
    home = open_workspace(context, workspace, _ACTION + "write", "computes", name)
    row = find_row(context, home, name)
    _check_etag(name, row, etag)
    if fold(str(changes.get("type") or row.type)) != row.type:
        raise Invalid("'type' cannot be changed.", hint="Make another compute.")
    written = {
        "description": row.description,
        "tags": row.tags,
        **row.settings,
        **changes,
        "name": row.name,
        "type": row.type,
    }
    values, warnings = _checked({key: v for key, v in written.items() if v is not None})
    _change(context, home, row, values)
    return {**view(context, home, find_row(context, home, name)), "warnings": warnings}


def delete(context: Context, workspace: str, name: str) -> None:
    """Jobs that ended there keep its name."""
    home = open_workspace(context, workspace, _ACTION + "delete", "computes", name)
    row = find_row(context, home, name)
    if not store.lock(context.db, row.id):
        raise absent(name)
    if count := sum(_jobs(context, row).values()):
        raise Conflict(
            f"{count} job{'s wait or run' if count != 1 else ' waits or runs'} on compute "
            f"{row.name!r}.",
            hint="Cancel them, or wait for their end: lazur job list -o table",
        )
    store.drop(context.db, row.id)
    events.record(context, home, "computes", row.name, "deleted", Change(_seen(row), None))


def set_stopped(context: Context, workspace: str, name: str, *, stopped: bool) -> dict[str, Any]:
    """Of an instance: jobs that run go on, the others wait until it is started."""
    verb = "stop" if stopped else "start"
    home = open_workspace(context, workspace, f"{_ACTION}{verb}/action", "computes", name)
    row = find_row(context, home, name)
    if row.type != INSTANCE:
        raise Invalid(
            f"Only a compute of type {INSTANCE} can be stopped and started; {row.name!r} is of "
            f"type {row.type}.",
            hint=f"To hold its jobs: lazur compute update -n {row.name} --max-instances 0",
        )
    if row.stopped != stopped:
        if not store.change(context.db, row, {"stopped": stopped, "changed_at": context.now()}):
            raise _changed(row.name)
        events.record(context, home, "computes", row.name, "stopped" if stopped else "started")
        context.publish("queue", row.runs_on)
    return view(context, home, find_row(context, home, name))


def find(context: Context, home: AnyRow) -> list[dict[str, Any]]:
    """Whoever calls may see them."""
    counts = store.counts(context.db, home.id)
    rows = store.of_workspace(context.db, home.id)
    return [_shown(home, row, counts.get(row.name, {})) for row in rows]


def find_row(context: Context, home: AnyRow, name: str) -> AnyRow:
    row = store.by_name(context.db, home.id, fold(name))
    if row is not None:
        return row
    if workspaces.compute_by_name(context.db, name) is not None:
        raise Invalid(
            f"The compute {name!r} is the server's, and not changed from a workspace.",
            hint="Make one of the workspace's own: lazur compute create -n NAME --type amlcompute",
        )
    raise absent(name)


def absent(name: str) -> NotFound:
    return NotFound(f"There is no compute {name!r}.", hint="See: lazur compute list")


def chosen(context: Context, home: AnyRow, name: str, nodes: int) -> AnyRow | None:
    """The one that a job names, if the workspace has it."""
    row = store.by_name(context.db, home.id, fold(name))
    if row is not None and nodes > max(1, row.nodes):
        raise Invalid(
            f"The job asks for {nodes} nodes; compute {row.name!r} has at most {row.nodes}.",
            hint=f"Ask for fewer under resources.instance_count, or: lazur compute update "
            f"-n {row.name} --max-instances {nodes}",
        )
    return row


def hold(context: Context, home: AnyRow, name: str) -> None:
    """In the transaction that sends a job there: it is not deleted meanwhile."""
    row = store.by_name(context.db, home.id, fold(name))
    if row is None or not store.lock(context.db, row.id):
        raise absent(name)


def rooms(db: Connection, compute_id: int) -> Rooms:
    """How many nodes each may start now."""
    return {
        (row.workspace_id, row.name): 0 if row.stopped else row.nodes - int(row.running)
        for row in store.held(db, compute_id)
    }


def reasons(context: Context, rows: Iterable[JobRow]) -> dict[int, str]:
    """Why queued jobs wait, by their ids, where it is for their cluster."""
    queued = [row for row in rows if row.state == "Queued" and row.cluster]
    if not queued:
        return {}
    there = {(row.workspace_id, row.name): row for row in store.held(context.db)}
    found: dict[int, str] = {}
    for job in queued:
        row = there.get((job.workspace_id, job.cluster))
        if row is not None and (text := _reason(row, job.nodes)):
            found[job.id] = text
    return found


def _reason(row: AnyRow, wanted: int) -> str | None:
    if row.stopped:
        return f"compute {row.name!r} to be started: lazur compute start -n {row.name}"
    if row.running + wanted <= row.nodes:
        return None
    return (
        f"a free node of compute {row.name!r}: {row.running} of {row.nodes} are in use "
        "(max_instances)"
    )


def view(context: Context, home: AnyRow, row: AnyRow) -> dict[str, Any]:
    return _shown(home, row, _jobs(context, row))


def _jobs(context: Context, row: AnyRow) -> dict[str, int]:
    return store.counts(context.db, row.workspace_id).get(row.name, {})


def _shown(home: AnyRow, row: AnyRow, jobs: dict[str, int]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": f"/workspaces/{home.name}/computes/{row.name}",
        "name": row.name,
        "type": row.type,
        **row.settings,
        "description": row.description,
        "tags": row.tags,
        "provisioning_state": "Succeeded",
        "runs_on": row.runs_on,
        "jobs": jobs,
        "creation_context": {
            "created_at": iso(row.created_at),
            "created_by": row.created_by,
            "created_by_type": "User",
            "last_modified_at": iso(row.changed_at or row.created_at),
        },
        "etag": str(row.version),
    }
    if row.type == INSTANCE:
        return {**shown, "state": "Stopped" if row.stopped else "Running"}
    return {**shown, "max_instances": row.nodes}


def _checked(spec: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """What is kept, and what there is to say. What opens a machine by SSH is not kept."""
    name = str(spec["name"])
    if name.lower() in _TAKEN:
        raise Invalid(f"{name!r} is the server's own compute.", hint="Choose another name.")
    model, found = catalog.validate(catalog.kind_of(spec, "compute"), spec)
    raise_if_errors(found)
    compute = cast("Compute", model)
    value = compute.dump()
    known = type(compute).model_fields
    values = {
        "type": compute.type,
        "settings": {
            field: part
            for field, part in value.items()
            if field in known and field not in _APART and part is not None
        },
        "description": compute.description,
        "tags": dict(compute.tags),
        "nodes": compute.nodes,
    }
    return values, told(found)


def _add(context: Context, home: AnyRow, name: str, values: dict[str, Any]) -> None:
    host = workspaces.compute_by_name(context.db, context.site.unknown_compute or "local")
    if host is None:
        raise Conflict(f"The server has no compute {context.site.unknown_compute!r} to run it on.")
    made = {
        **values,
        "workspace_id": home.id,
        "name": name,
        "folded": fold(name),
        "compute_id": host.id,
        "stopped": False,
        "created_at": context.now(),
        "created_by": context.who.name,
        "version": 1,
    }
    try:
        store.add(context.db, made)
    except Taken:
        raise Conflict(
            f"The compute {name!r} was made meanwhile.", hint="Look at it, and try again."
        ) from None
    _tell(context, home, None, name, "created")


def _change(context: Context, home: AnyRow, row: AnyRow, values: dict[str, Any]) -> None:
    if values["type"] != row.type:
        raise Conflict(
            f"There is a compute {row.name!r} of type {row.type}.",
            hint="Delete it first, or choose another name.",
        )
    if not store.change(context.db, row, {**values, "changed_at": context.now()}):
        raise _changed(row.name)
    _tell(context, home, row, row.name, "updated")
    context.publish("queue", row.runs_on)


def _tell(context: Context, home: AnyRow, before: AnyRow | None, name: str, what: str) -> None:
    row = find_row(context, home, name)
    change = Change(None if before is None else _seen(before), _seen(row))
    events.record(context, home, "computes", row.name, what, change)


def _seen(row: AnyRow) -> dict[str, Any]:
    return {
        "type": row.type,
        "nodes": row.nodes,
        "description": row.description,
        "tags": row.tags,
        **row.settings,
    }


def _check_etag(name: str, row: AnyRow | None, etag: str | None) -> None:
    if etag is not None and (row is None or etag != str(row.version)):
        raise _changed(name)


def _changed(name: str) -> PreconditionFailed:
    return PreconditionFailed(
        f"The compute {name!r} has changed since you read it.", hint="Read it again."
    )
