"""What a person writes in Python: plain objects that turn into the same spec as a YAML file.

They check nothing: the models in `lazur.kinds` do, once, for YAML, SDK and API alike. Names and
arguments are those of `azure.ai.ml.entities`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from lazur.sdk.attributes import Named, missing

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
    parts: ClassVar[Mapping[str, type[Entity]]] = {}
    """Fields that are objects, also where they are given as mappings; checkers of types take any
    attribute of them."""

    if not TYPE_CHECKING:  # For those who check types, the fields are all that there is.

        def __setattr__(self, name: str, value: Any) -> None:
            """What is assigned to a name that does not exist would be lost."""
            if not name.startswith("_") and name not in self.__dataclass_fields__:
                known = sorted(self.__dataclass_fields__.keys() - _OURS)
                raise missing(f"A {type(self).__name__}", name, known)
            if name in self.parts and isinstance(value, Mapping):
                value = self.parts[name].from_spec(value)
            if name == "environment":
                value = registered(value)
            super().__setattr__(name, value)

    def __str__(self) -> str:
        """Its YAML, which is what print shows."""
        return as_yaml(self.to_spec())

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

    if not TYPE_CHECKING:

        def __setattr__(self, name: str, value: Any) -> None:
            if name in ("inputs", "outputs"):
                value = _named(Input if name == "inputs" else Output, value or {})
            super().__setattr__(name, value)

    def to_yaml(self) -> str:
        """The job as its YAML file would have it."""
        return as_yaml(self.to_spec())

    def dump(self, path: Text) -> None:
        """Write `to_yaml` into a file, for `load_job` and `lazur job create`. Where that lies in
        another folder, the paths in it are absolute."""
        base, folder = Path(self.base_path or "").absolute(), Path(path).absolute().parent
        spec = self.to_spec()
        if base != folder:
            spec = import_module("lazur.sdk.rebasing").rebased(spec, base)
        Path(path).write_text(as_yaml(spec), "utf-8")


_BARE = re.compile(r"(?!azureml:|file:)[A-Za-z0-9][\w.-]*[:@][\w.-]+")


def registered(environment: Any) -> Any:
    """`sklearn-1.5@latest` and `mine:3` are names of environments in Python, as with Azure's
    client."""
    bare = isinstance(environment, str) and _BARE.fullmatch(environment)
    return f"azureml:{environment}" if bare else environment


def as_yaml(spec: Spec) -> str:
    return import_module("yaml").safe_dump(spec, sort_keys=False, allow_unicode=True)


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
class AmlCompute(Entity):
    """A cluster that grows and shrinks."""

    name: str | None = None
    description: str | None = None
    size: str | None = None
    min_instances: int | None = None
    max_instances: int | None = None
    idle_time_before_scale_down: int | None = None
    tier: str | None = None
    location: str | None = None
    tags: dict[str, str] | None = None
    type: str | None = "amlcompute"


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
        return import_module("lazur.sdk.rebasing").rebased(spec, self.base_path)


@dataclass
class Settings(Entity):
    """What holds for all steps of a pipeline."""

    default_compute: str | None = None
    default_datastore: str | None = None
    continue_on_step_failure: bool | None = None
    force_rerun: bool | None = None


@dataclass
class Pipeline(Submittable):
    """A pipeline job; a function under `@lazur.pipeline` makes it, `load_job` reads it."""

    parts: ClassVar[Mapping[str, type[Entity]]] = {"settings": Settings}

    name: str | None = None
    display_name: str | None = None
    description: str | None = None
    experiment_name: str | None = None
    tags: dict[str, str] | None = None
    properties: dict[str, str] | None = None
    compute: str | None = None
    inputs: Any = field(default_factory=dict)
    outputs: Any = field(default_factory=dict)
    jobs: dict[str, Any] = field(default_factory=dict)
    """The steps, as YAML has them."""
    settings: Any = None
    identity: Entity | Spec | None = None
    services: Spec | None = None
    type: str | None = "pipeline"

    def __post_init__(self) -> None:
        self.settings = self.settings or {}

    def to_spec(self) -> Spec:
        spec = super().to_spec()
        return {key: part for key, part in spec.items() if part or key not in _MAY_BE_EMPTY}


_MAY_BE_EMPTY = frozenset({"inputs", "outputs", "settings"})


def typed(cls: type[Entity], value: Any) -> Any:
    """A mapping as the class whose fields it has, so that it has attributes."""
    if isinstance(value, Mapping) and not (value.keys() - {f.name for f in fields(cls)}):
        return cls.from_spec(value)
    return value


def _named(cls: type[Entity], values: Mapping[str, Any]) -> Named:
    """Groups of inputs have attributes, too."""
    made = {key: typed(cls, value) for key, value in values.items()}
    return Named({k: _named(cls, v) if isinstance(v, Mapping) else v for k, v in made.items()})


def port(value: Any) -> Spec:
    """What a component says of an input or an output that a job has."""
    if isinstance(value, Entity):
        kept = ("type", "mode", "description", "optional", "default", "min", "max", "enum")
        return {"type": "uri_folder", **{k: v for k, v in value.to_spec().items() if k in kept}}
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string"}
    return {"type": kinds[type(value)], "default": value} if type(value) in kinds else {}


def said(values: Mapping[str, Any]) -> Spec:
    return {key: value for key, value in values.items() if value is not None}
