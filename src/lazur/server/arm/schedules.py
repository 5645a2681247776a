"""Schedules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lazur.errors import NotFound
from lazur.server.arm import listing, rooms
from lazur.server.arm.calls import Call
from lazur.server.arm.releases import waiting
from lazur.server.arm.replies import POLL, Reply, listed
from lazur.server.arm.routes import Routes
from lazur.server.arm.translate import schedules as translate
from lazur.server.arm.translate.cases import mapping
from lazur.services.base.site import Context
from lazur.services.base.workspaces import open_workspace
from lazur.services.results import data_imports
from lazur.services.schedules import hooks, schedules
from lazur.services.schedules.schedule_jobs import CREATE_JOB, merged
from lazur.spec.model import squashed

routes = Routes()

_READ, _WRITE = "workspaces/schedules/read", "workspaces/schedules/write"
_STATES = {"enabledonly": "enabled", "disabledonly": "disabled", "all": "all"}


@routes.get("WS/schedules/{name}", _READ)
def show(call: Call, name: str) -> Reply:
    found = call.read(lambda context: schedules.get(context, call.workspace, name))
    return Reply(_body(call, found))


@routes.get("WS/schedules", _READ)
def find(call: Call) -> Reply:
    wanted = squashed(call.query.get("listviewtype", "").rpartition(".")[2])
    asked = listing.query(call, "name")
    query = replace(asked, filters={"state": _STATES.get(wanted, "enabled")})
    page = call.read(lambda context: schedules.find(context, call.workspace, query))
    return listed([_body(call, one) for one in page["value"]], listing.next_link(call, page))


@routes.put("WS/schedules/{name}", _WRITE)
def put(call: Call, name: str) -> Reply:
    """Make it, or replace all of it."""
    is_new = call.read(lambda context: _is_new(context, call.workspace, name))
    spec = translate.schedule(name, mapping(call.json().get("properties")))
    made = call.write(lambda context: _put(context, call.workspace, name, spec))
    told = waiting(call, f"{call.ids.resource('schedules', made['name'])}/changed")
    return Reply(_body(call, made), 201 if is_new else 200, told)


@routes.get("WS/schedules/{name}/changed", _READ)
def is_changed(call: Call, name: str) -> Reply:
    found = call.read(lambda context: schedules.get(context, call.workspace, name))
    return Reply({"name": found["name"], "status": "Succeeded"}, headers={"Retry-After": POLL})


@routes.delete("WS/schedules/{name}", "workspaces/schedules/delete")
def delete(call: Call, name: str) -> Reply:
    call.write(lambda context: schedules.delete(context, call.workspace, name))
    return Reply(status=200)


@routes.post("WS/schedules/{name}/trigger", "workspaces/schedules/trigger/action")
def trigger(call: Call, name: str) -> Reply:
    """Once, now."""
    at = call.json().get("scheduleTime")
    body = {"schedule_time": at} if at else {}
    made = call.write(lambda context: hooks.trigger(context, call.workspace, name, body))
    told = {"scheduleActionType": made["schedule_action_type"], "submissionId": made["job_name"]}
    return Reply(told)


def _put(context: Context, workspace: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    job = spec.get(CREATE_JOB)
    if isinstance(job, dict):
        spec = {**spec, CREATE_JOB: data_imports.in_steps(context, workspace, job)}
    return schedules.put(context, workspace, name, spec)


def _body(call: Call, view: dict[str, Any]) -> dict[str, Any]:
    job, ids = view.get(CREATE_JOB), call.ids
    made = translate.to_arm(view, merged(job) if isinstance(job, dict) else None, ids)
    rooms.keep(call, ids)
    return made


def _is_new(context: Context, workspace: str, name: str) -> bool:
    home = open_workspace(context, workspace, _WRITE, schedules.KIND, name)
    try:
        schedules.find_row(context, home, name)
    except NotFound:
        return True
    return False
