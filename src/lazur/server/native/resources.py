"""Datastores and connections."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import JSONResponse, Response

from lazur.server.deps import Call, Listing, Object, action
from lazur.server.native.bodies import whole
from lazur.services.content import datastore_files, datastores
from lazur.services.content.far import Far
from lazur.services.resources import resources
from lazur.services.resources.resources import CONNECTIONS, DATASTORES, Family

routes = APIRouter(prefix="/api/v1/workspaces/{workspace}", tags=["datastores and connections"])


def _family(family: Family) -> APIRouter:
    """The routes of both are the same."""
    made = APIRouter(prefix=f"/{family.kind}")

    @made.get("", **action(family.action("read")))
    def find(call: Call, workspace: str, listing: Listing) -> Response:
        query = listing.query("type")
        return call.read(lambda context: resources.find(context, family, workspace, query))

    @made.get("/{name}", **action(family.action("read")))
    def show(call: Call, workspace: str, name: str) -> Response:
        """Without its secrets."""
        return call.read(lambda context: resources.get(context, family, workspace, name))

    @made.put("/{name}", **action(family.action("write")))
    def put(call: Call, workspace: str, name: str, spec: Object) -> Response:
        """Make it, or replace all of it, with `credentials` as in its YAML. They are sealed."""
        etag = call.if_match
        return call.write(
            lambda context: resources.put(context, family, workspace, name, spec, etag)
        )

    @made.patch("/{name}", **action(family.action("write")))
    def update(call: Call, workspace: str, name: str, changes: Object) -> Response:
        """Change some fields. Where it leads changes together with its credentials only."""
        etag = call.if_match
        return call.write(
            lambda context: resources.update(context, family, workspace, name, changes, etag)
        )

    @made.delete("/{name}", status_code=204, **action(family.action("delete")))
    def delete(call: Call, workspace: str, name: str) -> Response:
        """With its secrets."""
        return call.write(lambda context: resources.delete(context, family, workspace, name))

    @made.post("/{name}/list-secrets", **action(family.action("listsecrets/action")))
    def list_secrets(call: Call, workspace: str, name: str) -> Response:
        """Its credentials. Who asked is in the audit log."""
        return call.write(lambda context: resources.list_secrets(context, family, workspace, name))

    return made


for _each in (DATASTORES, CONNECTIONS):
    routes.include_router(_family(_each))


@routes.post("/datastores/{name}/check", **action(DATASTORES.action("check/action")))
def check(call: Call, workspace: str, name: str) -> Response:
    """Whether it can be reached and read. A no comes late, and without a reason."""
    return call.read(lambda context: datastores.check(context, workspace, name))


@routes.get("/datastores/{name}/files", **action(datastore_files.READ))
def files(call: Call, workspace: str, name: str, prefix: str = "") -> Response:
    """Paths and sizes of the file `prefix`, or of all that is below the folder of that name."""
    with call.site.context(call.who, write=False) as context:
        found = datastore_files.find(context, workspace, name, prefix)
    return JSONResponse(datastore_files.look(found) if isinstance(found, Far) else found)


@routes.get("/datastores/{name}/files/{path:path}", **action(datastore_files.READ))
def file(
    call: Call, workspace: str, name: str, path: str, offset: Annotated[int, Query(ge=0)] = 0
) -> Response:
    """The bytes of one file, from `offset` on."""
    with call.site.context(call.who, write=False) as context:
        found = datastore_files.opened(context, workspace, name, path)
    body, size = found.opened(path) if isinstance(found, Far) else found
    return whole(body, size, offset)
