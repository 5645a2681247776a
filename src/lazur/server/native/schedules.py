"""Schedules."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from lazur.server.deps import Call, Listing, Object, ObjectIfAny, action
from lazur.services.schedules import hooks, schedules

routes = APIRouter(prefix="/api/v1/workspaces/{workspace}/schedules", tags=["schedules"])


@routes.get("", **action("workspaces/schedules/read"))
def find(call: Call, workspace: str, listing: Listing) -> Response:
    """Schedules. Filters: `state` (`enabled`, which is meant where nothing is said, `disabled`,
    `all`), `trigger` (`cron`, `recurrence`, `event`, `webhook`)."""
    query = listing.query("state", "trigger")
    return call.read(lambda context: schedules.find(context, workspace, query))


@routes.get("/{name}", **action("workspaces/schedules/read"))
def show(call: Call, workspace: str, name: str) -> Response:
    """With its next runs and what became of the last."""
    return call.read(lambda context: schedules.get(context, workspace, name))


@routes.put("/{name}", **action("workspaces/schedules/write"))
def put(call: Call, workspace: str, name: str, spec: Object) -> Response:
    """Make it, or replace all of it, as in its YAML, with jobs in place of their files. It acts
    for who calls. Of a webhook that is new, `key` is told, this once."""
    etag = call.if_match
    return call.write(lambda context: schedules.put(context, workspace, name, spec, etag))


@routes.patch("/{name}", **action("workspaces/schedules/write"))
def update(call: Call, workspace: str, name: str, changes: Object) -> Response:
    """Change some fields; `trigger`, `create_job` and `import_data` are replaced whole."""
    etag = call.if_match
    return call.write(lambda context: schedules.update(context, workspace, name, changes, etag))


@routes.delete("/{name}", status_code=204, **action("workspaces/schedules/delete"))
def delete(call: Call, workspace: str, name: str) -> Response:
    """With the list of its runs; the jobs stay."""
    return call.write(lambda context: schedules.delete(context, workspace, name))


@routes.post("/{name}/enable", **action("workspaces/schedules/write"))
def enable(call: Call, workspace: str, name: str) -> Response:
    return call.write(
        lambda context: schedules.set_enabled(context, workspace, name, enabled=True)
    )


@routes.post("/{name}/disable", **action("workspaces/schedules/write"))
def disable(call: Call, workspace: str, name: str) -> Response:
    return call.write(
        lambda context: schedules.set_enabled(context, workspace, name, enabled=False)
    )


@routes.get("/{name}/runs", **action("workspaces/schedules/read"))
def runs(call: Call, workspace: str, name: str, listing: Listing) -> Response:
    """What became of its ticks, the newest first. Filter: `state` (`due`, `fired`, `failed`,
    `skipped`)."""
    query = listing.query("state")
    return call.read(lambda context: schedules.runs(context, workspace, name, query))


@routes.get("/{name}/history", **action("workspaces/schedules/read"))
def history(call: Call, workspace: str, name: str) -> Response:
    """Everything that happened to the schedule, oldest first."""
    return call.read(lambda context: {"value": schedules.history(context, workspace, name)})


@routes.post("/{name}/trigger", **action("workspaces/schedules/trigger/action"))
def trigger(call: Call, workspace: str, name: str, body: ObjectIfAny) -> Response:
    """Fire it now. The body may have `inputs` and the `schedule_time` that its job is told."""
    return call.write(lambda context: hooks.trigger(context, workspace, name, body))


@routes.post("/{name}/invoke", status_code=202, **action("workspaces/schedules/invoke/action"))
def invoke(call: Call, workspace: str, name: str, body: ObjectIfAny) -> Response:
    """Fire a schedule with a webhook, with its key or a token. The body has `inputs`, or what the
    trigger says they are taken from. With an `Idempotency-Key`, the same request has one job."""
    once = call.request.headers.get("idempotency-key")
    return call.write(
        lambda context: hooks.invoke(context, workspace, name, body, once), status=202
    )


@routes.post("/{name}/key", **action("workspaces/schedules/regeneratekeys/action"))
def new_key(call: Call, workspace: str, name: str) -> Response:
    """A new key for its webhook, told this once; the one before is good for nothing any more."""
    return call.write(lambda context: schedules.new_key(context, workspace, name))
