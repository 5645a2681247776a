"""A pipeline: steps that are jobs of their own, and what goes from one to another."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from lazur.engine.decisions import Decision, Parent, ParentView
from lazur.kinds.jobs.common import Job
from lazur.kinds.pipelines.deciding import decide
from lazur.spec.inputs import Input
from lazur.spec.model import Map, Spec, spelled
from lazur.spec.outputs import Output


class Settings(Spec):
    """What holds for all steps. Others are kept, and have no effect."""

    default_compute: str | None = None
    """Where steps run that name no compute."""
    default_datastore: str | None = None
    """Where outputs lie that are given no path."""
    continue_on_step_failure: bool | None = None
    """Whether steps go on that do not need the one that failed; they do where it is left out."""
    force_rerun: bool | None = None
    """Run every step, also those whose outputs are known."""


class PipelineJob(Job):
    """Steps, run in the order in which they need each other."""

    type: Annotated[Literal["pipeline"], spelled(Literal["pipeline"])] = "pipeline"
    jobs: Map[Any] = Field(default_factory=dict)
    """The steps by their names: jobs, components, or `if_else`, `do_while` and `parallel_for`."""
    inputs: Map[Input] = Field(default_factory=dict)
    """By name, for `${{parent.inputs.x}}` in the steps."""
    outputs: Map[Output] = Field(default_factory=dict)
    """By name, for `${{parent.outputs.y}}` in the steps' outputs."""
    settings: Settings | None = None
    component: Any = None
    """A pipeline component to run, in place of `jobs`."""


class Pipeline(Parent):
    name = "pipeline"

    def advance(self, view: ParentView) -> list[Decision]:
        return decide(view)
