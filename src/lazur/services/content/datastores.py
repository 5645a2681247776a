"""Datastores in use: the plug behind one, with its credentials, and whether it can be reached."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from lazur import reach
from lazur.datastores._within import Within
from lazur.engine.contracts import Datastore
from lazur.engine.secret import Secret
from lazur.errors import Invalid, TooManyTries, Unsupported
from lazur.registry import find as find_plug
from lazur.registry import names as plugs
from lazur.services.base.access import Resource
from lazur.services.base.site import Context, Site
from lazur.services.base.stores import Storage
from lazur.services.resources import resources
from lazur.services.resources.resources import DATASTORES
from lazur.store.db import AnyRow
from lazur.store.resources import LOCAL, STORAGE

_PROTOCOLS = {"wasbs": "https", "abfss": "https", "wasb": "http", "abfs": "http"}
"""Azure's files may name those of Hadoop."""


def check(
    context: Context, workspace: str, name: str, patience: float = reach.PATIENCE
) -> dict[str, Any]:
    """Whether it can be reached and read: a yes, or after a while a no without a reason, so that
    nobody looks around in the server's network with it."""
    action = DATASTORES.action("check/action")
    context.require(action, Resource(workspace, DATASTORES.kind, name))
    home, row, values = resources.opened(context, DATASTORES, workspace, name, action)
    if row.type == LOCAL:
        return {"name": row.name, "reachable": True}
    if seconds := context.site.probes.wait(context.who.name):
        raise TooManyTries(
            "Connections were tested too often.",
            hint=f"Wait for {math.ceil(seconds)} seconds.",
            retry_after=seconds,
        )
    try:
        plug = plug_of(context.site, home, row, values)
    except Invalid as error:
        return {"name": row.name, "reachable": False, "message": str(error)}
    good = reach.is_reachable(plug.check, patience)
    return {"name": row.name, "reachable": good, **({} if good else {"message": reach.REFUSAL})}


def plug_of(site: Site, home: AnyRow, row: AnyRow, values: Mapping[str, Secret]) -> Datastore:
    """Without credentials nobody's identity is used, unless the server's owner allows this very
    datastore this machine's own. Asks nobody yet."""
    if row.type == STORAGE:
        store = storage_of(site, row)
        return Within(store.datastore(), store.folder(home.id, row.name))
    given = described(site, home, row, values)
    found = find_plug("datastores", given["type"], Datastore)
    return found(given["settings"], dict(values), rule=site.egress, ambient=given["ambient"])


def is_read(kind: str) -> bool:
    """Whether anything here reads datastores of the type."""
    return kind == STORAGE or kind in plugs("datastores")


def storage_of(site: Site, row: AnyRow) -> Storage:
    """The server's own, where a workspace's datastore lies there."""
    if site.storage is None:
        raise Unsupported(
            f"The datastore {row.name!r} lies in an object store that the server has no longer.",
            hint="Ask the server's owner to set `storage` to what it was.",
        )
    return site.storage


def described(
    site: Site, home: AnyRow, row: AnyRow, values: Mapping[str, Secret]
) -> dict[str, Any]:
    """What its plug is made of, beside the credentials."""
    if not is_read(row.type):
        raise Unsupported(
            f"The datastore {row.name!r} is of type {row.type}, which is kept and not read here.",
            hint="Copy its data to one of another type.",
        )
    settings = {**row.settings, "name": row.name}
    if (protocol := settings.get("protocol")) in _PROTOCOLS:
        settings["protocol"] = _PROTOCOLS[protocol]
    ambient = not values and f"{home.folded}/{row.folded}" in site.ambient_datastores
    return {"type": row.type, "settings": settings, "ambient": ambient}
