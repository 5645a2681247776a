"""Worked examples of Azure's pages, and what follows from the definitions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lazur.engine.early_stopping import Policy, Report, stopped_at


def _reports(*values: float, start: float = 0.0) -> list[Report]:
    return [Report(start + i, value) for i, value in enumerate(values)]


class TestIntervals:
    def test_every_report_is_looked_at_when_nothing_is_said(self):
        good, bad = _reports(0.9), _reports(0.1, start=1)
        policy = Policy("bandit", slack_factor=0.1)
        assert stopped_at(policy, True, bad, [good, bad]) == 1

    def test_an_interval_of_zero_is_one_of_one(self):
        good, bad = _reports(0.9), _reports(0.1, start=1)
        policy = Policy("bandit", evaluation_interval=0, slack_factor=0.1)
        assert stopped_at(policy, True, bad, [good, bad]) == 1

    def test_only_multiples_of_the_interval_count(self):
        good, bad = _reports(0.9, 0.9, 0.9), _reports(0.1, start=5)
        policy = Policy("bandit", evaluation_interval=2, slack_factor=0.1)
        assert stopped_at(policy, True, bad, [good, bad]) is None
        bad = _reports(0.1, 0.1, 0.1, start=5)
        assert stopped_at(policy, True, bad, [good, bad]) == 2

    def test_a_delay_begins_at_the_multiple_that_is_at_least_it(self):
        good = _reports(*[0.9] * 9)
        policy = Policy("bandit", evaluation_interval=3, delay_evaluation=5, slack_factor=0.1)
        for count, expected in ((5, None), (6, 6), (8, 6)):
            bad = _reports(*[0.1] * count, start=20)
            assert stopped_at(policy, True, bad, [good, bad]) == expected

    def test_what_was_reported_later_is_not_held_against_it(self):
        first, later = _reports(0.1), _reports(0.9, start=1)
        policy = Policy("bandit", slack_factor=0.1)
        assert stopped_at(policy, True, first, [first, later]) is None

    def test_the_others_further_intervals_are_not_held_against_it(self):
        older = _reports(0.5, 0.99)
        young = _reports(0.48, start=10)
        policy = Policy("bandit", slack_factor=0.1)
        assert stopped_at(policy, True, young, [older, young]) is None

    def test_who_has_reported_nothing_goes_on(self):
        policy = Policy("median_stopping")
        assert stopped_at(policy, True, [], [[], _reports(1.0)]) is None


class TestBandit:
    """0.8 is the best at interval 10; with a slack factor of 0.2 the line is 0.8 / 1.2 = 0.667,
    with a slack amount of 0.2 it is 0.6."""

    best = _reports(*[0.5] * 9, 0.8)

    def _at_ten(self, policy: Policy, value: float) -> int | None:
        mine = _reports(*[0.1] * 9, value, start=20)
        return stopped_at(policy, True, mine, [self.best, mine])

    def test_a_slack_factor_where_more_is_better(self):
        policy = Policy("bandit", 10, slack_factor=0.2)
        assert self._at_ten(policy, 0.66) == 10
        assert self._at_ten(policy, 0.67) is None

    def test_a_slack_amount_where_more_is_better(self):
        policy = Policy("bandit", 10, slack_amount=0.2)
        assert self._at_ten(policy, 0.59) == 10
        assert self._at_ten(policy, 0.61) is None

    def test_who_is_just_within_the_slack_goes_on(self):
        exact = _reports(*[0.5] * 9, 0.75)
        for value, stopped in ((0.5, None), (0.4999, 10)):
            mine = _reports(*[0.1] * 9, value, start=20)
            policy = Policy("bandit", 10, slack_amount=0.25)
            assert stopped_at(policy, True, mine, [exact, mine]) == stopped

    def test_its_own_best_counts_and_not_its_last(self):
        mine = _reports(0.79, *[0.1] * 9, start=20)
        policy = Policy("bandit", 10, slack_factor=0.2)
        assert stopped_at(policy, True, mine, [self.best, mine]) is None

    def test_a_slack_factor_where_less_is_better(self):
        best, policy = _reports(1.0), Policy("bandit", slack_factor=0.2)
        for value, expected in ((1.19, None), (1.21, 1)):
            mine = _reports(value, start=1)
            assert stopped_at(policy, False, mine, [best, mine]) == expected

    def test_a_slack_amount_where_less_is_better(self):
        best, policy = _reports(1.0), Policy("bandit", slack_amount=0.5)
        for value, expected in ((1.4, None), (1.6, 1)):
            mine = _reports(value, start=1)
            assert stopped_at(policy, False, mine, [best, mine]) == expected

    def test_the_line_is_on_the_worse_side_of_a_negative_best(self):
        best, policy = _reports(-1.0), Policy("bandit", slack_factor=0.2)
        for value, expected in ((-1.19, None), (-1.21, 1)):
            mine = _reports(value, start=1)
            assert stopped_at(policy, True, mine, [best, mine]) == expected


class TestMedianStopping:
    """Averages over the intervals 1 to 5 are 0.3, 0.5 and 0.7: their median with the trial's own
    0.2 is 0.4."""

    others = tuple(_reports(*[v] * 5) for v in (0.3, 0.5, 0.7))

    def _at_five(self, *values: float) -> int | None:
        mine = _reports(*values, start=20)
        policy = Policy("median_stopping", delay_evaluation=5)
        return stopped_at(policy, True, mine, [*self.others, mine])

    def test_worse_than_the_median_is_stopped(self):
        assert self._at_five(0.2, 0.2, 0.2, 0.2, 0.2) == 5

    def test_one_good_report_saves_it(self):
        assert self._at_five(0.6, 0.1, 0.1, 0.1, 0.1) is None

    def test_averages_of_the_others_are_over_the_same_intervals(self):
        rising = _reports(0.1, 0.1, 0.9, 0.9, 0.9)
        mine = _reports(0.1, 0.2, start=20)
        assert stopped_at(Policy("median_stopping"), True, mine, [rising, mine]) is None

    def test_where_less_is_better(self):
        others = [_reports(1.0), _reports(2.0), _reports(3.0)]
        policy = Policy("median_stopping")
        for value, expected in ((2.0, None), (2.1, 1)):
            mine = _reports(value, start=1)
            assert stopped_at(policy, False, mine, [*others, mine]) == expected


class TestTruncationSelection:
    def _last(self, value: float, percentage: int, *, maximize: bool = True) -> int | None:
        """The fifth of five that get to interval 1; the others have 0.2, 0.4, 0.6 and 0.8."""
        others = [_reports(v) for v in (0.2, 0.4, 0.6, 0.8)]
        mine = _reports(value, start=1)
        policy = Policy("truncation_selection", truncation_percentage=percentage)
        return stopped_at(policy, maximize, mine, [*others, mine])

    def test_the_worst_share_is_stopped(self):
        assert self._last(0.1, 20) == 1
        assert self._last(0.3, 20) is None
        assert self._last(0.3, 40) == 1

    def test_a_share_of_less_than_one_trial_is_none(self):
        assert self._last(0.1, 19) is None

    def test_where_less_is_better(self):
        assert self._last(0.9, 20, maximize=False) == 1
        assert self._last(0.7, 20, maximize=False) is None

    def test_only_trials_that_got_as_far_are_ranked(self):
        young = [_reports(0.9) for _ in range(9)]
        older, mine = _reports(0.5, 0.5), _reports(0.1, 0.1, start=1)
        policy = Policy("truncation_selection", 2, truncation_percentage=49)
        assert stopped_at(policy, True, mine, [*young, older, mine]) is None

    def test_of_trials_that_are_alike_none_is_stopped(self):
        assert self._last(0.2, 20) is None


class TestAll:
    @given(
        st.sampled_from(["bandit", "median_stopping", "truncation_selection"]),
        st.booleans(),
        st.lists(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=6), min_size=1, max_size=6),
    )
    def test_the_best_is_never_stopped(self, name: str, maximize: bool, values: list[list[float]]):
        policy = Policy(name, slack_factor=0.1, truncation_percentage=50)
        sign = 1 if maximize else -1
        best = max(sign * v for own in values for v in own)
        trials = [[Report(0.0, sign * best)], *(_reports(*own, start=1) for own in values)]
        assert stopped_at(policy, maximize, trials[0], trials) is None
