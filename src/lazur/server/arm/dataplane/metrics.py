"""Metrics of runs: their names, their last values, every point."""

from __future__ import annotations

from typing import Any

from lazur.errors import Invalid
from lazur.server.arm.calls import Call
from lazur.server.arm.replies import Reply
from lazur.server.arm.routes import Routes
from lazur.server.arm.translate import tracking as translate
from lazur.services.base.site import Context
from lazur.services.tracking import runs
from lazur.services.tracking.runs import READ

routes = Routes()

_RUN = "/metric/v2.0WS/runs/{run}"
_PAGE = 5000


@routes.post(f"{_RUN}/list", READ)
def find(call: Call, run: str) -> Reply:
    """That there are these."""
    page = call.read(lambda context: runs.get(context, call.workspace, run))
    return Reply(translate.page([translate.definition(n) for n in sorted(page["metrics"])], None))


@routes.post(f"{_RUN}/lastvalues", READ)
def last(call: Call, run: str) -> Reply:
    def use(context: Context) -> tuple[str, list[dict[str, Any]]]:
        view = runs.get(context, call.workspace, run)
        return view["id"], runs.lasts(context, call.workspace, view["id"])

    run_id, points = call.read(use)
    told = [translate.metric(run_id, point["name"], [point]) for point in points]
    return Reply(translate.page(told, None))


@routes.post(f"{_RUN}/full", READ)
def full(call: Call, run: str) -> Reply:
    """Page by page, by step."""
    call.read(lambda context: runs.get(context, call.workspace, run))
    asked = call.json()
    name, token = asked.get("metricName"), asked.get("continuationToken") or None
    if not isinstance(name, str) or not name:
        raise Invalid("metricName is needed.")
    if token is not None and not isinstance(token, str):
        raise Invalid("continuationToken is not one that this server gave out.")

    def use(context: Context) -> tuple[str, dict[str, Any]]:
        view = runs.get(context, call.workspace, run)
        return view["id"], runs.history(context, call.workspace, run, name, _PAGE, token)

    run_id, page = call.read(use)
    return Reply(translate.metric(run_id, name, page["value"], page["next"]))
