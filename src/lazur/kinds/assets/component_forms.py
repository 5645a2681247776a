"""Components of the other forms: kept and shared like any, until there are jobs that run them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from lazur.kinds.assets.component import Component
from lazur.kinds.assets.environment import AnonymousEnvironment
from lazur.spec.model import Map, spelled


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
