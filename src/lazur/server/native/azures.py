"""What points Azure's clients here, and what they asked for that is not served."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from lazur.errors import Invalid, Unsupported
from lazur.server.deps import Call, Object, action
from lazur.server.secure import STATE, Secure
from lazur.services.azure import identity
from lazur.services.base.access import Resource

routes = APIRouter(prefix="/api/v1", tags=["azure"])


@routes.post("/me/azure", **action("me/azure/action"))
async def connect(call: Call, body: Object) -> Response:
    """Where Azure's clients find this server, by HTTPS, which begins when it is first asked
    for; and the certificate of who vouches for it."""
    await run_in_threadpool(_allowed, call, "me/azure/action")
    if body:
        raise Invalid("There is nothing to say here: the body is {}.")
    secure: Secure | None = (call.request.scope.get("state") or {}).get(STATE)
    if secure is None:
        raise Unsupported("This server cannot listen in a second place.")
    url = await secure.url(call.site.url(), call.request.scope["lazur.host"])
    return JSONResponse(await run_in_threadpool(_facts, call, url))


@routes.get("/azure/missed", **action("azure/read"))
def missed(call: Call) -> Response:
    """How often which operation was asked for that is not served, since the server started."""
    _allowed(call, "azure/read")
    counted = call.request.app.state.missed.most_common()
    return JSONResponse(
        {"value": [{"operation": name, "count": n} for name, n in counted], "next": None}
    )


def _allowed(call: Call, right: str) -> None:
    with call.site.context(call.who, write=False) as context:
        context.require(right, Resource())


def _facts(call: Call, url: str) -> dict[str, Any]:
    home = call.site.home
    path = home.authority
    return {
        "url": url,
        "authority": path.read_text() if path.exists() else None,
        "tenant": identity.tenant(home),
        "subscription": identity.SUBSCRIPTION,
        "resource_group": identity.GROUP,
    }
