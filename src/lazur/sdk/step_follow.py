"""Following a job that has steps: each step's state as it changes and, where asked, its log."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

from lazur.engine.states import FINAL
from lazur.errors import LazurError
from lazur.sdk.events import events
from lazur.sdk.logs import MAIN_LOG, copy_bytes, text_writer
from lazur.sdk.scope import Scope
from lazur.sdk.views import Job

Style = Callable[[str, str], str]
"""Of a text and a state: what is shown."""
_LOGS_AT_ONCE = 16
_MANY = 5
_NARROW = 24
_TOLD = frozenset({"Preparing", "Running", "Skipped", "NotRun", *(str(state) for state in FINAL)})


def follow_steps(
    scope: Scope,
    name: str,
    out: Any,
    on_change: Callable[[Job], None] | None = None,
    *,
    logs: bool = False,
    style: Style | None = None,
) -> Job:
    """A line for each change of a step until the job is over, and a last one that sums up."""
    lines = _Lines(text_writer(out), style or (lambda text, _: text))
    reader = _Logs(scope, lines) if logs else None
    follower = _Follower(scope, lines, reader)
    job = follower.run(name, on_change)
    if reader is not None:
        reader.close()
    lines.say(_summary(job.get("steps") or []))
    return job


class _Lines:
    """Several threads write, each of them whole lines."""

    def __init__(self, write: Callable[[str], None], style: Style) -> None:
        self._write = write
        self._lock = threading.Lock()
        self.style = style

    def say(self, line: str) -> None:
        with self._lock:
            self._write(line + "\n")


@dataclass
class _Follower:
    """Of one pipeline; one that is a step of another has a thread of its own."""

    scope: Scope
    lines: _Lines
    logs: _Logs | None
    prefix: str = ""
    _said: dict[str, str] = field(default_factory=dict[str, str])
    _read: set[str] = field(default_factory=set[str])
    _inner: list[threading.Thread] = field(default_factory=list[threading.Thread])

    def run(self, name: str, on_change: Callable[[Job], None] | None = None) -> Job:
        view: dict[str, Any] = {}
        for view in events(self.scope, name):
            if on_change is not None:
                on_change(Job(view))
            self._tell(view.get("steps") or [])
        for thread in self._inner:
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
        for step in news:
            self._tell_one(step, min(wide, _NARROW))
        for step in steps:
            self._open(step)

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
            thread = threading.Thread(target=inner.run_quietly, args=(job,), daemon=True)
            self._inner.append(thread)
            thread.start()
        elif self.logs is not None:
            self.logs.follow(job, name)

    def run_quietly(self, name: str) -> None:
        """Whoever follows the whole sees the same trouble, and says so."""
        try:
            self.run(name)
        except LazurError:
            return


class _Logs:
    """A few threads that copy logs, line by line, each with the step's name in front."""

    def __init__(self, scope: Scope, lines: _Lines) -> None:
        self._scope = scope
        self._lines = lines
        self._wanted: SimpleQueue[tuple[str, str] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []

    def follow(self, job: str, name: str) -> None:
        self._wanted.put((job, name))
        if len(self._threads) < _LOGS_AT_ONCE:
            thread = threading.Thread(target=self._work, daemon=True)
            self._threads.append(thread)
            thread.start()

    def close(self) -> None:
        """Wait until all that was asked for is written."""
        for _ in self._threads:
            self._wanted.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while (wanted := self._wanted.get()) is not None:
            job, name = wanted
            out = _Prefixed(self._lines, name)
            try:
                path = self._scope.file("jobs", job, "files", path=MAIN_LOG)
                copy_bytes(self._scope, path, out, lambda job=job: self._is_over(job))
            except LazurError as error:
                self._lines.say(f"{name} | (its log cannot be read: {error.message})")
            out.close()

    def _is_over(self, job: str) -> bool:
        found = self._scope.http.request("GET", self._scope.path("jobs", job)).json()
        return found["status"] in FINAL


class _Prefixed:
    """A stream of bytes that says whole lines."""

    def __init__(self, lines: _Lines, name: str) -> None:
        self._lines = lines
        self._name = name
        self._rest = b""

    def write(self, chunk: bytes) -> None:
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        for line in whole:
            self._say(line)

    def flush(self) -> None:
        """Lines are out when they are whole."""

    def close(self) -> None:
        if self._rest:
            self._say(self._rest)
        self._rest = b""

    def _say(self, line: bytes) -> None:
        shown = self._lines.style(f"{self._name} |", "log")
        self._lines.say(f"{shown} {line.decode(errors='replace').rstrip()}")


def _detail(step: dict[str, Any]) -> str:
    if step.get("reused_from"):
        return f"done before, by {step['reused_from']}"
    if error := step.get("error"):
        return str(error.get("message") or "").split("\n", 1)[0]
    if step["status"] == "Preparing" and step.get("waiting_for"):
        return f"waits for {step['waiting_for']}"
    seconds = step.get("duration")
    return f"after {seconds:.1f} s" if seconds is not None else ""


def _summary(steps: list[dict[str, Any]]) -> str:
    count = Counter("done before" if s.get("reused_from") else _word(s["status"]) for s in steps)
    parts = ", ".join(f"{number} {word}" for word, number in count.items())
    return f"{len(steps)} step{'s' if len(steps) != 1 else ''}: {parts}" if steps else "No steps."


def _word(status: str) -> str:
    return {"NotRun": "not run", "NotStarted": "not begun"}.get(status, status.lower())
