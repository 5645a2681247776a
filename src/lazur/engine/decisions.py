"""What a job kind may decide when it looks at a job. `advance` is pure; the loop carries the
decisions out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
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


@dataclass(frozen=True)
class ChildView:
    """A job that a parent submitted, as far as the parent decides by it."""

    step: str
    """What the parent calls it: unique among its children."""
    name: str
    run_id: str
    state: State
    cancel_requested: bool = False
    notes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What the parent noted when it submitted it, and `results`: the values that it made."""
    started_at: float | None = None
    ended_at: float | None = None
    error: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class ParentView:
    """Everything that a parent's `advance` may look at."""

    name: str
    state: State
    frozen: Mapping[str, Any]
    """What `freeze` made of its spec when it was submitted; it never changes."""
    children: Mapping[str, ChildView]
    """By step."""
    cancel_requested: bool
    now: float
    created_at: float
    reports: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What runs of its children logged, by step, where the kind asks for it."""


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
    """Leaf: the last attempt never began and never will, or it ended in a way that another can go
    on from; queue the next one."""

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
    """Parent: create a child job. Twice is once: there is one child of each step."""

    step: str
    spec: dict[str, Any]
    """As a person might have submitted it, without a name."""
    deterministic: bool = False
    """Whether the outputs of an equal job that ran before will do, and these for a later one."""
    rerun: bool = False
    """Run it even so."""
    notes: dict[str, Any] = field(default_factory=dict[str, Any])
    """Kept with the child, and shown to `advance` with it."""
    at_once: int | None = None
    """It waits in line while so many of the parent's children run: who submits more than may run
    has the next one at hand."""


@dataclass(frozen=True)
class Cancel(Decision):
    """Parent: ask a child to end."""

    step: str
    why: str
    """A sentence, for people."""


@dataclass(frozen=True)
class Look(Decision):
    """Parent: nothing more to decide before `at`, unless a child ends or reports."""

    at: float


@dataclass(frozen=True)
class Finish(Decision):
    state: State
    error: dict[str, Any] | None = None
    outputs: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    """Parent: which of its outputs are a child's: {"model": ("train", "model")}."""
    gathered: Mapping[str, str] = field(default_factory=dict[str, str])
    """Parent: which of its outputs are what all items of a loop made: {"all": "fit.model"}."""
    results: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Parent: which of its outputs are values."""
    properties: Mapping[str, str] = field(default_factory=dict[str, str])
    """Parent: what else is kept of it, such as the best trial."""


class JobKind(ABC):
    """How one `type:` of job behaves. A kind holds no state and does no I/O."""

    name: str


class Kind(JobKind):
    """Of a leaf: something that runs."""

    @abstractmethod
    def advance(self, view: JobView) -> list[Decision]:
        """What should happen now. Asked again after every change, by any process: the same view
        gives the same answer."""


class Parent(JobKind):
    """Of a job that runs nothing itself: it decides over its children."""

    reads_reports = False
    """Whether `advance` wants to see what its children's runs log, as it is logged."""

    @abstractmethod
    def advance(self, view: ParentView) -> list[Decision]:
        """What should happen now: Submit, Cancel, Look, Finish. Asked again whenever a child has
        ended, by any process: the same view gives the same answer. An empty answer waits for the
        next child."""
