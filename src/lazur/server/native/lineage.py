"""What came of what."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from lazur.server.deps import Call, action
from lazur.services.results import lineage, nodes

Of = Annotated[str, Query(max_length=2000)]
Kind = Annotated[str | None, Query(max_length=50)]

routes = APIRouter(prefix="/api/v1/workspaces/{workspace}/lineage", tags=["lineage"])


@routes.get("", **action(nodes.READ))
def show(
    call: Call,
    workspace: str,
    of: Of = "",
    kind: Kind = None,
    direction: str = "both",
    depth: int = lineage.DEPTH,
) -> Response:
    """The graph around one thing (`of=model:x:3`): what it came of (`up`), what came of it
    (`down`), or `both`."""
    return call.read(lambda context: lineage.show(context, workspace, of, kind, direction, depth))


@routes.get("/impact", **action(nodes.READ))
def impact(call: Call, workspace: str, of: Of = "", kind: Kind = None) -> Response:
    """What is affected if one thing (`of=data:y:2`) is wrong, and who made that."""
    return call.read(lambda context: lineage.impact(context, workspace, of, kind))
