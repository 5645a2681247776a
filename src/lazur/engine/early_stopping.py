"""Which trials of a sweep are not worth to go on with: Azure's three policies.

Each time that a trial reports the primary metric is an **interval** of it, whatever step it gives.
A policy looks at a trial at every multiple of `evaluation_interval` that is at least
`delay_evaluation`, and looks at nothing of the others beyond that interval: so nobody is stopped
for being young. At interval N:

- **bandit**: the best that the trial has reported so far is compared with the best that any trial
  had reported by its own interval N. With `slack_factor` f it is stopped when it is worse than
  best / (1 + f) where more is better (best * (1 + f) where less is), with `slack_amount` a when it
  is worse than best - a (best + a). Where the best is negative the ratio is turned around, or it
  would stop the best one.
- **median stopping**: the best that the trial has reported so far is compared with the median of
  all trials' averages over their intervals 1 to N.
- **truncation selection**: the trial is stopped when it is among the worst
  `truncation_percentage` of all trials that have got to interval N, by the best that each had
  reported by then; the count is rounded down.

What others reported after the trial's own report N is not looked at either. So the answer depends
on what was reported when, and not on when somebody asks: whoever is killed and asks again gets the
same.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

_LAST_INTERVALS = 8
"""Of a trial that reported many times since somebody looked, these are judged."""


@dataclass(frozen=True)
class Report:
    time: float
    value: float


Reports = Sequence[Report]
"""Of one trial, in the order of their times. Values that are no numbers are left out before."""


@dataclass(frozen=True)
class Policy:
    type: str
    """`bandit`, `median_stopping` or `truncation_selection`."""
    evaluation_interval: int = 1
    delay_evaluation: int = 0
    slack_factor: float | None = None
    slack_amount: float | None = None
    truncation_percentage: int = 0


def stopped_at(
    policy: Policy, maximize: bool, trial: Reports, trials: Sequence[Reports]
) -> int | None:
    """The interval at which `trial` is to be stopped; None while it goes on. `trials` are all of
    the sweep, `trial` among them."""
    rule = _RULES[policy.type]
    sign = 1.0 if maximize else -1.0
    mine = [sign * report.value for report in trial]
    for interval in _intervals(policy, len(trial)):
        moment = trial[interval - 1].time
        known = [_until(reports, interval, moment, sign) for reports in trials]
        if rule(policy, max(mine[:interval]), interval, [k for k in known if k]):
            return interval
    return None


def _intervals(policy: Policy, reported: int) -> Sequence[int]:
    """Azure's client sends an interval of 0 for one that nobody wrote."""
    every = max(policy.evaluation_interval, 1)
    first = max(-(-policy.delay_evaluation // every), 1) * every
    return range(first, reported + 1, every)[-_LAST_INTERVALS:]


def _until(reports: Reports, interval: int, moment: float, sign: float) -> list[float]:
    known = bisect_right(reports, moment, key=lambda report: report.time)
    return [sign * report.value for report in reports[: min(interval, known)]]


def _bandit(policy: Policy, mine: float, _interval: int, known: list[list[float]]) -> bool:
    best = max(max(values) for values in known)
    if policy.slack_amount:
        return mine < best - policy.slack_amount
    ratio = 1 + (policy.slack_factor or 0.0)
    # More is better from here on; where less is, a best of 2 has become one of -2.
    return mine < (best / ratio if best > 0 else best * ratio)


def _median(_policy: Policy, mine: float, _interval: int, known: list[list[float]]) -> bool:
    return mine < median(sum(values) / len(values) for values in known)


def _truncation(policy: Policy, mine: float, interval: int, known: list[list[float]]) -> bool:
    reached = [max(values) for values in known if len(values) == interval]
    doomed = len(reached) * policy.truncation_percentage // 100
    worse = sum(value < mine for value in reached)
    equal = sum(value == mine for value in reached)
    # Of those that are alike none is stopped, unless all of them fall into the share.
    return worse + equal <= doomed


_Rule = Callable[[Policy, float, int, list[list[float]]], bool]
_RULES: dict[str, _Rule] = {
    "bandit": _bandit,
    "median_stopping": _median,
    "truncation_selection": _truncation,
}
