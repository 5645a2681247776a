"""Which state may follow which: written down in full, since nothing else guards a final one."""

from __future__ import annotations

import pytest

from lazur.engine.states import FINAL, PLACED, WAITING, State, may_follow

FORWARD = (
    State.NOT_STARTED,
    State.PREPARING,
    State.QUEUED,
    State.STARTING,
    State.RUNNING,
    State.FINALIZING,
)


class TestMayFollow:
    @pytest.mark.parametrize("new", State)
    @pytest.mark.parametrize("old", sorted(FINAL))
    def test_nothing_follows_what_is_final(self, old: State, new: State) -> None:
        assert not may_follow(old, new)

    @pytest.mark.parametrize("new", sorted(FINAL))
    @pytest.mark.parametrize("old", [*FORWARD, State.CANCEL_REQUESTED])
    def test_whatever_goes_on_may_end(self, old: State, new: State) -> None:
        assert may_follow(old, new)

    @pytest.mark.parametrize("new", FORWARD)
    @pytest.mark.parametrize("old", FORWARD)
    def test_progress_goes_forward_but_for_an_attempt_that_another_follows(
        self, old: State, new: State
    ) -> None:
        back = old in PLACED and new == State.QUEUED
        assert may_follow(old, new) == (back or FORWARD.index(new) >= FORWARD.index(old))

    @pytest.mark.parametrize("old", FORWARD)
    def test_only_what_may_run_is_asked_to_end(self, old: State) -> None:
        assert may_follow(old, State.CANCEL_REQUESTED) == (old in PLACED)

    @pytest.mark.parametrize("new", FORWARD)
    def test_a_wish_to_end_is_not_forgotten(self, new: State) -> None:
        assert not may_follow(State.CANCEL_REQUESTED, new)
        assert may_follow(State.CANCEL_REQUESTED, State.CANCEL_REQUESTED)

    def test_each_state_is_of_one_sort(self) -> None:
        sorts = [FINAL, WAITING, PLACED, {State.CANCEL_REQUESTED}]
        assert sorted(state for sort in sorts for state in sort) == sorted(State)
