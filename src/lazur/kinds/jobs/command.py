"""A command job: what a person writes, and how it goes from submitted to done."""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

from pydantic import BeforeValidator, Field

from lazur.engine.decisions import (
    Decision,
    Finish,
    JobView,
    Kind,
    Progress,
    Retry,
    Start,
    Stop,
    Wait,
)
from lazur.engine.plan import Exit, Status
from lazur.engine.states import FINAL, State
from lazur.kinds.assets.environment import AnonymousEnvironment
from lazur.kinds.jobs.common import Job
from lazur.spec.inputs import Input, LiteralValue
from lazur.spec.model import Map, spelled
from lazur.spec.outputs import Output
from lazur.spec.resources import Asked, Resources, asked
from lazur.spec.settings import Distribution, Limits, QueueSettings


def _folder(value: object) -> object:
    """Files from the first months of Azure ML v2 wrap it."""
    wrapped = cast("dict[str, object]", value) if isinstance(value, dict) else {}
    if "local_path" in wrapped:
        written = f"code: {wrapped['local_path']}"
        raise ValueError(f"an early form that Azure gave up; write the folder: `{written}`")
    return cast("object", value)


class CommandJob(Job):
    """One command, run once."""

    type: Annotated[Literal["command"], spelled(Literal["command"])] = "command"
    command: Annotated[str, Field(min_length=1)]
    """Run by bash, with `${{inputs.x}}` and `${{outputs.y}}` in it. `$[[ … ]]` is left out when
    its inputs are not given."""
    code: Annotated[str, BeforeValidator(_folder)] | None = None
    """The folder that the command runs in: a local path, a git address or a registered asset."""
    environment: str | AnonymousEnvironment
    """`azureml:<name>:<version>`, `azureml:<name>@<label>`, a registry's, or one written in
    place."""
    environment_variables: Map[LiteralValue | None] = Field(default_factory=dict)
    inputs: Map[Input] = Field(default_factory=dict)
    """By name: a literal, or a mapping with `path`, `type` and `mode`."""
    outputs: Map[Output] = Field(default_factory=dict)
    """By name; an empty body is a folder."""
    resources: Resources | None = None
    distribution: Distribution | None = None
    limits: Limits | None = None
    queue_settings: QueueSettings | None = None
    parent_job_name: str | None = None


def demand(job: CommandJob) -> Asked:
    """What each node of the job asks for; None where nothing was said."""
    return asked(job.resources.properties) if job.resources else Asked()


class Command(Kind):
    name = "command"

    def advance(self, view: JobView) -> list[Decision]:
        if view.state in FINAL:
            return []
        return _attempt(view) if view.submitted else _waiting(view)


def _waiting(view: JobView) -> list[Decision]:
    """Nothing of this attempt is known to run. Once it is placed, somebody may have started it
    and died before saying so: then the backend has to be asked."""
    environment = view.environment
    if view.cancel_requested:
        return [Stop()] if view.placed else [Finish(State.CANCELED)]
    if environment.state in {"failed", "canceled"}:
        return [Finish(State.FAILED, environment.error or _NOT_BUILT)]
    if environment.state in {"waiting", "building"}:
        verb = "is being built" if environment.state == "building" else "waits to be built"
        return [Wait(State.PREPARING, f"its environment, which {verb}")]
    if view.placed:
        return [Start()]
    return [Wait(State.QUEUED, "free slots of its compute")]


_NOT_BUILT = {
    "code": "BuildFailed",
    "message": "The build of the environment was canceled.",
    "hint": "Submit the job again to build it anew.",
}
_PROGRESS = {
    "preparing": State.STARTING,
    "running": State.RUNNING,
    "finalizing": State.FINALIZING,
}


def _attempt(view: JobView) -> list[Decision]:
    status = view.status
    if status is not None and status.state in {"ended", "lost", "never"}:
        return [_ending(view, status)]
    if view.cancel_requested:
        return [Stop()]
    if status is None or status.state not in _PROGRESS:
        return [Progress(State.STARTING)] if view.state is not State.STARTING else []
    return [Progress(_PROGRESS[status.state])]


def _ending(view: JobView, status: Status) -> Decision:
    if status.state == "never":
        return (
            Finish(State.CANCELED)
            if view.cancel_requested
            else Retry("the last attempt never began")
        )
    if status.state == "lost" or status.exit is None:
        return _finished(view, Exit("lost"))
    return _finished(view, status.exit)


def _finished(view: JobView, end: Exit) -> Decision:
    """Asked to end, a command may die of the signal or leave with a code of its own: both mean
    cancelled."""
    if end.reason == "ok":
        return Finish(State.COMPLETED)
    if end.reason == "canceled" or (view.cancel_requested and end.reason in {"signal", "exit"}):
        return Finish(State.CANCELED)
    return Finish(State.FAILED, _error(end))


def _error(end: Exit) -> dict[str, Any]:
    said = {"reason": end.reason, "code": end.code, "signal": end.signal, "message": end.message}
    return {k: v for k, v in said.items() if v is not None}
