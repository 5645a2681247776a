"""Random lives of jobs that run something: processes that end in any way, people who cancel,
servers that are killed between doing and writing down. Whatever comes, one attempt is at work at a
time, and the job ends as its last one did."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

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
from lazur.engine.plan import Exit, Status
from lazur.engine.states import FINAL, PLACED, State, may_follow
from lazur.kinds.jobs.command import Command
from lazur.kinds.jobs.parallel import Parallel
from tests.effort import examples

LIVES = ("pending", "preparing", "running", "finalizing")
KILLED = (Status("lost"), Status("ended", exit=Exit("lost")))
KILLS = (*KILLED, Status("ended", exit=Exit("signal", signal=9)))
ENDS = [
    *[Status("ended", exit=Exit("ok", code=0))] * 3,
    *[Status("ended", exit=Exit("exit", code=3)), Status("ended", exit=Exit("signal", signal=15))],
    *[Status("ended", exit=Exit(reason)) for reason in ("timeout", "memory", "output")],
    *KILLS,
    *KILLS,
]
MOST = 8


@dataclass
class Machine:
    """What runs, beside all servers: one attempt, once, unless it was fenced before."""

    attempts: dict[int, Status] = field(default_factory=dict[int, Status])
    asked: set[int] = field(default_factory=set[int])

    def submit(self, attempt: int) -> None:
        if attempt not in self.attempts:
            assert self.live() is None, "two attempts at once"
            self.attempts[attempt] = Status("pending")

    def cancel(self, attempt: int) -> None:
        self.asked.add(attempt)
        if self.attempts[attempt].state == "pending":
            self.attempts[attempt] = Status("never")

    def fence(self, attempt: int) -> None:
        self.attempts.setdefault(attempt, Status("pending"))
        self.cancel(attempt)

    def live(self) -> int | None:
        return next((n for n, s in self.attempts.items() if s.state in LIVES), None)


class Lives(RuleBasedStateMachine):
    kind: Kind

    @initialize(environment=st.sampled_from(["none", "waiting"]))
    def begin(self, environment: str) -> None:
        self.machine = Machine()
        self.view = JobView(
            name="j",
            state=State.NOT_STARTED,
            spec={},
            attempt=1,
            cancel_requested=False,
            environment=EnvironmentView(environment),
            placed=False,
            submitted=False,
        )
        self.finish: Finish | None = None

    @precondition(lambda self: not self._is("placed"))
    @rule(state=st.sampled_from(["building", "ready", "ready", "ready", "failed", "canceled"]))
    def its_environment_changes(self, state: str) -> None:
        if self.view.environment.state in ("waiting", "building"):
            self._keep(environment=EnvironmentView(state))

    @precondition(lambda self: self._in(State.QUEUED) and not self._is("placed"))
    @rule()
    def it_is_given_slots(self) -> None:
        self._keep(placed=True)

    @precondition(lambda self: self._live() is not None)
    @rule()
    def its_attempt_goes_on(self) -> None:
        attempt = self._live()
        at = LIVES.index(self.machine.attempts[attempt].state)
        self.machine.attempts[attempt] = Status(LIVES[min(at + 1, 3)])

    @precondition(lambda self: self._live() is not None)
    @rule(end=st.sampled_from(ENDS))
    def its_attempt_ends(self, end: Status) -> None:
        attempt = self._live()
        said = end.exit and end.exit.reason in ("exit", "signal")
        if attempt in self.machine.asked and said:
            end = Status("ended", exit=Exit("canceled"))
        self.machine.attempts[attempt] = end

    @precondition(lambda self: not self._is("cancel_requested") and not self._in(*FINAL))
    @rule()
    def somebody_cancels_it(self) -> None:
        placed = self.view.state in PLACED
        state = State.CANCEL_REQUESTED if placed else self.view.state
        self._keep(cancel_requested=True, state=state)

    @rule(killed=st.sampled_from([False, False, False, True]))
    def a_server_looks(self, killed: bool) -> None:
        """`killed`: when it had done what it decided, and not written it down."""
        view = self._seen()
        decisions = self.kind.advance(view)
        assert self.kind.advance(view) == decisions
        assert len(decisions) <= 1
        for decision in decisions:
            self._do(view, decision, killed)

    @invariant()
    def what_is_over_stays_as_it_is(self) -> None:
        if self._in(*FINAL):
            assert self.kind.advance(self._seen()) == []
            assert self.machine.live() is None, "it is over, and something of it runs"

    def teardown(self) -> None:
        """Whatever was left in the middle comes to an end."""
        if not hasattr(self, "view"):
            return
        for _ in range(10 * MOST):
            self.its_environment_changes("ready")
            self.a_server_looks(False)
            if self.view.state is State.QUEUED and not self.view.placed:
                self.it_is_given_slots()
            if self._live() is not None:
                self.its_attempt_ends(ENDS[0])
        self._agrees()

    def _agrees(self) -> None:
        assert self.finish is not None, "it always ends"
        state, attempts = self.finish.state, list(self.machine.attempts.values())
        *before, last = attempts or [Status("never")]
        assert all(self._may_go_on(one) for one in before), attempts
        well = last.exit is not None and last.exit.reason == "ok"
        assert (state is State.COMPLETED) == well
        if state is State.CANCELED:
            assert self.view.cancel_requested
        if state is State.FAILED and last.state == "never":
            assert self.view.environment.state in ("failed", "canceled")

    def _may_go_on(self, status: Status) -> bool:
        again = isinstance(self.kind, Parallel) and status in KILLS
        return status.state == "never" or again

    def _do(self, view: JobView, decision: Decision, killed: bool) -> None:
        attempt = view.attempt
        match decision:
            case Wait():
                self._keep_unless(killed, state=decision.state, placed=False)
            case Start():
                self.machine.submit(attempt)
                self._keep_unless(killed, submitted=True, state=State.STARTING)
            case Stop() if view.submitted:
                self.machine.cancel(attempt)
            case Stop():
                self.machine.fence(attempt)
                self._keep_unless(killed, submitted=True)
            case Progress():
                if not view.cancel_requested:
                    self._keep_unless(killed, state=decision.state)
            case Retry():
                assert not view.cancel_requested
                assert self._may_go_on(self.machine.attempts[attempt])
                assert attempt < MOST or self.machine.attempts[attempt].state == "never"
                queued = {"state": State.QUEUED, "placed": False, "submitted": False}
                self._keep_unless(killed, **queued, attempt=attempt + 1)
            case Finish():
                self._keep_unless(killed, state=decision.state)
                self.finish = decision
            case _:
                raise AssertionError(decision)

    def _seen(self) -> JobView:
        status = self.machine.attempts[self.view.attempt] if self.view.submitted else None
        return replace(self.view, status=status)

    def _keep_unless(self, killed: bool, **values: Any) -> None:
        if not killed:
            new = values.get("state", self.view.state)
            assert new is self.view.state or may_follow(self.view.state, new)
            self._keep(**values)

    def _keep(self, **values: Any) -> None:
        self.view = replace(self.view, **values)

    def _live(self) -> Any:
        return self.machine.live() if hasattr(self, "machine") else None

    def _in(self, *states: State) -> bool:
        return hasattr(self, "view") and self.view.state in states

    def _is(self, field: str) -> bool:
        return hasattr(self, "view") and getattr(self.view, field)


class Commands(Lives):
    kind = Command()


class ParallelJobs(Lives):
    kind = Parallel()


Commands.TestCase.settings = ParallelJobs.TestCase.settings = settings(
    max_examples=examples(150), stateful_step_count=40, deadline=None
)


class TestCommands(Commands.TestCase):
    pass


class TestParallelJobs(ParallelJobs.TestCase):
    pass
