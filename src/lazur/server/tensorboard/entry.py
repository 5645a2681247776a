"""Where every request for a TensorBoard comes in: which board, and whether the caller may read all
that is on it. Asked at each request, of files of the page too."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from anyio.to_thread import run_sync

from lazur.errors import Invalid, LazurError
from lazur.server.asgi import Receive, Scope, Send, answer
from lazur.server.headers import retry_after
from lazur.server.proxy import outgoing
from lazur.server.tensorboard.boards import Boards
from lazur.services.base.access import Principal
from lazur.services.base.site import Site
from lazur.services.results import tensorboards
from lazur.services.results.tensorboards import Board

CSP = (
    b"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    b"img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; "
    b"worker-src 'self'; media-src 'self'; base-uri 'none'; form-action 'none'; "
    b"frame-ancestors 'none'"
)
"""Of upstream's page: its own scripts only, and nothing from elsewhere."""
_ADDRESS = re.compile(r"/tensorboard/([^/]+)/([^/]+)(/.*)", re.DOTALL)
_DATA = "/data/"
"""Below it lies what jobs wrote: a browser shows it inert, or saves it. Upstream takes it below
`/experiment/<anything>/` too."""
_METHODS = {"GET", "HEAD", "POST"}


def belongs(path: str) -> bool:
    """The page in front, without the slash at the end, is one of our own."""
    return _ADDRESS.fullmatch(path) is not None


@dataclass(frozen=True)
class _Asked:
    workspace: str
    board: str
    path: str


class Entry:
    def __init__(self, site: Site, boards: Boards) -> None:
        self._site = site
        self._boards = boards

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._answer(scope, receive, send)
        except LazurError as error:
            scope["lazur.denial"] = error.denial
            await (_lead_back if _is_visit(scope) else _refuse)(scope, send, error)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in _METHODS:
            raise Invalid(f"TensorBoard only shows: it has no {scope['method']}.", hint="Use GET.")
        asked = _asked(scope["path"])
        board = await run_sync(self._find, scope["lazur.principal"], asked)
        if _DATA not in asked.path:
            scope["lazur.csp"] = CSP
        body = None if scope["method"] == "POST" else b""
        request = outgoing(scope, _target(scope), body, repeatable=True)
        await self._boards.answer(board, request, receive, send)

    def _find(self, who: Principal, asked: _Asked) -> Board:
        with self._site.context(who, write=False) as context:
            return tensorboards.named(context, asked.workspace, asked.board)


def _asked(path: str) -> _Asked:
    found = _ADDRESS.fullmatch(path)
    assert found is not None  # belongs() has looked
    return _Asked(*found.groups())


def _target(scope: Scope) -> str:
    """What is left of the address behind the board, as the client spelled it."""
    path = "/" + scope["raw_path"].decode("ascii").split("/", 4)[4]
    query = scope.get("query_string", b"").decode("latin-1")
    return f"{path}?{query}" if query else path


def _is_visit(scope: Scope) -> bool:
    accept = next((value for name, value in scope["headers"] if name == b"accept"), b"")
    return b"text/html" in accept and _asked(scope["path"]).path == "/"


async def _lead_back(scope: Scope, send: Send, _error: LazurError) -> None:
    """To our own page, which says in words what is wrong."""
    await answer(send, 303, b"", (b"location", scope["raw_path"].rstrip(b"/")), kind=b"")


async def _refuse(_scope: Scope, send: Send, error: LazurError) -> None:
    await answer(send, error.status, json.dumps(error.to_dict()).encode(), *retry_after(error))
