"""Where every request on Azure's wire comes in: which operation, for which audience; then its
handler, and the answer in Azure's words."""

from __future__ import annotations

import re
from collections import Counter
from urllib.parse import parse_qsl

from anyio.to_thread import run_sync

from lazur.errors import LazurError, Unauthenticated, Unsupported
from lazur.server import receiving
from lazur.server.arm import address, operations, replies, unserved
from lazur.server.arm.address import Place
from lazur.server.arm.calls import Call
from lazur.server.arm.replies import Reply
from lazur.server.arm.routes import OPEN, Route
from lazur.server.asgi import Receive, Scope, Send, answer
from lazur.services.azure import tokens
from lazur.services.base import access
from lazur.services.base.access import Principal, Resource
from lazur.services.base.site import Site
from lazur.services.resources import registries
from lazur.spec.names import fold

_REGISTRIES = re.compile(r"/(?:mferp|registrymanagement)/", re.IGNORECASE)
_MANAGEMENT = "https://management.azure.com"
"""What Azure's client asks a token for when it shares an asset, whatever the cloud is called."""
_KNOWN = 200
"""Operations that are counted apart, of those that are not served: their names are callers'."""


class Entry:
    def __init__(self, site: Site, missed: Counter[str]) -> None:
        """`missed` counts what was asked for and is not served."""
        self._site = site
        self._missed = missed
        self.table = operations.table()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._answer(scope, receive, send)
        except LazurError as error:
            scope["lazur.denial"] = error.denial
            blob = address.is_blob(scope["path"])
            told = replies.blob_refusal(error) if blob else replies.refusal(error)
            await tell(scope, send, told)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        place, path = address.short(scope["path"])
        found = self.table.find(_verb(scope), path)
        if found is None:
            raise self._unserved(scope, path)
        route, values = found
        base = f"https://{scope['lazur.host']}"
        if route.action != OPEN:
            _check_audience(scope, base)
            _require(scope["lazur.principal"], route, place)
        body = b"" if route.streams else await receiving.whole(receive)
        call = Call(
            site=self._site,
            who=scope["lazur.principal"],
            place=place,
            base=base,
            method=scope["method"],
            path=path,
            query=_query(scope),
            headers={
                k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]
            },
            body=body,
            scope=scope,
            receive=receive,
            send=send,
        )
        await _run(route, call, values)

    def _unserved(self, scope: Scope, path: str) -> Unsupported:
        missed = unserved.find(scope["method"], path)
        if missed.operation in self._missed or len(self._missed) < _KNOWN:
            self._missed[missed.operation] += 1
        return Unsupported(
            f"Lazur does not serve the operation {missed.operation} yet.", hint=missed.instead
        )


async def tell(scope: Scope, send: Send, reply: Reply) -> None:
    body = b"" if scope["method"] == "HEAD" else reply.content()
    headers = [(k.lower().encode(), v.encode("latin-1")) for k, v in reply.headers.items()]
    kind = reply.kind.encode() if reply.body is not None else b""
    await answer(send, reply.status, body, *headers, kind=kind)


async def _run(route: Route, call: Call, values: dict[str, str]) -> None:
    if route.streams:
        if (reply := await route.handler(call, **values)) is not None:
            await tell(call.scope, call.send, reply)
        return

    def handle() -> Reply:
        return route.handler(call, **values)

    await tell(call.scope, call.send, await run_sync(handle))


def _verb(scope: Scope) -> str:
    """What is served to GET is served to HEAD, but for blobs, which have one of their own."""
    method = str(scope["method"])
    return "GET" if method == "HEAD" and not address.is_blob(scope["path"]) else method


def _require(who: Principal, route: Route, place: Place) -> None:
    """Before the body is looked at. The service asks again, about the very thing."""
    if place.workspace:
        access.require(who, route.action, Resource(place.workspace))
    built_in = fold(place.registry) == registries.BUILT_IN and route.action.endswith("/read")
    if place.registry and not built_in:
        access.require(who, route.action, Resource(registry=place.registry))


def _check_audience(scope: Scope, base: str) -> None:
    """A token for something else is not one for this. The gate has seen to the signature of what
    it let the caller in by, and of nothing else that was sent along."""
    kind, secret = address.secret(scope) or ("", "")
    if kind != "azure" or not tokens.is_jwt(secret) or tokens.is_for(secret, base):
        return
    if not (_REGISTRIES.match(scope["path"]) and tokens.is_for(secret, _MANAGEMENT)):
        raise Unauthenticated(
            "The token was made for another audience.",
            hint=f"Ask for one with the scope {base}/.default",
        )


def _query(scope: Scope) -> dict[str, str]:
    text = scope.get("query_string", b"").decode("latin-1")
    return {name.lower(): value for name, value in parse_qsl(text, keep_blank_values=True)}
