"""What a sweep may choose from, how, how far, and what stops its trials, under the names of
`azure.ai.ml.sweep`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from lazur.errors import Invalid
from lazur.sdk.entities import Entity, Spec


@dataclass
class Distribution(Entity):
    always: ClassVar[Spec] = {}


def expect_values(inputs: Mapping[str, Any], whose: str = "") -> None:
    """Raises Invalid where a job that runs once is given many values. `whose` ends the sentence's
    subject."""
    for name, value in inputs.items():
        if isinstance(value, Distribution):
            raise Invalid(
                f"The input {name!r}{whose} is a {type(value).__name__}: a sweep tries values of"
                " it, and this is none.",
                hint="Use what .sweep(primary_metric=…, goal=…) gives, or give it one value.",
            )


@dataclass
class Choice(Distribution):
    always: ClassVar[Spec] = {"type": "choice"}
    values: list[Any] | None = None


@dataclass
class Uniform(Distribution):
    always: ClassVar[Spec] = {"type": "uniform"}
    min_value: float | None = None
    max_value: float | None = None


@dataclass
class LogUniform(Uniform):
    always: ClassVar[Spec] = {"type": "loguniform"}


@dataclass
class QUniform(Uniform):
    always: ClassVar[Spec] = {"type": "quniform"}
    q: int | None = None


@dataclass
class QLogUniform(QUniform):
    always: ClassVar[Spec] = {"type": "qloguniform"}


@dataclass
class Normal(Distribution):
    always: ClassVar[Spec] = {"type": "normal"}
    mu: float | None = None
    sigma: float | None = None


@dataclass
class LogNormal(Normal):
    always: ClassVar[Spec] = {"type": "lognormal"}


@dataclass
class QNormal(Normal):
    always: ClassVar[Spec] = {"type": "qnormal"}
    q: int | None = None


@dataclass
class QLogNormal(QNormal):
    always: ClassVar[Spec] = {"type": "qlognormal"}


@dataclass
class Randint(Distribution):
    always: ClassVar[Spec] = {"type": "randint"}
    upper: int | None = None


@dataclass
class _Policy(Entity):
    evaluation_interval: int | None = None
    delay_evaluation: int | None = None


@dataclass
class BanditPolicy(_Policy):
    always: ClassVar[Spec] = {"type": "bandit"}
    slack_amount: float | None = None
    slack_factor: float | None = None


@dataclass
class MedianStoppingPolicy(_Policy):
    always: ClassVar[Spec] = {"type": "median_stopping"}


@dataclass
class TruncationSelectionPolicy(_Policy):
    always: ClassVar[Spec] = {"type": "truncation_selection"}
    truncation_percentage: int | None = None


@dataclass(kw_only=True)
class SweepJobLimits(Entity):
    max_concurrent_trials: int | None = None
    max_total_trials: int | None = None
    timeout: int | None = None
    trial_timeout: int | None = None


@dataclass(kw_only=True)
class Objective(Entity):
    goal: str | None = None
    primary_metric: str | None = None


class SamplingAlgorithm(Entity):
    pass


@dataclass(kw_only=True)
class RandomSamplingAlgorithm(SamplingAlgorithm):
    always: ClassVar[Spec] = {"type": "random"}
    rule: str | None = None
    seed: int | None = None
    logbase: float | str | None = None


@dataclass(kw_only=True)
class GridSamplingAlgorithm(SamplingAlgorithm):
    always: ClassVar[Spec] = {"type": "grid"}


@dataclass(kw_only=True)
class BayesianSamplingAlgorithm(SamplingAlgorithm):
    always: ClassVar[Spec] = {"type": "bayesian"}
