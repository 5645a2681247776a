"""`load_job` and its kin: YAML files become the objects that Python code works with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, TypeVar

from lazur.sdk.commands import Command
from lazur.sdk.entities import Component, Data, Entity, Environment, Model, Pipeline
from lazur.sdk.parallel import ParallelJob
from lazur.sdk.source import read
from lazur.sdk.sweeps import SweepJob

Source = str | os.PathLike[str] | IO[str]
Overrides = list[Mapping[str, Any]] | None
E_ = TypeVar("E_", bound=Entity)


def load_job(
    source: Source,
    *,
    params_override: Overrides = None,
    relative_origin: str | os.PathLike[str] | None = None,
) -> Command | ParallelJob | Pipeline | SweepJob:
    """A job from its YAML, of the class of its type. `params_override` changes it first:
    `[{"inputs.lr": 0.1}]`. Paths in it are relative to the file, or to `relative_origin`."""
    found = read(source, params_override or (), relative_origin)
    kind = str(found.spec.get("type") or "").lower()
    if kind == "pipeline" or (not kind and "jobs" in found.spec):
        return Pipeline.from_spec(found.spec, base_path=found.folder)
    if kind == "parallel":
        return ParallelJob.from_spec(found.spec, base_path=found.folder)
    is_sweep = kind == "sweep" or (not kind and "trial" in found.spec)
    cls = SweepJob if is_sweep else Command
    return cls.from_spec(found.spec, base_path=found.folder)


def load_environment(
    source: Source,
    *,
    params_override: Overrides = None,
    relative_origin: str | os.PathLike[str] | None = None,
) -> Environment:
    return _load(Environment, source, params_override, relative_origin)


def load_data(
    source: Source,
    *,
    params_override: Overrides = None,
    relative_origin: str | os.PathLike[str] | None = None,
) -> Data:
    return _load(Data, source, params_override, relative_origin)


def load_model(
    source: Source,
    *,
    params_override: Overrides = None,
    relative_origin: str | os.PathLike[str] | None = None,
) -> Model:
    return _load(Model, source, params_override, relative_origin)


def load_component(
    source: Source,
    *,
    params_override: Overrides = None,
    relative_origin: str | os.PathLike[str] | None = None,
) -> Component:
    """A component from its YAML. Called within a pipeline's function it gives a step."""
    made = _load(Component, source, params_override, relative_origin)
    if isinstance(source, str | os.PathLike) and not params_override:
        made.source_path = Path(source).absolute()
        made.as_loaded = made.to_spec()
    return made


def _load(
    cls: type[E_], source: Source, overrides: Overrides, origin: str | os.PathLike[str] | None
) -> E_:
    found = read(source, overrides or (), origin)
    return cls.from_spec(found.spec, base_path=found.folder)
