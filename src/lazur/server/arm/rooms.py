"""Where assets lie on this wire: in a workspace, or in a registry, by both of its addresses."""

from __future__ import annotations

from typing import Any

from lazur.server.arm.calls import Call
from lazur.server.arm.ids import NAMELESS, Ids
from lazur.server.arm.releases import is_old
from lazur.server.arm.replies import Reply
from lazur.services.azure import nameless

_REGISTRY = "REG"
ROOMS = ("WS", _REGISTRY, f"/mferp/managementfrontend{_REGISTRY}")


def rights(room: str, kind: str) -> tuple[str, str, str]:
    """To read, to write and to delete assets of the kind there."""
    right = f"workspaces/{kind}" if room == "WS" else "registries/assets"
    return f"{right}/read", f"{right}/write", f"{right}/delete"


def keep(call: Call, ids: Ids) -> None:
    """What has got an id of these while it was shown is there for who asks for it by that."""
    nameless.keep(call.site, call.shelf, NAMELESS, ids.unnamed)


def put(call: Call, body: Any, *, new: bool) -> Reply:
    """The answer to what was put. Old releases take nothing of a registry but an asset that is on
    its way, and ask again; those after take nothing but one that is there."""
    path = str(call.scope["path"])
    if call.place.registry and is_old(call):
        if "/versions/" not in path:
            return Reply(body, 201)
        return Reply(body, 202, {"Location": call.url(path, **call.query), "Retry-After": "0"})
    return Reply(body, 201 if new else 200)
