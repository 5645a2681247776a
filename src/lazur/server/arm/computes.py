"""Computes."""

from __future__ import annotations

from typing import Any

from lazur.errors import Conflict, Invalid, NotFound
from lazur.server.arm.calls import Call
from lazur.server.arm.releases import waiting
from lazur.server.arm.replies import Reply, accepted, listed
from lazur.server.arm.routes import Routes
from lazur.server.arm.translate import computes as translate
from lazur.server.arm.translate.cases import mapping
from lazur.services.base.site import Context
from lazur.services.base.workspaces import open_workspace
from lazur.services.resources import clusters, computes

routes = Routes()

_READ, _WRITE = "workspaces/computes/read", "workspaces/computes/write"


@routes.get("WS/computes/{name}", _READ)
def show(call: Call, name: str) -> Reply:
    found = call.read(lambda context: computes.get(context, call.workspace, name))
    return Reply(translate.to_arm(found, call.ids))


@routes.get("WS/computes", _READ)
def find(call: Call) -> Reply:
    found = call.read(lambda context: computes.find(context, call.workspace))
    return listed([translate.to_arm(one, call.ids) for one in found["value"]])


@routes.put("WS/computes/{name}", _WRITE)
def put(call: Call, name: str) -> Reply:
    """Make it, or replace all of it: nothing takes time, so it is there with the answer."""
    spec = translate.from_arm(name, call.json())

    def use(context: Context) -> tuple[dict[str, Any], bool]:
        before = _known(context, call.workspace, name)
        return clusters.put(context, call.workspace, name, spec), before

    made, before = call.write(use)
    told = waiting(call, f"{call.ids.resource('computes', name)}/operations/put")
    return Reply(translate.to_arm(made, call.ids), 200 if before else 201, told)


@routes.patch("WS/computes/{name}", _WRITE)
def update(call: Call, name: str) -> Reply:
    """How many nodes there may be, and notes."""
    body = call.json()
    inner = mapping(mapping(body.get("properties")).get("properties"))
    whole = {"properties": {"computeType": "AmlCompute", "properties": inner}}
    changes = {
        key: value
        for key, value in translate.from_arm(name, {**body, **whole}).items()
        if key not in {"name", "type"}
    }
    made = call.write(lambda context: clusters.update(context, call.workspace, name, changes))
    return Reply(translate.to_arm(made, call.ids))


@routes.delete("WS/computes/{name}", "workspaces/computes/delete")
def delete(call: Call, name: str) -> Reply:
    call.write(lambda context: clusters.delete(context, call.workspace, name))
    return Reply(status=204)


@routes.post("WS/computes/{name}/start", "workspaces/computes/start/action")
def start(call: Call, name: str) -> Reply:
    return _switched(call, name, "start", stopped=False)


@routes.post("WS/computes/{name}/stop", "workspaces/computes/stop/action")
def stop(call: Call, name: str) -> Reply:
    return _switched(call, name, "stop", stopped=True)


@routes.post("WS/computes/{name}/restart", "workspaces/computes/start/action")
def restart(call: Call, name: str) -> Reply:
    """There is no machine of its own: what was stopped is started."""
    return _switched(call, name, "restart", stopped=False)


@routes.get("WS/computes/{name}/operations/{verb}", _READ)
def operation(call: Call, name: str, verb: str) -> Reply:
    """It was done with the answer that named this address."""
    call.read(lambda context: computes.get(context, call.workspace, name))
    return Reply({"id": call.path, "name": verb, "status": "Succeeded"})


@routes.post("WS/computes/{name}/listNodes", _READ)
def nodes(call: Call, name: str) -> Reply:
    """Of each job that runs there, as a node."""
    found = call.read(lambda context: computes.get(context, call.workspace, name))
    running = found.get("running") or []
    told = [
        {"nodeId": job, "nodeState": "running", "runId": job, "privateIpAddress": "127.0.0.1"}
        for job in running
    ]
    return Reply({"nodes": told})


@routes.post("WS/computes/{name}/listKeys", "workspaces/computes/listKeys/action")
def keys(call: Call, name: str) -> Reply:
    def use(context: Context) -> Reply:
        action = "workspaces/computes/listKeys/action"
        open_workspace(context, call.workspace, action, "computes", name)
        computes.get(context, call.workspace, name)
        raise Conflict(
            f"The compute {name!r} has no keys: there is no machine of its own to sign in to.",
        )

    return call.read(use)


@routes.post("WS/computes/{name}/enableSso", _WRITE)
def enable_sign_in(call: Call, name: str) -> Reply:
    """It is off, and stays so."""
    wanted = call.json().get("enableSSO", True)

    def use(context: Context) -> Reply:
        open_workspace(context, call.workspace, _WRITE, "computes", name)
        computes.get(context, call.workspace, name)
        if not wanted:
            return Reply(status=200)
        raise Conflict(
            f"Nobody signs in on the compute {name!r}: there is no machine of its own.",
        )

    return call.read(use)


def _switched(call: Call, name: str, verb: str, *, stopped: bool) -> Reply:
    call.write(
        lambda context: clusters.set_stopped(context, call.workspace, name, stopped=stopped)
    )
    return accepted(call.url(f"{call.ids.resource('computes', name)}/operations/{verb}"))


def _known(context: Context, workspace: str, name: str) -> bool:
    try:
        computes.get(context, workspace, name)
    except (NotFound, Invalid):
        return False
    return True
