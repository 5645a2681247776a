"""What happened, for ever: state changes, changes by people, lineage."""

from __future__ import annotations

from typing import Any

from lazur.services.site import Context
from lazur.services.times import iso
from lazur.services.workspaces import open_workspace
from lazur.store import records
from lazur.store.db import AnyRow


def record(context: Context, scope: AnyRow, kind: str, name: str, what: str, **data: Any) -> None:
    """`scope` is a row with the workspace in it: the workspace's own, or one of its resources'."""
    workspace_id = getattr(scope, "workspace_id", None) or scope.id
    records.add_event(
        context.db, workspace_id, kind, name, what, context.who.name, context.now(), **data
    )


def of(context: Context, workspace: str, kind: str, name: str) -> list[dict[str, Any]]:
    home = open_workspace(context, workspace, f"workspaces/{kind}/read", kind, name)
    return [
        {"type": row.type, "at": iso(row.at), "who": row.who, **row.data}
        for row in records.events_of(context.db, home.id, kind, name)
    ]
