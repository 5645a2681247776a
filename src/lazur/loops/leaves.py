"""Moves one job forward that runs: asks its kind what should happen, does it, and writes down what
came."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lazur.engine import waterfall
from lazur.engine.contracts import Backend, Watches
from lazur.engine.decisions import (
    Decision,
    EnvironmentView,
    Finish,
    JobView,
    Kind,
    Progress,
    Retry,
    Start,
    Stop,
    Wait,
)
from lazur.engine.plan import Status
from lazur.engine.states import FINAL, State
from lazur.errors import BackendError, LazurError, Unavailable
from lazur.loops.base import LONGEST_SLEEP
from lazur.services.base import events
from lazur.services.base.site import Context, Site
from lazur.services.content.copies import Deliveries
from lazur.services.jobs import job_runs as tracking
from lazur.services.jobs import plans
from lazur.services.results import finish, posts, uses
from lazur.store import builds, jobs
from lazur.store.jobs import JobRow

log = logging.getLogger(__name__)

_LOOK_AGAIN = 2.0
"""Seconds between looks at an attempt that nobody watches."""
_LOOK_AGAIN_WATCHED = 15.0
_LOOK_AGAIN_STOPPING = 1.0
_FETCHED = "its code and data, which are fetched to this machine"
_BEING_MADE = ("waiting", "building", "removing")


class LeafRound:
    """One job, once."""

    def __init__(
        self,
        site: Site,
        deliveries: Deliveries,
        look_at: Callable[[int], None],
        row: JobRow,
        token: str,
    ) -> None:
        self._site = site
        self._deliveries = deliveries
        self._look_at = look_at
        self._row = row
        self._token = token
        self._status: Status | None = None
        self._notes: list[str] = []
        """What the builder made otherwise than it was asked for, such as another Python."""
        self.over = False

    def run(self, kind: Kind) -> None:
        if self._row.state in FINAL:
            self._apply({"due_at": None})
            return
        decisions = kind.advance(self._load())
        for decision in decisions:
            self._carry_out(decision)
        if not decisions:
            self._release(self._next_look(self._backend()))

    def _load(self) -> JobView:
        row = self._row
        if row.handle is not None:
            self._status = self._backend().poll(row.handle)
        return JobView(
            name=row.name,
            state=State(row.state),
            spec=row.spec,
            attempt=row.attempt,
            cancel_requested=row.cancel_requested,
            environment=self._environment(),
            placed=row.placed,
            submitted=row.handle is not None,
            status=self._status,
        )

    def _environment(self) -> EnvironmentView:
        if self._row.build_key is None or self._row.handle is not None:
            return EnvironmentView("none")
        with self._site.db.read() as db:
            build = builds.by_key(db, self._row.build_key)
        if build is None:
            return EnvironmentView("waiting", self._row.build_key)
        self._notes = (build.built or {}).get("warnings", [])
        return EnvironmentView(build.state, build.key, build.error)

    def _carry_out(self, decision: Decision) -> None:
        match decision:
            case Wait():
                self._wait(decision)
            case Start():
                self._start()
            case Progress():
                self._progress(decision.state)
            case Stop():
                self._stop()
            case Retry():
                self._retry(decision.why)
            case Finish():
                self._finish(decision)
            case _:
                raise LazurError(
                    f"A {self._row.type} job decided {decision}, which no loop can do."
                )

    def _wait(self, decision: Wait) -> None:
        now = self._site.now()
        queued = decision.state is State.QUEUED
        phases = waterfall.then(self._row.phases, "queued" if queued else "environment", now)
        values: dict[str, Any] = {
            "state": decision.state.value,
            "waiting_for": decision.why,
            "phases": phases,
            "due_at": None if queued else now + _LOOK_AGAIN_WATCHED,
        }
        if self._row.placed:
            values |= {"placed": False, "runner": None}
        self._apply(values, queue=queued or self._row.placed)
        if not queued and self._environment().state not in _BEING_MADE:
            # The build ended while this was decided, and its word to the job was written over.
            self._look_at(self._row.id)

    def _start(self) -> None:
        """Plan and submit. Killed between the two writes, it is done again: submitting twice is
        once."""
        placed_at = self._row.updated_at
        try:
            plan = plans.make(self._site, self._row)
            if not self._deliveries.are_here(plan, self._look_again):
                self._wait_for_content()
                return
            plan = replace(plan, private=plans.private(self._site, self._row))
        except plans.EnvironmentGone:
            self._build_again()
            return
        except Unavailable:
            raise
        except LazurError as error:
            self._finish(Finish(State.FAILED, error.to_dict()["error"]))
            return
        backend = self._backend()
        try:
            handle = backend.submit(plan)
        except BackendError as error:
            self._finish(Finish(State.FAILED, error.to_dict()["error"]))
            return
        phases = waterfall.then(self._row.phases, "starting", placed_at)
        values = {"handle": handle, "phases": phases, "due_at": self._next_look(backend)}
        values["waiting_for"] = None
        if notes := [note for note in self._notes if note not in self._row.warnings]:
            values["warnings"] = [*self._row.warnings, *notes]
        if self._apply(values):
            self._watch(backend, handle)

    def _wait_for_content(self) -> None:
        due = self._site.now() + _LOOK_AGAIN_WATCHED
        if self._row.waiting_for == _FETCHED:
            self._release(due)
        else:
            self._apply({"waiting_for": _FETCHED, "due_at": due})

    def _look_again(self) -> None:
        self._look_at(self._row.id)

    def _stop(self) -> None:
        backend, row = self._backend(), self._row
        if row.handle is not None:
            backend.cancel(row.handle)
            self._apply({"due_at": self._site.now() + _LOOK_AGAIN_STOPPING})
            return
        try:
            handle = backend.fence(plans.make(self._site, row))
        except Unavailable:
            raise
        except LazurError:
            log.exception("job %s is canceled; whether it had begun is not known", row.name)
            self._finish(Finish(State.CANCELED))
        else:
            self._apply({"handle": handle, "due_at": self._site.now()})

    def _progress(self, state: State) -> None:
        assert self._status is not None
        backend = self._backend()
        self._watch(backend, self._handle())
        phases = waterfall.merge(self._row.phases, self._status.phases)
        due = self._next_look(backend)
        if state.value == self._row.state or self._row.cancel_requested:
            self._release(due)
            return
        values: dict[str, Any] = {"state": state.value, "phases": phases, "due_at": due}
        if state in (State.RUNNING, State.FINALIZING) and self._row.started_at is None:
            values["started_at"] = finish.started_at(phases) or self._site.now()
        self._apply(values)

    def _retry(self, why: str) -> None:
        log.warning(
            "job %s: attempt %s is given up (%s); queued again",
            self._row.name,
            self._row.attempt,
            why,
        )
        applied = self._apply(
            {
                "state": State.QUEUED.value,
                "attempt": self._row.attempt + 1,
                "placed": False,
                "runner": None,
                "handle": None,
                "waiting_for": why,
                "phases": waterfall.then(self._row.phases, "queued", self._site.now()),
                "due_at": None,
            },
            queue=True,
            given_up=True,
        )
        if applied and self._row.handle is not None:
            self._backend().clean(self._row.handle)

    def _build_again(self) -> None:
        """The environment was deleted behind our back: make it again and come back."""
        now = self._site.now()
        with self._site.db.write() as db:
            builds.change(db, self._row.build_key, state="waiting", built=None, due_at=now)
        self._site.bus.publish("due", "builds")
        self._apply(
            {
                "state": State.PREPARING.value,
                "placed": False,
                "runner": None,
                "waiting_for": "its environment, which was removed and is being built again",
                "phases": waterfall.then(self._row.phases, "environment", now),
                "due_at": now + _LOOK_AGAIN_WATCHED,
            },
            queue=True,
        )

    def _finish(self, decision: Finish) -> None:
        backend = self._backend()
        ended = finish.ending(self._site, backend, self._row, self._status, decision)
        with self._site.context() as context:
            done = jobs.apply(context.db, self._row, self._token, context.now(), **ended.values)
            if done:
                finish.record(context, self._row, ended)
                self._say(context, queue=True)
        if done and self._row.handle is not None:
            backend.clean(self._row.handle)
        self.over = done

    def _apply(
        self, values: dict[str, Any], *, queue: bool = False, given_up: bool = False
    ) -> bool:
        with self._site.context(synced=False) as context:
            applied = jobs.apply(context.db, self._row, self._token, context.now(), **values)
            if applied:
                tracking.follow(context, self._row, values)
                posts.begun(context, self._row, values)
                if given_up:
                    held = {"state": values["state"], "ended_at": context.now()}
                    uses.record(context, self._row, held, over=False)
                self._record(context, values.get("state"))
                self._say(context, queue=queue, due_at=values.get("due_at"))
        return applied

    def _record(self, context: Context, state: str | None) -> None:
        if state is not None and state != self._row.state:
            events.record(context, self._row, "jobs", self._row.name, "state", state=state)

    def _release(self, due_at: float) -> None:
        with self._site.db.write(synced=False) as db:
            jobs.release(db, self._row, self._token, self._site.now(), due_at)

    def _say(self, context: Context, *, queue: bool, due_at: float | None = None) -> None:
        context.publish("job", f"{self._row.workspace}/{self._row.name}")
        if self._row.step is not None:
            context.publish("job", f"{self._row.workspace}/{self._row.parent_name}")
        if (due_at or math.inf) < self._site.now() + LONGEST_SLEEP:
            context.publish("due", "jobs")
        if queue:
            context.publish("queue", self._row.compute_name)

    def _watch(self, backend: Backend, handle: dict[str, Any]) -> None:
        if isinstance(backend, Watches):
            job_id = self._row.id
            backend.watch(handle, lambda: self._look_at(job_id))

    def _next_look(self, backend: Backend) -> float:
        watched = isinstance(backend, Watches)
        return self._site.now() + (_LOOK_AGAIN_WATCHED if watched else _LOOK_AGAIN)

    def _backend(self) -> Backend:
        return self._site.backend(self._row.compute_type, self._row.compute_settings)

    def _handle(self) -> dict[str, Any]:
        assert self._row.handle is not None
        return self._row.handle
