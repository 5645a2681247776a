"""Workspaces. Azure's client makes one by a template of all that belongs to it in Azure; of that,
the workspace is made."""

from __future__ import annotations

from functools import partial
from typing import Any

from lazur.errors import Forbidden, NotFound
from lazur.server.arm import listing
from lazur.server.arm.calls import Call
from lazur.server.arm.replies import Reply, listed
from lazur.server.arm.routes import Routes
from lazur.server.arm.translate import workspaces as translate
from lazur.server.arm.translate.cases import given, mapping
from lazur.services.azure import identity
from lazur.services.base import workspaces
from lazur.services.base.access import Resource
from lazur.services.base.site import Context
from lazur.services.keeping import workspace_trash
from lazur.services.resources import computes
from lazur.store.pages import Query

routes = Routes()

_READ, _WRITE = "workspaces/read", "workspaces/write"


@routes.get("WS", _READ)
def show(call: Call) -> Reply:
    found = call.read(lambda context: workspaces.get(context, call.workspace))
    return Reply(_body(call, found))


@routes.get("MLS/workspaces", _READ)
def find(call: Call) -> Reply:
    return listed([_body(call, one) for one in _all(call)])


@routes.get("SUBMLS/workspaces", _READ)
def find_everywhere(call: Call) -> Reply:
    return find(call)


@routes.put("WS", _WRITE)
def put(call: Call) -> Reply:
    spec = translate.from_arm(call.workspace, call.json())
    made, is_new = call.write(lambda context: _made(context, spec))
    return Reply(_body(call, made), 201 if is_new else 200)


@routes.patch("WS", _WRITE)
def update(call: Call) -> Reply:
    known = call.read(lambda context: workspaces.get(context, call.workspace))
    changes = translate.notes(call.json(), known)
    made = call.write(lambda context: workspaces.update(context, call.workspace, changes))
    return Reply(_body(call, made))


@routes.delete("WS", "workspaces/delete")
def delete(call: Call) -> Reply:
    """Into the trash; with `forceToPurge`, for good."""
    purge = call.query.get("forcetopurge", "").lower() == "true"
    call.write(lambda context: workspace_trash.delete(context, call.workspace, permanently=purge))
    return Reply(status=204)


@routes.put("RG/providers/Microsoft.Resources/deployments/{name}", _WRITE)
def deploy(call: Call, name: str) -> Reply:
    """Of a template's resources the workspace, which its parameters describe."""
    call.read(lambda context: context.require(_WRITE, Resource()))
    asked = mapping(call.json().get("properties"))
    values = {
        key: mapping(value).get("value") for key, value in mapping(asked.get("parameters")).items()
    }
    spec = translate.from_template(values)
    call.write(lambda context: _made(context, spec))
    return Reply(_deployment(call, name))


@routes.get("RG/providers/Microsoft.Resources/deployments/{name}", _READ)
def deployment(call: Call, name: str) -> Reply:
    """It was done with the answer to what asked for it."""
    _may_look(call)
    return Reply(_deployment(call, name))


@routes.get("RG/deployments/{name}/operations", _READ)
def deployed(call: Call, name: str) -> Reply:
    _may_look(call)
    return listed([])


@routes.post("WS/listKeys", "workspaces/listKeys/action")
def keys(call: Call) -> Reply:
    """There are none: who may read a workspace's files is asked each time."""
    action = "workspaces/listKeys/action"
    call.read(lambda context: workspaces.open_workspace(context, call.workspace, action))
    return Reply({"userStorageKey": "", "containerRegistryCredentials": None})


@routes.post("WS/resyncKeys", _WRITE)
def resync(call: Call) -> Reply:
    call.read(lambda context: workspaces.open_workspace(context, call.workspace, _WRITE))
    return Reply(status=200)


@routes.post("WS/diagnose", _READ)
def diagnose(call: Call) -> Reply:
    """What of Azure could be out of order is not here."""
    call.read(lambda context: workspaces.get(context, call.workspace))
    parts = ("userDefinedRoute", "networkSecurityRule", "resourceLock", "dnsResolution")
    return Reply({"value": {f"{part}Results": [] for part in parts}})


@routes.post("WS/provisionManagedNetwork", _WRITE)
def provision_network(call: Call) -> Reply:
    """There is no network of a workspace's own, and so none becomes active."""
    call.read(lambda context: workspaces.open_workspace(context, call.workspace, _WRITE))
    return Reply({"status": "Inactive", "sparkReady": False})


@routes.get("SUBMLS/locations/{location}/vmSizes", "workspaces/read")
def sizes(call: Call, location: str) -> Reply:
    """The machine that jobs run on is the one size that there is."""
    _may_look(call)
    local = _local(call)
    room = mapping(local.get("slots"))
    size = {
        "name": "local",
        "family": "lazur",
        "vCPUs": room.get("cpus", 1),
        "gpus": room.get("gpus", 0),
        "memoryGB": round(room.get("memory", 0) / (1 << 30), 1),
        "osVhdSizeMB": 0,
        "maxResourceVolumeMB": 0,
        "lowPriorityCapable": False,
        "premiumIO": False,
        "supportedComputeTypes": ["AmlCompute", "ComputeInstance"],
    }
    return listed([size])


@routes.get("SUBMLS/locations/{location}/usages", "workspaces/read")
def usages(call: Call, location: str) -> Reply:
    """Cores of the machine that jobs run on, and how many of them are in use."""
    _may_look(call)
    local = _local(call)
    used, room = mapping(local.get("used")), mapping(local.get("slots"))
    usage = {
        "id": f"{call.path}/cores",
        "amlWorkspaceLocation": location,
        "type": "Microsoft.MachineLearningServices/usages",
        "unit": "Count",
        "currentValue": int(used.get("cpus", 0)),
        "limit": int(room.get("cpus", 0)),
        "name": {"value": "cores", "localizedValue": "Cores"},
    }
    return listed([usage])


def _local(call: Call) -> dict[str, Any]:
    """As seen from any workspace whose computes the caller may see."""
    refused: Forbidden | None = None
    for known in _all(call):
        try:
            found = call.read(partial(computes.find, workspace=known["name"]))["value"]
        except Forbidden as error:
            refused = error
        else:
            return found[0] if found else {}
    if refused is not None:
        raise refused
    return {}


def _may_look(call: Call) -> None:
    call.read(lambda context: workspaces.find(context, Query(1, None, None, {})))


def _made(context: Context, spec: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """The workspace, and whether it is new."""
    try:
        found = workspaces.get(context, spec["name"])
    except NotFound:
        return workspaces.create(context, spec), True
    changes = given(**{key: spec.get(key) for key in ("display_name", "description", "tags")})
    return (workspaces.update(context, spec["name"], changes) if changes else found), False


def _deployment(call: Call, name: str) -> dict[str, Any]:
    return {
        "id": f"{call.ids.group}/providers/Microsoft.Resources/deployments/{name}",
        "name": name,
        "type": "Microsoft.Resources/deployments",
        "properties": {
            "provisioningState": "Succeeded",
            "mode": "Incremental",
            "duration": "PT0.1S",
            "outputResources": [],
        },
    }


def _all(call: Call) -> list[dict[str, Any]]:
    return listing.everything(call, workspaces.find)


def _body(call: Call, view: dict[str, Any]) -> dict[str, Any]:
    home = call.site.home
    return translate.to_arm(
        view,
        call.ids,
        call.base,
        tenant=identity.tenant(home),
        number=identity.of(home, "workspace", view["name"]),
    )
