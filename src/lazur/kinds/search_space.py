"""What a sweep is written with: its search space, how it is sampled, whom it stops, its limits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Literal, Self, cast

from pydantic import Discriminator, Field, Tag, model_validator

from lazur.spec.inputs import LiteralValue
from lazur.spec.model import Number, Spec, Whole, spelled, squashed

_MOST_TRIALS = 10_000
_MOST_LEVELS = 1_000_000


def tagged(words: Iterable[str]) -> Callable[[Any], str | None]:
    """The tag of a union's member, by `type`, spelled in any way."""
    table = {squashed(word): f"\0{word}" for word in words}

    def tag(value: Any) -> str | None:
        if isinstance(value, Mapping):
            return table.get(squashed(cast("Mapping[str, Any]", value).get("type")))
        return table.get(squashed(getattr(value, "type", None)))

    return tag


class _Between(Spec):
    min_value: Number
    max_value: Number

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_value > self.max_value:
            raise ValueError(f"min_value {self.min_value} is above max_value {self.max_value}")
        return self


class UniformLaw(_Between):
    """Evenly between two values; `loguniform`: between their exponentials, whose logarithms are
    spread evenly."""

    type: Annotated[Literal["uniform", "loguniform"], spelled(Literal["uniform", "loguniform"])]


class QUniformLaw(_Between):
    """As `uniform` and `loguniform`, rounded to multiples of `q`."""

    type: Annotated[
        Literal["quniform", "qloguniform"], spelled(Literal["quniform", "qloguniform"])
    ]
    q: Annotated[Number, Field(gt=0)]


class NormalLaw(Spec):
    """Spread normally; `lognormal`: the exponential of that."""

    type: Annotated[Literal["normal", "lognormal"], spelled(Literal["normal", "lognormal"])]
    mu: Number
    sigma: Annotated[Number, Field(gt=0)]


class QNormalLaw(Spec):
    """As `normal` and `lognormal`, rounded to multiples of `q`."""

    type: Annotated[Literal["qnormal", "qlognormal"], spelled(Literal["qnormal", "qlognormal"])]
    mu: Number
    sigma: Annotated[Number, Field(gt=0)]
    q: Annotated[Number, Field(gt=0)]


class RandIntLaw(Spec):
    """A whole number from 0 to below `upper`."""

    type: Annotated[Literal["randint"], spelled(Literal["randint"])]
    upper: Annotated[Whole, Field(ge=1, le=_MOST_LEVELS)]


class ChoiceLaw(Spec):
    """One of the values. A value that is a mapping is a space of its own, which is sampled when it
    is chosen: `{name: tree, depth: {type: randint, upper: 30}}`."""

    type: Annotated[Literal["choice"], spelled(Literal["choice"])]
    values: Annotated[
        list[LiteralValue | dict[str, LiteralValue | Law]],
        Field(min_length=1, max_length=_MOST_LEVELS),
    ]


_WORDS = {
    "choice": "choice",
    "randint": "randint",
    **dict.fromkeys(("uniform", "loguniform"), "uniform"),
    **dict.fromkeys(("quniform", "qloguniform"), "quniform"),
    **dict.fromkeys(("normal", "lognormal"), "normal"),
    **dict.fromkeys(("qnormal", "qlognormal"), "qnormal"),
}
LAWS = ", ".join(_WORDS)


def _law(value: Any) -> str | None:
    found = tagged(_WORDS)(value)
    return None if found is None else f"\0{_WORDS[found[1:]]}"


Law = Annotated[
    Annotated[ChoiceLaw, Tag("\0choice")]
    | Annotated[RandIntLaw, Tag("\0randint")]
    | Annotated[UniformLaw, Tag("\0uniform")]
    | Annotated[QUniformLaw, Tag("\0quniform")]
    | Annotated[NormalLaw, Tag("\0normal")]
    | Annotated[QNormalLaw, Tag("\0qnormal")],
    Discriminator(
        _law,
        custom_error_type="input",
        custom_error_message=f"a hyperparameter is a mapping whose `type` is one of {LAWS}",
    ),
]


class RandomSampling(Spec):
    """Each trial by chance."""

    type: Annotated[Literal["random"], spelled(Literal["random"])]
    seed: Whole | None = None
    """The same seed gives the same trials."""
    rule: Annotated[Literal["random", "sobol"], spelled(Literal["random", "sobol"])] = "random"
    """`sobol` fills the space more evenly than chance."""
    logbase: Annotated[Number, Field(gt=0)] | Literal["e"] = "e"
    """What `loguniform` and its kin raise to a power."""


class GridSampling(Spec):
    """Every combination once."""

    type: Annotated[Literal["grid"], spelled(Literal["grid"])]


class BayesianSampling(Spec):
    """Each trial by what the ones before it gave."""

    type: Annotated[Literal["bayesian"], spelled(Literal["bayesian"])]


_Algorithm = Literal["random", "grid", "bayesian"]


def _sampling(value: Any) -> str | None:
    return "\0word" if isinstance(value, str) else tagged(("random", "grid", "bayesian"))(value)


Sampling = Annotated[
    Annotated[Annotated[_Algorithm, spelled(_Algorithm)], Tag("\0word")]
    | Annotated[RandomSampling, Tag("\0random")]
    | Annotated[GridSampling, Tag("\0grid")]
    | Annotated[BayesianSampling, Tag("\0bayesian")],
    Discriminator(
        _sampling,
        custom_error_type="input",
        custom_error_message=(
            "a sampling algorithm is random, grid or bayesian, or a mapping of that `type`"
        ),
    ),
]


class Objective(Spec):
    """What the trials are compared by."""

    goal: Annotated[Literal["minimize", "maximize"], spelled(Literal["minimize", "maximize"])]
    primary_metric: Annotated[str, Field(min_length=1, max_length=250)]
    """A metric that each trial logs with MLflow; the last value counts."""


class SweepLimits(Spec):
    """How far a sweep goes."""

    max_total_trials: Annotated[Whole, Field(ge=1, le=_MOST_TRIALS)]
    max_concurrent_trials: Annotated[Whole, Field(ge=1, le=_MOST_TRIALS)] | None = None
    """Trials at a time; all that fit when left out."""
    timeout: Annotated[Whole, Field(gt=0)] | None = None
    """Seconds after which the sweep and its trials are canceled."""
    trial_timeout: Annotated[Whole, Field(gt=0)] | None = None
    """Seconds after which a trial is ended."""


class _Policy(Spec):
    evaluation_interval: Annotated[Whole, Field(ge=0)] = 1
    """Every so many reports of the primary metric the trial is judged."""
    delay_evaluation: Annotated[Whole, Field(ge=0)] = 0
    """Not before so many reports."""


class BanditPolicy(_Policy):
    """Stop a trial that is further from the best than the slack."""

    type: Annotated[Literal["bandit"], spelled(Literal["bandit"])]
    slack_factor: Annotated[Number, Field(ge=0)] | None = None
    slack_amount: Annotated[Number, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _one(self) -> BanditPolicy:
        if self.slack_factor and self.slack_amount:
            raise ValueError("give either `slack_factor` or `slack_amount`, not both")
        if not self.slack_factor and not self.slack_amount:
            raise ValueError("a bandit policy needs a `slack_factor` or a `slack_amount` above 0")
        return self


class MedianStoppingPolicy(_Policy):
    """Stop a trial whose best is worse than the median of all averages."""

    type: Annotated[Literal["median_stopping"], spelled(Literal["median_stopping"])]


class TruncationSelectionPolicy(_Policy):
    """Stop the worst trials, by percentage."""

    type: Annotated[Literal["truncation_selection"], spelled(Literal["truncation_selection"])]
    truncation_percentage: Annotated[Whole, Field(ge=1, le=99)]
    exclude_finished_jobs: bool = False
    """Whether only trials that still run are ranked."""


EarlyTermination = Annotated[
    Annotated[BanditPolicy, Tag("\0bandit")]
    | Annotated[MedianStoppingPolicy, Tag("\0median_stopping")]
    | Annotated[TruncationSelectionPolicy, Tag("\0truncation_selection")],
    Discriminator(
        tagged(("bandit", "median_stopping", "truncation_selection")),
        custom_error_type="input",
        custom_error_message=(
            "a policy is a mapping whose `type` is one of bandit, median_stopping, "
            "truncation_selection"
        ),
    ),
]
