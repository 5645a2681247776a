"""Environments being made: one build per key, however many jobs ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lazur.engine.recipe import Recipe
from lazur.errors import Conflict, NotFound, Unsupported
from lazur.services.base.access import Resource
from lazur.services.base.site import Context
from lazur.services.base.times import iso
from lazur.services.base.workspaces import open_workspace
from lazur.store import builds as store
from lazur.store import jobs
from lazur.store.db import AnyRow
from lazur.store.pages import Query

_TOUCH_EVERY = 3600.0


@dataclass(frozen=True)
class Wanted:
    key: str
    state: str


def want(context: Context, workspace_id: int, recipe: Recipe, name: str) -> Wanted:
    """The build that makes `recipe`, begun if nobody asked before or the last one failed."""
    if recipe.kind == "image":
        raise Unsupported(
            f"The environment {name!r} needs an image builder: {recipe.reason}",
            hint="Describe it by a conda file, or by a context that is only `FROM python` and "
            "`pip install -r requirements.txt`.",
        )
    key, now = context.site.builder.key(recipe), context.now()
    row, new = store.ensure(context.db, _new(key, name, recipe, now))
    state = "waiting" if new else _revived(context, row, now)
    store.used_by(context.db, workspace_id, key, name)
    if state == "waiting":
        context.publish("due", "builds")
    return Wanted(key, state)


def _revived(context: Context, row: AnyRow, now: float) -> str:
    if row.state in ("failed", "canceled", "removing"):
        store.change(context.db, row.key, **_again(now))
        return "waiting"
    if now - row.used_at > _TOUCH_EVERY:
        store.change(context.db, row.key, used_at=now)
    return str(row.state)


def get(context: Context, workspace: str, key: str) -> dict[str, Any]:
    return view(find_row(context, workspace, key, "workspaces/environments/read"))


def find(context: Context, workspace: str, query: Query) -> dict[str, Any]:
    """What this workspace asked for. Builds are shared, what others call them is not."""
    home = open_workspace(context, workspace, "workspaces/environments/read")
    page = store.page(context.db, home.id, query)
    return {"value": [view(row) for row in page.rows], "next": page.next}


def cancel(context: Context, workspace: str, key: str) -> dict[str, Any]:
    row = find_row(context, workspace, key, "workspaces/environments/build/action")
    if row.state not in ("waiting", "building"):
        raise Conflict(f"The build is {row.state}; there is nothing to cancel.")
    if jobs.others_wait_for_build(context.db, key, row.workspace_id):
        raise Conflict(
            "Jobs of another workspace wait for the same environment.",
            hint="Cancel your own jobs; the build goes on for the others.",
        )
    store.change(context.db, key, cancel_requested=True, due_at=context.now())
    context.publish("due", "builds")
    return view(find_row(context, workspace, key, "workspaces/environments/build/action"))


def prune(
    context: Context, older_than_days: float | None, max_bytes: int | None, dry_run: bool
) -> dict[str, Any]:
    """Remove environments that no unfinished job uses: those unused for so long, then the longest
    unused until the rest fits in `max_bytes`. They are the whole server's, so it takes a right
    that is not narrowed to one workspace."""
    context.require("workspaces/environments/write", Resource())
    ready, used = store.ready(context.db), jobs.builds_in_use(context.db)
    total = sum(row.size for row in ready)
    removed: list[dict[str, Any]] = []
    for row in ready:
        old = older_than_days is not None and row.used_at < context.now() - older_than_days * 86400
        over = max_bytes is not None and total > max_bytes
        if row.key in used or not (old or over):
            continue
        total -= row.size
        removed.append(view(row))
        if not dry_run:
            store.change(context.db, row.key, state="removing", due_at=context.now())
    if removed and not dry_run:
        context.publish("due", "builds")
    freed = sum(item["size"] for item in removed)
    return {"removed": removed, "freed": freed, "kept": total, "dry_run": dry_run}


def find_row(context: Context, workspace: str, key: str, action: str) -> AnyRow:
    home = open_workspace(context, workspace, action)
    row = store.seen_from(context.db, home.id, key)
    if row is None:
        raise NotFound(f"There is no environment build {key[:80]!r}.")
    return row


def view(row: AnyRow) -> dict[str, Any]:
    built: dict[str, Any] = row.built or {}
    return {
        "key": row.key,
        "name": getattr(row, "called", row.name),
        "status": row.state,
        "builder": row.builder,
        "python": built.get("python"),
        "size": row.size,
        "requirements": row.recipe.get("requirements", []),
        "warnings": [*row.recipe.get("warnings", []), *built.get("warnings", [])],
        "seconds": built.get("seconds", {}),
        "error": row.error,
        "created_at": iso(row.created_at),
        "started_at": iso(row.started_at),
        "ended_at": iso(row.ended_at),
        "used_at": iso(row.used_at),
    }


def _new(key: str, name: str, recipe: Recipe, now: float) -> dict[str, Any]:
    return {
        "key": key,
        "builder": "venv",
        "name": name,
        "recipe": recipe.to_dict(),
        "size": 0,
        "created_at": now,
        "used_at": now,
        **_again(now),
    }


def _again(now: float) -> dict[str, Any]:
    return {
        "state": "waiting",
        "error": None,
        "built": None,
        "started_at": None,
        "ended_at": None,
        "cancel_requested": False,
        "used_at": now,
        "due_at": now,
    }
