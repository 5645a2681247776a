"""Experiments, in the run history."""

from __future__ import annotations

from typing import Any

from lazur.errors import NotFound, Unsupported
from lazur.server.arm import listing
from lazur.server.arm.calls import Call
from lazur.server.arm.replies import Reply
from lazur.server.arm.routes import Routes
from lazur.server.arm.translate import filters
from lazur.server.arm.translate import tracking as translate
from lazur.services.azure import identity
from lazur.services.base.access import Resource
from lazur.services.base.site import Context
from lazur.services.tracking import experiments
from lazur.services.tracking.experiments import READ
from lazur.store.pages import MAX_LIMIT, Query

routes = Routes()

_WRITE, _DELETE = experiments.WRITE, experiments.DELETE
_HISTORY = "/history/v1.0WS"
_BY_NAME = f"{_HISTORY}/experiments/{{experiment}}"
_BY_ID = f"{_HISTORY}/experimentids/{{experiment}}"
_VIEWS = {"all": "all", "archivedonly": "archived"}
_PAGE = 100
_KIND = "experiment"


def id_of(call: Call, name: str) -> str:
    """The same for a workspace and an experiment, whose names differ by case, too."""
    return identity.of(call.site.home, _KIND, _key(call, name))


def room(call: Call) -> Resource:
    return Resource(call.workspace)


def name_of(call: Call, context: Context, experiment_id: str) -> str:
    """Of an id as the run history has it, or as MLflow has it."""
    asked, number_of = experiment_id.lower(), identity.among(call.site.home, _KIND)
    for name, number in experiments.names(context, call.workspace).items():
        if asked in (number, number_of(_key(call, name))):
            return name
    raise NotFound(
        f"There is no experiment {experiment_id[:100]!r} in workspace {call.workspace!r}.",
        hint="See: lazur experiment list",
    )


@routes.get(f"{_HISTORY}/experiments", READ)
def find(call: Call) -> Reply:
    asked = {"viewType": call.query.get("viewtype"), "top": call.query.get("$top")}
    page = _page(call, {**asked, "continuationToken": call.query.get("$skip")}).body
    following = listing.next_link(call, {"next": page["continuationToken"]})
    return Reply({**page, "nextLink": following})


@routes.post(f"{_HISTORY}/experiments:query", READ)
def search(call: Call) -> Reply:
    return _page(call, call.json())


@routes.get(_BY_NAME, READ)
def show(call: Call, experiment: str) -> Reply:
    view = call.read(lambda context: experiments.get(context, call.workspace, experiment))
    return _told(call, view)


@routes.post(_BY_NAME, _WRITE)
def create(call: Call, experiment: str) -> Reply:
    """What is there already is answered."""

    def use(context: Context) -> dict[str, Any]:
        try:
            return experiments.get(context, call.workspace, experiment)
        except NotFound:
            return experiments.create(context, call.workspace, {"name": experiment})

    return _told(call, call.write(use))


@routes.get(_BY_ID, READ)
def show_by_id(call: Call, experiment: str) -> Reply:
    def use(context: Context) -> dict[str, Any]:
        name = name_of(call, context, experiment)
        return experiments.get(context, call.workspace, name)

    return _told(call, call.read(use))


@routes.patch(_BY_ID, _WRITE)
def update(call: Call, experiment: str) -> Reply:
    body = call.json()

    def use(context: Context) -> dict[str, Any]:
        name = name_of(call, context, experiment)
        _check_name(body.get("name"), name)
        if changes := translate.experiment_changes(body):
            experiments.update(context, call.workspace, name, changes)
        if (wanted := body.get("archive")) is not None:
            turn = experiments.archive if wanted else experiments.restore
            return turn(context, call.workspace, name)
        return experiments.get(context, call.workspace, name)

    return _told(call, call.write(use))


@routes.delete(_BY_ID, _DELETE)
def delete(call: Call, experiment: str) -> Reply:
    """Into the trash, as MLflow deletes it."""

    def use(context: Context) -> dict[str, Any]:
        name = name_of(call, context, experiment)
        return experiments.archive(context, call.workspace, name)

    return _told(call, call.write(use))


def _check_name(asked: Any, name: str) -> None:
    """The id that Azure's clients know it by is made of its name, and would go with it."""
    if asked not in (None, name):
        raise Unsupported(
            f"The experiment {name!r} is not renamed by this way.",
            hint="Use MLflow's client: MlflowClient().rename_experiment(ID, NAME). Or give it a "
            "description, or tags.",
        )


def _page(call: Call, asked: dict[str, Any]) -> Reply:
    view = _VIEWS.get(str(asked.get("viewType") or "").lower(), "active")
    wanted = filters.read(asked.get("filter"))
    size, token = top(asked.get("top")), str(asked.get("continuationToken") or "") or None
    query = Query(size, token, None, {"view": view})
    page = call.read(lambda context: experiments.find(context, call.workspace, query))
    shown = [translate.experiment(v, id_of(call, v["name"])) for v in page["value"]]
    met = [one for one in shown if wanted is None or wanted.meets(one)]
    return Reply(translate.page(met, page["next"]))


def top(asked: Any) -> int:
    number = int(asked) if str(asked or "").isdecimal() and len(str(asked)) < 7 else _PAGE
    return max(1, min(number, MAX_LIMIT))


def _told(call: Call, view: dict[str, Any]) -> Reply:
    return Reply(translate.experiment(view, id_of(call, view["name"])))


def _key(call: Call, name: str) -> str:
    return f"{call.workspace}/{name.encode().hex()}"
