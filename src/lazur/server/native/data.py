"""Looks into data: its first rows, and what is in its columns."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from lazur.server.deps import Call, Object, action
from lazur.server.native import shelves
from lazur.services.looks.desk import Desk
from lazur.services.resources.shelves import Shelf
from lazur.services.results import data_imports, data_previews
from lazur.services.results.data_previews import MOST_ROWS, Question, Verb

LONGEST_WAIT = 30.0
_PREFER = re.compile(r"(?:^|[,;\s])wait=(\d{1,4})\b")

Rows = Annotated[int, Query(ge=1, le=MOST_ROWS)]
Wait = Annotated[float, Query(ge=0, le=LONGEST_WAIT)]
Prefer = Annotated[str, Header()]

routes = APIRouter(prefix="/api/v1", tags=["assets"])


def _looks(prefix: str, shelf: Callable[..., Shelf], right: str) -> APIRouter:
    made = APIRouter(prefix=prefix)
    there = Depends(shelf)

    @made.get("/data/{name}/versions/{version}/preview", **action(right))
    async def preview(
        call: Call,
        name: str,
        version: str,
        rows: Rows = 20,
        wait: Wait = 10,
        prefer: Prefer = "",
        place: Shelf = there,
    ) -> Response:
        """Its first rows, or what else can be shown of it. 202 and `computing` when that takes
        longer than `wait` seconds (or those of `Prefer: wait=…`): ask again."""
        return await _answer(call, place, (name, version), "preview", rows, _seconds(wait, prefer))

    @made.get("/data/{name}/versions/{version}/profile", **action(right))
    async def profile(
        call: Call,
        name: str,
        version: str,
        wait: Wait = 10,
        prefer: Prefer = "",
        place: Shelf = there,
    ) -> Response:
        """What is in its columns: counts, nulls, distinct and frequent values, quantiles,
        histograms. 202 and `computing` as for a preview."""
        return await _answer(call, place, (name, version), "profile", 0, _seconds(wait, prefer))

    return made


async def _answer(
    call: Call, shelf: Shelf, which: tuple[str, str], verb: Verb, rows: int, wait: float
) -> Response:
    def ask() -> Question:
        with call.site.context(call.who, write=False) as context:
            return data_previews.find(context, shelf, *which, verb, rows)

    desk: Desk = call.request.app.state.looks
    question = await run_in_threadpool(ask)
    task = desk.ask(question)
    waiting = asyncio.wrap_future(task.future)
    waiting.add_done_callback(_seen)
    await asyncio.wait([waiting], timeout=wait)
    found = data_previews.view(question, task)
    if found["status"] == "ready":
        return JSONResponse(found)
    return JSONResponse(found, 202, {"Retry-After": "1"})


def _seen(done: asyncio.Future[Any]) -> None:
    """It may fail when nobody waits any more."""
    _ = done.cancelled() or done.exception()


def _seconds(wait: float, prefer: str) -> float:
    """Of the parameter, or of RFC 7240's header where somebody sends it."""
    told = _PREFER.search(prefer)
    return min(float(told[1]), LONGEST_WAIT) if told else wait


@routes.post(
    "/workspaces/{workspace}/data-imports", status_code=201, **action("workspaces/data/write")
)
def import_(call: Call, workspace: str, spec: Object) -> Response:
    """Copy data from a database or a file system, as its YAML says. The answer is the job that
    does it; what it leaves becomes a data asset."""
    return call.create(lambda context: data_imports.submit(context, workspace, spec), spec)


routes.include_router(_looks("/workspaces/{workspace}", shelves.workspace, "workspaces/data/read"))
routes.include_router(_looks("/registries/{registry}", shelves.registry, "registries/assets/read"))
