"""Jobs that wait for others of the same parent, of which only so many run at a time."""

from __future__ import annotations

from collections.abc import Iterable

from lazur.services.base.site import Context
from lazur.store import parents
from lazur.store.jobs import JobRow


def reasons(context: Context, rows: Iterable[JobRow]) -> dict[int, str]:
    """Why queued jobs wait, by their ids, where it is for these."""
    bounded = [row for row in rows if row.state == "Queued" and row.at_once and row.parent_id]
    running = parents.running(context.db, {row.parent_id for row in bounded})
    return {
        row.id: f"the end of another of {row.parent_name}: {row.at_once} run at a time"
        for row in bounded
        if running.get(row.parent_id, 0) >= row.at_once
    }
