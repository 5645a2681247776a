"""What goes on while a client looks: job events, and files that still grow. Async: no session is
held while waiting."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response, StreamingResponse

from lazur.engine.increments import between
from lazur.engine.states import FINAL
from lazur.errors import LazurError, NotFound
from lazur.server.deps import Call, action
from lazur.server.live import Live, Snapshot
from lazur.server.native.bodies import whole
from lazur.services.assets import builds
from lazur.services.content import far
from lazur.services.jobs import jobs
from lazur.services.results import files
from lazur.services.results.files import Place

routes = APIRouter(prefix="/api/v1/workspaces/{workspace}", tags=["streams"])

Offset = Annotated[int, Query(ge=0, le=1 << 62)]
_CHUNK = 256 << 10
_BYTES = "application/octet-stream"


@routes.get("/jobs/{name}/events", **action("workspaces/jobs/read"))
async def job_events(call: Call, workspace: str, name: str, changes: bool = False) -> Response:
    """Server-sent events: the job's view now and at every change, until it is final. With
    `changes` the view comes once, as `job`; then `change` says what became another: `fields`,
    fields that are `gone`, `steps`, and the `order` of all steps where some came or went."""
    teller = _Teller(changes)

    def look() -> Snapshot | None:
        try:
            with call.site.context(call.who, write=False) as context:
                view = jobs.get(context, workspace, name)
        except LazurError:
            return None
        return teller.tell(view)

    topic = await run_in_threadpool(_topic, call, workspace, name)

    async def seen() -> Snapshot | None:
        return await run_in_threadpool(look)

    live: Live = call.request.app.state.live
    return _stream(live.events(topic, seen), "text/event-stream")


@routes.get("/jobs/{name}/files", **action("workspaces/jobs/read"))
def find(call: Call, workspace: str, name: str, prefix: str = "") -> Response:
    with call.site.context(call.who, write=False) as context:
        found = files.find(context, workspace, name, prefix)
        outside = files.outside(context, workspace, name)
    more = far.files(outside, prefix)
    found["value"] = sorted([*found["value"], *more], key=lambda file: str(file["path"]))
    return JSONResponse(found)


@routes.get("/jobs/{name}/files/{path:path}", **action("workspaces/jobs/read"))
async def read(
    call: Call, workspace: str, name: str, path: str, offset: Offset = 0, follow: bool = False
) -> Response:
    """Bytes from `offset`. With `follow` the answer goes on until the job is over and the file was
    sent whole; the
    file need not be there yet."""

    def locate() -> Place:
        with call.site.context(call.who, write=False) as context:
            return files.place(context, workspace, name, path)

    def over() -> bool:
        with call.site.context(call.who, write=False) as context:
            row = jobs.find_row(context, workspace, name, "workspaces/jobs/read")
            return row.state in FINAL

    def elsewhere() -> Response | None:
        with call.site.context(call.who, write=False) as context:
            outside = files.outside(context, workspace, name)
        for top, folder in outside:
            if path.startswith(f"{top}/"):
                return whole(*folder.opened(path[len(top) + 1 :]), offset)
        return None

    if path.startswith("named-outputs/") and (sent := await run_in_threadpool(elsewhere)):
        return sent
    place = await run_in_threadpool(locate)
    if not follow:
        return await run_in_threadpool(_now, place, offset, path)
    live: Live = call.request.app.state.live
    topic = await run_in_threadpool(_topic, call, workspace, name)

    async def is_over() -> bool:
        return await run_in_threadpool(over)

    tail = live.tail(place.full, offset, is_over, topic, place.open)
    return _stream(tail, _BYTES)


@routes.get("/builds/{key}/log", **action("workspaces/environments/read"))
async def build_log(
    call: Call, workspace: str, key: str, offset: Offset = 0, follow: bool = False
) -> Response:
    """The build's log from `offset`; with `follow` until the build has ended."""

    def state() -> str:
        with call.site.context(call.who, write=False) as context:
            return str(builds.get(context, workspace, key)["status"])

    await run_in_threadpool(state)
    log = call.site.home.build_log(key)
    place = Place(log.parent, log.name)
    if not follow:
        return await run_in_threadpool(_now, place, offset, "the build's log")
    live: Live = call.request.app.state.live

    async def is_over() -> bool:
        return await run_in_threadpool(state) not in ("waiting", "building")

    return _stream(live.tail(place.full, offset, is_over, f"build:{key}", place.open), _BYTES)


class _Teller:
    """Of one stream: what it has told, so that it can tell what is another."""

    def __init__(self, changes: bool) -> None:
        self._changes = changes
        self._told: dict[str, Any] | None = None
        self._tag = ""

    def tell(self, view: dict[str, Any]) -> Snapshot:
        tag, last, before = _tag(view), view["status"] in FINAL, self._told
        if tag == self._tag:
            return Snapshot(tag, b"", last)
        self._tag = tag
        if not self._changes or before is None:
            self._told = view if self._changes else None
            return Snapshot(tag, json.dumps(view).encode(), last)
        self._told = view
        return Snapshot(tag, json.dumps(between(before, view)).encode(), last, "change")


def _tag(view: dict[str, Any]) -> str:
    """A job has changed, too, when one of its steps has."""
    steps = [(step["name"], step["status"]) for step in view.get("steps") or []]
    told = f"-{zlib.crc32(repr(steps).encode()):08x}" if steps else ""
    return f"{view['etag']}{told}"


def _topic(call: Call, workspace: str, name: str) -> str:
    """Of the job's news, which go by its own names, whatever the address calls it."""
    with call.site.context(call.who, write=False) as context:
        row = jobs.find_row(context, workspace, name, "workspaces/jobs/read")
        return f"job:{row.workspace}/{row.name}"


def _now(place: Place, offset: int, path: str) -> Response:
    """What is there now, with its length."""
    try:
        descriptor = place.open()
    except FileNotFoundError:
        raise NotFound(f"There is no file {path[:200]!r} (yet).") from None
    left = max(0, os.fstat(descriptor).st_size - offset)
    headers = {"Content-Length": str(left)}
    return StreamingResponse(_chunks(descriptor, offset, left), media_type=_BYTES, headers=headers)


def _chunks(descriptor: int, offset: int, left: int) -> Any:
    try:
        while left > 0 and (chunk := os.pread(descriptor, min(_CHUNK, left), offset)):
            yield chunk
            offset += len(chunk)
            left -= len(chunk)
    finally:
        os.close(descriptor)


def _stream(chunks: AsyncIterator[bytes], media_type: str) -> StreamingResponse:
    async def sent() -> AsyncGenerator[bytes]:
        async for chunk in chunks:
            yield chunk

    return StreamingResponse(sent(), media_type=media_type)
