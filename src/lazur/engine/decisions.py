"""What a job kind may decide when it looks at a job. `advance` is pure; the loop carries the
decisions out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

from lazur.engine.plan import Status
from lazur.engine.states import State


@dataclass(frozen=True)
class EnvironmentView:
    state: str
    """`none` (the job needs no build), `waiting`, `building`, `ready`, `failed`, `canceled`,
    `removing`."""
    key: str | None = None
    error: dict[str, Any] | None = None


@dataclass(frozen=True)
class JobView:
    """Everything `advance` may look at."""

    name: str
    state: State
    spec: dict[str, Any]
    attempt: int
    cancel_requested: bool
    environment: EnvironmentView
    placed: bool
    """The dispatcher gave it slots."""
    submitted: bool
    """A handle is recorded."""
    status: Status | None = None
    children: list[JobView] = field(default_factory=list["JobView"])


class Decision:
    """Base of all decisions."""


@dataclass(frozen=True)
class Wait(Decision):
    """Nothing to do until something changes; `why` is shown to people."""

    state: State
    why: str


@dataclass(frozen=True)
class Start(Decision):
    """Leaf: give the plan to the backend."""


@dataclass(frozen=True)
class Retry(Decision):
    """Leaf: the last attempt never began and never will; queue the next one."""

    why: str


@dataclass(frozen=True)
class Progress(Decision):
    """Leaf: the backend says it is now in this state."""

    state: State


@dataclass(frozen=True)
class Stop(Decision):
    """Leaf: ask the backend to end the attempt."""


@dataclass(frozen=True)
class Submit(Decision):
    """Parent: create a child job."""

    name: str
    spec: dict[str, Any]


@dataclass(frozen=True)
class Cancel(Decision):
    """Parent: ask a child to end."""

    name: str


@dataclass(frozen=True)
class Finish(Decision):
    state: State
    error: dict[str, Any] | None = None


class Kind(ABC):
    """How one `type:` of job behaves. A kind holds no state and does no I/O."""

    name: str

    @abstractmethod
    def advance(self, view: JobView) -> list[Decision]:
        """What should happen now. Asked again after every change, by any process: the same view
        gives the same answer."""
