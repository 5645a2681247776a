"""Following a job that has steps: each step's state as it changes and, where asked, its log."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from lazur.engine.states import FINAL
from lazur.errors import LazurError
from lazur.sdk.durations import duration
from lazur.sdk.events import events
from lazur.sdk.lines import Lines, Logs
from lazur.sdk.queue_follow import QueueWatch
from lazur.sdk.scope import Scope
from lazur.sdk.trial_follow import tell_trials
from lazur.sdk.views import Job

_MANY = 5
_NARROW = 24
_TOLD = frozenset({"Preparing", "Running", "Skipped", "NotRun", *(str(state) for state in FINAL)})


def tell_steps(
    scope: Scope,
    name: str,
    lines: Lines,
    logs: Logs | None,
    on_change: Callable[[Job], None] | None = None,
) -> Job:
    """A line for each change of a step until the job is over."""
    return _Follower(scope, lines, logs).run(name, on_change)


def sum_up(_scope: Scope, job: Job) -> str:
    return _summary(job.get("steps") or [])


@dataclass
class _Follower:
    """Of one pipeline; one that is a step of another has a thread of its own."""

    scope: Scope
    lines: Lines
    logs: Logs | None
    prefix: str = ""
    _said: dict[str, str] = field(default_factory=dict[str, str])
    _read: set[str] = field(default_factory=set[str])
    _inner: dict[str, threading.Thread] = field(default_factory=dict[str, threading.Thread])

    def run(self, name: str, on_change: Callable[[Job], None] | None = None) -> Job:
        view: dict[str, Any] = {}
        queue = QueueWatch(self.scope, self.lines, self.prefix)
        try:
            for view in events(self.scope, name):
                if on_change is not None:
                    on_change(Job(view))
                self._tell(view.get("steps") or [])
                queue.look(view.get("steps") or [])
        finally:
            queue.close()
        for thread in self._inner.values():
            thread.join()
        return Job(view)

    def _tell(self, steps: list[dict[str, Any]]) -> None:
        news = [s for s in steps if s["status"] in _TOLD and self._is_news(s)]
        linked = [step for step in news if step.get("reused_from")]
        if len(linked) > _MANY:
            news = [step for step in news if not step.get("reused_from")]
            names = ", ".join(self.prefix + step["name"] for step in linked[:_MANY])
            self.lines.say(f"{len(linked)} steps were done before: {names}, …")
        wide = max((len(step["name"]) for step in steps), default=0) + len(self.prefix)
        told = {step["name"] for step in news}
        for step in steps:
            self._follow(step, min(wide, _NARROW) if step["name"] in told else None)

    def _follow(self, step: dict[str, Any], width: int | None) -> None:
        """Tell it where there is a width for it, and what goes on inside of it before its end."""
        over = step["status"] in FINAL
        if width is not None and not over:
            self._tell_one(step, width)
        self._open(step)
        if width is not None and over:
            if (inner := self._inner.get(step["job"])) is not None:
                inner.join()
            self._tell_one(step, width)

    def _is_news(self, step: dict[str, Any]) -> bool:
        before = self._said.get(step["name"])
        self._said[step["name"]] = step["status"]
        return before != step["status"]

    def _tell_one(self, step: dict[str, Any], width: int) -> None:
        state = step["status"]
        said = self.lines.style(f"{state:<9}", state)
        line = f"{self.prefix + step['name']:<{width}}  {said}  {_detail(step)}"
        self.lines.say(line.rstrip())
        tail = (step.get("error") or {}).get("log_tail")
        if tail and self.logs is None:
            for text in str(tail).splitlines():
                self.lines.say(f"{'':<{width}}  | {text}")

    def _open(self, step: dict[str, Any]) -> None:
        """Follow what goes on inside of it, once."""
        job, begun = step.get("job"), step.get("started_at") is not None
        if not job or not begun or step.get("reused_from") or job in self._read:
            return
        self._read.add(job)
        name = self.prefix + step["name"]
        if step["type"] == "pipeline":
            inner = _Follower(self.scope, self.lines, self.logs, f"{name}.")
            self._beside(job, partial(inner.run, job))
        elif step["type"] == "sweep":
            told = (self.scope, job, self.lines, self.logs)
            self._beside(job, partial(tell_trials, *told, prefix=f"{name} "))
        elif self.logs is not None:
            self.logs.follow(job, name)

    def _beside(self, job: str, follow: Callable[[], Any]) -> None:
        """In a thread. Whoever follows the whole sees the same trouble, and says so."""

        def run() -> None:
            with suppress(LazurError, BrokenPipeError):
                follow()

        self._inner[job] = threading.Thread(target=run, daemon=True)
        self._inner[job].start()


def _detail(step: dict[str, Any]) -> str:
    if step.get("reused_from"):
        return f"done before, by {step['reused_from']}"
    if error := step.get("error"):
        return str(error.get("message") or "").split("\n", 1)[0]
    if step["status"] == "Preparing" and step.get("waiting_for"):
        return f"waits for {step['waiting_for']}"
    seconds = step.get("duration")
    return f"after {duration(seconds)}" if seconds is not None else ""


def _summary(steps: list[dict[str, Any]]) -> str:
    count = Counter("done before" if s.get("reused_from") else _word(s["status"]) for s in steps)
    parts = ", ".join(f"{number} {word}" for word, number in count.items())
    return f"{len(steps)} step{'s' if len(steps) != 1 else ''}: {parts}" if steps else "No steps."


def _word(status: str) -> str:
    return {"NotRun": "not run", "NotStarted": "not begun"}.get(status, status.lower())
