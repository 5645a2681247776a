"""Jobs: submitted, shown, listed, canceled. What is changed of them later Azure's client asks of
the run history."""

from __future__ import annotations

from typing import Any

from lazur.engine.states import FINAL
from lazur.errors import Invalid, NotFound, Unauthenticated
from lazur.server.arm import listing, rooms
from lazur.server.arm.calls import Call
from lazur.server.arm.replies import Reply, accepted, listed, pending
from lazur.server.arm.routes import Routes
from lazur.server.arm.translate import jobs as translate
from lazur.server.arm.translate.cases import mapping
from lazur.services.azure import tokens
from lazur.services.base.access import Resource
from lazur.services.base.site import Context
from lazur.services.base.workspaces import open_workspace
from lazur.services.jobs import jobs
from lazur.services.results import data_imports
from lazur.services.schedules.schedule_jobs import SCHEDULE
from lazur.services.tracking import runs, trash
from lazur.spec.model import squashed

routes = Routes()

_WRITE = "workspaces/jobs/write"
_MERGED = ("tags", "properties")
_ASSET = "azureml.materializationAssetName"
"""Of a job that imports data, which it becomes: a property that Azure's client sets."""


@routes.get("WS/jobs/{name}", "workspaces/jobs/read")
def show(call: Call, name: str) -> Reply:
    return Reply(_shown(call, _view(call, name))[0])


@routes.put("WS/jobs/{name}", "workspaces/jobs/write")
def put(call: Call, name: str) -> Reply:
    """Submit it. What is there already is changed, as far as a job can be."""
    there = call.read(lambda context: _known(context, call.workspace, name))
    properties = mapping(call.json().get("properties"))
    if there is not None:
        _check_same(call, there, properties)
        made = update(call, name, translate.changes(properties))
        return Reply(_shown(call, made)[0])
    _check_user(call)
    spec = translate.from_arm(name, properties)
    made = call.write(lambda context: _submitted(context, call.workspace, spec))
    return Reply(_shown(call, made)[0], 201)


@routes.get("WS/jobs", "workspaces/jobs/read")
def find(call: Call) -> Reply:
    query = listing.query(call, **_filters(call))
    page = call.read(lambda context: jobs.find(context, call.workspace, query))
    wanted = [key for key in call.query.get("properties", "").split(",") if key]
    for name, asked in ((_ASSET, "assetname"), (SCHEDULE, "scheduleid")):
        if value := call.query.get(asked):
            wanted.append(f"{name}={value}")
    scheduled = call.query.get("scheduled", "").lower()
    found = [
        _without_page(view)
        for view in page["value"]
        if all(_has(view["properties"], key) for key in wanted)
        and scheduled in ("", str(SCHEDULE in view["properties"]).lower())
    ]
    return listed(_shown(call, *found), listing.next_link(call, page))


@routes.post("WS/jobs/{name}/cancel", "workspaces/jobs/cancel/action")
def cancel(call: Call, name: str) -> Reply:
    """Over when the job is."""
    view = call.write(lambda context: jobs.cancel(context, call.workspace, name))
    if view["status"] in FINAL:
        return Reply()
    return accepted(call.url(f"{call.ids.resource('jobs', view['name'])}/canceled"))


@routes.get("WS/jobs/{name}/canceled", "workspaces/jobs/read")
def is_canceled(call: Call, name: str) -> Reply:
    view = _view(call, name)
    if view["status"] in FINAL:
        return Reply({"status": "Succeeded"})
    return pending(call.url(f"{call.ids.resource('jobs', view['name'])}/canceled"))


@routes.delete("WS/jobs/{name}", runs.DELETE)
def delete(call: Call, name: str) -> Reply:
    """For good, as Azure does it: its files, its metrics, and itself."""
    view = _view(call, name)
    call.write(lambda context: trash.remove(context, call.workspace, view["name"]))
    trash.finish(call.site)
    return Reply() if _is_gone(call, view["name"]) else accepted(_deleted(call, view["name"]))


@routes.get("WS/jobs/{name}/deleted", runs.DELETE)
def is_deleted(call: Call, name: str) -> Reply:
    """Where much is to be freed, or the server is being copied, its housekeeping goes on."""
    if _is_gone(call, name):
        return Reply({"status": "Succeeded"})
    return pending(_deleted(call, name))


def update(
    call: Call, name: str, wanted: dict[str, Any], *, merged: bool = False
) -> dict[str, Any]:
    """The view after it. What is as it should be is no change. `merged`: tags and properties are
    added to those that are there."""

    def use(context: Context) -> dict[str, Any]:
        context.require(_WRITE, Resource(call.workspace, "jobs", name))
        view = jobs.get(context, call.workspace, name)
        more = {k: {**view[k], **wanted[k]} for k in _MERGED if merged and mapping(wanted.get(k))}
        new = {k: value for k, value in {**wanted, **more}.items() if view.get(k) != value}
        return jobs.update(context, call.workspace, name, new) if new else view

    return call.write(use)


def _shown(call: Call, *views: dict[str, Any]) -> list[dict[str, Any]]:
    ids = call.ids
    made = [translate.to_arm(view, ids) for view in views]
    rooms.keep(call, ids)
    return made


def _without_page(view: dict[str, Any]) -> dict[str, Any]:
    """Azure's client asks for the cloud's addresses anew, by a connection of its own, for each job
    of a list that has an address in the Studio: a list would take seconds."""
    return {**view, "services": {k: v for k, v in view["services"].items() if k != "Studio"}}


def _view(call: Call, name: str) -> dict[str, Any]:
    return call.read(lambda context: jobs.get(context, call.workspace, name))


def _deleted(call: Call, name: str) -> str:
    return call.url(f"{call.ids.resource('jobs', name)}/deleted")


def _is_gone(call: Call, name: str) -> bool:
    return not call.read(lambda context: trash.is_going(context, call.workspace, name))


def _submitted(context: Context, workspace: str, spec: dict[str, Any]) -> dict[str, Any]:
    whole = data_imports.in_steps(context, workspace, spec)
    return jobs.submit(context, workspace, whole)


def _known(context: Context, workspace: str, name: str) -> dict[str, Any] | None:
    open_workspace(context, workspace, _WRITE, "jobs", name)
    try:
        return jobs.get(context, workspace, name)
    except NotFound:
        return None


def _check_same(call: Call, view: dict[str, Any], properties: dict[str, Any]) -> None:
    """Another job by the name of one that is there would never run, and nobody be told of it."""
    if (field := translate.changed(properties, view, call.ids)) is not None:
        raise Invalid(
            f"There is a job {view['name']!r} already, and its {field} cannot be changed.",
            hint="Submit this one by another name, or without any. Of one that is there you can "
            "change displayName, description, tags, properties and isArchived.",
        )


def _check_user(call: Call) -> None:
    """A pipeline, and a job with its user's identity, comes with a second token, which must be the
    same person's."""
    token = call.headers.get("x-azureml-token")
    if not token:
        return
    whose = tokens.principal(call.site, token) if tokens.is_jwt(token) else None
    if whose is None or whose.name != call.who.name or not tokens.is_for(token, call.base):
        raise Unauthenticated(
            "The token in x-azureml-token is not one of the caller for this server.",
            hint='Get new ones: eval "$(lazur azure env)"',
        )


def _filters(call: Call) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if kind := call.query.get("jobtype"):
        made["type"] = squashed(kind)
    if tag := call.query.get("tag"):
        made["tag"] = [tag]
    return made


def _has(properties: dict[str, str], key: str) -> bool:
    """`key`, or `key=value`."""
    name, is_, value = key.partition("=")
    return name in properties and (not is_ or properties[name] == value)
