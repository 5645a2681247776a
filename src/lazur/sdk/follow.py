"""Following a job until it is over: its log, or the states of its steps."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from lazur.engine.states import FINAL
from lazur.sdk import step_follow, trial_follow
from lazur.sdk.events import Watcher, events
from lazur.sdk.lines import Lines, Logs, Style
from lazur.sdk.logs import MAIN_LOG, Out, copy_bytes, text_writer
from lazur.sdk.scope import Scope
from lazur.sdk.views import Job

_STREAMED = re.compile(r"user_logs/std_log\D*0*(?:_ps)?\.txt")
"""The log of the first process, whichever way the launcher names it."""
_PARTS = {
    "pipeline": (step_follow.tell_steps, step_follow.sum_up),
    "sweep": (trial_follow.tell_trials, trial_follow.sum_up),
}
"""What goes on inside of a job that has none itself, and the line at its end."""


def follow_log(
    scope: Scope,
    name: str,
    out: Out,
    on_change: Callable[[Job], None] | None,
    *,
    logs: bool = False,
    style: Style | None = None,
) -> Job:
    """Copy the log to `out` until the job is over; then the job as it ended. Of a pipeline the
    states of its steps, and of a sweep those of its trials; with `logs` their logs, too."""
    job = _get(scope, name)
    if job.get("type") in _PARTS:
        lines = Lines(text_writer(out), style or (lambda text, _: text))
        return _follow_parts(scope, job, lines, Logs(scope, lines) if logs else None, on_change)
    watcher = Watcher(scope, name, on_change) if on_change else None

    def is_over() -> bool:
        nonlocal job
        job = _get(scope, name)
        return job["status"] in FINAL

    log = _first_log(scope, name) if _is_distributed(job) else MAIN_LOG
    if log is not None:
        copy_bytes(scope, scope.file("jobs", name, "files", path=log), out, is_over)
    elif not is_over():
        *_, job = events(scope, name)
    if watcher:
        watcher.join()
    return Job(job)


def _follow_parts(
    scope: Scope,
    job: dict[str, Any],
    lines: Lines,
    logs: Logs | None,
    on_change: Callable[[Job], None] | None,
) -> Job:
    """And a last line that sums up."""
    tell, sum_up = _PARTS[job["type"]]
    ended = tell(scope, job["name"], lines, logs, on_change)
    if logs is not None:
        logs.close()
    lines.say(sum_up(scope, ended))
    return ended


def _get(scope: Scope, name: str) -> dict[str, Any]:
    return scope.http.request("GET", scope.path("jobs", name)).json()


def _first_log(scope: Scope, name: str) -> str | None:
    """Waits until the log of the first process is there, or the job is over without one."""
    for job in events(scope, name):
        files = scope.http.request(
            "GET", scope.path("jobs", name, "files"), query={"prefix": "user_logs/"}
        ).json()
        found = sorted(f["path"] for f in files["value"] if _STREAMED.fullmatch(f["path"]))
        if found:
            return found[0]
        if job["status"] == "Running":
            time.sleep(0.2)
    return None


def _is_distributed(job: dict[str, Any]) -> bool:
    resources = job.get("resources") or {}
    return bool(job.get("distribution")) or (resources.get("instance_count") or 1) > 1
