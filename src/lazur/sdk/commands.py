"""Command jobs, under the names of `azure.ai.ml.entities` and `azure.ai.ml.command`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from lazur.errors import Invalid
from lazur.sdk.entities import (
    Component,
    Entity,
    Environment,
    Spec,
    Submittable,
    Text,
    as_yaml,
    plain,
    port,
    said,
)
from lazur.sdk.search_space import expect_values

if TYPE_CHECKING:
    from lazur.sdk.sweeps import Sweeping


@dataclass
class JobResourceConfiguration(Entity):
    instance_count: int | None = None
    instance_type: str | None = None
    locations: list[str] | None = None
    properties: Spec | None = None
    docker_args: str | list[str] | None = None
    shm_size: str | None = None
    max_instance_count: int | None = None


@dataclass
class CommandJobLimits(Entity):
    timeout: int | None = None


@dataclass
class QueueSettings(Entity):
    job_tier: str | None = None
    priority: str | None = None


@dataclass
class PyTorchDistribution(Entity):
    process_count_per_instance: int | None = None
    always: ClassVar[Spec] = {"type": "pytorch"}


@dataclass
class MpiDistribution(Entity):
    process_count_per_instance: int | None = None
    always: ClassVar[Spec] = {"type": "mpi"}


@dataclass
class TensorFlowDistribution(Entity):
    worker_count: int | None = None
    parameter_server_count: int | None = None
    always: ClassVar[Spec] = {"type": "tensorflow"}


@dataclass
class Command(Submittable):
    """A command job; `command()` makes it, `load_job` reads it."""

    parts: ClassVar[Mapping[str, type[Entity]]] = {
        "resources": JobResourceConfiguration,
        "limits": CommandJobLimits,
        "queue_settings": QueueSettings,
    }

    name: str | None = None
    display_name: str | None = None
    description: str | None = None
    experiment_name: str | None = None
    tags: dict[str, str] | None = None
    properties: dict[str, str] | None = None
    command: str | None = None
    code: Text | None = None
    environment: Environment | Spec | str | None = None
    environment_variables: dict[str, Any] | None = None
    compute: str | None = None
    inputs: Any = field(default_factory=dict)
    outputs: Any = field(default_factory=dict)
    resources: Any = None
    limits: Any = None
    distribution: Entity | Spec | None = None
    queue_settings: Any = None
    services: Spec | None = None
    identity: Entity | Spec | None = None
    parent_job_name: str | None = None
    type: str | None = "command"

    def __str__(self) -> str:
        return as_yaml(super().to_spec())

    def to_spec(self) -> Spec:
        expect_values(self.inputs)
        spec = super().to_spec()
        return {
            key: value for key, value in spec.items() if value or key not in {"inputs", "outputs"}
        }

    @property
    def component(self) -> Component:
        """What is registered of it: `client.components.create_or_update(job.component)`."""
        spec = replace(self, inputs={}).to_spec()
        return Component(
            name=self.name,
            display_name=self.display_name,
            description=self.description,
            type="command",
            tags=self.tags,
            inputs={name: port(one) for name, one in self.inputs.items()},
            outputs={name: port(one) for name, one in self.outputs.items()},
            extra={key: spec[key] for key in _OF_COMPONENTS if key in spec},
            base_path=self.base_path,
        )

    def __call__(self, **inputs: Any) -> Any:
        """The same job with these inputs; within a pipeline's function, a step."""
        return import_module("lazur.sdk.nodes").of_command(self, inputs)

    def sweep(self, **settings: Unpack[Sweeping]) -> Any:
        """A sweep over those inputs that are distributions: a `SweepJob`; within a pipeline's
        function, a step."""
        return import_module("lazur.sdk.nodes").of_sweep(self, settings)

    def set_resources(self, **values: Any) -> None:
        """As in Azure's client: `job.set_resources(instance_count=2)`."""
        self.resources = {**(plain(self.resources) or {}), **said(values)}

    def set_limits(self, *, timeout: int) -> None:
        self.limits = {**(plain(self.limits) or {}), "timeout": timeout}

    def set_queue_settings(self, **values: str | None) -> None:
        """`job_tier` and `priority`."""
        self.queue_settings = {**(plain(self.queue_settings) or {}), **said(values)}


_OF_COMPONENTS = (
    "command",
    "code",
    "environment",
    "environment_variables",
    "distribution",
    "resources",
)


def command(
    *,
    command: str,
    environment: Environment | str,
    code: Text | None = None,
    inputs: Mapping[str, Any] | None = None,
    outputs: Mapping[str, Any] | None = None,
    name: str | None = None,
    display_name: str | None = None,
    description: str | None = None,
    experiment_name: str | None = None,
    tags: dict[str, str] | None = None,
    properties: dict[str, str] | None = None,
    environment_variables: dict[str, Any] | None = None,
    compute: str | None = None,
    distribution: Entity | Spec | None = None,
    instance_count: int | None = None,
    instance_type: str | None = None,
    locations: list[str] | None = None,
    docker_args: str | list[str] | None = None,
    shm_size: str | None = None,
    timeout: int | None = None,
    job_tier: str | None = None,
    priority: str | None = None,
    services: Spec | None = None,
    identity: Entity | Spec | None = None,
    parent_job_name: str | None = None,
) -> Command:
    """A command job, with the arguments of `azure.ai.ml.command`. Paths are relative to the
    working directory."""
    resources = said(
        {
            "instance_count": instance_count,
            "instance_type": instance_type,
            "locations": locations,
            "docker_args": docker_args,
            "shm_size": shm_size,
        }
    )
    return Command(
        command=command,
        environment=environment,
        code=code,
        inputs=dict(inputs or {}),
        outputs=dict(outputs or {}),
        name=name,
        display_name=display_name,
        description=description,
        experiment_name=experiment_name,
        tags=tags,
        properties=properties,
        environment_variables=environment_variables,
        compute=compute,
        distribution=distribution,
        resources=resources or None,
        limits=said({"timeout": timeout}) or None,
        queue_settings=said({"job_tier": job_tier, "priority": priority}) or None,
        services=services,
        identity=identity,
        parent_job_name=parent_job_name,
        base_path=Path.cwd(),
    )


def expect(value: Any, cls: type[Entity]) -> None:
    """Raises Invalid when somebody hands over something else, such as a path instead of what
    `load_job` makes of it."""
    if not isinstance(value, cls):
        if callable(value):
            raise Invalid(
                f"This is a {type(value).__name__}, of which a {cls.__name__} is made.",
                hint="Call it with its inputs, and hand over what that gives.",
            )
        raise Invalid(
            f"A {cls.__name__} is needed here, this is a {type(value).__name__}.",
            hint=f"lazur.load_{cls.__name__.lower()}(path) reads one from YAML."
            if cls is not Command
            else "lazur.command(…) makes a job, lazur.load_job(path) reads one from YAML.",
        )
