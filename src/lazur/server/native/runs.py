"""Runs: what was tracked, by jobs and by others."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from lazur.server.deps import Call, Object, action
from lazur.services.tracking import runs, trash

routes = APIRouter(prefix="/api/v1/workspaces/{workspace}/runs", tags=["runs"])


@routes.get("/{name}", **action("workspaces/experiments/runs/read"))
def show(call: Call, workspace: str, name: str) -> Response:
    """A run, by its id or by the name of the job that it is."""
    return call.read(lambda context: runs.get(context, workspace, name))


@routes.get("/{name}/metrics", **action("workspaces/experiments/runs/read"))
def history(
    call: Call,
    workspace: str,
    name: str,
    metric: Annotated[str, Query(min_length=1, max_length=250)],
    limit: Annotated[int, Query(ge=1, le=20_000)] = 1000,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """Every point of one metric, by step."""
    return call.read(lambda context: runs.history(context, workspace, name, metric, limit, cursor))


@routes.delete("/{name}", **action("workspaces/experiments/runs/delete"))
def delete(call: Call, workspace: str, name: str) -> Response:
    """Put a run into the trash. `restore` takes it out again, until it is purged."""
    return call.write(lambda context: trash.delete(context, workspace, {"runs": [name]}))


@routes.post("/delete", **action("workspaces/experiments/runs/delete"))
def delete_several(call: Call, workspace: str, body: Object) -> Response:
    """Put `{"runs": […]}`, or all of `{"experiment_name"}`, into the trash."""
    return call.create(lambda context: trash.delete(context, workspace, body), body, 200)


@routes.post("/restore", **action("workspaces/experiments/runs/write"))
def restore(call: Call, workspace: str, body: Object) -> Response:
    """Take `{"runs": […]}`, or all of `{"experiment_name"}`, out of the trash."""
    return call.create(lambda context: trash.restore(context, workspace, body), body, 200)


@routes.post("/purge", **action("workspaces/experiments/runs/delete"))
def purge(call: Call, workspace: str, body: Object) -> Response:
    """Free the rows and files of what is in the trash, for ever. All of it, or `runs` or those of
    `experiment_name`, there for `older_than_days`; `dry_run` says how much it would be. What a
    registered model still needs is kept, and what needs it named."""
    answer = call.create(lambda context: trash.purge(context, workspace, body), body, 200)
    trash.finish(call.site)
    return answer
