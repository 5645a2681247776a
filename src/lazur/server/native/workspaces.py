"""Workspaces, computes, and who is asking."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from lazur.errors import Invalid
from lazur.server.deps import Call, Listing, Object, action
from lazur.services.base import workspaces
from lazur.services.keeping import workspace_trash
from lazur.services.people import tokens
from lazur.services.resources import computes

routes = APIRouter(prefix="/api/v1", tags=["workspaces"])


@routes.get("/me", **action("me/read"))
def me(call: Call) -> Response:
    """Who the token belongs to, and what it is good for."""
    return call.read(tokens.show)


@routes.get("/workspaces", **action("workspaces/read"))
def find(call: Call, listing: Listing) -> Response:
    """With `deleted=true`, those in the trash, which takes a role on the server."""
    query = listing.query("deleted")
    found = workspace_trash.find if _flag(query.filters, "deleted") else workspaces.find
    return call.read(lambda context: found(context, query))


@routes.post("/workspaces", status_code=201, **action("workspaces/write"))
def create(call: Call, spec: Object) -> Response:
    name = str(spec.get("name"))
    return call.create(lambda context: workspaces.create(context, spec), spec, room=name)


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
    """Into the trash, for the days that the server's settings say; its jobs are cancelled. With
    `permanently=true` it is purged soon, from where it is or out of the trash."""
    wanted = _flag(call.request.query_params, "permanently")
    return call.write(
        lambda context: workspace_trash.delete(context, workspace, permanently=wanted)
    )


@routes.post("/workspaces/{workspace}/recover", **action("workspaces/write"))
def recover(call: Call, workspace: str) -> Response:
    """Take it out of the trash, with all that was in it."""
    return call.create(lambda context: workspace_trash.recover(context, workspace), {}, 200)


@routes.get("/workspaces/{workspace}/computes", **action("workspaces/computes/read"))
def find_computes(call: Call, workspace: str) -> Response:
    return call.read(lambda context: computes.find(context, workspace))


@routes.get("/workspaces/{workspace}/computes/{name}", **action("workspaces/computes/read"))
def show_compute(call: Call, workspace: str, name: str) -> Response:
    return call.read(lambda context: computes.get(context, workspace, name))


def _flag(given: Mapping[str, Any], name: str) -> bool:
    word = given.get(name, "false")
    if word not in ("true", "false"):
        raise Invalid(f"{name} is {str(word)[:80]!r}.", hint="It is true or false.")
    return word == "true"
