"""Builds of environments."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from lazur.server.deps import Call, Listing, Object, action
from lazur.services.assets import builds, environments

routes = APIRouter(prefix="/api/v1", tags=["environments"])
_W = "/workspaces/{workspace}"


@routes.post(
    _W + "/environments/{name}/versions/{version}/build",
    status_code=202,
    **action("workspaces/environments/build/action"),
)
def build(call: Call, workspace: str, name: str, version: str) -> Response:
    """Make the environment now, before a job needs it."""
    return call.write(
        lambda context: environments.build(context, workspace, name, version), status=202
    )


@routes.get(_W + "/builds", **action("workspaces/environments/read"))
def find_builds(call: Call, workspace: str, listing: Listing) -> Response:
    return call.read(lambda context: builds.find(context, workspace, listing.query()))


@routes.get(_W + "/builds/{key}", **action("workspaces/environments/read"))
def show_build(call: Call, workspace: str, key: str) -> Response:
    return call.read(lambda context: builds.get(context, workspace, key))


@routes.post(
    _W + "/builds/{key}/cancel", status_code=202, **action("workspaces/environments/build/action")
)
def cancel_build(call: Call, workspace: str, key: str) -> Response:
    return call.write(lambda context: builds.cancel(context, workspace, key), status=202)


@routes.post("/builds/prune", **action("workspaces/environments/write"))
def prune(call: Call, body: Object) -> Response:
    """Remove unused environments: `{"older_than_days": 30, "max_bytes": 20000000000, "dry_run":
    true}`."""
    return call.write(lambda context: environments.prune(context, body))
