"""Environments, data, models, components and code: one set of routes for all."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from starlette.responses import Response

from lazur.server.deps import Call, Listing, Object, action
from lazur.services import assets

Kind = Literal["environments", "data", "models", "components", "codes"]

routes = APIRouter(prefix="/api/v1/workspaces/{workspace}", tags=["assets"])


@routes.get("/{kind}", **action("workspaces/{kind}/read"))
def find(call: Call, workspace: str, kind: Kind, listing: Listing) -> Response:
    """The newest version of each."""
    return call.read(
        lambda context: assets.find(context, workspace, kind, listing.query("archived"))
    )


@routes.post("/{kind}", status_code=201, **action("workspaces/{kind}/write"))
def create(call: Call, workspace: str, kind: Kind, spec: Object) -> Response:
    """A new version: the one that the body names, or the next number. The same content again is
    the same version."""
    return call.create(lambda context: assets.create(context, workspace, kind, spec), spec)


@routes.get("/{kind}/{name}", **action("workspaces/{kind}/read"))
def show_latest(call: Call, workspace: str, kind: Kind, name: str) -> Response:
    return call.read(lambda context: assets.get(context, workspace, kind, name, "@latest"))


@routes.patch("/{kind}/{name}", **action("workspaces/{kind}/write"))
def archive(call: Call, workspace: str, kind: Kind, name: str, changes: Object) -> Response:
    """Archive or restore all versions: `{"archived": true}`."""
    return call.write(
        lambda context: assets.archive_container(context, workspace, kind, name, changes)
    )


@routes.get("/{kind}/{name}/versions", **action("workspaces/{kind}/read"))
def versions(call: Call, workspace: str, kind: Kind, name: str, listing: Listing) -> Response:
    return call.read(
        lambda context: assets.versions(context, workspace, kind, name, listing.query("archived"))
    )


@routes.get("/{kind}/{name}/versions/{version}", **action("workspaces/{kind}/read"))
def show(call: Call, workspace: str, kind: Kind, name: str, version: str) -> Response:
    """`version` may be a label: `@latest`."""
    return call.read(lambda context: assets.get(context, workspace, kind, name, version))


@routes.patch("/{kind}/{name}/versions/{version}", **action("workspaces/{kind}/write"))
def update(
    call: Call, workspace: str, kind: Kind, name: str, version: str, changes: Object
) -> Response:
    return call.write(
        lambda context: assets.update(
            context, workspace, kind, name, version, changes, call.if_match
        )
    )
