"""Datastores: shown, made, and let into."""

from __future__ import annotations

from typing import Any

from lazur.server.arm import addresses, listing
from lazur.server.arm.calls import Call
from lazur.server.arm.replies import Reply, listed
from lazur.server.arm.routes import Routes
from lazur.server.arm.translate import datastores as translate
from lazur.server.arm.translate.cases import mapping
from lazur.services.azure import sas
from lazur.services.resources import resources
from lazur.services.resources.resources import DATASTORES
from lazur.store.pages import Query

routes = Routes()

_ONE = "WS/datastores/{name}"
_HOUR = 3600


@routes.get("WS/datastores", DATASTORES.action("read"))
def find(call: Call) -> Reply:
    asked = listing.query(call, "name")
    query = Query(asked.limit, asked.cursor, "name", {})
    page = call.read(lambda c: resources.find(c, DATASTORES, call.workspace, query))
    wanted = call.query.get("isdefault", "").lower()
    found = [one for one in page["value"] if wanted in ("", str(one["is_default"]).lower())]
    return listed([_body(call, one) for one in found], listing.next_link(call, page))


@routes.get(_ONE, DATASTORES.action("read"))
def show(call: Call, name: str) -> Reply:
    return Reply(_body(call, _get(call, name)))


@routes.put(_ONE, DATASTORES.action("write"))
def put(call: Call, name: str) -> Reply:
    """Make it, or replace all of it. Of one that is reached through this server, where it lies is
    not Azure's to say: what is said about it may be changed, and whether it is the default."""
    body = call.json()
    given = mapping(body.get("properties"))
    if given.get("accountName") == addresses.here(call).account_name:
        view = _get(call, name)
        changes = translate.changes(given, view)
        if changes:
            view = call.write(
                lambda c: resources.update(c, DATASTORES, call.workspace, name, changes)
            )
        return Reply(_body(call, view))
    spec = translate.from_arm(body, name)
    made = call.write(lambda c: resources.put(c, DATASTORES, call.workspace, name, spec))
    return Reply(_body(call, made), 201)


@routes.delete(_ONE, DATASTORES.action("delete"))
def delete(call: Call, name: str) -> Reply:
    call.write(lambda c: resources.delete(c, DATASTORES, call.workspace, name))
    return Reply(status=204)


@routes.post(f"{_ONE}/listSecrets", DATASTORES.action("read"))
def secrets(call: Call, name: str) -> Reply:
    """What is reached through this server opens for an hour, for what the caller may do; what is
    Azure's, to those who may see secrets. So a job can upload what it registers."""
    view = _get(call, name)
    if translate.is_ours(view):
        asked = call.json().get("expireAfterHours")
        hours = asked if isinstance(asked, int | float) and asked > 0 else 1
        longest = sas.LONGEST if call.who.job is None else sas.SECONDS
        query = addresses.signature(
            call, view["name"], letters=sas.WRITE, seconds=min(hours * _HOUR, longest)
        )
        return Reply({"secretsType": "Sas", "sasToken": query})
    found = call.write(
        lambda c: resources.list_secrets(c, DATASTORES, call.workspace, view["name"])
    )
    return Reply(translate.secrets(found))


def _get(call: Call, name: str) -> dict[str, Any]:
    return call.read(lambda c: resources.get(c, DATASTORES, call.workspace, name))


def _body(call: Call, view: dict[str, Any]) -> dict[str, Any]:
    return translate.to_arm(view, addresses.here(call))
