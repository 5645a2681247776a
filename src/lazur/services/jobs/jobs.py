"""What people do with jobs."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from lazur.engine.states import FINAL, State
from lazur.errors import Conflict, NotFound, PreconditionFailed
from lazur.services.base import checks, events
from lazur.services.base.access import Resource
from lazur.services.base.job_views import summary, view
from lazur.services.base.site import Context
from lazur.services.base.workspaces import open_workspace
from lazur.services.content import content
from lazur.services.jobs import cancellation, drafts, output_places, siblings, steps, sweeps
from lazur.services.jobs import job_runs as tracking
from lazur.services.jobs.drafts import Draft
from lazur.services.people import quotas
from lazur.services.resources import clusters
from lazur.services.tracking import names
from lazur.spec import references
from lazur.spec.properties import DIFF, RETRIED
from lazur.store import jobs as store
from lazur.store.db import AnyRow
from lazur.store.jobs import JobRow
from lazur.store.pages import Query

_CHANGEABLE = ("display_name", "description", "tags", "properties", "archived", "experiment_name")


def submit(context: Context, workspace: str, spec: dict[str, Any]) -> dict[str, Any]:
    """Accept a job: when this returns and is committed, the job will run, whatever is killed."""
    home, draft = _draft(context, workspace, spec)
    return _fresh_view(context, drafts.accept(context, home, draft))


def retry(context: Context, workspace: str, name: str) -> dict[str, Any]:
    """The same once more. Of a job with steps, those that had ended well are not done again."""
    return _again(context, workspace, name, {}, "tried again")


def extend(context: Context, workspace: str, name: str, changes: dict[str, Any]) -> dict[str, Any]:
    """A sweep that goes on with one that is over: its trials that had ended well are this one's,
    too. `changes` are `limits` of it, such as `max_total_trials`."""
    return _again(context, workspace, name, changes, "extended")


def _again(
    context: Context, workspace: str, name: str, limits: dict[str, Any], what: str
) -> dict[str, Any]:
    context.require("workspaces/jobs/write", Resource(workspace, "jobs"))
    with context.looking() as early:
        row = find_row(early, workspace, name, "workspaces/jobs/write")
        if row.state not in FINAL:
            raise Conflict(
                f"Job {row.name!r} is {row.state}, and goes on by itself.",
                hint=f"To end it first: lazur job cancel -n {row.name}",
            )
        spec = {**row.spec, **steps.written(early, row)}
        if what == "extended":
            spec["limits"] = sweeps.extended(early, row, limits)
    spec["properties"] = {**_kept(row.properties), RETRIED: row.name}
    spec.pop("name", None)
    home, draft = _draft(context, workspace, spec, row.id)
    job_id = drafts.accept(context, home, draft)
    events.record(context, row, "jobs", row.name, what, job=draft.name)
    return _fresh_view(context, job_id)


def _kept(properties: dict[str, str]) -> dict[str, str]:
    """Without what came of the attempt before."""
    return {key: text for key, text in properties.items() if key not in sweeps.RESULTS}


def _draft(
    context: Context, workspace: str, spec: dict[str, Any], retried_id: int | None = None
) -> tuple[AnyRow, Draft]:
    context.require("workspaces/jobs/write", Resource(workspace, "jobs"))
    checked = checks.job(spec)
    name = checked.model.name or _fresh_name()
    with context.looking() as early:
        home = open_workspace(early, workspace, "workspaces/jobs/write")
        _diff_is_there(early, checked.model.properties)
        above: str | None = getattr(checked.model, "parent_job_name", None)
        draft = drafts.make(early, home, name, checked)
        parent_id = _parent_id(early, workspace, above)
        return home, replace(draft, above=parent_id, retried_id=retried_id)


def validate(context: Context, workspace: str, spec: dict[str, Any]) -> dict[str, Any]:
    """Everything that `submit` checks, and nothing of what it does."""
    home, draft = _draft(context, workspace, spec)
    found = draft.found
    output_places.check(context, home, draft.name, found.outputs)
    return {
        "warnings": found.warnings,
        "compute": found.cluster or found.compute.name,
        "environment": found.environment_name or None,
    }


def get(context: Context, workspace: str, name: str) -> dict[str, Any]:
    row = find_row(context, workspace, name, "workspaces/jobs/read")
    shown = steps.view(context, row)
    if row.state != State.QUEUED:
        return {**view(context.site, row), **shown}
    waits = _reasons(context, [row]).get(row.id)
    return {**view(context.site, row, store.position(context.db, row), waits), **shown}


def find(context: Context, workspace: str, query: Query) -> dict[str, Any]:
    home = open_workspace(context, workspace, "workspaces/jobs/read")
    filters = {"archived": "false", **query.filters}
    if context.who.job is not None:
        filters["name"] = context.who.job
    elif "parent" not in filters:
        filters.setdefault("steps", "false")
    page = store.page(
        context.db, home.id, Query(query.limit, query.cursor, query.order_by, filters)
    )
    waiting = _reasons(context, page.rows)
    shown = [summary(context.site, row, waiting.get(row.id)) for row in page.rows]
    return {"value": shown, "next": page.next}


def history(context: Context, workspace: str, name: str) -> list[dict[str, Any]]:
    row = find_row(context, workspace, name, "workspaces/jobs/read")
    return events.of(context, row, "jobs", row.name)


def trials(context: Context, workspace: str, name: str) -> dict[str, Any]:
    row = find_row(context, workspace, name, "workspaces/jobs/read")
    return {"value": sweeps.trials(context, row), "next": None}


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
    cancellation.ask(context, row.id, f"{cancellation.who(context)} canceled it.")
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


def _parent_id(context: Context, workspace: str, name: str | None) -> int | None:
    return find_row(context, workspace, name, "workspaces/jobs/read").id if name else None


def _diff_is_there(context: Context, properties: dict[str, str]) -> None:
    """The uncommitted changes that the code was snapshotted with are content like the code."""
    diff = properties.get(DIFF)
    found = references.parse(diff) if diff else None
    if isinstance(found, references.Tree):
        content.whole_tree(context, found.digest)


def _fresh_view(context: Context, job_id: int) -> dict[str, Any]:
    row = store.by_id(context.db, job_id)
    assert row is not None
    return {**view(context.site, row), **steps.view(context, row)}


def _reasons(context: Context, rows: Sequence[JobRow]) -> dict[int, str]:
    """What queued jobs wait for beside free slots."""
    return {
        **quotas.reasons(context, rows),
        **clusters.reasons(context, rows),
        **siblings.reasons(context, rows),
    }


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
