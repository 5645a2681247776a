"""The workers of one node: started, watched, ended when they take too long, and replaced."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time

from lazur.runtime.parallel import slots
from lazur.runtime.parallel.slots import Slot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lazur.runtime.parallel.paths import Paths
    from lazur.runtime.parallel.settings import Settings

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_HERE = os.path.dirname(os.path.abspath(__file__))


class Worker:
    """`place` stays with those that replace each other; `name` is of this process alone."""

    def __init__(
        self, place: int, name: str, process: subprocess.Popen[bytes], slot: Slot
    ) -> None:
        self.place = place
        self.name = name
        self.process = process
        self.slot = slot
        self.why = ""
        """Why it was ended by us."""


class Team:
    def __init__(self, settings: Settings, paths: Paths, root: str, append: bool) -> None:
        self.node = int(os.environ.get("AZUREML_CR_NODE_RANK") or 0)
        self._settings = settings
        self._paths = paths
        self._words = [root, "append" if append else ""]
        self._made = 0
        self.workers: dict[str, Worker] = {}

    def name(self, place: int) -> str:
        """For the next worker there: no other of the job has it."""
        self._made += 1
        attempt = os.path.basename(self._paths.attempt)
        return "%s-%d-%d-%d" % (attempt, self.node, place, self._made)

    def start(self, name: str, place: int, channel: socket.socket) -> None:
        """A worker that talks through `channel`."""
        slot = Slot()
        slot.put(slots.INIT, -1, time.monotonic(), 0)
        log = self._log(place)
        process = subprocess.Popen(
            [sys.executable, _HERE, *self._words, *self._settings.arguments],
            env=self._variables(name, place, channel.fileno(), slot.descriptor),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(channel.fileno(), slot.descriptor),
            start_new_session=True,
        )
        if log is not None:
            os.close(log)
        self.workers[name] = Worker(place, name, process, slot)

    def look(self) -> list[dict[str, Any]]:
        """What became of workers that have ended since the last look, after those that take too
        long were ended."""
        now = time.monotonic()
        for worker in self.workers.values():
            self._check(worker, now)
        return [
            self._ended(w) for w in list(self.workers.values()) if w.process.poll() is not None
        ]

    def end(self) -> None:
        for worker in list(self.workers.values()):
            _kill(worker.process)
            worker.process.wait()
            worker.slot.close()
        self.workers.clear()

    def log_of(self, place: int) -> str:
        return "%s/%d-%d.txt" % (self._paths.logs, self.node, place)

    def _check(self, worker: Worker, now: float) -> None:
        phase, number, since, _ = worker.slot.get()
        asked = self._settings
        limits = {
            slots.INIT: (asked.init_timeout, "init()"),
            slots.LOADING: (asked.load_timeout, "loading it"),
            slots.RUNNING: (asked.timeout, "run()"),
            slots.ENDING: (asked.init_timeout, "shutdown()"),
        }
        limit, what = limits.get(phase, (0.0, ""))
        late = limit and now - since > limit
        if late and not worker.why and worker.slot.get()[:3] == (phase, number, since):
            worker.why = "%s took longer than %g s" % (what, limit)
            _kill(worker.process)

    def _ended(self, worker: Worker) -> dict[str, Any]:
        _kill(worker.process)  # what it left behind
        phase, number, since, log = worker.slot.get()
        code = worker.process.returncode
        worker.slot.close()
        del self.workers[worker.name]
        return {
            "ended": worker.name,
            "place": worker.place,
            "phase": phase,
            "number": number,
            "seconds": time.monotonic() - since,
            "log": log,
            "code": code,
            "why": worker.why or _told(code),
        }

    def _log(self, place: int) -> int | None:
        if self._settings.masked:
            return None
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        return os.open(self.log_of(place), flags, 0o600)

    def _variables(self, name: str, place: int, channel: int, slot: int) -> dict[str, str]:
        mine = {
            "LAZUR_ROLE": "worker",
            "LAZUR_WORKER": "%s %d %d" % (name, channel, slot),
            "LAZUR_WORKER_LOG": "" if self._settings.masked else self.log_of(place),
        }
        threads = str(max(1, (os.cpu_count() or 1) // self._settings.workers))
        shared = {name: threads for name in _THREADS if name not in os.environ}
        return {**os.environ, **shared, **mine}


def _kill(process: subprocess.Popen[bytes]) -> None:
    """With all that it started in its session."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.poll()


def _told(code: int) -> str:
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        hint = "; perhaps for lack of memory" if -code == signal.SIGKILL else ""
        return "its process was ended by %s%s" % (name, hint)
    return "its process ended with code %d" % code
