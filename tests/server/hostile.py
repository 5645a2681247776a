"""A server for the browser tests: real gate, pages and streams; jobs made of hostile text."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from lazur.server import daemon, gate, pages, sign_in
from lazur.server.gate import Gate
from lazur.server.live import Live, Snapshot
from lazur.server.settings import Settings
from tests.server.edge import SESSION, Secrets

EVIL: list[str] = json.loads(os.environ.get("HOSTILE", "[]"))
TEXT = " ".join(EVIL)
START = "2026-01-31T12:00:00+00:00"
live = Live()
versions = {"live": 0, "growing": 0}
cancelled: set[str] = set()


def view(name: str) -> dict[str, Any]:
    states = {"failed": "Failed", "finished": "Completed", "running": "Running"}
    states |= dict.fromkeys(("long", "steps", "sweep"), "Completed")
    state = states.get(name) or ("Completed" if versions.get(name, 5) >= 5 else "Running")
    hostile = name in states
    text = TEXT if hostile else "plain"
    made: dict[str, Any] = {
        "name": name,
        "display_name": text,
        "experiment_name": text,
        "description": text,
        "type": "command",
        "command": text,
        "status": "CancelRequested" if name in cancelled else state,
        "compute": text,
        "environment": text,
        "tags": {word: word for word in EVIL},
        "inputs": {word: word for word in EVIL} | {"folder": {"path": text, "type": text}},
        "outputs": {word: {"path": word, "type": word, "mode": word} for word in EVIL},
        "warnings": [*EVIL, {"message": text}] if hostile else [],
        "waiting_for": text if state == "Running" and hostile else None,
        "creation_context": {"created_at": START, "created_by": text},
        "phases": [
            {"name": "queued", "start": START, "end": "2026-01-31T12:00:01+00:00", "seconds": 1.0},
            {"name": text, "start": "2026-01-31T12:00:01+00:00", "end": None, "detail": text},
        ],
        "git": {"commit": text, "branch": text},
        "attempt": 1,
        "duration": 1.5,
        "etag": f"{name}-{versions.get(name)}-{name in cancelled}",
    }
    if name in ("steps", "sweep"):
        made |= {"type": name.replace("steps", "pipeline"), "steps": steps()}
        made["parent_job_name"] = "above"
    if name == "growing":
        made |= {"type": "pipeline", "steps": [step(str(n)) for n in range(versions[name])]}
    if name == "canceled":
        made |= {
            "status": "Canceled",
            "error": {"code": "Canceled", "message": "ana canceled it."},
        }
    if name == "failed":
        made["error"] = dict.fromkeys(("code", "message", "hint", "phase", "log_tail"), text)
    return made


def steps() -> list[dict[str, Any]]:
    """In each way that there is."""
    return [
        step(TEXT, error={"message": TEXT}),
        step("again", reused_from=TEXT),
        step("later", job=None, status="NotStarted", waiting_for=TEXT, duration=None),
        step("never", job=None, status="NotRun", duration=None),
    ]


def step(name: str, **more: Any) -> dict[str, Any]:
    usual = {"job": f"p_{name}", "status": "Completed", "duration": 1.5}
    nothing = dict.fromkeys(("reused_from", "waiting_for", "error"))
    return {"name": name, "type": "command", **nothing, **usual, **more}


async def trials(_request: Request) -> Response:
    nothing = {"score": None, "best": False, "stopped_at": None, "error": None}
    usual = {**nothing, "metric": TEXT, "status": "Completed", "duration": 1.5}
    values = {TEXT: TEXT, "net": {"kind": "tree", "depth": 3}, "rate": 0.123456789}
    made = [
        {**usual, "number": 0, "name": TEXT, "values": values, "score": 0.5, "best": True},
        {**usual, "number": 1, "name": "s_1", "values": {"rate": 1}, "stopped_at": 2},
        {**usual, "number": 2, "name": "s_2", "values": {}, "error": {"message": TEXT}},
    ]
    return JSONResponse({"value": made})


async def jobs(_request: Request) -> Response:
    return JSONResponse({"value": [view("failed"), view("running")], "next": None})


async def job(request: Request) -> Response:
    name = request.path_params["name"]
    if name == "nobody":
        return JSONResponse({"error": {"code": "NotFound", "message": TEXT}}, 404)
    return JSONResponse(view(name))


async def cancel(request: Request) -> Response:
    cancelled.add(request.path_params["name"])
    return JSONResponse(view(request.path_params["name"]), 202)


async def events(request: Request) -> Response:
    name = request.path_params["name"]

    if name == "growing" and not versions[name]:
        asyncio.get_running_loop().create_task(grow_steps())

    async def look() -> Snapshot:
        seen = view(name)
        last = seen["status"] in {"Failed", "Completed"}
        return Snapshot(seen["etag"], json.dumps(seen).encode(), last)

    return StreamingResponse(live.events(name, look), media_type="text/event-stream")


async def files(request: Request) -> Response:
    names = [f"user_logs/{word}" for word in EVIL] if request.path_params["name"] != "live" else []
    found = [{"path": path, "size": 10} for path in ["user_logs/std_log.txt", *names]]
    return JSONResponse({"value": found})


async def mini_batches(request: Request) -> Response:
    """Of three pages, in the order that is asked for."""
    start = int(request.query_params.get("cursor", 0))
    down = request.query_params["order_by"] == "-metrics.rmse"
    numbers = range(start, start + 100)
    found = [
        {
            "number": number,
            "status": TEXT if number else "failed",
            "key": {"Shop": number, TEXT: TEXT},
            "metrics": {"rmse": 300.0 - number if down else number, TEXT: 1.5},
            "seconds": 0.5,
            "tries": 1,
            "error": TEXT,
            "log": f"user_logs/{TEXT}",
        }
        for number in numbers
    ]
    after = str(start + 100) if start < 200 else None
    told = {"mini_batches": {"total": 300, "done": 299, "failed": 1}}
    return JSONResponse({"value": found, "next": after, "total": 300, "progress": told})


def log(settings: Settings):
    async def answer(request: Request) -> Response:
        name = request.path_params["name"]
        path = settings.home / f"{name}.log"
        if name == "live" and not path.exists():
            path.write_text("")
            asyncio.get_running_loop().create_task(grow(path))
        elif name == "long":
            path.write_text("".join(f"line {n} of the log\n" for n in range(1, 3001)))
        elif not path.exists():
            path.write_text("\n".join(EVIL) + "\n")

        async def over() -> bool:
            return name != "running" and (name != "live" or versions["live"] >= 5)

        offset = int(request.query_params.get("offset", "0"))
        return StreamingResponse(live.tail(path, offset, over, name), media_type="text/plain")

    return answer


async def grow_steps() -> None:
    for number in range(1, 6):
        await asyncio.sleep(0.2)
        versions["growing"] = number
        live.topics.publish("growing")


async def grow(path: Path) -> None:
    for number in range(1, 6):
        await asyncio.sleep(0.2)
        with path.open("a") as file:
            file.write(f"line {number} of the log\n")
        versions["live"] = number
        live.topics.publish("live")


async def session(request: Request) -> Response:
    if (await request.json()).get("code") != "good-code":
        return JSONResponse({"error": {"code": "Unauthenticated", "message": "spent"}}, 401)
    headers = {"Set-Cookie": sign_in.session_cookie(request.scope, SESSION, 600)}
    return JSONResponse({}, 201, headers)


async def workspaces(_request: Request) -> Response:
    return JSONResponse({"value": [{"name": "default"}, {"name": TEXT}]})


async def ways(_: Request) -> Response:
    providers = [{"name": TEXT, "title": TEXT}]
    return JSONResponse({"password": True, "providers": providers, "contact": TEXT})


async def me(_: Request) -> Response:
    return JSONResponse({"name": TEXT})


async def sign_in_request(request: Request) -> Response:
    """Where a command line would listen, there is a page of ours."""
    asked = await request.json()
    said = "yes" if asked["approved"] is True else "no"
    return JSONResponse({"url": f"/static/favicon.svg?said={said}"})


async def device(request: Request) -> Response:
    code = request.path_params["code"]
    return JSONResponse({"user_code": code, "label": TEXT, "expires_at": None})


async def decided(request: Request) -> Response:
    return JSONResponse({"status": request.path_params["verb"]})


def create_app(settings: Settings) -> Gate:
    gate.SIGN_INS = (1000, 60.0)  # each test signs in
    base = "/api/v1/workspaces/{workspace}/jobs"
    routes = [
        *pages.routes(),
        Route("/api/v1/sessions", session, methods=["POST"]),
        Route("/api/v1/sign-in-ways", ways),
        Route("/api/v1/me", me),
        Route("/api/v1/sign-in-requests", sign_in_request, methods=["POST"]),
        Route("/api/v1/device-codes/{code}", device),
        Route("/api/v1/device-codes/{code}/{verb}", decided, methods=["POST"]),
        Route("/api/v1/workspaces", workspaces),
        Route(base, jobs),
        Route(base + "/{name}", job),
        Route(base + "/{name}/cancel", cancel, methods=["POST"]),
        Route(base + "/{name}/events", events),
        Route(base + "/{name}/mini-batches", mini_batches),
        Route(base + "/{name}/trials", trials),
        Route(base + "/{name}/files", files),
        Route(base + "/{name}/files/{path:path}", log(settings)),
    ]
    return Gate(Starlette(routes=routes), Secrets(), settings)


if __name__ == "__main__":
    code = daemon.main(create_app=create_app)
    sys.stdout.flush()
    os._exit(code)
