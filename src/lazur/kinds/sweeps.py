"""A sweep: one command, run with many values. What a person writes; how it goes on is told in
`kinds.jobs.sweep`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from lazur.kinds.assets.component import Component
from lazur.kinds.assets.environment import AnonymousEnvironment
from lazur.kinds.jobs.common import Job
from lazur.kinds.search_space import EarlyTermination, Law, Objective, Sampling, SweepLimits
from lazur.spec.inputs import Input, LiteralValue
from lazur.spec.model import Map, Spec, TextValue, spelled
from lazur.spec.outputs import Output
from lazur.spec.resources import Resources
from lazur.spec.settings import Distribution, QueueSettings


class Trial(Spec):
    """What each trial runs: a command, or a command component with declared inputs."""

    type: Annotated[Literal["command"], spelled(Literal["command"])] = "command"
    command: Annotated[str, Field(min_length=1)]
    """Run by bash, with `${{search_space.x}}`, `${{inputs.x}}` and `${{outputs.y}}` in it."""
    code: str | None = None
    """The folder that the command runs in."""
    environment: str | AnonymousEnvironment
    environment_variables: Map[LiteralValue | None] = Field(default_factory=dict)
    resources: Resources | None = None
    distribution: Distribution | None = None
    queue_settings: QueueSettings | None = None
    inputs: Map[Any] = Field(default_factory=dict)
    """Of a component: what it takes. A hyperparameter of the same name fills it."""
    outputs: Map[Any] = Field(default_factory=dict)
    """Of a component: what it makes."""
    name: str | None = None
    version: TextValue | None = None
    display_name: str | None = None
    description: str | None = None
    tags: Map[TextValue] = Field(default_factory=dict)
    properties: Map[Any] = Field(default_factory=dict)
    is_deterministic: bool = True
    additional_includes: list[str] | None = None


def _form(value: Any) -> str | None:
    if isinstance(value, str):
        return "\0reference"
    return "\0written" if isinstance(value, Mapping | Trial) else None


_Trial = Annotated[
    Annotated[Annotated[str, Field(min_length=1)], Tag("\0reference")]
    | Annotated[Trial, Tag("\0written")],
    Discriminator(
        _form,
        custom_error_type="input",
        custom_error_message=(
            "a trial is a mapping with a `command`, or a component: `./train.yml`, "
            "`azureml:train:1`"
        ),
    ),
]


class _Sweep(Spec):
    """What sweep jobs and sweep components have in common."""

    trial: _Trial
    """What each trial runs, in place or as a component: `./train.yml`, `azureml:train:1`."""
    search_space: Annotated[Map[Law], Field(min_length=1)]
    """By name: how the values of a hyperparameter are spread."""
    objective: Objective
    sampling_algorithm: Sampling = "random"
    early_termination: EarlyTermination | None = None
    limits: SweepLimits
    queue_settings: QueueSettings | None = None
    resources: Resources | None = None


class SweepJob(_Sweep, Job):
    """Many trials of one command, and the best of them."""

    type: Annotated[Literal["sweep"], spelled(Literal["sweep"])]
    inputs: Map[Input] = Field(default_factory=dict)
    """What every trial is given."""
    outputs: Map[Output] = Field(default_factory=dict)
    """What every trial makes; those of the best trial are the sweep's."""
    parent_job_name: str | None = None


class SweepComponent(_Sweep, Component):
    """A sweep with declared inputs and outputs, kept in versions."""

    type: Annotated[Literal["sweep"], spelled(Literal["sweep"])]
