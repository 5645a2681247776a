"""The run history: what Azure's client reads of a job while it runs and after, and by which it
changes its notes."""

from __future__ import annotations

from typing import Any

from lazur.errors import Forbidden, Invalid, NotFound
from lazur.server.arm import address, listing
from lazur.server.arm import jobs as operations
from lazur.server.arm.calls import Call
from lazur.server.arm.dataplane import experiments, run_lists
from lazur.server.arm.dataplane.streams import Streams
from lazur.server.arm.releases import is_old
from lazur.server.arm.replies import Reply, listed
from lazur.server.arm.routes import Routes
from lazur.server.arm.translate import runs as translate
from lazur.server.arm.translate import tracking as tracked
from lazur.server.arm.translate.cases import mapping
from lazur.server.sign_in import bearer_secret
from lazur.services.azure import sas, tokens
from lazur.services.base.home import ARTIFACTSTORE
from lazur.services.base.workspaces import open_workspace
from lazur.services.jobs import jobs
from lazur.services.jobs import run_notes as notes
from lazur.services.results import files
from lazur.services.tracking import runs
from lazur.spec import json

routes = Routes()

_READ, _WRITE = "workspaces/jobs/read", "workspaces/jobs/write"
_RUNS = "/history/v1.0WS/runs/{run}"
_BY_NAME = "/history/v1.0WS/experiments/{experiment}/runs/{run}"
_BY_ID = "/history/v1.0WS/experimentids/{experiment}/runs/{run}"
_SUMMARIES = "~joblogs"
"""No container, nor a name that one could have: what became of a job's steps, as text, under an
address that is signed."""
_streams = Streams()


@routes.get(f"{_RUNS}/details", _READ)
def details(call: Call, run: str) -> Reply:
    """What a stream of the log goes by. Who begins one when the job is over already is told once
    that it is finalizing: the client prints no log of what it has never seen under way."""
    view = _job(call, run)
    if view is None:
        plain = _tracked(call, run)
        experiment = experiments.id_of(call, plain["experiment_name"])
        return Reply(tracked.details(plain, experiment))
    status = view["status"]
    if _streams.holds(call.who.name, str(call.site.home.path), view, call.site.now()):
        status = "Finalizing"
    told = translate.details(view, _experiment(call, view), _logs(call, view), status)
    return Reply(told, headers={"Retry-After": "1"})


@routes.get(f"{_BY_NAME}/details", _READ)
def details_by_name(call: Call, experiment: str, run: str) -> Reply:
    return details(call, run)


@routes.get(f"{_BY_ID}/details", _READ)
def details_by_id(call: Call, experiment: str, run: str) -> Reply:
    return details(call, run)


@routes.get(_RUNS, _READ)
def show(call: Call, run: str) -> Reply:
    view = _job(call, run)
    if view is not None:
        return Reply(translate.run(view, _experiment(call, view)))
    return _told(call, _tracked(call, run))


@routes.get(_BY_NAME, _READ)
def show_by_name(call: Call, experiment: str, run: str) -> Reply:
    return show(call, run)


@routes.get(_BY_ID, _READ)
def show_by_id(call: Call, experiment: str, run: str) -> Reply:
    return show(call, run)


@routes.patch(_RUNS, _WRITE)
def update(call: Call, run: str) -> Reply:
    """Names, notes, tags, and whether it is hidden."""
    changes = translate.changes(call.json())
    if _job(call, run, _WRITE) is not None:
        made = operations.update(call, run, changes, merged=True)
        return Reply(translate.run(made, _experiment(call, made)))
    if changes.pop("properties", None):
        raise Invalid(
            f"The run {run[:100]!r} is no job, and has no properties.",
            hint="Give it tags, which every run has.",
        )
    made = call.write(lambda context: notes.change(context, call.workspace, run, changes))
    return _told(call, made)


@routes.patch(_BY_NAME, _WRITE)
def update_by_name(call: Call, experiment: str, run: str) -> Reply:
    return update(call, run)


@routes.patch(_BY_ID, _WRITE)
def update_by_id(call: Call, experiment: str, run: str) -> Reply:
    return update(call, run)


@routes.delete(f"{_RUNS}/tags", _WRITE)
def drop_tags(call: Call, run: str) -> Reply:
    """Those whose names the body lists."""
    return _tagged(call, run, {}, json.decode(call.body) if call.body.strip() else [])


@routes.delete(f"{_BY_NAME}/tags", _WRITE)
@routes.delete(f"{_BY_ID}/tags", _WRITE)
def drop_tags_of(call: Call, experiment: str, run: str) -> Reply:
    return drop_tags(call, run)


@routes.patch(f"{_BY_NAME}/tags", _WRITE)
@routes.patch(f"{_BY_ID}/tags", _WRITE)
def change_tags(call: Call, experiment: str, run: str) -> Reply:
    body = call.json()
    return _tagged(call, run, body.get("tagsToModify") or {}, body.get("tagsToDelete") or [])


@routes.get(f"{_RUNS}/children", _READ)
def children(call: Call, run: str) -> Reply:
    """Its steps or trials, the newest first."""
    view = _job(call, run)
    if view is None:
        plain = _tracked(call, run)
        return listed(call.read(lambda context: run_lists.below(call, context, plain["id"])))
    query = listing.query(call, parent=view["name"], archived="all")
    page = call.read(lambda context: jobs.find(context, call.workspace, query))
    experiment = _experiment(call, view)
    of = {step["job"]: step.get("reused_from") for step in view.get("steps") or ()}
    shown = [
        translate.run(_as_child(child, view["name"], of.get(child["name"])), experiment)
        for child in page["value"]
    ]
    following = None if "$top" in call.query else listing.next_link(call, page)
    return listed(shown, following)


@routes.get(f"{_BY_NAME}/children", _READ)
def children_by_name(call: Call, experiment: str, run: str) -> Reply:
    return children(call, run)


@routes.get(f"{_BY_ID}/children", _READ)
def children_by_id(call: Call, experiment: str, run: str) -> Reply:
    return children(call, run)


@routes.post("/history/v1.0WS/rundata", _READ)
def data(call: Call) -> Reply:
    call.read(lambda context: open_workspace(context, call.workspace, _READ, "jobs"))
    run = call.json().get("runId")
    if not isinstance(run, str) or not run:
        raise Invalid("runId is needed.")
    view = _job(call, run)
    if view is None:
        made = _told(call, _tracked(call, run)).body
        return Reply({"runMetadata": made, "runDefinition": None, "jobSpecification": None})
    return Reply(translate.data(view, _experiment(call, view), old=is_old(call)))


@routes.get(f"{_RUNS}/serviceinstances/{{node}}", _READ)
def service_instances(call: Call, run: str, node: str) -> Reply:
    """What listens beside the job. Nothing does here but its page and its tracking."""
    view = _view(call, run)
    found = mapping(view.get("services"))
    instances = {
        name: {
            "type": one.get("type") or name,
            "port": one.get("port"),
            "status": "Running" if one.get("endpoint") else "NotStarted",
            "endpoint": one.get("endpoint"),
            "error": None,
            "properties": {},
        }
        for name, one in found.items()
    }
    return Reply({"instances": instances})


@routes.get(f"/_blob/{{account}}/{_SUMMARIES}/{{run}}/{{name}}", _READ)
def summary(call: Call, account: str, run: str, name: str) -> Reply:
    """The log of a job that only decides."""
    kind, secret = address.secret(call.scope) or ("", "")
    if kind == "sas" and not sas.read(secret).allows("r", account, _SUMMARIES, run):
        raise Forbidden("The address was signed for something else.")
    view = call.read(lambda context: jobs.get(context, account, run))
    return Reply(translate.summary(view).encode(), kind="text/plain; charset=utf-8")


def _job(call: Call, run: str, action: str = _READ) -> dict[str, Any] | None:
    """None where there is none of this name: it may be a run that a script has begun."""
    call.read(lambda context: open_workspace(context, call.workspace, action, "jobs", run))
    try:
        return _view(call, run)
    except NotFound:
        return None


def _tracked(call: Call, run: str) -> dict[str, Any]:
    return call.read(lambda context: runs.get(context, call.workspace, run))


def _told(call: Call, view: dict[str, Any]) -> Reply:
    return Reply(tracked.run(view, experiments.id_of(call, view["experiment_name"])))


def _tagged(call: Call, run: str, more: Any, less: Any) -> Reply:
    if not isinstance(less, list) or not all(isinstance(key, str) for key in less):
        raise Invalid("Tags to delete are a list of names.")
    if not isinstance(more, dict):
        raise Invalid("Tags to change are an object of texts.")
    view = _job(call, run, _WRITE)
    if view is None:
        changes = {"tags": {**more, **dict.fromkeys(less)}}
        made = call.write(lambda context: notes.change(context, call.workspace, run, changes))
        return _told(call, made)
    tags = {**view["tags"], **more}
    wanted = {"tags": {key: value for key, value in tags.items() if key not in less}}
    made = operations.update(call, run, wanted)
    return Reply(translate.run(made, _experiment(call, made)))


def _view(call: Call, run: str) -> dict[str, Any]:
    return call.read(lambda context: jobs.get(context, call.workspace, run))


def _as_child(view: dict[str, Any], parent: str, reused: str | None) -> dict[str, Any]:
    """Lists do not say whose outputs a step has."""
    return {**view, "parent_job_name": parent, **({"reuse": {"from": reused}} if reused else {})}


def _experiment(call: Call, view: dict[str, Any]) -> str:
    return experiments.id_of(call, view["experiment_name"])


def _logs(call: Call, view: dict[str, Any]) -> dict[str, str]:
    """Addresses of its logs, each signed: the client sends no token along."""
    name, holder = view["name"], tokens.holder(bearer_secret(call.scope["headers"]) or "")
    if (path := translate.summary_name(view["type"])) is not None:
        place = f"{call.workspace}/{_SUMMARIES}/{name}"
        signed = sas.sign(call.site, holder, place)
        return {path: f"{call.base}/_blob/{place}/{path.rpartition('/')[2]}?{signed}"}
    if (origin := mapping(view.get("reuse")).get("from")) is not None:
        return _logs(call, _view(call, str(origin)))  # it stays as long as it is reused
    folder = f"{call.workspace}/{ARTIFACTSTORE}/ExperimentRun/dcid.{view.get('run_id') or name}"
    there = call.read(lambda context: files.find(context, call.workspace, name, "user_logs/"))
    signed = sas.sign(call.site, holder, f"{folder}/user_logs")
    return {
        one["path"]: call.url(f"/_blob/{folder}/{one['path']}") + f"?{signed}"
        for one in there["value"]
    }
