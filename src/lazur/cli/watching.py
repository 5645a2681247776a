"""What a person sees of a job besides its log: where it is, what it waits for, the build of its environment."""

from __future__ import annotations

import sys
from typing import Any, Self

from lazur.cli.tables import duration
from lazur.cli.terminal import note, paint
from lazur.engine.states import FINAL, State

_STYLE = {State.COMPLETED: "green", State.FAILED: "red", State.CANCELED: "yellow"}


class JobWatch:
    """Given to `jobs.stream` as `on_change`; it is called from another thread. Silent with --only-show-errors."""

    def __init__(self, client: Any, *, quiet: bool) -> None:
        self._client = client
        self._quiet = quiet
        self._said: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def __call__(self, job: Any) -> None:
        if self._said is None and job.studio_url:
            self._say(f"{job.name}  {job.studio_url}")
        if job.status in FINAL or job.status == State.RUNNING:
            return
        waiting = f": waits for {job.waiting_for}" if job.waiting_for else ""
        self._say(f"{job.status}{waiting}")

    def close(self, job: Any) -> None:
        """The last line. A failure says more, as an error."""
        took = duration(job.duration)
        said = f"{job.name}: {job.status}{f' after {took}' if took else ''}"
        if not self._quiet:
            note(paint(said, _STYLE.get(job.status, "cyan"), sys.stderr))

    def _say(self, text: str) -> None:
        if not self._quiet and text != self._said and sys.stderr.isatty():
            note(text, "dim")
        self._said = text
