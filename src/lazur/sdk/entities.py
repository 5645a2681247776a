"""What a person writes in Python: plain objects that turn into the same spec as a YAML file.

They check nothing: the models in `lazur.kinds` do, once, for YAML, SDK and API alike. Names and
arguments are those of `azure.ai.ml.entities`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, Unpack

from lazur.errors import Invalid

if TYPE_CHECKING:
    from lazur.sdk.sweeps import Sweeping

Spec = dict[str, Any]
Text = str | os.PathLike[str]


@dataclass(kw_only=True)
class Entity:
    extra: Spec = field(default_factory=dict, repr=False)
    """Fields of a YAML file that this class does not know. They travel on as they are."""
    base_path: Text | None = field(default=None, repr=False, compare=False)
    """Folder that relative paths start from; None for the working directory."""

    always: ClassVar[Spec] = {}
    """Fields that every spec of this class has."""

    def to_spec(self) -> Spec:
        """The spec as YAML would have it, without the fields that nobody set."""
        own = {
            f.name: plain(value)
            for f in fields(self)
            if f.name not in _OURS and (value := getattr(self, f.name)) is not None
        }
        return {**self.always, **plain(self.extra), **own}

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any], base_path: Text | None = None) -> Self:
        """Nothing of the spec is lost: `to_spec` gives it back."""
        names = {f.name for f in fields(cls)} - _OURS
        known = {key: value for key, value in spec.items() if key in names and value is not None}
        extra = {key: value for key, value in spec.items() if key not in known}
        return cls(**known, extra=extra, base_path=base_path)


class Submittable(Entity):
    """A job, of whatever type."""


_OURS = frozenset({"extra", "base_path", "source_path", "as_loaded"})


def plain(value: Any) -> Any:
    """Data for JSON: entities become mappings, paths become text."""
    if isinstance(value, Entity):
        return value.to_spec()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return os.fspath(value) if isinstance(value, os.PathLike) else value


@dataclass
class Input(Entity):
    type: str | None = None
    path: Text | None = None
    mode: str | None = None
    path_on_compute: str | None = None
    value: Any = None
    default: Any = None
    optional: bool | None = None
    min: float | None = None
    max: float | None = None
    enum: list[Any] | None = None
    description: str | None = None
    datastore: str | None = None


@dataclass
class Output(Entity):
    type: str | None = None
    path: Text | None = None
    mode: str | None = None
    name: str | None = None
    version: str | None = None
    description: str | None = None
    is_control: bool | None = None
    """Of a boolean, integer, number or string: whether conditions and loops may look at it."""


@dataclass
class BuildContext(Entity):
    path: Text | None = None
    dockerfile_path: str | None = None


@dataclass
class Environment(Entity):
    name: str | None = None
    version: str | None = None
    description: str | None = None
    image: str | None = None
    build: BuildContext | Spec | None = None
    conda_file: Text | Spec | None = None
    tags: dict[str, str] | None = None
    properties: dict[str, str] | None = None
    os_type: str | None = None
    inference_config: Spec | None = None


@dataclass
class Data(Entity):
    name: str | None = None
    version: str | None = None
    description: str | None = None
    type: str | None = None
    path: Text | None = None
    tags: dict[str, str] | None = None
    properties: dict[str, str] | None = None


@dataclass
class Model(Entity):
    name: str | None = None
    version: str | None = None
    description: str | None = None
    type: str | None = None
    path: Text | None = None
    stage: str | None = None
    flavors: Spec | None = None
    tags: dict[str, str] | None = None
    properties: dict[str, str] | None = None


@dataclass
class Component(Entity):
    """A component as its YAML has it: `load_component` makes it."""

    name: str | None = None
    version: str | None = None
    display_name: str | None = None
    description: str | None = None
    type: str | None = None
    tags: dict[str, str] | None = None
    inputs: Spec | None = None
    outputs: Spec | None = None
    source_path: Text | None = field(default=None, repr=False, compare=False)
    """The file that it was loaded from, as long as nothing of it was changed."""
    as_loaded: Spec | None = field(default=None, repr=False, compare=False)

    def __call__(self, **inputs: Any) -> Any:
        """Within a pipeline's function: a step. See `lazur.pipeline`."""
        # Steps are made of components, which stand below.
        return import_module("lazur.sdk.nodes").of_component(self, inputs)

    def reference(self) -> Any:
        """How a step names it: by its file, by its name where it is registered, or itself."""
        spec = self.to_spec()
        if self.source_path is not None and spec == self.as_loaded:
            return os.fspath(self.source_path)
        return import_module("lazur.sdk.nodes").rebased(spec, self.base_path)


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
    inputs: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    resources: JobResourceConfiguration | Spec | None = None
    limits: CommandJobLimits | Spec | None = None
    distribution: Entity | Spec | None = None
    queue_settings: QueueSettings | Spec | None = None
    services: Spec | None = None
    identity: Entity | Spec | None = None
    parent_job_name: str | None = None
    type: str | None = "command"

    def __post_init__(self) -> None:
        self.inputs = {key: typed(Input, value) for key, value in self.inputs.items()}
        self.outputs = {key: typed(Output, value) for key, value in self.outputs.items()}

    def to_spec(self) -> Spec:
        spec = super().to_spec()
        return {
            key: value for key, value in spec.items() if value or key not in {"inputs", "outputs"}
        }

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


@dataclass
class Pipeline(Submittable):
    """A pipeline job; a function under `@lazur.pipeline` makes it, `load_job` reads it."""

    name: str | None = None
    display_name: str | None = None
    description: str | None = None
    experiment_name: str | None = None
    tags: dict[str, str] | None = None
    properties: dict[str, str] | None = None
    compute: str | None = None
    inputs: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    jobs: dict[str, Any] = field(default_factory=dict)
    """The steps, as YAML has them."""
    settings: Any = None
    identity: Entity | Spec | None = None
    type: str | None = "pipeline"

    def __post_init__(self) -> None:
        self.settings = Settings.from_spec(plain(self.settings) or {})

    def to_spec(self) -> Spec:
        spec = super().to_spec()
        return {key: part for key, part in spec.items() if part or key not in _MAY_BE_EMPTY}

    def to_yaml(self) -> str:
        """The job as its YAML file would have it."""
        yaml = import_module("yaml")
        return yaml.safe_dump(self.to_spec(), sort_keys=False, allow_unicode=True)

    def dump(self, path: Text) -> None:
        """Write `to_yaml` into a file, for `load_job` and `lazur job create`."""
        Path(path).write_text(self.to_yaml(), "utf-8")


_MAY_BE_EMPTY = frozenset({"inputs", "outputs", "settings"})


@dataclass
class Settings(Entity):
    """What holds for all steps of a pipeline."""

    default_compute: str | None = None
    default_datastore: str | None = None
    continue_on_step_failure: bool | None = None
    force_rerun: bool | None = None


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


def typed(cls: type[Entity], value: Any) -> Any:
    """A mapping as the class whose fields it has, so that it has attributes."""
    if isinstance(value, Mapping) and not (value.keys() - {f.name for f in fields(cls)}):
        return cls.from_spec(value)
    return value


def said(values: Mapping[str, Any]) -> Spec:
    return {key: value for key, value in values.items() if value is not None}


def expect(value: Any, cls: type[Entity]) -> None:
    """Raises Invalid when somebody hands over something else, such as a path instead of what
    `load_job` makes of it."""
    if not isinstance(value, cls):
        raise Invalid(
            f"A {cls.__name__} is needed here, this is a {type(value).__name__}.",
            hint=f"lazur.load_{cls.__name__.lower()}(path) reads one from YAML."
            if cls is not Command
            else "lazur.command(…) makes a job, lazur.load_job(path) reads one from YAML.",
        )
