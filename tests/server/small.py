"""A server process with a small application behind the real gate: `-m tests.server.small`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from lazur.errors import Unavailable
from lazur.server import daemon
from lazur.server.gate import Gate
from lazur.server.live import Live
from lazur.server.settings import Settings
from tests.server.edge import Secrets

live = Live()


async def health(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def size(request: Request) -> Response:
    total = 0
    async for chunk in request.stream():
        total += len(chunk)
    return JSONResponse({"size": total, "rss": _rss()})


async def tail(request: Request) -> Response:
    async def over() -> bool:
        return False

    path = Path(request.query_params["path"])
    return StreamingResponse(live.tail(path, 0, over, "job"), media_type="text/plain")


async def slow(_request: Request) -> Response:
    await asyncio.sleep(0.4)
    return JSONResponse({"done": True})


async def stuck(_request: Request) -> Response:
    await run_in_threadpool(time.sleep, 60)
    return JSONResponse({})


def create_app(settings: Settings) -> Gate:
    if os.environ.get("SMALL_FAILS") == "create":
        raise Unavailable("the database is on holiday", hint="Wait for it.")

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        if os.environ.get("SMALL_FAILS") == "start":
            raise RuntimeError("loops cannot start")
        (settings.home / "loops-run").touch()
        yield
        if os.environ.get("SMALL_FAILS") == "stop":
            await asyncio.sleep(60)
        (settings.home / "loops-run").unlink()

    routes = [
        Route("/healthz", health),
        Route("/size", size, methods=["POST"]),
        Route("/api/v1/workspaces/default/blobs", size, methods=["POST"]),
        Route("/tail", tail),
        Route("/slow", slow),
        Route("/stuck", stuck),
    ]
    return Gate(Starlette(routes=routes, lifespan=lifespan), Secrets(), settings)


def _rss() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    code = daemon.main(create_app=create_app)
    sys.stdout.flush()
    os._exit(code)
