"""Experiments: what runs are put together under."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from lazur.server.deps import Call, Listing, Object, action
from lazur.services.tracking import experiments

routes = APIRouter(prefix="/api/v1/workspaces/{workspace}/experiments", tags=["experiments"])


@routes.get("", **action("workspaces/experiments/read"))
def find(call: Call, workspace: str, listing: Listing) -> Response:
    """The newest first, each with how many runs it has and when something last happened in it.
    `view`: `active`, `archived`, `all`; `name`: the one of this name."""
    query = listing.query(*experiments.FILTERS)
    return call.read(lambda context: experiments.find(context, workspace, query))


@routes.post("", status_code=201, **action("workspaces/experiments/write"))
def create(call: Call, workspace: str, body: Object) -> Response:
    """`name`, and if wanted `description` and `tags`. Jobs and scripts make theirs by naming
    them."""
    return call.create(lambda context: experiments.create(context, workspace, body), body)


@routes.get("/{name}", **action("workspaces/experiments/read"))
def show(call: Call, workspace: str, name: str) -> Response:
    """By its name, or its id in MLflow: a name may hold a slash, an id does not."""
    return call.read(lambda context: experiments.get(context, workspace, name))


@routes.patch("/{name}", **action("workspaces/experiments/write"))
def update(call: Call, workspace: str, name: str, body: Object) -> Response:
    """`description`, and `tags`: those that are null are removed, others stay."""
    return call.write(lambda context: experiments.update(context, workspace, name, body))


@routes.post("/{name}/archive", **action("workspaces/experiments/delete"))
def archive(call: Call, workspace: str, name: str) -> Response:
    """Into the trash, as MLflow's `delete_experiment` puts it there, with its runs. A job that
    still runs is cancelled first."""
    return call.write(lambda context: experiments.archive(context, workspace, name))


@routes.post("/{name}/restore", **action("workspaces/experiments/write"))
def restore(call: Call, workspace: str, name: str) -> Response:
    """Out of the trash, with the runs that went into it with the experiment."""
    return call.write(lambda context: experiments.restore(context, workspace, name))
