"""Where every request for MLflow comes in: which workspace, which route, which right; then the
fast lane, or upstream.

Plain ASGI, in front of the application: what is asked a thousand times a second needs no router.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import import_module as load
from typing import Any

from anyio.to_thread import run_sync

from lazur.errors import LazurError, NotFound, Unauthenticated, Unsupported
from lazur.server import receiving
from lazur.server.asgi import Message, Receive, Scope, Send, answer
from lazur.server.headers import PAGE_CSP, retry_after
from lazur.server.mlflow import address, artifacts, lane, names, pages, replies
from lazur.server.mlflow.access import Rule, not_served, rule
from lazur.server.mlflow.call import Call, Space
from lazur.server.mlflow.choices import Choices
from lazur.server.mlflow.guard import Guard
from lazur.server.mlflow.masked import Masked
from lazur.server.mlflow.rooms import Rooms
from lazur.server.mlflow.upstream import Upstream
from lazur.server.proxy import Outgoing, outgoing
from lazur.server.sign_in import bearer_secret
from lazur.services.base import access
from lazur.services.base.access import Principal, Resource
from lazur.services.base.site import Site
from lazur.services.base.workspaces import DEFAULT
from lazur.services.tracking.places import Place
from lazur.store.queue import WriteQueue

_SERVER_INFO = "3.0/mlflow/server-info"
_HTML = b"text/html; charset=utf-8"


@dataclass
class _Request:
    scope: Scope
    receive: Receive
    send: Send
    who: Principal
    place: Place
    rule: Rule
    path: str
    query: bytes

    def target(self) -> str:
        """As the client spelled it."""
        asked = address.parse(self.scope["raw_path"].decode("ascii"))
        path = asked.path if asked else self.path
        return f"{path}?{self.query.decode('latin-1')}" if self.query else path


class Entry:
    def __init__(self, site: Site, upstream: Upstream) -> None:
        self._site = site
        self._upstream = upstream
        self._queue = WriteQueue(site.db)
        self._rooms = Rooms(site)
        self._choices = Choices(site)
        self._has_lane = lane.fits()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._answer(scope, receive, send)
        except LazurError as error:
            await _refuse(scope, send, error)

    async def stop(self) -> None:
        await self._upstream.stop()
        await run_sync(self._queue.stop)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        who: Principal = scope["lazur.principal"]
        asked = address.parse(scope["path"])
        if asked is None:
            raise NotFound("There is no such address of MLflow.", hint="See: lazur mlflow-uri")
        if asked.path == "":
            await answer(send, 308, b"", (b"location", scope["raw_path"] + b"/"))
            return
        _check_audience(scope)
        found = _ruled(scope["method"], asked.path)
        workspace = asked.workspace or who.workspace or DEFAULT
        access.require(who, found.action, Resource(workspace))
        place = await self._rooms.place(workspace)
        query = scope.get("query_string", b"")
        await self._serve(_Request(scope, receive, send, who, place, found, asked.path, query))

    async def _serve(self, request: _Request) -> None:
        if request.rule.path == _SERVER_INFO:
            await self._tell_about_server(request)
        elif request.path == "/":
            await self._show(request)
        elif address.is_upload(request.scope["method"], request.scope["path"]):
            await self._with_files(request, b"")
        else:
            body = await self._spelled(request, await receiving.whole(request.receive))
            place = request.place
            await self._choices.heed(request.who, place.id, request.rule.path, request.query)
            if not (await self._with_files(request, body) or await self._in_lane(request, body)):
                await self._pass_on(request, body)

    async def _with_files(self, request: _Request, body: bytes) -> bool:
        """Whether it was about files, and is answered."""
        handler = artifacts.find(request.scope["method"], request.rule.path)
        if handler is None:
            return False
        return await handler(
            artifacts.Transfer(
                site=self._site,
                who=request.who,
                place=request.place,
                scope=request.scope,
                receive=request.receive,
                send=request.send,
                path=request.rule.path,
                query=request.query,
                body=body,
            )
        )

    async def _spelled(self, request: _Request, body: bytes) -> bytes:
        """The body and the query with upstream's ids."""
        found = names.mentioned(body, request.query)
        await self._rooms.resolve(request.place, found)
        if not found.change():
            return body
        request.query = names.in_query(request.query, found)
        return names.in_body(body, found)

    async def _in_lane(self, request: _Request, body: bytes) -> bool:
        if not self._has_lane:
            return False
        place = request.place
        call = Call(
            site=self._site,
            queue=self._queue,
            who=request.who,
            space=Space(place.id, place.name, place.mlflow),
            method=request.scope["method"],
            path=request.rule.path,
            query=request.query,
            body=body,
        )
        if (found := await lane.answer(call)) is None:
            return False
        await answer(request.send, found.status, found.body)
        return True

    async def _pass_on(self, request: _Request, body: bytes) -> None:
        place, rule = request.place, request.rule
        guard = Guard(self._site, request.who, place.id, rule, request.query, body)
        await guard.before()
        if pages.is_page(request.path):
            request.scope["lazur.csp"] = pages.CSP
        sent = outgoing(request.scope, request.target(), body, repeatable=rule.reads)
        sent.headers = _in_headers(sent.headers, place)
        ended = False
        masked = Masked(request.send)

        async def send(message: Message) -> None:
            nonlocal ended
            if not ended:
                ended = True
                await guard.after()
            await masked(message)

        await self._upstream.answer(sent, place.mlflow, request.receive, send)
        if not ended:
            await guard.after()

    async def _tell_about_server(self, request: _Request) -> None:
        """Workspaces are ours: to a client this is a server without them."""
        sent = outgoing(request.scope, request.target(), b"", repeatable=True)
        status, body = await self._upstream.fetch(sent, request.place.mlflow)
        told: Any = json.loads(body)
        if status == 200 and isinstance(told, dict):
            told |= {"workspaces_enabled": False}
        await answer(request.send, status, json.dumps(told).encode())

    async def _show(self, request: _Request) -> None:
        request.scope["lazur.csp"] = pages.CSP
        sent = Outgoing("GET", "/", [(b"accept-encoding", b"identity")], repeatable=True)
        status, body = await self._upstream.fetch(sent, request.place.mlflow)
        body = b"" if request.scope["method"] == "HEAD" else pages.with_ours(body)
        await answer(request.send, status, body, kind=_HTML)


async def _refuse(scope: Scope, send: Send, error: LazurError) -> None:
    scope["lazur.denial"] = error.denial
    asked = address.parse(scope["path"])
    if asked is None or not pages.is_opened(scope, asked.path):
        await answer(send, error.status, replies.error(error), *retry_after(error))
        return
    scope["lazur.csp"] = PAGE_CSP
    await answer(send, error.status, pages.trouble(error), kind=_HTML)


def _check_audience(scope: Scope) -> None:
    """Of a token of Azure's kind, which the gate has found to be good."""
    secret = bearer_secret(scope["headers"])
    if secret is None or "." not in secret:
        return
    # Most servers never see one.
    if not load("lazur.services.azure.tokens").is_for(secret, f"https://{scope['lazur.host']}"):
        raise Unauthenticated(
            "The token was made for another audience.",
            hint=f"Ask for one with the scope https://{scope['lazur.host']}/.default",
        )


def _ruled(method: str, path: str) -> Rule:
    found = rule(method, path)
    if found is not None:
        return found
    if (reason := not_served(path)) is not None:
        raise Unsupported("This part of MLflow's API is not served here.", hint=reason)
    raise NotFound(
        f"MLflow's API has no {method} {path[:200]}.",
        hint="The address to set as tracking URI is printed by `lazur mlflow-uri`.",
    )


def _in_headers(headers: list[tuple[bytes, bytes]], place: Place) -> list[tuple[bytes, bytes]]:
    """Spans of OpenTelemetry name their experiment in a header."""
    own = (b"x-mlflow-experiment-id", place.default_experiment.encode())
    return [own if pair == (own[0], b"0") else pair for pair in headers]
