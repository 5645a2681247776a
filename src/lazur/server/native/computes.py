"""Computes that a workspace names itself."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from lazur.server.deps import Call, Object, action
from lazur.services.resources import clusters

routes = APIRouter(prefix="/api/v1/workspaces/{workspace}/computes/{name}", tags=["computes"])


@routes.put("", **action("workspaces/computes/write"))
def put(call: Call, workspace: str, name: str, spec: Object) -> Response:
    """Make it, or replace all of it, as in its YAML."""
    etag = call.if_match
    return call.write(lambda context: clusters.put(context, workspace, name, spec, etag))


@routes.patch("", **action("workspaces/computes/write"))
def update(call: Call, workspace: str, name: str, changes: Object) -> Response:
    """Change some fields."""
    etag = call.if_match
    return call.write(lambda context: clusters.update(context, workspace, name, changes, etag))


@routes.delete("", status_code=204, **action("workspaces/computes/delete"))
def delete(call: Call, workspace: str, name: str) -> Response:
    """Only when no job waits or runs there."""
    return call.write(lambda context: clusters.delete(context, workspace, name))


@routes.post("/stop", **action("workspaces/computes/stop/action"))
def stop(call: Call, workspace: str, name: str) -> Response:
    """Of an instance: its running jobs go on, the others wait."""
    return call.write(lambda context: clusters.set_stopped(context, workspace, name, stopped=True))


@routes.post("/start", **action("workspaces/computes/start/action"))
def start(call: Call, workspace: str, name: str) -> Response:
    return call.write(
        lambda context: clusters.set_stopped(context, workspace, name, stopped=False)
    )
