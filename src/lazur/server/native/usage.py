"""What was used, and what it costs."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from lazur.server.deps import Call, Listing, Object, action
from lazur.services.people import prices
from lazur.services.results import usage

routes = APIRouter(prefix="/api/v1", tags=["usage"])
_PRICES = "authorization/prices/write"


@routes.get("/usage", **action("me/usage/read"))
def show(call: Call, listing: Listing) -> Response:
    """Of all workspaces: your own, for owners of the server everybody's. `by` is person,
    experiment, workspace, job or asset; `since` and `until` are times; `person` is a name."""
    query = listing.query(*usage.FILTERS)
    return call.read(lambda context: usage.show(context, None, query))


@routes.get("/workspaces/{workspace}/usage", **action("workspaces/usages/read"))
def show_workspace(call: Call, workspace: str, listing: Listing) -> Response:
    """Likewise of one: your own, for its owners everybody's."""
    query = listing.query(*usage.FILTERS)
    return call.read(lambda context: usage.show(context, workspace, query))


@routes.get("/prices", **action("me/usage/read"))
def find_prices(call: Call) -> Response:
    return call.read(prices.find)


@routes.put("/prices", **action(_PRICES))
def put_price(call: Call, spec: Object) -> Response:
    """`{"currency", "core_hour", "gpu_hour", "memory_hour", "storage_month"}`: of all computes or
    of `compute`, from `valid_from` on. The same again replaces it."""
    return call.write(lambda context: prices.put(context, spec))


@routes.delete("/prices/{number}", status_code=204, **action(_PRICES))
def delete_price(call: Call, number: str) -> Response:
    return call.write(lambda context: prices.delete(context, number))
