"""What a person sees of a job besides its log: where it is, what it waits for, the build of its
environment."""

from __future__ import annotations

import sys
from typing import Any, TextIO

from lazur.cli.tables import duration
from lazur.cli.terminal import Dimmed, note, paint
from lazur.engine.states import FINAL, State
from lazur.errors import LazurError

_STYLE = {State.COMPLETED: "green", State.FAILED: "red", State.CANCELED: "yellow"}
_FAINT = frozenset({"NotRun", "Skipped", "log"})


def paint_state(stream: TextIO, text: str, state: str) -> str:
    """A step's state, or the name before a line of its log."""
    style = "dim" if state in _FAINT else _STYLE.get(state)  # pyright: ignore[reportArgumentType]
    return paint(text, style, stream) if style else text


class JobWatch:
    """Given to `jobs.stream` as `on_change`, which calls it from a thread of its own. Silent with
    --only-show-errors, and sparing of words where nobody looks on."""

    def __init__(self, client: Any, *, quiet: bool) -> None:
        self._client = client
        self._live = sys.stderr.isatty() and not quiet
        self._quiet = quiet
        self._said: str | None = None
        self._build: str | None = None

    def __call__(self, job: Any) -> None:
        if not self._live:
            self._say_in_a_script(job)
            return
        if self._said is None:
            self._say(" ".join(filter(None, [job.name, job.studio_url])))
        if job.status in FINAL or job.status == State.RUNNING:
            return
        self._say(f"{job.status}: {job.waiting_for}" if job.waiting_for else job.status)
        if job.status == State.PREPARING and job.build and job.build != self._build:
            self._build = job.build
            self._show_build(job.build)

    def _say_in_a_script(self, job: Any) -> None:
        """One line for a wait that may take minutes, so that a log of CI does not end in
        silence."""
        first = self._said is None and not self._quiet
        if first and job.status == State.PREPARING and job.waiting_for:
            self._say(f"{job.name}: waits for {job.waiting_for}")

    def close(self, job: Any) -> None:
        """The last line. A failure says more, as an error."""
        took, before = duration(job.duration), (job.get("reuse") or {}).get("from")
        how = f", done before by {before}" if before else f" after {took}" if took else ""
        why = (job.get("error") or {}).get("message") if job.status == State.CANCELED else None
        said = f"{job.name}: {job.status}{how}" + (f": {why}" if why else "")
        if not self._quiet:
            note(paint(said, _STYLE.get(job.status, "cyan"), sys.stderr))

    def _show_build(self, key: str) -> None:
        """Blocks until the build is over; the job does not change before that."""
        try:
            self._client.environments.stream_build(key, out=Dimmed(sys.stderr))
        except LazurError:
            # The job fails with the same cause, and is what was asked for.
            return

    def _say(self, text: str) -> None:
        if text != self._said:
            note(text, "dim")
        self._said = text
