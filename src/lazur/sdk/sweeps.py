"""Sweeps in Python, as jobs and as steps: a command or a component, some inputs of which are
tried with many values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Required, TypedDict

from lazur.errors import Invalid
from lazur.sdk.commands import Command, JobResourceConfiguration, QueueSettings
from lazur.sdk.entities import Component, Entity, Spec, Submittable, plain, said
from lazur.sdk.search_space import Distribution, Objective, SweepJobLimits

_OF_THE_JOB = (
    "display_name",
    "description",
    "experiment_name",
    "tags",
    "properties",
    "compute",
    "identity",
    "parent_job_name",
    "queue_settings",
    "resources",
)
"""What a command says that is the sweep's when it is swept. The rest is its trials'."""
_NOT_OF_TRIALS = frozenset("$schema name type inputs outputs limits".split())


class Sweeping(TypedDict, total=False):
    """The arguments of `.sweep(…)`: those of Azure's client, and `early_termination`."""

    primary_metric: Required[str]
    goal: Required[str]
    sampling_algorithm: Entity | Spec | str
    search_space: Mapping[str, Any] | None
    """Beside the inputs that are distributions."""
    max_total_trials: int | None
    max_concurrent_trials: int | None
    timeout: int | None
    trial_timeout: int | None
    early_termination: Entity | Spec | None
    early_termination_policy: Entity | Spec | None
    """The same; a policy goes by either name."""
    compute: str | None
    identity: Entity | Spec | None
    queue_settings: Entity | Spec | None
    job_tier: str | None
    priority: str | None


@dataclass(kw_only=True)
class SweepJob(Submittable):
    """A sweep; `job(rate=lazur.Uniform(0, 1)).sweep(…)` makes it, `load_job` reads it. Where it
    says nothing of the job as a whole, a command that is its trial does."""

    parts: ClassVar[Mapping[str, type[Entity]]] = {
        "objective": Objective,
        "limits": SweepJobLimits,
        "resources": JobResourceConfiguration,
        "queue_settings": QueueSettings,
    }

    name: str | None = None
    display_name: str | None = None
    description: str | None = None
    experiment_name: str | None = None
    tags: dict[str, str] | None = None
    properties: dict[str, str] | None = None
    trial: Command | Component | Spec | str | None = None
    search_space: dict[str, Any] = field(default_factory=dict)
    objective: Any = None
    sampling_algorithm: Entity | Spec | str | None = None
    early_termination: Entity | Spec | None = None
    limits: Any = None
    compute: str | None = None
    inputs: Any = field(default_factory=dict)
    outputs: Any = field(default_factory=dict)
    resources: Any = None
    queue_settings: Any = None
    identity: Entity | Spec | None = None
    services: Spec | None = None
    parent_job_name: str | None = None
    type: str | None = "sweep"

    def __post_init__(self) -> None:
        if isinstance(self.trial, Command):
            self._take_over(self.trial)
        if isinstance(self.trial, Entity) and self.base_path is None:
            self.base_path = self.trial.base_path

    def to_spec(self) -> Spec:
        spec = super().to_spec()
        if isinstance(self.trial, Command):
            spec["trial"] = parted(self.trial.to_spec())[0]
        elif isinstance(self.trial, Component):
            spec["trial"] = self.trial.reference()
        if isinstance(self.trial, Entity):
            check(self.search_space)
        return {key: v for key, v in spec.items() if v or key not in {"inputs", "outputs"}}

    def set_limits(self, **values: int | None) -> None:
        """As in Azure's client: `max_total_trials`, `max_concurrent_trials`, `timeout` and
        `trial_timeout`. What is None stays as it is."""
        self.limits = {**(plain(self.limits) or {}), **said(values)}

    def set_objective(self, *, goal: str | None = None, primary_metric: str | None = None) -> None:
        told = said({"goal": goal, "primary_metric": primary_metric})
        self.objective = {**(plain(self.objective) or {}), **told}

    def set_resources(self, **values: Any) -> None:
        """As in Azure's client: `sweep.set_resources(instance_count=2)`."""
        self.resources = {**(plain(self.resources) or {}), **said(values)}

    def _take_over(self, trial: Command) -> None:
        for key in _OF_THE_JOB:
            if getattr(self, key) is None:
                setattr(self, key, getattr(trial, key))
        inputs, self.search_space = parted_inputs(trial.inputs, self.search_space)
        self.trial = replace(trial, inputs={})
        self.inputs = {**inputs, **self.inputs}
        self.outputs = {**trial.outputs, **self.outputs}
        whole = parted(own(trial))[1]
        if limits := {**whole.get("limits", {}), **(plain(self.limits) or {})}:
            self.limits = limits


def sweep(
    *,
    primary_metric: str,
    goal: str,
    sampling_algorithm: Entity | Spec | str = "random",
    search_space: Mapping[str, Any] | None = None,
    max_total_trials: int | None = None,
    max_concurrent_trials: int | None = None,
    timeout: int | None = None,
    trial_timeout: int | None = None,
    early_termination: Entity | Spec | None = None,
    early_termination_policy: Entity | Spec | None = None,
    compute: str | None = None,
    identity: Entity | Spec | None = None,
    queue_settings: Entity | Spec | None = None,
    job_tier: str | None = None,
    priority: str | None = None,
) -> Spec:
    """The fields of a sweep, of the arguments of `.sweep(…)`; see `Sweeping`."""
    limits = {
        "max_total_trials": max_total_trials,
        "max_concurrent_trials": max_concurrent_trials,
        "timeout": timeout,
        "trial_timeout": trial_timeout,
    }
    queue = {**(plain(queue_settings) or {}), **said({"job_tier": job_tier, "priority": priority})}
    made: Spec = {
        "sampling_algorithm": sampling_algorithm,
        "objective": {"primary_metric": primary_metric, "goal": goal},
        "search_space": search_space,
        "limits": said(limits),
        "early_termination": early_termination or early_termination_policy,
        "compute": compute,
        "identity": identity,
        "queue_settings": queue,
    }
    return {key: value for key, value in made.items() if value}


def parted_inputs(
    inputs: Mapping[str, Any], space: Mapping[str, Any] | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What every trial is given, and what is tried: the distributions among the inputs, and
    `space`, whose names have no other value."""
    tried = {key: value for key, value in inputs.items() if isinstance(value, Distribution)}
    tried |= space or {}
    return {key: value for key, value in inputs.items() if key not in tried}, tried


def own(command: Command) -> Spec:
    """Without its inputs, which may be distributions."""
    return replace(command, inputs={}).to_spec()


def parted(command: Spec) -> tuple[Spec, Spec]:
    """A command that is swept: what its trials are, and what it says of the sweep."""
    whole = {key: command[key] for key in _OF_THE_JOB if key in command}
    if seconds := (command.get("limits") or {}).get("timeout"):
        whole["limits"] = {"trial_timeout": seconds}
    trial = {k: v for k, v in command.items() if k not in _NOT_OF_TRIALS and k not in whole}
    return trial, whole


def check(space: Mapping[str, Any]) -> None:
    if not space:
        raise Invalid(
            "A sweep needs inputs that are distributions.",
            hint="Such as job(rate=lazur.Uniform(0.1, 0.9)).sweep(…).",
        )
