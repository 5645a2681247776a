"""How a sweep goes on."""

from __future__ import annotations

import json
import math
from copy import deepcopy
from dataclasses import replace
from typing import Any
from unittest.mock import ANY

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from lazur.engine.decisions import Cancel, ChildView, Decision, Finish, Look, ParentView, Submit
from lazur.engine.states import FINAL, State
from lazur.kinds.jobs.sweep import Sweep, stop_of, trials_of
from tests.effort import examples

SWEEP: dict[str, Any] = {
    "type": "sweep",
    "trial": {"command": "train ${{search_space.lr}}", "environment": "azureml:e:1"},
    "search_space": {"lr": {"type": "uniform", "min_value": 0, "max_value": 1}},
    "objective": {"goal": "maximize", "primary_metric": "accuracy"},
    "outputs": {"model": {"type": "uri_folder"}},
    "limits": {"max_total_trials": 4, "max_concurrent_trials": 2},
}


class Site:
    """What the loop does with decisions, without anything that runs."""

    def __init__(self, **more: Any) -> None:
        sweep = json.loads(json.dumps(SWEEP | more))
        self.view = ParentView(
            "happy", State.RUNNING, {"sweep": sweep, "seed": "happy"}, {}, False, 100.0, 100.0
        )
        self.finish: Finish | None = None
        self.at_once: int | None = None
        self.at: float | None = None

    def step(self) -> list[Any]:
        before = deepcopy(self.view)
        decisions = Sweep().advance(self.view)
        assert decisions == Sweep().advance(self.view)
        assert self.view == before
        for decision in decisions:
            match decision:
                case Submit():
                    name = f"happy_{decision.step}"
                    notes = json.loads(json.dumps(decision.notes))
                    child = ChildView(decision.step, name, name, State.QUEUED, notes=notes)
                    assert decision.step not in self.view.children
                    self.at_once = decision.at_once
                    self._keep(child)
                case Cancel():
                    child = self.view.children[decision.step]
                    assert child.state not in FINAL
                    state = State.CANCELED if child.state is State.QUEUED else child.state
                    self._keep(replace(child, cancel_requested=True, state=state))
                case Look():
                    self.at = decision.at
                case Finish():
                    self.finish = decision
                    self.view = replace(self.view, state=decision.state)
                case _:
                    raise AssertionError(decision)
        self.dispatch()
        return decisions

    def dispatch(self) -> None:
        """Those that wait in line begin as others end."""
        for child in list(self.view.children.values()):
            full = self.at_once is not None and len(self.running()) >= self.at_once
            if child.state is State.QUEUED and not full:
                self._keep(replace(child, state=State.RUNNING))

    def report(self, number: int, *values: float) -> None:
        step = str(number)
        before = self.view.reports.get(step, {"all": []})["all"]
        rows = [*before, *([self.view.now, v] for v in values)]
        told = {"last": rows[-1][1] if rows else None, "all": rows}
        self.view = replace(self.view, reports={**self.view.reports, step: told})

    def end(self, number: int, state: State = State.COMPLETED, *values: float) -> None:
        self.report(number, *values)
        child = self.view.children[str(number)]
        error = {"message": "it broke"} if state is State.FAILED else None
        self._keep(replace(child, state=state, error=error, ended_at=self.view.now))
        self.dispatch()

    def wait(self, seconds: float) -> None:
        self.view = replace(self.view, now=self.view.now + seconds)

    def cancel(self) -> None:
        self.view = replace(self.view, cancel_requested=True)

    def running(self) -> list[str]:
        return [s for s, c in self.view.children.items() if c.state is State.RUNNING]

    def waiting(self) -> list[str]:
        return [s for s, c in self.view.children.items() if c.state is State.QUEUED]

    def _keep(self, child: ChildView) -> None:
        self.view = replace(self.view, children={**self.view.children, child.step: child})


class TestTrials:
    def test_as_many_begin_as_may_run_at_a_time(self) -> None:
        site = Site()
        site.step()
        assert site.running() == ["0", "1"]
        assert site.step() == []
        site.end(0, State.COMPLETED, 0.5)
        site.step()
        assert site.running() == ["1", "2"]

    def test_the_next_ones_wait_in_line(self) -> None:
        site = Site(limits={"max_total_trials": 9, "max_concurrent_trials": 2})
        site.step()
        assert site.waiting() == ["2", "3"]
        site.wait(5)
        site.end(0, State.COMPLETED, 0.5)
        assert site.running() == ["1", "2"], "nothing had to be decided for that"
        site.step()
        assert site.waiting() == ["3", "4"]

    def test_no_more_wait_than_can_be_of_use(self) -> None:
        site = Site(limits={"max_total_trials": 100, "max_concurrent_trials": 50})
        site.step()
        assert len(site.running()) == 50
        assert len(site.waiting()) == 4

    def test_more_wait_where_trials_end_one_after_the_other(self) -> None:
        site = Site(limits={"max_total_trials": 100, "max_concurrent_trials": 2})
        site.step()
        for number in range(30):
            site.end(number)
            site.step()
            site.wait(0.01)
        assert len(site.waiting()) == 24, "and no more than that"
        site.wait(2)
        for number in (30, 31):
            site.end(number)
        assert site.step() == [], "those are long ones: the line goes down to what is usual"

    def test_none_waits_whose_values_hang_on_the_results_of_others(self) -> None:
        site = self._bayesian(20, limits={"max_total_trials": 20, "max_concurrent_trials": 4})
        site.step()
        assert len(site.running()) == 4
        assert site.waiting() == []

    def test_all_of_them_do_where_nothing_is_said(self) -> None:
        site = Site(limits={"max_total_trials": 4})
        site.step()
        assert len(site.running()) == 4

    def test_the_submitted_job_has_its_values(self) -> None:
        first, *_ = Site().step()
        assert first.spec["inputs"] == first.notes["hyperparameters"]
        assert first.notes["draw"]["lr"] == first.notes["hyperparameters"]["lr"]

    def test_a_grid_ends_when_every_combination_had_its_turn(self) -> None:
        space = {"lr": {"type": "choice", "values": [1, 2]}}
        site = Site(sampling_algorithm="grid", search_space=space, limits={"max_total_trials": 9})
        site.step()
        assert len(site.running()) == 2
        site.end(0, State.COMPLETED, 1.0)
        site.end(1, State.COMPLETED, 2.0)
        site.step()
        assert site.finish is not None
        assert site.finish.properties["best_child_run_id"] == "happy_1"

    def test_bayesian_sampling_reads_what_trials_gave(self) -> None:
        def far(goal: str, sign: float) -> float:
            """How far the last of forty trials are from the best value."""
            site = self._bayesian(40, objective={"goal": goal, "primary_metric": "m"})
            tried: list[float] = []
            for number in range(40):
                site.step()
                tried.append(site.view.children[str(number)].notes["hyperparameters"]["lr"])
                site.end(number, State.COMPLETED, sign * abs(tried[-1] - 0.2))
            return sum(abs(lr - 0.2) for lr in tried[-15:]) / 15

        assert far("minimize", 1.0) < 0.25, "chance is 0.34 away"
        assert far("maximize", -1.0) < 0.25

    @pytest.mark.parametrize("state", [State.RUNNING, State.FAILED])
    def test_what_runs_or_has_failed_tells_it_nothing(self, state: State) -> None:
        def next_draws(*values: float) -> list[Any]:
            site = self._bayesian(20, limits={"max_total_trials": 20, "max_concurrent_trials": 4})
            for number in range(12):
                site.step()
                if number % 4 == 0:
                    site.report(number, *values)
                    if state is State.FAILED:
                        site.end(number, state)
                else:
                    site.end(number, State.COMPLETED, 0.1 * number)
            return [child.notes["draw"] for child in site.view.children.values()]

        assert next_draws(1000.0) == next_draws(-1000.0)

    def _bayesian(self, total: int, **more: Any) -> Site:
        limits = {"max_total_trials": total, "max_concurrent_trials": 1}
        return Site(**{"sampling_algorithm": {"type": "bayesian"}, "limits": limits, **more})

    def test_a_sweep_that_goes_on_with_another_has_its_trials(self) -> None:
        before = Site()
        before.step()
        site = Site()
        drawn = {step: child.notes["draw"] for step, child in before.view.children.items()}
        site.view = replace(site.view, frozen={**site.view.frozen, "seed": "x", "drawn": drawn})
        site.step()
        assert [c.notes for c in site.view.children.values()] == [
            c.notes for c in before.view.children.values()
        ]


class TestEnd:
    def _all(self, *ends: tuple[State, float | None], **more: Any) -> Site:
        site = Site(limits={"max_total_trials": len(ends)}, **more)
        site.step()
        for number, (state, value) in enumerate(ends):
            site.end(number, state, *(() if value is None else (value,)))
        site.step()
        return site

    def test_the_best_trials_outputs_are_the_sweeps(self) -> None:
        ended = self._all(
            (State.COMPLETED, 0.1), (State.COMPLETED, 0.9), (State.FAILED, 1.0)
        ).finish
        assert ended is not None
        assert (ended.state, ended.outputs) == (State.COMPLETED, {"model": ("1", "model")})
        assert ended.properties == {
            "best_child_run_id": "happy_1",
            "score": "0.9",
            "primary_metric_config": '{"name": "accuracy", "goal": "maximize"}',
        }

    def test_less_may_be_better(self) -> None:
        objective = {"goal": "minimize", "primary_metric": "loss"}
        ended = self._all(
            (State.COMPLETED, 0.1), (State.COMPLETED, 0.9), objective=objective
        ).finish
        assert ended is not None
        assert ended.properties["best_child_run_id"] == "happy_0"

    def test_the_last_value_counts(self) -> None:
        site = Site(limits={"max_total_trials": 2})
        site.step()
        site.end(0, State.COMPLETED, 0.9, 0.2)
        site.end(1, State.COMPLETED, 0.1, 0.1, 0.3)
        site.step()
        assert site.finish is not None
        assert site.finish.properties["score"] == "0.3"

    @pytest.mark.parametrize("value", [math.nan, math.inf])
    def test_one_that_came_to_nothing_is_not_the_best(self, value: float) -> None:
        site = Site(limits={"max_total_trials": 2})
        site.step()
        site.end(0, State.COMPLETED, 0.9, 0.2)
        site.end(1, State.COMPLETED, 0.1, 0.3, value)
        site.step()
        assert site.finish is not None
        assert site.finish.properties["score"] == "0.2"

    def test_a_stopped_trial_is_the_best_only_where_none_ended_well(self) -> None:
        ended = self._all((State.CANCELED, 0.9), (State.COMPLETED, 0.1)).finish
        assert ended is not None
        assert ended.properties["score"] == "0.1"
        ended = self._all((State.CANCELED, 0.9), (State.COMPLETED, None)).finish
        assert ended is not None
        assert (ended.state, ended.properties["score"]) == (State.COMPLETED, "0.9")

    def test_without_the_metric_it_fails_and_says_so(self) -> None:
        ended = self._all((State.COMPLETED, None), (State.FAILED, None)).finish
        assert ended is not None
        assert ended.error is not None
        assert ended.state is State.FAILED
        assert ended.error["code"] == "MetricMissing"
        assert "'accuracy'" in ended.error["message"]
        assert ended.error["hint"].endswith("lazur run show happy_0")
        ended = self._all((State.FAILED, 0.1), (State.COMPLETED, None)).finish
        assert ended is not None
        assert ended.error is not None
        assert ended.error["hint"].endswith("lazur run show happy_1")

    def test_a_failure_without_a_word_is_told(self) -> None:
        site = Site(limits={"max_total_trials": 1})
        site.step()
        site.end(0, State.FAILED)
        site._keep(replace(site.view.children["0"], error=None))
        site.step()
        assert site.finish is not None
        assert site.finish.error is not None
        assert "happy_0 has no more to say" in site.finish.error["message"]

    def test_when_all_trials_fail_it_fails_with_the_first_ones_error(self) -> None:
        ended = self._all((State.FAILED, None), (State.FAILED, 0.3)).finish
        assert ended is not None
        assert ended.error is not None
        assert (ended.state, ended.error["code"]) == (State.FAILED, "TrialsFailed")
        assert "2 of 2 trials failed" in ended.error["message"]
        assert "happy_0: it broke" in ended.error["message"]

    def test_a_hopeless_sweep_spares_the_rest(self) -> None:
        site = Site(limits={"max_total_trials": 100, "max_concurrent_trials": 2})
        site.step()
        made: list[Decision] = []
        for number in range(10):
            site.end(number, State.FAILED)
            made = site.step()
        why = "Its sweep was given up: the first 10 trials failed, and none ended well."
        assert set(made) >= {Cancel("10", why), Cancel("11", why)}
        assert site.waiting() == []
        assert [site.view.children[s].cancel_requested for s in site.running()] == [True, True]
        assert site.step() == []
        site.end(10, State.CANCELED)
        site.end(11, State.CANCELED)
        site.step()
        assert site.finish is not None
        assert site.finish.state is State.FAILED

    def test_failures_after_a_success_are_borne(self) -> None:
        site = Site(limits={"max_total_trials": 20, "max_concurrent_trials": 1})
        site.step()
        site.end(0, State.COMPLETED, 0.5)
        for number in range(1, 20):
            site.step()
            site.end(number, State.FAILED)
        site.step()
        assert site.finish is not None
        assert site.finish.state is State.COMPLETED

    def test_nothing_is_decided_afterwards(self) -> None:
        site = self._all((State.COMPLETED, 0.5))
        assert site.step() == []


class TestCancel:
    def test_trials_end_first(self) -> None:
        site = Site()
        site.step()
        site.end(0, State.COMPLETED, 0.4)
        site.cancel()
        why = "Its sweep happy was canceled."
        assert site.step() == [Cancel(step, why) for step in "123"]
        assert site.step() == []
        site.end(1, State.CANCELED)
        site.end(2, State.CANCELED)
        site.step()
        assert site.finish is not None
        assert site.finish.state is State.CANCELED
        assert site.finish.properties["best_child_run_id"] == "happy_0"

    def test_before_any_trial_began(self) -> None:
        site = Site()
        site.cancel()
        site.step()
        assert site.finish is not None
        assert site.finish.state is State.CANCELED


class TestTimeout:
    def test_the_sweep_and_its_trials_are_canceled(self) -> None:
        site = Site(limits={"max_total_trials": 4, "max_concurrent_trials": 2, "timeout": 60})
        site.step()
        assert site.at == 160.0
        site.end(0, State.COMPLETED, 0.4)
        site.wait(60)
        why = "Its sweep reached its `limits.timeout` of 60 seconds."
        assert site.step() == [Cancel(step, why) for step in "123"]
        site.end(1, State.CANCELED)
        site.end(2, State.CANCELED)
        site.step()
        assert site.finish is not None
        assert site.finish.error is not None
        assert (site.finish.state, site.finish.error["code"]) == (State.CANCELED, "SweepTimeout")
        assert "; 1 of 4 trials had ended by then" in site.finish.error["message"]
        assert site.finish.properties["score"] == "0.4"

    def test_one_whose_trials_had_all_ended_by_then_is_complete(self) -> None:
        site = Site(limits={"max_total_trials": 1, "timeout": 60})
        site.step()
        site.end(0, State.COMPLETED, 0.4)
        site.wait(60)
        site.step()
        assert site.finish is not None
        assert site.finish.state is State.COMPLETED

    def test_one_that_had_ended_by_then_has_ended_well(self) -> None:
        site = Site(limits={"max_total_trials": 1, "timeout": 60})
        site.step()
        site.end(0, State.COMPLETED, 0.4)
        site.wait(600)
        site.step()
        assert site.finish is not None
        assert site.finish.state is State.COMPLETED


class TestEarlyTermination:
    def test_a_bad_trial_is_stopped_once_and_replaced(self) -> None:
        policy = {"type": "bandit", "slack_factor": 0.1}
        site = Site(early_termination=policy)
        site.step()
        site.report(0, 0.9)
        site.wait(1)
        site.report(1, 0.2)
        assert site.step() == [
            Cancel("1", "The policy bandit stopped it at interval 1."),
            Look(111.0),
        ]
        assert site.step() == [Look(111.0)]
        site.end(1, State.CANCELED)
        site.step()
        assert site.running() == ["0", "2"]

    def test_without_a_policy_nobody_is_stopped_whatever_is_reported(self) -> None:
        site = Site()
        site.step()
        site.report(0, 0.9)
        site.report(1, 0.1)
        assert site.step() == []

    def test_who_has_ended_is_not_stopped_and_still_told_where_it_was_worse(self) -> None:
        policy = {"type": "bandit", "slack_amount": 0.1, "exclude_finished_jobs": True}
        site = Site(early_termination=policy)
        site.step()
        site.report(0, 0.9)
        site.report(1, 0.2)
        site.end(1, State.COMPLETED)
        assert not [d for d in site.step() if isinstance(d, Cancel)]
        good, bad, *_ = trials_of(site.view)
        assert stop_of(site.view.frozen["sweep"], bad, [good, bad]) == 1
        assert stop_of(site.view.frozen["sweep"], bad, [bad]) is None, "it is compared with itself"

    def test_what_runs_is_ranked_where_finished_trials_are_not(self) -> None:
        policy = {"type": "bandit", "slack_amount": 0.1, "exclude_finished_jobs": True}
        site = Site(early_termination=policy)
        site.step()
        site.report(0, 0.9)
        site.wait(1)
        site.report(1, 0.2)
        assert [d for d in site.step() if isinstance(d, Cancel)] == [Cancel("1", ANY)]

    def test_reports_are_asked_for(self) -> None:
        assert Sweep.reads_reports

    def test_finished_trials_may_be_left_out_of_the_ranking(self) -> None:
        for exclude, stopped in ((True, 0), (False, 1)):
            policy = {
                "type": "truncation_selection",
                "truncation_percentage": 50,
                "exclude_finished_jobs": exclude,
            }
            site = Site(early_termination=policy)
            site.step()
            site.end(0, State.COMPLETED, 0.9)
            site.wait(1)
            site.report(1, 0.2)
            assert len([d for d in site.step() if isinstance(d, Cancel)]) == stopped


class Sweeps(RuleBasedStateMachine):
    """Whatever becomes of trials, and whoever asks again: never too many, never twice, and in the
    end there is an end."""

    @initialize(
        total=st.integers(1, 6),
        concurrent=st.integers(1, 4),
        policy=st.sampled_from(
            [
                None,
                {"type": "bandit", "slack_amount": 0.2},
                {"type": "median_stopping"},
                {"type": "truncation_selection", "truncation_percentage": 40},
            ]
        ),
        algorithm=st.sampled_from(["random", "bayesian", "grid"]),
    )
    def begin(self, total: int, concurrent: int, policy: Any, algorithm: str) -> None:
        self.total, self.concurrent = total, concurrent
        self.site = Site(
            limits={
                "max_total_trials": total,
                "max_concurrent_trials": concurrent,
                "timeout": 1000,
            },
            sampling_algorithm=algorithm,
            search_space={"lr": {"type": "choice", "values": [1, 2, 3]}},
            early_termination=policy,
        )

    @rule()
    def look(self) -> None:
        self.site.step()

    @precondition(lambda self: self.site.running())
    @rule(data=st.data(), value=st.floats(0, 1) | st.just(math.nan))
    def report(self, data: st.DataObject, value: float) -> None:
        self.site.report(self._any(data), value)

    @precondition(lambda self: self.site.running())
    @rule(data=st.data(), state=st.sampled_from(sorted(FINAL)))
    def end(self, data: st.DataObject, state: State) -> None:
        self.site.end(self._any(data), state)

    @rule(seconds=st.sampled_from([1.0, 400.0]))
    def wait(self, seconds: float) -> None:
        self.site.wait(seconds)

    @rule()
    def cancel(self) -> None:
        self.site.cancel()

    @invariant()
    def never_too_many(self) -> None:
        assert len(self.site.running()) <= self.concurrent
        assert len(self.site.waiting()) <= self.concurrent
        assert len(self.site.view.children) <= self.total

    @invariant()
    def the_end_comes_last_and_is_told(self) -> None:
        ended = self.site.finish
        if ended is None:
            return
        assert self.site.running() == self.site.waiting() == []
        assert (ended.state is State.FAILED) <= (ended.error is not None)
        if ended.outputs:
            (step, _) = ended.outputs["model"]
            assert self.site.view.reports[step]["all"]

    def teardown(self) -> None:
        for _ in range(3 * self.total + 3):
            self.site.step()
            for step in self.site.running():
                self.site.end(int(step))
        assert self.site.finish is not None

    def _any(self, data: st.DataObject) -> int:
        return int(data.draw(st.sampled_from(self.site.running())))


TestSweeps = Sweeps.TestCase
TestSweeps.settings = settings(max_examples=examples(60), stateful_step_count=25, deadline=None)
