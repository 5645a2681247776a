"""Connections."""

from __future__ import annotations

from typing import Any

from lazur.server.arm import listing
from lazur.server.arm.calls import Call
from lazur.server.arm.replies import Reply, listed
from lazur.server.arm.routes import Routes
from lazur.server.arm.translate import connections as translate
from lazur.services.resources import resources
from lazur.services.resources.resources import CONNECTIONS
from lazur.spec.model import squashed

routes = Routes()


@routes.get("WS/connections/{name}", CONNECTIONS.action("read"))
def show(call: Call, name: str) -> Reply:
    """Without its secrets."""
    found = call.read(lambda context: resources.get(context, CONNECTIONS, call.workspace, name))
    return Reply(translate.to_arm(found, call.ids))


@routes.get("WS/connections", CONNECTIONS.action("read"))
def find(call: Call) -> Reply:
    shown = [translate.to_arm(one, call.ids) for one in _all(call)]
    wanted = squashed(call.query.get("category", ""))
    return listed(
        [x for x in shown if wanted in {"", squashed(x["properties"]["category"])}],
    )


@routes.put("WS/connections/{name}", CONNECTIONS.action("write"))
def put(call: Call, name: str) -> Reply:
    """Make it, or replace all of it. Azure's client takes no other status than 200."""
    spec = translate.from_arm(name, call.json())
    made = call.write(
        lambda context: resources.put(context, CONNECTIONS, call.workspace, name, spec)
    )
    return Reply(translate.to_arm(made, call.ids))


@routes.patch("WS/connections/{name}", CONNECTIONS.action("write"))
def update(call: Call, name: str) -> Reply:
    """All of it is sent."""
    return put(call, name)


@routes.delete("WS/connections/{name}", CONNECTIONS.action("delete"))
def delete(call: Call, name: str) -> Reply:
    call.write(lambda context: resources.delete(context, CONNECTIONS, call.workspace, name))
    return Reply(status=204)


@routes.post("WS/connections/{name}/listsecrets", CONNECTIONS.action("listsecrets/action"))
def secrets(call: Call, name: str) -> Reply:
    found = call.write(
        lambda context: resources.list_secrets(context, CONNECTIONS, call.workspace, name)
    )
    shown = translate.to_arm({**found, "creation_context": None}, call.ids)
    held = found["credentials"]
    shown["properties"]["credentials"] = translate.secrets(held, held["type"])
    return Reply(shown)


def _all(call: Call) -> list[dict[str, Any]]:
    return listing.everything(
        call, lambda context, asked: resources.find(context, CONNECTIONS, call.workspace, asked)
    )
