"""What people do with jobs."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from lazur.engine.lineage import BUILDS, Node
from lazur.engine.states import State
from lazur.errors import Conflict, NotFound, PreconditionFailed
from lazur.services import (
    builds,
    cancellation,
    checks,
    clusters,
    content,
    edges,
    events,
    injections,
    output_places,
    quotas,
    resolve,
    stored,
)
from lazur.services.access import Resource
from lazur.services.job_views import summary, view
from lazur.services.resolve import Resolved
from lazur.services.site import Context
from lazur.services.tracking import jobs as tracking
from lazur.services.tracking import names
from lazur.services.workspaces import open_workspace
from lazur.spec import references
from lazur.spec.properties import DIFF
from lazur.store import jobs as store
from lazur.store.db import AnyRow, Taken
from lazur.store.jobs import JobRow
from lazur.store.mlflow import runs
from lazur.store.pages import Query

_PRIORITIES = {"low": 1, "medium": 2, "high": 3}
_CHANGEABLE = ("display_name", "description", "tags", "properties", "archived", "experiment_name")


def submit(context: Context, workspace: str, spec: dict[str, Any]) -> dict[str, Any]:
    """Accept a job: when this returns and is committed, the job will run, whatever is killed."""
    context.require("workspaces/jobs/write", Resource(workspace, "jobs"))
    checked = checks.job(spec)
    name = checked.model.name or _fresh_name()
    with context.looking() as early:
        home = open_workspace(early, workspace, "workspaces/jobs/write")
        found = resolve.job(early, home, name, checked)
        _diff_is_there(early, checked.model.properties)
        came_of = edges.of_job(early, home, name, checked.model, _environment(early, home, found))
    build = builds.want(context, home.id, found.recipe, found.environment_name)
    ready = build.state == "ready"
    values = _row(context, home, name, checked, found)
    values["parent_id"] = _parent_id(context, workspace, checked.model.parent_job_name)
    values["build_key"] = build.key
    values["state"] = (State.QUEUED if ready else State.PREPARING).value
    values["waiting_for"] = None if ready else "its environment, which waits to be built"
    values["due_at"] = None if ready else context.now()
    values["phases"] = [{"name": "queued" if ready else "environment", "start": context.now()}]
    job_id = _add(context, home, values, found)
    output_places.check(context, home, name, found.outputs)
    edges.write(context, came_of)
    if found.cluster:
        clusters.hold(context, home, found.cluster)
    stored.keep_trees(context, home.id, values["spec"], values["experiment_name"])
    quotas.admit(context, home, found.demand)
    events.record(context, home, "jobs", name, "created", state=values["state"])
    injections.record(context, home, name, found.secret_variables)
    context.publish("job", f"{home.name}/{name}")
    context.publish("queue", found.compute.name)
    return _fresh_view(context, job_id)


def validate(context: Context, workspace: str, spec: dict[str, Any]) -> dict[str, Any]:
    """Everything that `submit` checks, and nothing of what it does."""
    context.require("workspaces/jobs/write", Resource(workspace, "jobs"))
    checked = checks.job(spec)
    home = open_workspace(context, workspace, "workspaces/jobs/write")
    found = resolve.job(context, home, spec.get("name") or "validated", checked)
    output_places.check(context, home, str(spec.get("name") or "validated"), found.outputs)
    _parent_id(context, workspace, checked.model.parent_job_name)
    return {
        "warnings": found.warnings,
        "compute": found.cluster or found.compute.name,
        "environment": found.environment_name,
    }


def get(context: Context, workspace: str, name: str) -> dict[str, Any]:
    row = find_row(context, workspace, name, "workspaces/jobs/read")
    if row.state != State.QUEUED:
        return view(context.site, row)
    waits = _reasons(context, [row]).get(row.id)
    return view(context.site, row, store.position(context.db, row), waits)


def find(context: Context, workspace: str, query: Query) -> dict[str, Any]:
    home = open_workspace(context, workspace, "workspaces/jobs/read")
    filters = {"archived": "false", **query.filters}
    if context.who.job is not None:
        filters["name"] = context.who.job
    page = store.page(
        context.db, home.id, Query(query.limit, query.cursor, query.order_by, filters)
    )
    waiting = _reasons(context, page.rows)
    shown = [summary(context.site, row, waiting.get(row.id)) for row in page.rows]
    return {"value": shown, "next": page.next}


def history(context: Context, workspace: str, name: str) -> list[dict[str, Any]]:
    row = find_row(context, workspace, name, "workspaces/jobs/read")
    return events.of(context, row, "jobs", row.name)


def update(
    context: Context, workspace: str, name: str, changes: dict[str, Any], etag: str | None = None
) -> dict[str, Any]:
    """Change what may change: names and notes, not what runs."""
    row = find_row(context, workspace, name, "workspaces/jobs/write")
    values = checks.changes(changes, _CHANGEABLE)
    seen = None if etag is None else row.version
    if etag not in (None, str(row.version)) or not store.change(
        context.db, row.id, context.now(), seen, **values
    ):
        raise PreconditionFailed(
            f"The job {name!r} has changed since you read it.",
            hint="Read it again, and repeat the change if it still makes sense.",
        )
    tracking.mirror(context, row, values)
    events.record(context, row, "jobs", row.name, "updated", fields=sorted(values))
    context.publish("job", f"{row.workspace}/{row.name}")
    return _fresh_view(context, row.id)


def cancel(context: Context, workspace: str, name: str) -> dict[str, Any]:
    """Ask a job to end. At once where it has not begun; else its whole process tree is asked, then
    made to."""
    row = find_row(context, workspace, name, "workspaces/jobs/cancel/action")
    cancellation.ask(context, row.id)
    return _fresh_view(context, row.id)


def find_row(context: Context, workspace: str, name: str, action: str) -> JobRow:
    """By its name, or by its run's id."""
    home = open_workspace(context, workspace, action)
    row = store.by_name(context.db, home.id, name)
    if row is None and names.may_be_derived(name):
        row = store.by_run(context.db, home.id, name)
    context.require(action, Resource(workspace, "jobs", row.name if row is not None else name))
    if row is None:
        raise NotFound(
            f"There is no job {name!r} in workspace {workspace!r}.", hint="See: lazur job list"
        )
    return row


def _add(context: Context, home: AnyRow, values: dict[str, Any], found: Resolved) -> int:
    """The job's row and its run. Another workspace may take the run's id at the same moment."""
    for run_id in names.candidates(home.id, values["name"]):
        if runs.exists(context.db, run_id):
            continue
        values["run_id"] = run_id
        try:
            with context.db.begin_nested():
                job_id = store.add(context.db, values)
        except Taken:
            if runs.exists(context.db, run_id):
                continue
            if store.by_name(context.db, home.id, values["name"]) is None:
                raise
            raise Conflict(
                f"A job named {values['name']!r} exists already in workspace {home.name!r}.",
                hint="Leave `name` out to get a fresh one, or choose another.",
            ) from None
        tracking.begin(context, home, values, found)
        return job_id
    raise AssertionError("candidates never end")


def _parent_id(context: Context, workspace: str, name: str | None) -> int | None:
    return find_row(context, workspace, name, "workspaces/jobs/read").id if name else None


def _diff_is_there(context: Context, properties: dict[str, str]) -> None:
    """The uncommitted changes that the code was snapshotted with are content like the code."""
    diff = properties.get(DIFF)
    found = references.parse(diff) if diff else None
    if isinstance(found, references.Tree):
        content.whole_tree(context, found.digest)


def _environment(context: Context, home: AnyRow, found: Resolved) -> Node:
    """What the job runs in, as lineage knows it."""
    if found.environment_home is None:
        return Node(home.id, BUILDS, context.site.builder.key(found.recipe))
    name, _, version = found.environment_name.rpartition(":")
    return Node(found.environment_home, "environments", name, version)


def _fresh_view(context: Context, job_id: int) -> dict[str, Any]:
    row = store.by_id(context.db, job_id)
    assert row is not None
    return view(context.site, row)


def _row(
    context: Context, home: AnyRow, name: str, checked: checks.CheckedJob, found: Resolved
) -> dict[str, Any]:
    spec, now = checked.value, context.now()
    queue = checked.model.queue_settings
    return {
        "workspace_id": home.id,
        "name": name,
        "type": checked.type,
        "experiment_name": spec.get("experiment_name") or "Default",
        "display_name": spec.get("display_name"),
        "description": spec.get("description"),
        "tags": spec.get("tags") or {},
        "properties": spec.get("properties") or {},
        "spec": spec,
        "resolved": found.to_dict(),
        "warnings": found.warnings,
        "compute_id": found.compute.id,
        "cluster": found.cluster,
        "nodes": found.nodes,
        "priority": _PRIORITIES[queue.priority if queue else "medium"],
        "cpus": found.demand.cpus,
        "memory": found.demand.memory,
        "gpus": found.demand.gpus,
        "cancel_requested": False,
        "attempt": 1,
        "placed": False,
        "gpu_ids": [],
        "archived": False,
        "created_at": now,
        "created_by": context.who.name,
        "updated_at": now,
        "version": 1,
    }


def _reasons(context: Context, rows: Sequence[JobRow]) -> dict[int, str]:
    """What queued jobs wait for beside free slots."""
    return {**quotas.reasons(context, rows), **clusters.reasons(context, rows)}


_ADJECTIVES = """
    able bold brave bright calm clever cool eager fair fine gentle golden green happy honest
    jolly keen kind lively lucky mellow merry mild neat nice noble olive plucky polite proud
    quick quiet rosy serene sharp silver sincere steady sunny sweet swift teal tidy upbeat
    warm wise witty zen
""".split()
_NOUNS = """
    apple arch avocado bagel bean bird boat bread bridge brush camel carrot cello cloud
    coral crane deer dolphin drum eagle feather fig flag forest frog garden grape harp
    island jewel kettle kite lamp leaf lemon library lime lobster mango mirror nail net
    oxygen papaya parang peach pear pen plane plum quill river rocket root sail school
    soccer soup spoon star street sun tent toe tree tulip vase whale wolf yam
""".split()


def _fresh_name() -> str:
    alphabet = "0123456789abcdefghijklmnopqrstuvwxyz"
    tail = "".join(secrets.choice(alphabet) for _ in range(10))
    return f"{secrets.choice(_ADJECTIVES)}_{secrets.choice(_NOUNS)}_{tail}"
