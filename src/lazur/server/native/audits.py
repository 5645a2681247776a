"""The audit log: of a workspace, and of the whole server."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response, StreamingResponse

from lazur.server.deps import Call, Listing, action
from lazur.services.people import audits

_ONE = "/workspaces/{workspace}/audit"

routes = APIRouter(prefix="/api/v1", tags=["audit"])


@routes.get("/audit", **action("audit/read"))
def find(call: Call, listing: Listing) -> Response:
    """Of all workspaces and of the server itself, the newest first.
    `since` and `until` are times."""
    return call.read(lambda context: audits.find(context, None, listing.query(*audits.FILTERS)))


@routes.get("/audit/verify", **action("audit/read"))
def verify(call: Call) -> Response:
    """Whether every row is as it was written. Reads them all."""
    return call.read(lambda context: audits.verify(context, None))


@routes.get("/audit/export", **action("audit/read"))
def export(call: Call) -> Response:
    """JSON lines, in the order of each chain."""
    return _lines(call, None)


@routes.get(_ONE, **action("workspaces/audit/read"))
def find_in_workspace(call: Call, workspace: str, listing: Listing) -> Response:
    query = listing.query(*audits.FILTERS)
    return call.read(lambda context: audits.find(context, workspace, query))


@routes.get(_ONE + "/verify", **action("workspaces/audit/read"))
def verify_workspace(call: Call, workspace: str) -> Response:
    return call.read(lambda context: audits.verify(context, workspace))


@routes.get(_ONE + "/export", **action("workspaces/audit/read"))
def export_workspace(call: Call, workspace: str) -> Response:
    return _lines(call, workspace)


def _lines(call: Call, workspace: str | None) -> Response:
    found = audits.export(call.site, call.who, workspace)
    return StreamingResponse(found, media_type="application/x-ndjson")
