"""Whose rights a job has where it asks for more than its own: those that whoever submitted it has
now."""

from __future__ import annotations

from lazur.services.base.access import Principal
from lazur.services.base.site import Context
from lazur.services.people import assignments
from lazur.spec.names import fold
from lazur.store import jobs, people
from lazur.store.db import AnyRow


def of(context: Context, home: AnyRow, job: str) -> Principal | None:
    """None: they are not there any more, or may not come in."""
    row = jobs.by_name(context.db, home.id, job)
    person = people.by_name(context.db, fold(row.created_by)) if row is not None else None
    if person is None or person.disabled:
        return None
    return assignments.principal(context.db, person)
