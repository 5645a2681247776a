"""Metrics of many runs, as curves."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from lazur.server.deps import Call, Object, action
from lazur.services.tracking import curves

routes = APIRouter(prefix="/api/v1/workspaces/{workspace}/runs", tags=["runs"])


@routes.post("/curves", **action("workspaces/experiments/runs/read"))
def find(call: Call, workspace: str, body: Object) -> Response:
    """The curves of `{"runs": […], "metrics": […], "buckets": 500, "x": "step"}`, in buckets that
    divide the way evenly: by `step`, `time`, or time since the curve's beginning (`relative`), in
    milliseconds. Each has the exact `min`, `max` and `last`, for the whole curve and for every
    bucket. Where nothing was logged there is no bucket."""
    return call.read(lambda context: curves.find(context, workspace, body))
