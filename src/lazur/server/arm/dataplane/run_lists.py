"""Runs in numbers: those of an experiment, by a filter, and those that are named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from lazur.errors import Forbidden, Invalid, LazurError, NotFound
from lazur.server.arm import replies
from lazur.server.arm.calls import Call
from lazur.server.arm.dataplane import experiments
from lazur.server.arm.replies import Reply
from lazur.server.arm.routes import Routes
from lazur.server.arm.translate import filters
from lazur.server.arm.translate import runs as translate
from lazur.server.arm.translate import tracking as tracked
from lazur.server.arm.translate.filters import Filter
from lazur.services.base.site import Context
from lazur.services.jobs import jobs
from lazur.services.tracking import runs, searches
from lazur.services.tracking.runs import READ
from lazur.store.pages import Query

routes = Routes()

_BY_NAME = "/history/v1.0WS/experiments/{experiment}/runs"
_BY_ID = "/history/v1.0WS/experimentids/{experiment}/runs"
_LOOKED_AT = 2000
"""Runs in one answer, which may be short for it, and says where to go on."""
_AT_ONCE = 200
_ORDERS = {
    "starttimeutc": "attributes.start_time",
    "createdutc": "attributes.start_time",
    "endtimeutc": "attributes.end_time",
}


@routes.post(f"{_BY_NAME}:query", READ)
def search(call: Call, experiment: str) -> Reply:
    return _page(call, experiment)


@routes.post(f"{_BY_ID}:query", READ)
def search_by_id(call: Call, experiment: str) -> Reply:
    name = call.read(lambda context: experiments.name_of(call, context, experiment))
    return _page(call, name)


@routes.post(f"{_BY_NAME}/runIds", READ)
@routes.post(f"{_BY_ID}/runIds", READ)
def several(call: Call, experiment: str) -> Reply:
    """Those that are named; of each that is not there, why."""
    asked = call.json().get("runIds") or []
    if not isinstance(asked, list) or not all(isinstance(one, str) for one in asked):
        raise Invalid("runIds must be a list of texts.")
    if len(asked) > runs.MOST:
        raise Invalid(f"At most {runs.MOST:,} runs at once; these are {len(asked):,}.")

    def use(context: Context) -> dict[str, Any]:
        found: dict[str, Any] = {"runs": {}, "errors": {}}
        context.require(READ, experiments.room(call))
        for name in dict.fromkeys(asked):
            try:
                view = runs.get(context, call.workspace, name)
            except LazurError as error:
                found["errors"][name] = replies.refusal(error).body
            else:
                found["runs"][name] = whole(call, context, view)
        return found

    return Reply(call.read(use))


def whole(call: Call, context: Context, view: dict[str, Any]) -> dict[str, Any]:
    """With what the job tells, where it is one, and the caller may see it."""
    experiment = experiments.id_of(call, view["experiment_name"])
    plain = tracked.run(view, experiment)
    if view["job"] is not None:
        with suppress(Forbidden, NotFound):
            found = translate.run(jobs.get(context, call.workspace, view["job"]), experiment)
            return {**found, "parameters": plain["parameters"]}
    return plain


def below(call: Call, context: Context, run: str) -> list[dict[str, Any]]:
    """Runs that say that this one is their parent: of a run that is no job."""
    query = Query(runs.MOST, None, None, {"filter": f"tags.mlflow.parentRunId = '{run}'"})
    page = searches.find_page(context, call.workspace, query)
    return [whole(call, context, view) for view in page["value"]]


def _page(call: Call, experiment: str) -> Reply:
    asked = call.json()
    wanted = filters.read(asked.get("filter"))
    offset = str(asked.get("continuationToken") or "0")
    if not (offset.isascii() and offset.isdecimal() and len(offset) <= 9):
        raise Invalid("continuationToken is not one that this server gave out.")
    hidden = wanted is not None and "hidden" in wanted.fields
    query = {"experiment_name": experiment, "view": "all" if hidden else "active"}
    order = _order(asked.get("orderBy"))

    def use(context: Context) -> dict[str, Any]:
        looked = _looked_at(call, context, query, order, int(offset))
        return _met(call, context, looked, wanted, experiments.top(asked.get("top")))

    return Reply(call.read(use))


def _met(
    call: Call,
    context: Context,
    looked: Iterable[tuple[int, dict[str, Any]]],
    wanted: Filter | None,
    most: int,
) -> dict[str, Any]:
    found: list[dict[str, Any]] = []
    for count, (following, view) in enumerate(looked):
        if len(found) == most or count == _LOOKED_AT:
            return tracked.page(found, str(following - 1))
        if wanted is None:
            found.append(whole(call, context, view))
        elif wanted.fields <= tracked.LIGHT:
            experiment = experiments.id_of(call, view["experiment_name"])
            if wanted.meets(tracked.run(view, experiment)):
                found.append(whole(call, context, view))
        elif wanted.meets(shown := whole(call, context, view)):
            found.append(shown)
    return tracked.page(found, None)


def _looked_at(
    call: Call, context: Context, query: dict[str, str], order: str | None, offset: int
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each with where to go on after it."""
    cursor: str | None = str(offset)
    while cursor is not None:
        asked = Query(_AT_ONCE, cursor, order, query)
        page = searches.find_page(context, call.workspace, asked)
        yield from enumerate(page["value"], int(cursor) + 1)
        cursor = page["next"]


def _order(asked: Any) -> str | None:
    """`startTimeUtc desc`"""
    if not asked:
        return None
    name, _, way = str(asked).strip().partition(" ")
    if name.lower() not in _ORDERS or way.strip().lower() not in {"", "asc", "desc"}:
        raise Invalid(
            f"Cannot order by {str(asked)[:80]!r}.",
            hint="Possible: startTimeUtc, endTimeUtc, createdUtc, each with asc or desc.",
        )
    return f"{_ORDERS[name.lower()]} {way.strip().upper() or 'ASC'}"
