"""What every route is given: who calls, and a way to run one use case as one transaction.

@routes.get("/jobs/{name}", **action("workspaces/jobs/read"))
def show(call: Call, workspace: str, name: str) -> Response:
    return call.read(lambda context: jobs.get(context, workspace, name))
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from json import dumps
from typing import Annotated, Any

from fastapi import Depends, Query, Request
from starlette.responses import JSONResponse, Response

from lazur.errors import Conflict, Invalid, QuotaExceeded
from lazur.services.base.access import Principal
from lazur.services.base.site import Context, Site
from lazur.spec import json
from lazur.spec.names import fold
from lazur.store import pages, records
from lazur.store.db import Connection, Taken

UseCase = Callable[[Context], Any]

_KEY_LENGTH = 200


def action(name: str, **more: Any) -> dict[str, Any]:
    """The access decision of a route. A route without one stops the server from starting; the
    service behind it asks
    for the same right, about the very thing that is touched."""
    return {"openapi_extra": {"x-lazur-action": name, **more}}


class Caller:
    def __init__(self, request: Request) -> None:
        self.request = request
        self.site: Site = request.app.state.site
        self.who: Principal = request.scope["lazur.principal"]

    @property
    def if_match(self) -> str | None:
        given = self.request.headers.get("if-match")
        return given.strip().removeprefix("W/").strip('"') if given and given != "*" else None

    def read(self, use_case: UseCase) -> Response:
        with self.site.context(self.who, write=False) as context:
            answer = use_case(context)
        return self._answer(answer)

    def write(self, use_case: UseCase, status: int = 200) -> Response:
        with self.site.context(self.who) as context:
            answer = use_case(context)
        return self._answer(answer, status)

    def create(
        self, use_case: UseCase, body: Any = None, status: int = 201, *, room: str | None = None
    ) -> Response:
        """As `write`, once per `Idempotency-Key`: repeating the call repeats the answer, not the
        deed. The answer is kept as long as the workspace that it tells of: the path's, or `room`.
        """
        key = self.request.headers.get("idempotency-key")
        if key is None:
            return self.write(use_case, status)
        if not 1 <= len(key) <= _KEY_LENGTH:
            raise Invalid(
                f"An Idempotency-Key has 1 to {_KEY_LENGTH} characters, this one {len(key)}."
            )
        request = self._digest(body)
        room = room or self.request.path_params.get("workspace")
        with self.site.db.read() as db:
            answer = self._before(db, key, request)
        if answer is None:
            try:
                with self.site.context(self.who) as context:
                    answer = use_case(context)
                    whose = fold(room) if room else None
                    records.remember(
                        context.db, self.who.name, key, request, answer, context.now(), whose
                    )
            except (Taken, Conflict, QuotaExceeded):
                # The same call, made twice at once: the other one was first. It may not be
                # committed yet, which only a write waits for.
                with self.site.db.write() as db:
                    answer = self._before(db, key, request)
                if answer is None:
                    raise
        return self._answer(answer, status)

    def _before(self, db: Connection, key: str, request: str) -> Any:
        """What the key was answered before."""
        row = records.answer(db, self.who.name, key)
        if row is not None and row.request != request:
            raise Conflict(
                "This Idempotency-Key was used for another request.",
                hint="Use a fresh key for each new request.",
            )
        return row.answer if row is not None else None

    def _digest(self, body: Any) -> str:
        text = f"{self.request.method} {self.request.url.path} {dumps(body, sort_keys=True)}"
        return hashlib.sha256(text.encode()).hexdigest()

    def _answer(self, answer: Any, status: int = 200) -> Response:
        if answer is None:
            return Response(status_code=204)
        headers: dict[str, str] = {}
        if isinstance(answer, dict) and isinstance(answer.get("etag"), str):
            headers["ETag"] = f'"{answer["etag"]}"'
            if status == 200 and self._has(headers["ETag"]):
                return Response(status_code=304, headers=headers)
        return JSONResponse(answer, status, headers)

    def _has(self, tag: str) -> bool:
        """Whether the caller has this version already."""
        given = self.request.headers.get("if-none-match", "")
        return tag in {part.strip().removeprefix("W/") for part in given.split(",")}


async def _body(request: Request) -> Any:
    """The body, decoded strictly, whatever content type the client claims."""
    return json.decode(await request.body())


async def _object(request: Request) -> dict[str, Any]:
    body = await _body(request)
    if not isinstance(body, dict):
        raise Invalid("The body must be a JSON object.")
    return body


async def _object_if_any(request: Request) -> dict[str, Any]:
    return await _object(request) if await request.body() else {}


Call = Annotated[Caller, Depends(Caller)]
Object = Annotated[dict[str, Any], Depends(_object)]
ObjectIfAny = Annotated[dict[str, Any], Depends(_object_if_any)]
"""For requests that mean something without a body."""


class _Listing:
    """Paging of every list; the other parameters of the URL are filters, and each list knows its
    own."""

    def __init__(
        self,
        request: Request,
        limit: Annotated[int, Query(ge=1, le=pages.MAX_LIMIT)] = 50,
        cursor: Annotated[str | None, Query(max_length=2000)] = None,
        order_by: Annotated[str | None, Query(max_length=1000)] = None,
    ) -> None:
        self._params = request.query_params
        self._page = (limit, cursor, order_by)

    def query(self, *known: str) -> pages.Query:
        filters: dict[str, Any] = {}
        for name in self._params:
            if name in ("limit", "cursor", "order_by"):
                continue
            if name not in known:
                raise Invalid(
                    f"This list has no filter {name!r}.",
                    hint=f"Known: {', '.join(known) or 'none'}.",
                )
            values = self._params.getlist(name)
            if any("\0" in value for value in values):
                raise Invalid(f"{name} may not hold the zero character.")
            filters[name] = values if name == "tag" else values[-1]
        return pages.Query(*self._page, filters)


Listing = Annotated[_Listing, Depends(_Listing)]
