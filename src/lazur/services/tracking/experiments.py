"""Experiments: MLflow's own, as people see them. An archived one is in MLflow's trash, with its
runs."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, cast

from lazur.errors import Conflict, Invalid, NotFound
from lazur.services.base import events
from lazur.services.base.events import Change
from lazur.services.base.site import Context
from lazur.services.base.times import iso
from lazur.services.base.workspaces import open_workspace
from lazur.services.tracking import runs, trash
from lazur.store.db import AnyRow, Taken
from lazur.store.mlflow import experiment_facts, experiment_search, spaces
from lazur.store.mlflow import experiments as store
from lazur.store.mlflow.experiment_facts import Facts
from lazur.store.mlflow.experiments import Experiment
from lazur.store.mlflow.filters import Clause
from lazur.store.pages import MAX_LIMIT, Query

READ = "workspaces/experiments/read"
WRITE = "workspaces/experiments/write"
DELETE = "workspaces/experiments/delete"
FILTERS = ("view", "name")
VIEWS = {"active": ("active",), "archived": ("deleted",), "all": ("active", "deleted")}
_NOTE = "mlflow.note.content"
_KIND = "experiments"
_FIELDS = {"name", "description", "tags"}
_NAME, _KEY, _VALUE = 256, 250, 5000
"""Characters that upstream's tables hold."""


def find(context: Context, workspace: str, query: Query) -> dict[str, Any]:
    """The newest first."""
    home = open_workspace(context, workspace, READ, _KIND)
    view, name = query.filters.get("view", "active"), query.filters.get("name")
    if view not in VIEWS:
        raise Invalid(f"view is {str(view)[:80]!r}.", hint=f"Known: {', '.join(VIEWS)}.")
    clauses = [] if name is None else [Clause("attribute", "name", "=", str(name))]
    offset = _offset(query.cursor)
    limit = min(query.limit, MAX_LIMIT)
    space = spaces.name(home.id)
    found = experiment_search.find(context.db, space, VIEWS[view], clauses, [], limit + 1, offset)
    return {
        "value": views(context, home, found[:limit]),
        "next": str(offset + limit) if len(found) > limit else None,
    }


def get(context: Context, workspace: str, name: str) -> dict[str, Any]:
    """By its name, or its id in MLflow."""
    home = open_workspace(context, workspace, READ, _KIND, name)
    return _view(context, home, locate(context, home, name))


def names(context: Context, workspace: str) -> dict[str, str]:
    """Of all, archived ones too, with their ids in MLflow."""
    home = open_workspace(context, workspace, READ, _KIND)
    found = spaces.experiments(context.db, spaces.name(home.id))
    return {name: str(number) for name, number in found.items()}


def create(context: Context, workspace: str, spec: dict[str, Any]) -> dict[str, Any]:
    home = open_workspace(context, workspace, WRITE, _KIND)
    name, tags = _name(spec), _tags(spec)
    try:
        made = spaces.add_experiment(context.db, spaces.name(home.id), name, context.now())
    except Taken:
        raise Conflict(
            f"There is an experiment {name!r} already.",
            hint="It may be archived: lazur experiment list --archived",
        ) from None
    store.add_tags(context.db, made, [(k, v) for k, v in tags.items() if v is not None])
    events.record(context, home, _KIND, name, "created")
    return get(context, workspace, name)


def update(context: Context, workspace: str, name: str, changes: dict[str, Any]) -> dict[str, Any]:
    """`description`, and `tags`: those that are null are removed, others stay."""
    home = open_workspace(context, workspace, WRITE, _KIND, name)
    found = locate(context, home, name)
    _check_fields(changes, _FIELDS - {"name"})
    before = _view(context, home, found)
    for key, value in _tags(changes).items():
        if value is None:
            experiment_facts.drop_tag(context.db, found.id, key)
        else:
            store.put_tag(context.db, found.id, key, value)
    after = _view(context, home, found)
    if before != after:
        told = {key: after[key] for key in ("description", "tags")}
        change = Change({key: before[key] for key in told}, told)
        events.record(context, home, _KIND, found.name, "updated", change)
    return after


def archive(context: Context, workspace: str, name: str) -> dict[str, Any]:
    """Into MLflow's trash, with its runs. Twice is once."""
    home = open_workspace(context, workspace, DELETE, _KIND, name)
    found = locate(context, home, name)
    if found.name == spaces.DEFAULT_EXPERIMENT:
        raise Conflict(
            "The experiment 'Default' stays: what names none is in it.",
            hint="Its runs can go: lazur run delete --experiment-name Default",
        )
    if found.stage == "active":
        experiment_facts.mark(context.db, found.id, "deleted", context.now())
        trash.delete(context, workspace, {"experiment_name": found.name})
        events.record(context, home, _KIND, found.name, "archived")
    return _view(context, home, locate(context, home, name))


def restore(context: Context, workspace: str, name: str) -> dict[str, Any]:
    """With the runs that went with it; what was in the trash before stays there."""
    home = open_workspace(context, workspace, WRITE, _KIND, name)
    found = locate(context, home, name)
    if found.stage != "active":
        went = experiment_facts.deleted_since(context.db, found.id, found.updated or 0)
        experiment_facts.mark(context.db, found.id, "active", context.now())
        for at in range(0, len(went), runs.MOST):
            trash.restore(context, workspace, {"runs": went[at : at + runs.MOST]})
        events.record(context, home, _KIND, found.name, "restored")
    return _view(context, home, locate(context, home, name))


def locate(context: Context, home: AnyRow, name: str) -> Experiment:
    space = spaces.name(home.id)
    found = store.by_name(context.db, space, name)
    if found is None and name.isascii() and name.isdigit() and len(name) <= 18:
        found = store.by_id(context.db, space, int(name))
    if found is None:
        known = spaces.experiments(context.db, space)
        close = get_close_matches(name, known, 3) or list(known)[:10]
        raise NotFound(
            f"There is no experiment {name[:256]!r} in workspace {home.name!r}.",
            hint=f"There is: {', '.join(close)}." if close else None,
        )
    return found


def views(context: Context, home: AnyRow, rows: list[Experiment]) -> list[dict[str, Any]]:
    ids = [row.id for row in rows]
    facts = experiment_facts.find(context.db, ids)
    tags = experiment_search.tags(context.db, ids)
    return [_told(context, home, r, facts.get(r.id, Facts()), dict(tags[r.id])) for r in rows]


def _view(context: Context, home: AnyRow, row: Experiment) -> dict[str, Any]:
    return views(context, home, [row])[0]


def _told(
    context: Context, home: AnyRow, row: Experiment, facts: Facts, tags: dict[str, str]
) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "name": row.name,
        "description": tags.get(_NOTE),
        "tags": {key: value for key, value in tags.items() if key != _NOTE},
        "archived": row.stage != "active",
        "runs": facts.runs,
        "running": facts.running,
        "created_at": _time(row.created),
        "updated_at": _time(row.updated),
        "last_activity_at": _time(facts.last),
        "artifact_uri": row.artifacts,
        "url": f"{context.site.url()}/mlflow/workspaces/{home.name}/#/experiments/{row.id}",
    }


def _time(milliseconds: int | None) -> str | None:
    return iso(milliseconds / 1000) if milliseconds else None


def _name(spec: dict[str, Any]) -> str:
    _check_fields(spec, _FIELDS)
    name = spec.get("name")
    if not isinstance(name, str) or not name.strip() or len(name) > _NAME or "\0" in name:
        raise Invalid(f"An experiment's name has 1 to {_NAME} characters.")
    return name


def _tags(spec: dict[str, Any]) -> dict[str, str | None]:
    """With the description, which is one of them."""
    given = spec.get("tags")
    if given is not None and not isinstance(given, dict):
        raise Invalid("tags must be an object of texts.")
    tags = dict(cast("dict[str, Any]", given or {}))
    if "description" in spec:
        tags[_NOTE] = spec["description"] or None
    for key, value in tags.items():
        if value is not None and not isinstance(value, str):
            raise Invalid(f"The tag {key[:80]!r} must be a text.")
        if not key or len(key) > _KEY or len(value or "") > _VALUE or "\0" in f"{key}{value}":
            raise Invalid(
                f"The tag {key[:80]!r} is too long, or holds the zero character.",
                hint=f"Names have up to {_KEY} characters, values {_VALUE:,}.",
            )
    return tags


def _check_fields(spec: dict[str, Any], known: set[str]) -> None:
    if unknown := sorted(set(spec) - known):
        raise Invalid(
            f"An experiment has no {unknown[0][:80]!r} to set.",
            hint=f"Known: {', '.join(sorted(known))}.",
        )


def _offset(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 9):
        raise Invalid("The cursor is not one that this server gave out.")
    return int(cursor)
