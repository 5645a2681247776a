"""Searches of runs and of experiments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from lazur.server.mlflow import fields, messages, tokens
from lazur.server.mlflow.call import Call, Handler, Punt
from lazur.services.base.site import Context
from lazur.store.mlflow import experiment_search, filters
from lazur.store.mlflow import search as store
from lazur.store.mlflow.filters import Unread
from lazur.store.mlflow.runs import NAME_TAG
from lazur.store.mlflow.search import Found, Search

T = TypeVar("T")

MOST = 50_000
"""Runs or experiments in one reply."""

_STAGES = {
    "ACTIVE_ONLY": ("active",),
    "DELETED_ONLY": ("deleted",),
    "ALL": ("active", "deleted"),
}
_VIEWS = dict(enumerate(_STAGES, 1))


async def runs(call: Call) -> bytes:
    asked = call.fields(
        "experiment_ids", "filter", "run_view_type", "max_results", "order_by", "page_token"
    )
    found = Search(
        space=call.space.mlflow,
        experiments=_experiment_ids(asked),
        stages=_stages(asked.get("run_view_type")),
        clauses=_read(filters.runs, fields.text(asked, "filter")),
        orders=[_read(filters.run_order, text) for text in _texts(asked, "order_by")],
        limit=_size(fields.integer(asked, "max_results"), 1000) + 1,
        offset=tokens.read(fields.text(asked, "page_token")),
    )

    def part(context: Context) -> bytes:
        ids = _read(lambda search: store.run_ids(context.db, search), found)
        shown = store.page(context.db, ids[: found.limit - 1])
        told = [_run(run) for run in shown]
        return _page("runs", told, found.limit - 1, found.offset, len(ids))

    return await call.read(part)


async def experiments(call: Call) -> bytes:
    asked = _asked(call, "max_results", "page_token", "filter", "view_type", repeated="order_by")
    size = _size(_number(asked.get("max_results")), 0)
    offset = tokens.read(fields.text(asked, "page_token"))
    stages = _stages(asked.get("view_type"))
    clauses = _read(filters.experiments, fields.text(asked, "filter"))
    orders = [_read(filters.experiment_order, text) for text in _texts(asked, "order_by")]

    def part(context: Context) -> bytes:
        found = experiment_search.find(
            context.db, call.space.mlflow, stages, clauses, orders, size + 1, offset
        )
        shown = found[:size]
        tags = experiment_search.tags(context.db, [one.id for one in shown])
        told = [messages.experiment(2, one, tags[one.id]) for one in shown]
        return _page("experiments", told, size, offset, len(found))

    return await call.read(part)


ROUTES: dict[tuple[str, str], Handler] = {
    ("POST", "2.0/mlflow/runs/search"): runs,
    ("POST", "2.0/mlflow/experiments/search"): experiments,
    ("GET", "2.0/mlflow/experiments/search"): experiments,
}


def _asked(call: Call, *known: str, repeated: str) -> Mapping[str, Any]:
    if call.method == "POST":
        return call.fields(*known, repeated)
    found = call.parameters(*known, repeated)
    if not found:
        raise Punt  # upstream looks into the body then
    several = {repeated: found.pop(repeated)} if repeated in found else {}
    return {**{name: values[0] for name, values in found.items()}, **several}


def _read(read: Callable[[Any], T], what: Any) -> T:
    try:
        return read(what)
    except Unread:
        raise Punt from None


def _run(found: Found) -> str:
    run = found.run
    if None in (run.user, run.start):
        raise Punt  # upstream cannot tell about such a row, and says so
    if not run.name:
        run = run._replace(name=dict(found.data.tags).get(NAME_TAG) or run.name)
    return messages.run(2, run, found.data, found.inputs)


def _page(name: str, told: list[str], size: int, offset: int, found: int) -> bytes:
    token = f'"{tokens.make(offset + size)}"' if found > size else None
    return messages.record(0, (name, messages.array(1, told)), ("next_page_token", token)).encode()


def _texts(asked: Mapping[str, Any], name: str) -> list[str]:
    found = asked.get(name, [])
    if type(found) is not list or any(type(text) is not str for text in found):
        raise Punt
    return cast("list[str]", found)


def _experiment_ids(asked: Mapping[str, Any]) -> list[int]:
    texts = _texts(asked, "experiment_ids")
    if not all(text.isascii() and text.isdigit() and len(text) <= 9 for text in texts):
        raise Punt
    return [int(text) for text in texts]


def _stages(view: object) -> tuple[str, ...]:
    """Protobuf takes a name or a number."""
    if view is None:
        return _STAGES["ACTIVE_ONLY"]
    name = _VIEWS.get(view) if type(view) is int else view
    if type(name) is not str or name not in _STAGES:
        raise Punt
    return _STAGES[name]


def _number(value: object) -> int | None:
    """From a body, or as text from a query."""
    if value is None or type(value) is int:
        return cast("int | None", value)
    if type(value) is str and value.isascii() and value.isdigit() and len(value) <= 9:
        return int(value)
    raise Punt


def _size(asked: int | None, usual: int) -> int:
    size = usual if asked is None else asked
    if not 1 <= size <= MOST:
        raise Punt
    return size
