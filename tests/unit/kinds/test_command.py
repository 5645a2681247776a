"""The life of a command job: `advance` looks at a view and decides."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lazur.engine.decisions import (
    Decision,
    EnvironmentView,
    Finish,
    JobView,
    Progress,
    Retry,
    Start,
    Stop,
    Wait,
)
from lazur.engine.plan import Exit, Status
from lazur.engine.states import FINAL, State, may_follow
from lazur.kinds.jobs.command import Command
from tests.effort import examples

READY = EnvironmentView("ready", "k1")
QUEUED = JobView("job", State.QUEUED, {}, 1, False, READY, placed=False, submitted=False)
RUNNING = replace(
    QUEUED, state=State.RUNNING, placed=True, submitted=True, status=Status("running")
)


def advance(view: JobView, **changes: object) -> list[Decision]:
    return Command().advance(replace(view, **changes))


def ended(reason: str, **more: object) -> Status:
    return Status("ended", exit=Exit(reason, **more))  # type: ignore[arg-type]


class TestWaiting:
    @pytest.mark.parametrize("state", ["none", "ready"])
    def test_with_its_environment_it_waits_for_slots(self, state: str) -> None:
        (decision,) = advance(QUEUED, environment=EnvironmentView(state))
        assert isinstance(decision, Wait)
        assert decision.state is State.QUEUED
        assert "slots" in decision.why

    @pytest.mark.parametrize(
        "state, told", [("waiting", "waits to be built"), ("building", "is being built")]
    )
    def test_without_it_waits_for_the_build_and_says_so(self, state: str, told: str) -> None:
        (decision,) = advance(QUEUED, environment=EnvironmentView(state, "k1"))
        assert isinstance(decision, Wait)
        assert decision.state is State.PREPARING
        assert decision.why == f"its environment, which {told}"

    @pytest.mark.parametrize("placed", [True, False])
    def test_a_build_is_waited_for_even_when_placed(self, placed: bool) -> None:
        (decision,) = advance(QUEUED, environment=EnvironmentView("building"), placed=placed)
        assert isinstance(decision, Wait)

    def test_a_failed_build_fails_it_with_the_builds_error(self) -> None:
        error = {"code": "BuildFailed", "message": "no such package"}
        environment = EnvironmentView("failed", "k1", error)
        assert advance(QUEUED, environment=environment) == [Finish(State.FAILED, error)]

    def test_placed_it_starts(self) -> None:
        assert advance(QUEUED, placed=True) == [Start()]

    @pytest.mark.parametrize(
        "state", ["none", "waiting", "building", "ready", "failed", "canceled"]
    )
    def test_asked_to_end_it_never_starts(self, state: str) -> None:
        environment = EnvironmentView(state)
        decisions = advance(QUEUED, environment=environment, cancel_requested=True)
        assert decisions == [Finish(State.CANCELED)]

    @pytest.mark.parametrize("state", ["none", "waiting", "building", "ready", "failed"])
    def test_asked_to_end_once_it_may_have_begun_the_backend_is_asked(self, state: str) -> None:
        environment = EnvironmentView(state)
        decisions = advance(QUEUED, environment=environment, placed=True, cancel_requested=True)
        assert decisions == [Stop()]

    def test_a_canceled_build_is_a_failure(self) -> None:
        decisions = advance(QUEUED, environment=EnvironmentView("canceled"))
        assert isinstance(decisions[0], Finish)
        assert decisions[0].state is State.FAILED
        assert decisions[0].error


class TestRunning:
    @pytest.mark.parametrize(
        "status, state",
        [
            ("preparing", State.STARTING),
            ("running", State.RUNNING),
            ("finalizing", State.FINALIZING),
        ],
    )
    def test_what_the_backend_says_is_passed_on(self, status: str, state: State) -> None:
        assert advance(RUNNING, status=Status(status)) == [Progress(state)]  # type: ignore[arg-type]

    @pytest.mark.parametrize("status", [None, Status("pending")])
    def test_before_the_first_word_it_is_starting(self, status: Status | None) -> None:
        assert advance(RUNNING, state=State.QUEUED, status=status) == [Progress(State.STARTING)]
        assert advance(RUNNING, state=State.STARTING, status=status) == []

    @pytest.mark.parametrize("status", ["pending", "preparing", "running", "finalizing"])
    def test_asked_to_end_it_is_stopped_again_and_again(self, status: str) -> None:
        view = {"status": Status(status), "cancel_requested": True}  # type: ignore[arg-type]
        assert advance(RUNNING, **view) == [Stop()]
        assert advance(RUNNING, state=State.CANCEL_REQUESTED, **view) == [Stop()]

    def test_a_wish_to_end_is_not_lost_when_nothing_is_known(self) -> None:
        assert advance(RUNNING, status=None, cancel_requested=True) == [Stop()]


class TestEnding:
    def test_ok_completes(self) -> None:
        assert advance(RUNNING, status=ended("ok")) == [Finish(State.COMPLETED)]

    def test_what_was_done_before_the_wish_arrived_is_complete(self) -> None:
        assert advance(RUNNING, status=ended("ok"), cancel_requested=True) == [
            Finish(State.COMPLETED)
        ]

    @pytest.mark.parametrize("asked", [True, False])
    def test_canceled_is_canceled(self, asked: bool) -> None:
        assert advance(RUNNING, status=ended("canceled"), cancel_requested=asked) == [
            Finish(State.CANCELED)
        ]

    @pytest.mark.parametrize(
        "reason", ["exit", "signal", "timeout", "memory", "input", "output", "internal", "lost"]
    )
    def test_everything_else_fails_and_keeps_what_is_known(self, reason: str) -> None:
        (decision,) = advance(RUNNING, status=ended(reason, code=3, message="why"))
        assert decision == Finish(State.FAILED, {"reason": reason, "code": 3, "message": "why"})

    def test_the_signal_that_ended_it_is_kept(self) -> None:
        (decision,) = advance(RUNNING, status=ended("signal", signal=15))
        assert decision == Finish(State.FAILED, {"reason": "signal", "signal": 15})

    @pytest.mark.parametrize(
        "reason, state",
        [
            ("exit", State.CANCELED),
            ("signal", State.CANCELED),
            ("timeout", State.FAILED),
            ("memory", State.FAILED),
            ("input", State.FAILED),
            ("output", State.FAILED),
        ],
    )
    def test_dying_of_our_wish_is_canceled(self, reason: str, state: State) -> None:
        (decision,) = advance(RUNNING, status=ended(reason), cancel_requested=True)
        assert isinstance(decision, Finish)
        assert decision.state is state

    @pytest.mark.parametrize(
        "status",
        [Status("lost"), Status("lost", exit=Exit("ok")), Status("ended"), ended("lost")],
    )
    def test_lost_fails(self, status: Status) -> None:
        assert advance(RUNNING, status=status) == [Finish(State.FAILED, {"reason": "lost"})]

    def test_an_attempt_that_never_began_is_tried_again(self) -> None:
        (decision,) = advance(RUNNING, state=State.STARTING, status=Status("never"))
        assert isinstance(decision, Retry)

    def test_but_not_when_asked_to_end(self) -> None:
        decisions = advance(RUNNING, status=Status("never"), cancel_requested=True)
        assert decisions == [Finish(State.CANCELED)]


_EXITS = st.builds(
    Exit,
    st.sampled_from(
        [
            "ok",
            "exit",
            "signal",
            "canceled",
            "timeout",
            "memory",
            "input",
            "output",
            "internal",
            "lost",
        ]
    ),
    st.none() | st.integers(0, 255),
)
_STATUSES = st.builds(
    Status,
    st.sampled_from(["pending", "preparing", "running", "finalizing", "ended", "lost", "never"]),
    exit=st.none() | _EXITS,
)
_VIEWS = st.builds(
    JobView,
    name=st.just("job"),
    state=st.sampled_from(State),
    spec=st.just({}),
    attempt=st.integers(0, 5),
    cancel_requested=st.booleans(),
    environment=st.builds(
        EnvironmentView, st.sampled_from(["none", "waiting", "building", "ready", "failed"])
    ),
    placed=st.booleans(),
    submitted=st.booleans(),
    status=st.none() | _STATUSES,
)


class TestEveryView:
    @settings(max_examples=examples(1000), deadline=None)
    @given(_VIEWS)
    def test_there_is_at_most_one_decision_and_always_the_same(self, view: JobView) -> None:
        decisions = Command().advance(view)
        assert len(decisions) <= 1
        assert Command().advance(view) == decisions

    @settings(max_examples=examples(500), deadline=None)
    @given(_VIEWS)
    def test_a_final_state_is_never_left(self, view: JobView) -> None:
        if view.state in FINAL:
            assert Command().advance(view) == []

    @settings(max_examples=examples(500), deadline=None)
    @given(_VIEWS)
    def test_finish_is_final_and_allowed(self, view: JobView) -> None:
        for decision in Command().advance(view):
            if isinstance(decision, Finish):
                assert decision.state in FINAL
                assert may_follow(view.state, decision.state)

    @settings(max_examples=examples(500), deadline=None)
    @given(_VIEWS)
    def test_nothing_starts_after_a_wish_to_end(self, view: JobView) -> None:
        if view.cancel_requested:
            assert not any(isinstance(d, Start | Retry | Wait) for d in Command().advance(view))

    @settings(max_examples=examples(500), deadline=None)
    @given(_VIEWS)
    def test_nothing_starts_twice(self, view: JobView) -> None:
        if view.submitted:
            assert not any(isinstance(d, Start | Wait) for d in Command().advance(view))
