"""Subscriptions and resource groups. There is one server: every name of them is its own."""

from __future__ import annotations

from typing import Any

from lazur.server.arm.calls import Call
from lazur.server.arm.replies import Reply, listed
from lazur.server.arm.routes import Routes
from lazur.services.azure import identity
from lazur.services.base import workspaces
from lazur.store.pages import Query

routes = Routes()

_READ = "workspaces/read"


@routes.get("SUB", _READ)
def subscription(call: Call) -> Reply:
    _may_look(call)
    return Reply(_subscription(call, call.place.subscription))


@routes.get("/subscriptions", _READ)
def subscriptions(call: Call) -> Reply:
    _may_look(call)
    return listed([_subscription(call, identity.SUBSCRIPTION)])


@routes.get("RG", _READ)
def group(call: Call) -> Reply:
    _may_look(call)
    return Reply(_group(call, call.place.group))


@routes.put("RG", _READ)
def put_group(call: Call) -> Reply:
    """It is there already, as every other is."""
    return group(call)


@routes.get("SUB/resourceGroups", _READ)
def groups(call: Call) -> Reply:
    _may_look(call)
    return listed([_group(call, identity.GROUP)])


def _may_look(call: Call) -> None:
    call.read(lambda context: workspaces.find(context, Query(1, None, None, {})))


def _subscription(call: Call, name: str) -> dict[str, Any]:
    return {
        "id": f"/subscriptions/{name}",
        "subscriptionId": name,
        "displayName": "Lazur",
        "state": "Enabled",
        "tenantId": identity.tenant(call.site.home),
    }


def _group(call: Call, name: str) -> dict[str, Any]:
    return {
        "id": f"/subscriptions/{call.place.subscription}/resourceGroups/{name}",
        "name": name,
        "type": "Microsoft.Resources/resourceGroups",
        "location": identity.LOCATION,
        "properties": {"provisioningState": "Succeeded"},
    }
