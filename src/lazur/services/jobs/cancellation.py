"""The request that a job ends, whoever asks: a person, or the run that the job is."""

from __future__ import annotations

from typing import Any

from lazur.engine.states import FINAL, WAITING, State
from lazur.services.base import events
from lazur.services.base.access import SYSTEM
from lazur.services.base.site import Context
from lazur.store import jobs as store


def who(context: Context) -> str:
    """For people: a job's token has a name that only we understand."""
    return context.who.name if context.who.job is None else f"job {context.who.job}"


def told(context: Context, what: str) -> str:
    """With who does it. A loop that goes on with what somebody began is nobody."""
    return f"{what}." if context.who == SYSTEM else f"{what} by {who(context)}."


def ask(context: Context, job_id: int, why: str) -> None:
    """The right was decided on before. Silent when the job is over, or was asked already: the
    first who asked says why, in a sentence."""
    while True:
        row = store.by_id(context.db, job_id)
        assert row is not None
        if row.state in FINAL or row.cancel_requested:
            return
        values: dict[str, Any] = {
            "cancel_requested": True,
            "canceled_for": why,
            "due_at": context.now(),
        }
        if row.state not in WAITING:
            values["state"] = State.CANCEL_REQUESTED.value
        # A loop may have moved it on, even to its end, since it was read.
        if store.change(context.db, row.id, context.now(), row.version, **values):
            break
    events.record(context, row, "jobs", row.name, "cancel requested", why=why)
    context.publish("job", f"{row.workspace}/{row.name}")
    context.publish("due", f"jobs/{row.id}")
