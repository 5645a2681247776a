"""Registries, which workspaces share. What lies in them is in assets.py."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from lazur.server.deps import Call, Listing, Object, action
from lazur.services.resources import registries

routes = APIRouter(prefix="/api/v1/registries", tags=["registries"])


@routes.get("", **action("registries/read"))
def find(call: Call, listing: Listing) -> Response:
    return call.read(lambda context: registries.find(context, listing.query()))


@routes.post("", status_code=201, **action("registries/write"))
def create(call: Call, spec: Object) -> Response:
    return call.create(lambda context: registries.create(context, spec), spec)


@routes.get("/{registry}", **action("registries/read"))
def show(call: Call, registry: str) -> Response:
    return call.read(lambda context: registries.get(context, registry))


@routes.patch("/{registry}", **action("registries/write"))
def update(call: Call, registry: str, changes: Object) -> Response:
    """Change `display_name`, `description` or `tags`."""
    return call.write(lambda context: registries.update(context, registry, changes))


@routes.delete("/{registry}", status_code=204, **action("registries/delete"))
def delete(call: Call, registry: str) -> Response:
    """Soft: the name stays taken."""
    return call.write(lambda context: registries.delete(context, registry))
