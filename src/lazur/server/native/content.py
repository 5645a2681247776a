"""Blobs: what clients upload, by hash."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Header, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response, StreamingResponse

from lazur.blobs import framing
from lazur.errors import Invalid
from lazur.server.deps import Call, Object, action
from lazur.server.native.bodies import BYTES, part
from lazur.services.base.workspaces import open_workspace
from lazur.services.content import content, partials, stored

routes = APIRouter(prefix="/api/v1/workspaces/{workspace}/blobs", tags=["content"])

Offset = Annotated[int, Query(ge=0, le=framing.MAX_LENGTH)]
_PIECE = 1 << 20
_RANGE = re.compile(r"bytes=(\d{1,18})-(\d{0,18})")


@routes.post("/missing", **action("workspaces/data/write"))
def missing(call: Call, workspace: str, body: Object) -> Response:
    """Which of `{"sha256": […]}` the server does not have."""
    digests = body.get("sha256")
    if not isinstance(digests, list) or not all(isinstance(d, str) for d in digests):
        raise Invalid('The body must be {"sha256": ["…"]}.')
    return call.read(lambda context: content.missing(context, workspace, digests))


@routes.post("", status_code=201, **action("workspaces/data/write"))
async def store(call: Call, workspace: str) -> Response:
    """Any number of `<sha256> <length>` + newline + bytes, one after the other. Streamed,
    verified, then visible."""

    given = call.request.headers.get("content-length", "")
    length = int(given) if given.isdigit() and len(given) < 19 else 0
    await run_in_threadpool(_allowed, call, workspace, length)
    count = await framing.store_async(call.request.stream(), call.site.blobs)
    return JSONResponse({"stored": count}, 201)


@routes.get("/{sha256}/draft", **action("workspaces/data/write"))
def begun(call: Call, workspace: str, sha256: str) -> Response:
    """How much of a blob that is sent in parts is there, and so where to go on: `{"offset",
    "complete"}`."""
    home = _home(call, workspace)
    return JSONResponse(partials.state(call.site, home, content.check_digest(sha256)))


@routes.patch("/{sha256}/draft", **action("workspaces/data/write"))
async def go_on(
    call: Call, workspace: str, sha256: str, offset: Offset = 0, size: Offset = 0
) -> Response:
    """The next bytes, from `offset` on, of a blob of `size` bytes. What has arrived stays, also of
    a request that breaks off; without any the answer tells how much that is. At the end the blob
    is verified, then visible: `complete`."""
    home = await run_in_threadpool(_allowed, call, workspace, size, sha256)
    part = partial(partials.append, call.site, home, content.check_digest(sha256))
    start = offset
    async for piece in _pieces(call):
        if offset + len(piece) > size:
            raise Invalid(f"These are more than the {size:,} bytes that it was to have.")
        offset = await run_in_threadpool(part, offset, piece)
    if start == offset < size:
        return JSONResponse(await run_in_threadpool(partials.state, call.site, home, sha256))
    if offset < size:
        return JSONResponse({"offset": offset, "complete": False})
    return JSONResponse(await run_in_threadpool(partials.finish, call.site, home, sha256, size))


@routes.get("/{sha256}", **action("workspaces/data/read"))
def fetch(
    call: Call,
    workspace: str,
    sha256: str,
    offset: Offset = 0,
    wanted: Annotated[str | None, Header(alias="range")] = None,
) -> Response:
    """Its bytes from `offset` on, or a `Range` of them."""
    with call.site.context(call.who, write=False) as context:
        open_workspace(context, workspace, "workspaces/data/read")
        content.check_digest(sha256)
    size = call.site.blobs.size(sha256)
    start, end = _span(wanted, size) if wanted else (min(offset, size), size)
    headers = {"Content-Length": str(end - start), "Accept-Ranges": "bytes"}
    if wanted:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    body = part(call.site.blobs.open(sha256), start, end)
    return StreamingResponse(body, 206 if wanted else 200, headers, BYTES)


def _home(call: Call, workspace: str) -> int:
    with call.site.context(call.who, write=False) as context:
        return open_workspace(context, workspace, "workspaces/data/write").id


def _allowed(call: Call, workspace: str, size: int, digest: str = "") -> int:
    """The workspace's number. What has come so far of other blobs takes up room, too."""
    home = _home(call, workspace)
    begun = partials.held(call.site.home, home, but=digest)
    stored.check_upload(call.site, call.who, home, size + begun)
    return home


async def _pieces(call: Call) -> AsyncIterator[bytes]:
    """About a megabyte at a time: each is a visit to another thread, and to the disk."""
    held = bytearray()
    async for chunk in call.request.stream():
        held += chunk
        if len(held) >= _PIECE:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)


def _span(header: str, size: int) -> tuple[int, int]:
    """One range only: several in one request are a way to make a server work for nothing."""
    found = _RANGE.fullmatch(header.strip())
    start = int(found[1]) if found else size
    end = min(size, int(found[2]) + 1) if found and found[2] else size
    if start >= end:
        raise Invalid(f"The range {header[:100]!r} does not fit a blob of {size} bytes.")
    return start, end
