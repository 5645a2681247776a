"""Workspaces, computes, and who is asking."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from lazur.server.deps import Call, Listing, Object, action
from lazur.services import computes, tokens, workspaces

routes = APIRouter(prefix="/api/v1", tags=["workspaces"])


@routes.get("/me", **action("me/read"))
def me(call: Call) -> Response:
    """Who the token belongs to, and what it is good for."""
    return call.read(tokens.show)


@routes.get("/workspaces", **action("workspaces/read"))
def find(call: Call, listing: Listing) -> Response:
    return call.read(lambda context: workspaces.find(context, listing.query()))


@routes.post("/workspaces", status_code=201, **action("workspaces/write"))
def create(call: Call, spec: Object) -> Response:
    return call.create(lambda context: workspaces.create(context, spec), spec)


@routes.get("/workspaces/{workspace}", **action("workspaces/read"))
def show(call: Call, workspace: str) -> Response:
    return call.read(lambda context: workspaces.get(context, workspace))


@routes.patch("/workspaces/{workspace}", **action("workspaces/write"))
def update(call: Call, workspace: str, changes: Object) -> Response:
    """Change `display_name`, `description` or `tags`."""
    return call.write(
        lambda context: workspaces.update(context, workspace, changes, call.if_match)
    )


@routes.delete("/workspaces/{workspace}", status_code=204, **action("workspaces/delete"))
def delete(call: Call, workspace: str) -> Response:
    """Soft: nothing that it holds is removed. Refused while jobs run."""
    return call.write(lambda context: workspaces.delete(context, workspace))


@routes.get("/workspaces/{workspace}/computes", **action("workspaces/computes/read"))
def find_computes(call: Call, workspace: str) -> Response:
    return call.read(lambda context: computes.find(context, workspace))


@routes.get("/workspaces/{workspace}/computes/{name}", **action("workspaces/computes/read"))
def show_compute(call: Call, workspace: str, name: str) -> Response:
    return call.read(lambda context: computes.get(context, workspace, name))
