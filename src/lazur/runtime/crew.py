"""The user's processes from their start to the end of the last one that came of them."""

from __future__ import annotations

import os
import time

from lazur.runtime.processes import Command, descendants, start

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Sequence
else:
    import _signal as signal

_LINGER = 2.0
"""How long processes may outlive the command that ended: a `tee`, a logger that flushes."""
_PATIENCE = 30.0
"""After this many seconds of KILL, a process that still is there hangs in the kernel: nothing more
can be done."""
_STEP = 0.05
_GLANCE = 0.2
"""Seconds between looks where the system cannot wait for a signal and the clock at once."""
_SIGNALS = (signal.SIGCHLD, signal.SIGTERM)


def hold_signals() -> None:
    """From now on SIGTERM and SIGCHLD wait until they are released, or the crew asks for them."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)


def release_signals() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


class Crew:
    """`reason` says why the tree was ended: None when the commands ended by themselves."""

    def __init__(
        self, commands: list[Command], grace: float, timeout: float | None, adopts: bool
    ) -> None:
        self.commands = commands
        self.grace = grace
        self.timeout = timeout
        self.reason: str | None = None
        self.first: tuple[int, int] | None = None
        """(rank, wait status) of the process that decides how the job ended."""
        self.warnings: list[str] = []
        self._adopts = adopts
        """Whether orphans of the job come to this process, so that none can get lost."""
        self._groups: list[int] = []
        self._ranks: dict[int, int] = {}
        self._serving = frozenset(c.rank for c in commands if c.serves)
        self._alone = False
        self._kill_at: float | None = None
        self._ended_at: float | None = None
        self._later: list[tuple[float, Callable[[], object]]] = []

    def start(self, umask: int, group: str | None) -> None:
        for command in self.commands:
            pid = start(command, umask, group)
            self._ranks[pid] = command.rank
            self._groups.append(pid)

    def wait(
        self,
        canceled: Callable[[], bool],
        later: Sequence[tuple[float, Callable[[], object]]] = (),
    ) -> None:
        """Until nothing of the job runs any more. `canceled` is asked when a SIGTERM came.
        `later`: what is done after so many seconds, the soonest first, if the commands still
        run."""
        begun = time.monotonic()
        self._later = [(begun + seconds, do) for seconds, do in later]
        deadline = None if self.timeout is None else time.monotonic() + self.timeout
        while True:
            asked = self._wait_for_signal(self._next(deadline)) == signal.SIGTERM
            self._reap()
            if self._alone and not self._ranks:
                break
            now = time.monotonic()
            if asked:
                self._end("canceled" if canceled() else "lost")
            if deadline is not None and now >= deadline and self._ranks:
                self._end("timeout")
            if not self._ranks:
                self._end_leftovers(now)
            while self._ranks and self._later and now >= self._later[0][0]:
                self._later.pop(0)[1]()
            if self._kill_at is not None and now >= self._kill_at:
                self._kill(now)
        if not self._adopts:
            self._signal_all(signal.SIGKILL)

    def _next(self, deadline: float | None) -> float:
        """Seconds until the clock, rather than a signal, is the reason to look again."""
        times = [self._kill_at, deadline if self._ranks else None]
        if self._later and self._ranks:
            times.append(self._later[0][0])
        if self._ended_at is not None and self._kill_at is None:
            times.append(self._ended_at + _LINGER)
        known = [t for t in times if t is not None]
        return max(0.0, min(known) - time.monotonic()) if known else 3600.0

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                self._alone = True
                return
            if pid == 0:
                return
            if pid in self._ranks:
                self._record(self._ranks.pop(pid), status)

    def _record(self, rank: int, status: int) -> None:
        """The first process that fails decides, and ends the others. How those end whom this
        supervisor ends says nothing about the job."""
        ended = self._kill_at is not None
        if self.first is None or (status != 0 and self.first[1] == 0 and not ended):
            self.first = (rank, status)
        if self._ranks and (status != 0 or self._serving.issuperset(self._ranks.values())):
            self._end(None)

    def _end(self, reason: str | None) -> None:
        """Ask the whole tree to end. The first reason stays, and how the command ended stays once
        it has ended."""
        if self._kill_at is not None:
            return
        if self._ranks:
            self.reason = reason
        self._kill_at = time.monotonic() + self.grace
        self._signal_all(signal.SIGTERM)
        self._signal_all(signal.SIGCONT)

    def _end_leftovers(self, now: float) -> None:
        if self._ended_at is None:
            self._ended_at = now
        elif self._kill_at is None and now >= self._ended_at + _LINGER:
            count = len(descendants(os.getpid()))
            text = "%d background process%s outlived the command and had to be ended"
            self.warnings.append(text % (count, "" if count == 1 else "es"))
            self._end(None)

    def _kill(self, now: float) -> None:
        """Again and again, since a process may fork while it is looked for."""
        if self._kill_at is not None and now > self._kill_at + _PATIENCE:
            self.warnings.append("a process of the job hangs in the kernel and could not be ended")
            self._alone = True
            self._ranks.clear()
            return
        self._signal_all(signal.SIGKILL)
        time.sleep(_STEP / 10)

    def _signal_all(self, number: int) -> None:
        found = descendants(os.getpid())
        for pid in found:
            _send(os.kill, pid, number)
        if not found and not self._adopts:
            for pid in self._groups:
                _send(os.killpg, pid, number)

    def _wait_for_signal(self, seconds: float) -> int:
        """The number of the signal that came, or 0."""
        if hasattr(signal, "sigtimedwait"):
            info = signal.sigtimedwait(_SIGNALS, seconds)
            return info.si_signo if info else 0
        # macOS
        time.sleep(min(seconds, _GLANCE))
        return signal.sigwait(_SIGNALS) if signal.SIGTERM in signal.sigpending() else 0


def _send(how: Callable[[int, int], None], pid: int, number: int) -> None:
    try:
        how(pid, number)
    except (ProcessLookupError, PermissionError):  # gone, or it became another user's
        return
