"""The files of a job's output, for people and for other jobs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import JSONResponse, Response

from lazur.server.deps import Call, action
from lazur.server.native.bodies import whole
from lazur.services.results import output_files

routes = APIRouter(prefix="/api/v1/workspaces/{workspace}/jobs", tags=["jobs"])


@routes.get("/{name}/outputs/{output}/files", **action(output_files.READ))
def find(call: Call, workspace: str, name: str, output: str, prefix: str = "") -> Response:
    """Paths and sizes of the file `prefix`, or of all that is below the folder of that name. The
    output `artifacts` is the job's own folder. A job may ask for what its submitter may see."""
    with call.site.context(call.who, write=False) as context:
        found = output_files.find(context, workspace, name, output)
    told = output_files.listed(*found, prefix)
    output_files.note(call.site, call.who, workspace, name, output)
    return JSONResponse(told)


@routes.get("/{name}/outputs/{output}/files/{path:path}", **action(output_files.READ))
def file(
    call: Call,
    workspace: str,
    name: str,
    output: str,
    path: str,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> Response:
    """The bytes of one file, from `offset` on."""
    with call.site.context(call.who, write=False) as context:
        opened = output_files.opened(context, workspace, name, output, path)
    body, size = opened()
    output_files.note(call.site, call.who, workspace, name, output)
    return whole(body, size, offset)
