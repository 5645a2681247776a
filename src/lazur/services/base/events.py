"""What happened, for ever: state changes, changes by people, lineage. What a person, a service or
a job did is in the audit log, too."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from lazur.services.base import listening
from lazur.services.base.site import Context
from lazur.services.base.times import iso
from lazur.store import audit, records
from lazur.store.audit import Entry
from lazur.store.db import AnyRow

_LONGEST = 32 << 10


class Change(NamedTuple):
    before: dict[str, Any] | None
    after: dict[str, Any] | None


def record(
    context: Context,
    scope: AnyRow | None,
    kind: str,
    name: str,
    what: str,
    change: Change | None = None,
    /,
    **data: Any,
) -> None:
    """`scope` is a row with the workspace in it: the workspace's own, or one of its resources';
    None: it is about the server. The change is for the audit log alone."""
    workspace_id = None if scope is None else _workspace_id(scope)
    at, who = context.now(), context.who
    records.add_event(context.db, workspace_id, kind, name, what, who.name, at, **data)
    if workspace_id is not None:
        listening.hear(context, workspace_id, kind, name, what, data)
    if who.kind == "system":
        return
    told = {**data, **(change._asdict() if change else {})}
    context.audit(
        Entry(
            chain=workspace_id or audit.SERVER,
            at=at,
            who=who.name,
            who_kind=who.kind,
            source=context.source,
            action=what,
            kind=kind,
            name=name,
            outcome="done",
            data=_text(told),
        )
    )


def of(context: Context, scope: AnyRow, kind: str, name: str) -> list[dict[str, Any]]:
    """Whoever calls may see them."""
    return [
        {"type": row.type, "at": iso(row.at), "who": row.who, **row.data}
        for row in records.events_of(context.db, _workspace_id(scope), kind, name)
    ]


def _workspace_id(scope: AnyRow) -> int:
    return getattr(scope, "workspace_id", None) or scope.id


def _text(data: dict[str, Any]) -> str:
    text = json.dumps(data, sort_keys=True, ensure_ascii=False, default=str)
    if len(text) <= _LONGEST:
        return text
    return json.dumps({"left_out": f"{len(text):,} characters", "fields": sorted(data)})
