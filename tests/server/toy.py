"""A child of a server, for tests: `python -m tests.server.toy`, see lazur.server.leash."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from aiohttp import web

from lazur.server import leash


def main() -> None:
    settings = leash.take()
    with Path(settings["births"]).open("a") as births:
        births.write(f"{os.getpid()}\n")
    if settings.get("fails"):
        print("password=hunter2 is wrong")
        sys.exit(3)
    sleeper = subprocess.Popen(["sleep", "600"])
    app = web.Application(client_max_size=1 << 30)
    app["seen"] = {"sleeper": sleeper.pid, "left": 0, "calls": 0, "secret": settings["secret"]}
    app.router.add_route("*", "/seen", seen)
    app.router.add_route("*", "/echo", echo)
    app.router.add_route("*", "/die", die)
    app.router.add_route("*", "/once", once)
    app.router.add_get("/forever", forever)
    app.router.add_get("/large", large)
    web.run_app(app, sock=leash.listen(settings["socket"]), print=None, handler_cancellation=True)
    leash.leave()


async def seen(request: web.Request) -> web.Response:
    headers = {name.lower(): value for name, value in request.headers.items()}
    return web.json_response({**request.app["seen"], "pid": os.getpid(), "headers": headers})


async def echo(request: web.Request) -> web.Response:
    size = 0
    async for part in request.content.iter_any():
        size += len(part)
    return web.json_response(
        {"size": size},
        headers={"Keep-Alive": "x", "X-Kept": "1", "Set-Cookie": "a=b", "X-Hop": "1"}
        | {"Connection": "X-Hop"},
    )


async def die(_request: web.Request) -> web.Response:
    os._exit(9)


async def once(_request: web.Request) -> web.Response:
    """Dies under the first call of all lives, answers the next."""
    try:
        os.close(os.open("once", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return web.json_response({"pid": os.getpid()})
    os._exit(9)


async def forever(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    try:
        while True:
            await answer.write(b"data: tick\n\n")
            await asyncio.sleep(0.02)
    finally:
        request.app["seen"]["left"] += 1


async def large(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    answer.content_length = int(request.query["size"])
    await answer.prepare(request)
    left = answer.content_length
    while left:
        part = bytes(min(left, 1 << 20))
        await answer.write(part)
        left -= len(part)
    return answer


if __name__ == "__main__":
    main()
