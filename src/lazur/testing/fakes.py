"""A backend, a builder and an executor that do at once, and only, what a test says.

What runs is kept in an `Engine`, beside the servers: several may share one, and any of them may be
killed. Nothing here sleeps, and no clock is asked but the one that is given.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from lazur.engine.contracts import Backend, Builder, Built, Handle, HasCapacity, Watches
from lazur.engine.plan import Demand, Exit, Phase, Plan, Status
from lazur.engine.recipe import Recipe
from lazur.errors import BackendError, BuildFailed


@dataclass
class Attempt:
    plan: Plan | None
    """None: fenced before it began."""
    state: Any = "preparing"
    phases: list[Phase] = field(default_factory=list[Phase])
    exit: Exit | None = None
    log: bytes = b""
    cleaned: int = 0


class Engine:
    """All attempts, by key. Tests move them on."""

    def __init__(self, now: Callable[[], float], capacity: Demand | None = None) -> None:
        self.now = now
        self.capacity = capacity or Demand(cpus=2, memory=8 << 30)
        self.attempts: dict[str, Attempt] = {}
        self.begun: Counter[str] = Counter()
        """How often an attempt began: more than once is what must never happen."""
        self.refuse: BackendError | None = None
        """What the next submits raise."""
        self.fault: Callable[[str], None] = lambda _place: None
        """Called with `submit`, `submitted`, `poll`, `cancel`, `canceled`, `clean`, `cleaned`; may
        raise, as a process does that is killed there."""
        self._lock = threading.RLock()
        self._watchers: dict[str, Callable[[], None]] = {}

    def begin(self, plan: Plan) -> None:
        with self._lock:
            if plan.key in self.attempts:
                return
            self.begun[plan.key] += 1
            self.attempts[plan.key] = Attempt(plan, phases=[Phase("code", self.now())])

    def run(self, key: str) -> None:
        """The command begins."""
        self._enter(key, "running", "running")

    def finalize(self, key: str) -> None:
        self._enter(key, "finalizing", "finalizing")

    def end(self, key: str, exit: Exit | None = None) -> None:  # noqa: A002 - the contract's word
        attempt = self.attempts[key]
        attempt.exit = exit or Exit("ok", code=0)
        self._enter(key, "ended", "end")

    def lose(self, key: str) -> None:
        self.attempts[key].state = "lost"
        self._tell(key)

    def fence(self, key: str) -> None:
        """The attempt did not begin, and never will."""
        with self._lock:
            self.attempts.setdefault(key, Attempt(None)).state = "never"
        self._tell(key)

    def stop(self, key: str) -> None:
        with self._lock:
            attempt = self.attempts.get(key)
        if attempt is None:
            self.fence(key)
        elif attempt.exit is None and attempt.state not in ("lost", "never"):
            self.end(key, Exit("canceled"))

    def watch(self, key: str, changed: Callable[[], None]) -> None:
        self._watchers.setdefault(key, changed)
        if key not in self.going_on():
            changed()

    def going_on(self) -> list[str]:
        return [k for k, a in self.attempts.items() if a.state not in ("ended", "lost", "never")]

    def _enter(self, key: str, state: str, phase: str) -> None:
        attempt = self.attempts[key]
        now = self.now()
        if attempt.phases:
            last = attempt.phases[-1]
            attempt.phases[-1] = Phase(last.name, last.start, now)
        attempt.state = state
        if phase != "end":
            attempt.phases.append(Phase(phase, now))
        self._tell(key)

    def _tell(self, key: str) -> None:
        if changed := self._watchers.get(key):
            changed()


class FakeBackend(Backend, HasCapacity, Watches):
    def __init__(self, engine: Engine, settings: dict[str, Any] | None = None) -> None:
        super().__init__(settings or {})
        self.engine = engine

    def submit(self, plan: Plan) -> Handle:
        self.engine.fault("submit")
        if self.engine.refuse:
            raise self.engine.refuse
        self.engine.begin(plan)
        self.engine.fault("submitted")
        return {"key": plan.key}

    def poll(self, handle: Handle) -> Status:
        self.engine.fault("poll")
        attempt = self.engine.attempts.get(handle["key"])
        if attempt is None:
            return Status("lost")
        return Status(attempt.state, list(attempt.phases), attempt.exit)

    def cancel(self, handle: Handle) -> None:
        self.engine.fault("cancel")
        self.engine.stop(handle["key"])
        self.engine.fault("canceled")

    def fence(self, plan: Plan) -> Handle:
        if plan.key not in self.engine.attempts:
            self.engine.fence(plan.key)
        return {"key": plan.key}

    def logs(self, handle: Handle, offset: int, limit: int = 1 << 20) -> bytes:
        attempt = self.engine.attempts.get(handle["key"])
        return attempt.log[offset : offset + limit] if attempt else b""

    def clean(self, handle: Handle) -> None:
        self.engine.fault("clean")
        self.engine.attempts[handle["key"]].cleaned += 1
        self.engine.fault("cleaned")

    def watch(self, handle: Handle, changed: Callable[[], None]) -> None:
        self.engine.watch(handle["key"], changed)

    def capacity(self) -> Demand:
        return self.engine.capacity


class FakeBuilder(Builder):
    """A requirement `broken` fails; `odd` makes it warn; `slow` goes on until `release` is set or
    it is canceled."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.made: dict[str, Built] = {}
        self.builds: Counter[str] = Counter()
        self.release = threading.Event()
        self.begun = threading.Event()

    def key(self, recipe: Recipe) -> str:
        text = json.dumps(recipe.identity(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def find(self, key: str) -> Built | None:
        return self.made.get(key)

    def build(self, recipe: Recipe, log: BinaryIO, cancelled: Callable[[], bool]) -> Built:
        key = self.key(recipe)
        log.write(b"Python and packages\n")
        self.begun.set()
        while "slow" in recipe.requirements and not self.release.wait(0.01):
            if cancelled():
                raise BuildFailed("The build was canceled.", canceled=True)
        if "broken" in recipe.requirements:
            raise BuildFailed("broken cannot be installed.", hint="Take another.")
        if key not in self.made:
            self.builds[key] += 1
            warnings = ["It is odd."] if "odd" in recipe.requirements else []
            self.made[key] = Built(f"{self.root}/{key}", "3.11.7", 1000, "lock", warnings)
        return self.made[key]

    def remove(self, key: str) -> int:
        built = self.made.pop(key, None)
        return built.size if built else 0


class Inline(Executor):
    """Does what it is given before it returns, so that a test is one thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(fn(*args, **kwargs))
        return done
