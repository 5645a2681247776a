"""Quotas: of a workspace, and of the whole server."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from lazur.server.deps import Call, Object, action
from lazur.services.people import quotas

routes = APIRouter(prefix="/api/v1", tags=["quotas"])
_ONE = "/workspaces/{workspace}/quotas"


@routes.get("/quotas", **action("authorization/quotas/read"))
def find(call: Call) -> Response:
    """All of them, of every workspace and of the server, with what is held under each."""
    return call.read(lambda context: quotas.find(context, None, everywhere=True))


@routes.put("/quotas", **action(quotas.WRITE))
def put(call: Call, spec: Object) -> Response:
    """`{"user", "limits": {"running-jobs": 4, "bytes": "50GB", "gpus": null}}`, everywhere on the
    server. Without a user it is of all together, `*` is each person; null takes it away."""
    return call.write(lambda context: quotas.put(context, None, spec))


@routes.get(_ONE, **action("workspaces/quotas/read"))
def find_in_workspace(call: Call, workspace: str) -> Response:
    """Those that hold in it, those of the server too. Others' are for its owners."""
    return call.read(lambda context: quotas.find(context, workspace))


@routes.put(_ONE, **action(quotas.WRITE))
def put_in_workspace(call: Call, workspace: str, spec: Object) -> Response:
    """As of the server. What owners of the server set, owners of the workspace may narrow."""
    return call.write(lambda context: quotas.put(context, workspace, spec))
