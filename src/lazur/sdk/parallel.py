"""Parallel jobs and steps, under the names of `azure.ai.ml.parallel`."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from lazur.sdk import nodes
from lazur.sdk.commands import JobResourceConfiguration, QueueSettings
from lazur.sdk.entities import (
    Component,
    Entity,
    Environment,
    Input,
    Spec,
    Submittable,
    Text,
    plain,
    port,
    said,
)
from lazur.sdk.search_space import expect_values


@dataclass(kw_only=True)
class RunFunction(Entity):
    """What is done with each mini-batch: a script with `run(mini_batch)`."""

    code: Text | None = None
    entry_script: str | None = None
    program_arguments: str | None = None
    model: str | None = None
    append_row_to: str | None = None
    environment: Environment | Spec | str | None = None
    always: ClassVar[Spec] = {"type": "run_function"}


@dataclass(kw_only=True)
class RetrySettings(Entity):
    timeout: int | str | None = None
    max_retries: int | str | None = None


@dataclass
class ParallelJob(Submittable):
    """A parallel job; `parallel_run_function()` makes it, `load_job` reads it."""

    parts: ClassVar[Mapping[str, type[Entity]]] = {
        "task": RunFunction,
        "retry_settings": RetrySettings,
        "resources": JobResourceConfiguration,
        "queue_settings": QueueSettings,
    }

    name: str | None = None
    display_name: str | None = None
    description: str | None = None
    experiment_name: str | None = None
    tags: dict[str, str] | None = None
    properties: dict[str, str] | None = None
    compute: str | None = None
    inputs: Any = field(default_factory=dict)
    outputs: Any = field(default_factory=dict)
    input_data: str | None = None
    mini_batch_size: str | int | None = None
    partition_keys: list[str] | None = None
    max_concurrency_per_instance: int | None = None
    mini_batch_error_threshold: int | None = None
    error_threshold: int | None = None
    retry_settings: Any = None
    logging_level: str | None = None
    task: Any = None
    environment: Environment | Spec | str | None = None
    environment_variables: dict[str, Any] | None = None
    resources: Any = None
    queue_settings: Any = None
    services: Spec | None = None
    identity: Entity | Spec | None = None
    parent_job_name: str | None = None
    type: str | None = "parallel"

    def to_spec(self) -> Spec:
        expect_values(self.inputs)
        spec = super().to_spec()
        return {key: v for key, v in spec.items() if v or key not in {"inputs", "outputs"}}

    def __call__(self, **inputs: Any) -> Any:
        """Within a pipeline's function a step; elsewhere the same job with these inputs."""
        if not nodes.open_steps():
            made = copy.deepcopy(self)
            return replace(made, name=None, inputs={**made.inputs, **inputs})
        bound = {name: one for name, one in self.inputs.items() if not _is_open(one)}
        step = nodes.of_component(self.component, {**bound, **inputs})
        for name in _OF_STEPS:
            if (value := getattr(self, name)) is not None:
                setattr(step, name, value)
        return step

    def set_resources(self, **values: Any) -> None:
        """As in Azure's client: `job.set_resources(instance_count=2)`."""
        self.resources = {**(plain(self.resources) or {}), **said(values)}

    @property
    def component(self) -> Component:
        """What is registered of it: `client.components.create_or_update(job.component)`."""
        spec = self.to_spec()
        return Component(
            name=self.name,
            display_name=self.display_name,
            description=self.description,
            type="parallel",
            inputs={name: port(one) for name, one in self.inputs.items()},
            outputs={name: port(one) for name, one in self.outputs.items()},
            extra={key: spec[key] for key in _OF_COMPONENTS if key in spec},
            base_path=self.base_path,
        )


_OF_STEPS = ("compute", "resources", "environment_variables", "identity", "queue_settings")
_OF_COMPONENTS = (
    "task input_data mini_batch_size partition_keys max_concurrency_per_instance"
    " mini_batch_error_threshold error_threshold retry_settings logging_level is_deterministic"
).split()


def _is_open(value: Any) -> bool:
    return isinstance(value, Input) and value.path is None and value.value is None


def parallel_run_function(
    *,
    task: RunFunction | Spec | None = None,
    input_data: str | None = None,
    inputs: Mapping[str, Any] | None = None,
    outputs: Mapping[str, Any] | None = None,
    name: str | None = None,
    display_name: str | None = None,
    description: str | None = None,
    experiment_name: str | None = None,
    tags: dict[str, str] | None = None,
    properties: dict[str, str] | None = None,
    compute: str | None = None,
    mini_batch_size: str | int | None = None,
    partition_keys: list[str] | None = None,
    max_concurrency_per_instance: int | None = None,
    mini_batch_error_threshold: int | None = None,
    error_threshold: int | None = None,
    retry_settings: RetrySettings | Spec | None = None,
    logging_level: str | None = None,
    environment_variables: dict[str, Any] | None = None,
    instance_count: int | None = None,
    instance_type: str | None = None,
    docker_args: str | list[str] | None = None,
    shm_size: str | None = None,
    identity: Entity | Spec | None = None,
    is_deterministic: bool | None = None,
) -> ParallelJob:
    """A parallel job, with the arguments of `azure.ai.ml.parallel.parallel_run_function`: called
    within a pipeline's function it is a step, and it runs by itself, too. Paths are relative to
    the working directory."""
    resources = {
        "instance_count": instance_count,
        "instance_type": instance_type,
        "docker_args": docker_args,
        "shm_size": shm_size,
    }
    return ParallelJob(
        task=task,
        input_data=input_data,
        inputs=dict(inputs or {}),
        outputs=dict(outputs or {}),
        name=name,
        display_name=display_name,
        description=description,
        experiment_name=experiment_name,
        tags=tags,
        properties=properties,
        compute=compute,
        mini_batch_size=mini_batch_size,
        partition_keys=partition_keys,
        max_concurrency_per_instance=max_concurrency_per_instance,
        mini_batch_error_threshold=mini_batch_error_threshold,
        error_threshold=error_threshold,
        retry_settings=retry_settings,
        logging_level=logging_level,
        environment_variables=environment_variables,
        resources=said(resources) or None,
        identity=identity,
        extra=said({"is_deterministic": is_deterministic}),
        base_path=Path.cwd(),
    )
