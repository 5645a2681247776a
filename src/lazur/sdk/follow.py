"""Following a log by byte offset, from its first byte to its last, however often the server
restarts meanwhile."""

from __future__ import annotations

import codecs
import re
import sys
import time
from collections.abc import Callable
from typing import Any, Protocol

from lazur.engine.states import FINAL
from lazur.errors import NotFound, Unavailable
from lazur.sdk.events import QUIET, Watcher, events, still_patient
from lazur.sdk.http import LOST
from lazur.sdk.scope import Scope
from lazur.sdk.views import Job

MAIN_LOG = "user_logs/std_log.txt"
_STREAMED = re.compile(r"user_logs/std_log\D*0*(?:_ps)?\.txt")
"""The log of the first process, whichever way the launcher names it."""


class Writes(Protocol):
    """Takes text or bytes: stdout, a file opened either way, io.StringIO, a notebook's output."""

    def write(self, chunk: Any, /) -> Any: ...

    def flush(self) -> Any: ...


Out = Writes | None
"""None: stdout."""


def follow_log(scope: Scope, name: str, out: Out, on_change: Callable[[Job], None] | None) -> Job:
    """Copy the log to `out` until the job is over; then the job as it ended."""
    job = _get(scope, name)
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


def copy_bytes(scope: Scope, path: str, out: Out, is_over: Callable[[], bool]) -> None:
    """A response that ends is no proof that the log has: a server that is stopped ends its
    responses too. So once it `is_over`, the file is asked for what came after."""
    write = _writer(out if out is not None else sys.stdout)
    offset = 0
    lost_at: float | None = None
    over = False
    while True:
        try:
            query = {"offset": offset, "follow": not over}
            with scope.http.stream("GET", path, query=query, timeout=QUIET) as stream:
                for chunk in stream.chunks():
                    lost_at = None
                    offset += len(chunk)
                    write(chunk)
            if over:
                return
            over = is_over()
        except NotFound:
            # What never ran has no log.
            if over:
                return
            over = is_over()
            lost_at = None if over else still_patient(lost_at)
        except TimeoutError:
            continue
        except (*LOST, Unavailable):
            lost_at = still_patient(lost_at)


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


def _writer(out: Writes) -> Callable[[bytes], None]:
    """Bytes go out as they are and at once, where that can be: a chunk may end inside a
    character."""
    takes_text = hasattr(out, "encoding") and not hasattr(out, "buffer")
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    target: Any = getattr(out, "buffer", out)
    out.flush()

    def write(chunk: bytes) -> None:
        target.write(decoder.decode(chunk) if takes_text else chunk)
        target.flush()

    return write
