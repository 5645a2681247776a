"""Components of the other forms: kept and shared like any, until there are jobs that run them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from lazur.kinds.assets.component import Component
from lazur.kinds.assets.environment import AnonymousEnvironment
from lazur.spec.model import Map, Spec, TextValue, spelled
from lazur.spec.resources import Resources

_Level = Literal["DEBUG", "INFO", "WARNING"]


class ParallelTask(Spec):
    """What is done with each mini-batch."""

    type: str = "run_function"
    code: str | None = None
    """The folder that the script lies in."""
    entry_script: str | None = None
    program_arguments: str | None = None
    model: str | None = None
    append_row_to: str | None = None
    """The output that what the script returns is added to."""
    environment: str | AnonymousEnvironment | None = None


class ParallelComponent(Component):
    """A script that is given its data in mini-batches, on several processes and nodes."""

    type: Annotated[Literal["parallel"], spelled(Literal["parallel"])]
    task: ParallelTask
    input_data: str | None = None
    """The input that is cut into mini-batches: `${{inputs.x}}`."""
    mini_batch_size: TextValue | None = None
    partition_keys: list[TextValue] | None = None
    logging_level: Annotated[_Level, spelled(_Level)] | None = None
    retry_settings: Map[Any] = Field(default_factory=dict)
    max_concurrency_per_instance: int | None = None
    error_threshold: int | None = None
    mini_batch_error_threshold: int | None = None
    resources: Resources | None = None


class SparkComponent(Component):
    """A Spark application."""

    type: Annotated[Literal["spark"], spelled(Literal["spark"])]
    entry: Map[Any]
    """`file`, or `class_name`."""
    code: str | None = None
    """The folder that the entry lies in."""
    args: str | None = None
    conf: Map[Any] = Field(default_factory=dict)
    py_files: list[str] | None = None
    jars: list[str] | None = None
    files: list[str] | None = None
    archives: list[str] | None = None
    environment: str | AnonymousEnvironment | None = None
    additional_includes: list[str] | None = None


class PipelineComponent(Component):
    """A pipeline that is a step of others."""

    type: Annotated[Literal["pipeline"], spelled(Literal["pipeline"])]
    jobs: Map[Any] = Field(default_factory=dict)
    """Its steps by their names, as in a pipeline job."""
    settings: Map[Any] = Field(default_factory=dict)
