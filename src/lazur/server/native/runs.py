"""Runs: what was tracked, by jobs and by others."""

from __future__ import annotations

import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response, StreamingResponse

from lazur.errors import Invalid
from lazur.server import room
from lazur.server.deps import Call, Listing, Object, action
from lazur.services.base.workspaces import open_workspace
from lazur.services.tracking import compare, export, imports, runs, searches, trash

routes = APIRouter(prefix="/api/v1/workspaces/{workspace}/runs", tags=["runs"])


@routes.get("", **action("workspaces/experiments/runs/read"))
def find(call: Call, workspace: str, listing: Listing) -> Response:
    """Runs, newest first. `filter` and `order_by` are MLflow's, such as `metrics.auc > 0.9` and
    `metrics.auc DESC`; `experiment_name`; `view`: `active`, `deleted` (the trash), `all`."""
    query = listing.query(*searches.FILTERS)
    return call.read(lambda context: searches.find_page(context, workspace, query))


@routes.get("/{name}", **action("workspaces/experiments/runs/read"))
def show(call: Call, workspace: str, name: str) -> Response:
    """A run, by its id or by the name of the job that it is."""
    return call.read(lambda context: runs.get(context, workspace, name))


@routes.get("/{name}/metrics", **action("workspaces/experiments/runs/read"))
def metrics(
    call: Call,
    workspace: str,
    name: str,
    metric: Annotated[str | None, Query(min_length=1, max_length=250)] = None,
    limit: Annotated[int, Query(ge=1, le=20_000)] = 1000,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """A run's metrics, each with its last, least and most. Of one `metric`: every point, by
    step."""
    if metric is None:
        return call.read(lambda context: runs.metrics(context, workspace, name))
    return call.read(lambda context: runs.history(context, workspace, name, metric, limit, cursor))


@routes.delete("/{name}", **action("workspaces/experiments/runs/delete"))
def delete(call: Call, workspace: str, name: str) -> Response:
    """Put a run into the trash. `restore` takes it out again, until it is purged."""
    return call.write(lambda context: trash.delete(context, workspace, {"runs": [name]}))


@routes.post("/compare", **action("workspaces/experiments/runs/read"))
def compare_several(call: Call, workspace: str, body: Object) -> Response:
    """What differs between `{"runs": […]}`: params, metrics, data, environment, code, phases."""
    return call.read(lambda context: compare.compare(context, workspace, body.get("runs")))


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


@routes.post("/export", **action("workspaces/experiments/runs/read"))
def export_several(call: Call, workspace: str, body: Object) -> Response:
    """One zip with `{"runs": […]}` and their child runs (not those where `children` is false),
    made while it is sent. It is whole when it ends with `manifest.json`."""
    children = body.get("children", True)
    if not isinstance(children, bool):
        raise Invalid(f"children is {str(children)[:80]!r}.", hint="It is true or false.")
    chunks = export.export(call.site, call.who, workspace, body.get("runs"), children=children)
    headers = {"Content-Disposition": 'attachment; filename="runs.zip"'}
    return StreamingResponse(chunks, 200, headers, "application/zip")


@routes.post("/import", status_code=201, **action("workspaces/experiments/runs/write"))
async def import_(
    call: Call,
    workspace: str,
    experiment_name: Annotated[str | None, Query(min_length=1, max_length=256)] = None,
) -> Response:
    """Bring in the runs of an exported zip, which is the body. They get new ids, the same ones
    whenever the same file is imported into the same workspace."""

    def allowed() -> None:
        with call.site.context(call.who, write=False) as context:
            open_workspace(context, workspace, runs.WRITE)

    def load(file: Path) -> dict[str, Any]:
        return imports.load(call.site, call.who, workspace, file, experiment_name)

    await run_in_threadpool(allowed)
    with room.said(), _draft(call.site.home.cache / "imports") as (path, descriptor):
        room.require(descriptor, _announced(call))
        async for chunk in call.request.stream():
            await run_in_threadpool(_write, descriptor, chunk)
        return JSONResponse(await run_in_threadpool(load, path), 201)


@contextmanager
def _draft(folder: Path) -> Generator[tuple[Path, int]]:
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / secrets.token_hex(16)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        yield path, descriptor
    finally:
        os.close(descriptor)
        path.unlink(missing_ok=True)


def _announced(call: Call) -> int:
    """What the client says that it sends; 0 where it does not."""
    said = call.request.headers.get("content-length", "")
    return int(said) if said.isdecimal() else 0


def _write(descriptor: int, data: bytes) -> None:
    room.require(descriptor, len(data))
    while data:
        data = data[os.write(descriptor, data) :]
