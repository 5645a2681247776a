"""Moves jobs forward that only decide: asks the kind what should happen now, and sees to it.

Steps are added in the transaction that says so in the parent's row; whoever ends a step wakes its
parent in the transaction that ends it. So nothing is forgotten, whoever is killed, and a parent
that nobody wakes has nothing to do.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from lazur.engine.decisions import Cancel, Decision, Finish, Look, Parent, ParentView, Submit
from lazur.engine.states import FINAL, State
from lazur.errors import Conflict, LazurError, Unavailable
from lazur.kinds.pipelines.jobs import child_name
from lazur.loops.children import Children
from lazur.services.base import access, checks, events
from lazur.services.base.site import Context, Site
from lazur.services.jobs import cancellation, drafts, steps, sweeps
from lazur.services.jobs import job_runs as tracking
from lazur.services.jobs.drafts import Draft, Place
from lazur.services.results import finish
from lazur.store import driver, jobs, parents, workspaces
from lazur.store.db import AnyRow
from lazur.store.jobs import JobRow

log = logging.getLogger(__name__)

_KEPT = 32
_MANY_IN_LINE = 8
_SAFE = 60.0
"""Seconds until a parent is looked at again that nobody woke; nothing depends on it."""


class Plans:
    """What parents decide by, read once: their plans never change, nor do children that have
    ended."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._known: OrderedDict[int, tuple[AnyRow, Children]] = OrderedDict()
        self._lock = threading.Lock()
        self.in_no_hurry: set[int] = set()
        """Parents that have so many steps in line that a look at them can wait."""

    def of(self, job_id: int) -> tuple[AnyRow, Children]:
        with self._lock:
            found = self._known.get(job_id)
        if found is None:
            with self._site.db.read() as db:
                plan = parents.plan(db, job_id)
            if plan is None:
                raise LazurError(f"The plan of job {job_id} is not there.")
            found = self._keep(job_id, plan)
        return found

    def _keep(self, job_id: int, plan: AnyRow) -> tuple[AnyRow, Children]:
        with self._lock:
            found = self._known.setdefault(job_id, (plan, Children(job_id)))
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
            return found


class ParentRound:
    """One parent, once: until there is nothing more to decide."""

    def __init__(
        self, site: Site, plans: Plans, look_at: Callable[[int], None], row: JobRow, token: str
    ) -> None:
        self._site = site
        self._look_at = look_at
        self._row = row
        self._token = token
        self._plans = plans
        self._plan, self._children = plans.of(row.id)
        self._version = row.version
        self._state = State(row.state)
        self._has_news = False
        """Something may have come that was not seen when it was decided."""
        self._who = access.acting_for(row.created_by)

    def run(self, kind: Parent) -> None:
        self._plans.in_no_hurry.discard(self._row.id)
        if self._state in FINAL:
            self._rest(None)
            return
        while True:
            decisions = kind.advance(self._view(kind))
            if finished := next((d for d in decisions if isinstance(d, Finish)), None):
                self._finish(finished)
                return
            submits = [d for d in decisions if isinstance(d, Submit)]
            if submits and not self._submit(submits):
                return
            self._cancel([d for d in decisions if isinstance(d, Cancel)])
            if not self._has_news:
                if self._children.in_line() + len(submits) >= _MANY_IN_LINE:
                    self._plans.in_no_hurry.add(self._row.id)
                self._rest(_next(decisions, self._site.now()))
                return

    def _view(self, kind: Parent) -> ParentView:
        self._has_news = False
        with self._site.db.read() as db:
            rows = self._children.read(db)
            if kind.reads_reports:
                self._children.keep_reports(sweeps.reports(db, self._plan.plan, rows))
        views, now = self._children.views(), self._site.now()
        view = steps.seen(self._row, self._plan.plan, views, now)
        return replace(view, state=self._state, reports=self._children.reports())

    def _submit(self, wanted: Sequence[Submit]) -> bool:
        """All of them, or none. False: the lease was lost."""
        with self._site.context(self._who, write=False) as early:
            home = workspaces.by_id(early.db, self._row.workspace_id)
            assert home is not None
            made = [self._draft(early, home, one) for one in wanted]
        try:
            with self._site.context(self._who) as context:
                now = context.now()
                begun = self._state is State.RUNNING
                values: dict[str, Any] = {} if begun else self._begin(context, now)
                version = parents.keep(context.db, self._row.id, self._token, now, **values)
                if version is None:
                    return False
                over = [
                    self._accept(context, home, draft, one)
                    for draft, one in zip(made, wanted, strict=True)
                ]
                self._say(context)
        except Conflict as error:
            self._cancel_all()
            self._finish(Finish(State.FAILED, error.to_dict()["error"]))
            return False
        self._has_news = any(over) or version != self._version + 1
        self._version, self._state = version, State.RUNNING
        return True

    def _accept(self, context: Context, home: AnyRow, draft: Draft, wanted: Submit) -> bool:
        """Whether it is over already. What is refused now, such as by a quota, is a step that has
        failed."""
        try:
            with driver.part(context.db):
                drafts.accept(context, home, draft)
                return draft.is_over
        except Unavailable:
            raise
        except LazurError as error:
            place = self._place(context, wanted)
            failed = drafts.failed(context, draft.name, wanted.spec, place, error)
            drafts.accept(context, home, failed)
            return True

    def _place(self, context: Context, wanted: Submit) -> Place:
        return Place(
            parent_id=self._row.id,
            step=wanted.step,
            notes=wanted.notes,
            deterministic=wanted.deterministic,
            rerun=wanted.rerun,
            at_once=wanted.at_once,
            retried_id=self._retried(context, wanted.step),
        )

    def _draft(self, early: Context, home: AnyRow, wanted: Submit) -> Draft:
        name = child_name(self._row.name, wanted.step)
        place = self._place(early, wanted)
        try:
            return drafts.make(early, home, name, checks.job(wanted.spec), place)
        except Unavailable:
            raise
        except LazurError as error:
            return drafts.failed(early, name, wanted.spec, place, error)

    def _retried(self, early: Context, step: str) -> int | None:
        if self._plan.retried_id is None:
            return None
        before = parents.child(early.db, self._plan.retried_id, step)
        return before.id if before is not None else None

    def _begin(self, context: Context, now: float) -> dict[str, Any]:
        values: dict[str, Any] = {
            "state": State.RUNNING.value,
            "started_at": now,
            "waiting_for": None,
            "phases": [{"name": "running", "start": now}],
        }
        tracking.follow(context, self._row, values)
        events.record(context, self._row, "jobs", self._row.name, "state", state=values["state"])
        return values

    def _cancel(self, wanted: Sequence[Cancel]) -> None:
        """Each in a transaction of its own: it waits for whoever holds the child's row."""
        for one in wanted:
            with self._site.context(self._who) as context:
                child = parents.child(context.db, self._row.id, one.step)
                if child is not None:
                    cancellation.ask(context, child.id, one.why)

    def _cancel_all(self) -> None:
        """What goes on would have nobody to go on for."""
        with self._site.db.read() as db:
            found = parents.children(db, self._row.id)
        why = f"{self._row.name}, which it is a part of, could not go on."
        self._cancel([Cancel(child.step, why) for child in found if child.state not in FINAL])

    def _finish(self, decision: Finish) -> None:
        with self._site.context(self._who) as context:
            ended = finish.of_parent(context, self._row, decision, started=self._started())
            if jobs.apply(context.db, self._row, self._token, context.now(), **ended.values):
                finish.record(context, self._row, ended)
                self._say(context)

    def _started(self) -> bool:
        return self._state is not State.NOT_STARTED

    def _rest(self, due_at: float | None) -> None:
        with self._site.db.write(synced=False) as db:
            now = self._site.now()
            rested = parents.rest(db, self._row.id, self._token, now, self._version, due_at)
        if not rested:
            self._look_at(self._row.id)

    def _say(self, context: Context) -> None:
        context.publish("job", f"{self._row.workspace}/{self._row.name}")


def _next(decisions: Sequence[Decision], now: float) -> float:
    looks = [d.at for d in decisions if isinstance(d, Look)]
    return min([*looks, now + _SAFE])
