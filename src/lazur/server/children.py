"""Web apps of others, each as a child process of ours.

A child is started by the first request that needs it, however many wait for it; started again when
it dies; stopped when nobody needed it for long; and gone when we are, even by `kill -9`: it holds
the other end of a pipe of ours (leash.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lazur.errors import LazurError, Unavailable, Unsupported
from lazur.server.logs import Lines, RotatedFile

START_SECONDS = 90.0
"""After which a child that does not answer is given up."""
STEADY_SECONDS = 30.0
"""A child that lived so long died by accident: it is started again at once."""
PAUSES = (0.0, 0.5, 2.0, 5.0, 15.0, 30.0)
"""Seconds before the next start, by how many children died young in a row."""
PATIENCE = 6.0
"""A request waits so long for such a pause to end; before a longer one it is refused."""
HOPELESS = 3
"""So many starts in a row that came to nothing are no accident. Clients that ask again on 503, as
MLflow's do for minutes, would never tell anybody why: they get a refusal instead."""
_POLL = 0.05
_LEAST_IDLE = 0.1
_STOP_SECONDS = 3.0
_LAST_WORDS = 1.0
_LONGEST_LINE = 1 << 16
_LONGEST_SOCKET = 100
"""Bytes of a Unix socket's path, on every system that we run on."""
_PASSED = re.compile(
    r"(?:PATH|HOME|USER|LANG|LC_\w+|TZ|TMPDIR|PYTHON\w*|LD_LIBRARY_PATH|SSL_CERT_\w+"
    r"|REQUESTS_CA_BUNDLE|(?i:https?_proxy|no_proxy|all_proxy))\Z"
)
"""Of our own environment a child sees this much."""
_SETTLED = {"PYTHONUNBUFFERED": "1", "PYTHONSAFEPATH": "1", "MALLOC_ARENA_MAX": "2"}
"""It imports nothing from the folder that it stands in, the home, where others' files lie."""

log = logging.getLogger("lazur.server")


@dataclass(frozen=True)
class Recipe:
    """`settings` go through the pipe, so they may be secret; `environ` may not."""

    name: str
    module: str
    settings: Callable[[], Mapping[str, Any]]
    environ: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(eq=False)
class Running:
    """One life of a child."""

    process: subprocess.Popen[bytes]
    socket: Path
    born: float
    writer: threading.Thread
    over: asyncio.Event = field(default_factory=asyncio.Event)


Busy = Callable[[Running], Awaitable[bool]]
"""Asked before a child is stopped for being idle: whether it still has something to do."""


class Diary:
    """What children of one kind say, in one file: readable lines, rotated, credentials masked."""

    def __init__(self, home: Path, name: str) -> None:
        self._path = home / "logs" / f"{name}.log"
        self._log = logging.Logger(f"child.{name}", "INFO")  # noqa: LOG001 - of this home alone
        self._lock = threading.Lock()

    def write(self, line: str) -> None:
        with self._lock:
            if not self._log.handlers:
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                handler = RotatedFile(self._path)
                handler.setFormatter(Lines())
                self._log.addHandler(handler)
            self._log.info("%s", line)

    def close(self) -> None:
        """What is written after that opens it again."""
        with self._lock:
            for handler in list(self._log.handlers):
                self._log.removeHandler(handler)
                handler.close()


class Child:
    """Belongs to one event loop. `diary`: shared with others of its kind. `revive`: start it again
    when it died by accident though nobody asks for it."""

    def __init__(
        self,
        recipe: Recipe,
        home: Path,
        idle_seconds: float,
        *,
        busy: Busy | None = None,
        pauses: tuple[float, ...] = PAUSES,
        diary: Diary | None = None,
        revive: bool = True,
    ) -> None:
        self.recipe = recipe
        self.idle_seconds = max(idle_seconds, _LEAST_IDLE)
        self._home = home
        self._busy = busy
        self._pauses = pauses
        self._starting: asyncio.Task[Running] | None = None
        self._running: Running | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._diary = diary or Diary(home, recipe.name)
        self._shares_diary = diary is not None
        self._revive = revive
        self._users = 0
        self._used = 0.0
        self._young_deaths = 0
        self._failed_starts = 0
        self._next_start = 0.0

    @property
    def running(self) -> Running | None:
        return self._running

    @property
    def idle(self) -> float:
        """Seconds since it was last used; 0 while it is."""
        return 0.0 if self._users else time.monotonic() - self._used

    @property
    def is_off(self) -> bool:
        """It neither runs nor is waited for."""
        return self._users == 0 and self._running is None

    @contextlib.asynccontextmanager
    async def use(self) -> AsyncGenerator[Running]:
        """The child, ready; it is not stopped for being idle meanwhile. Raises Unavailable, or
        Unsupported where it does not start at all."""
        self._users += 1
        try:
            yield await self._ready()
        finally:
            self._users -= 1
            self._used = time.monotonic()

    async def stop(self) -> None:
        """Twice is once. It may be started again."""
        if self._starting:
            self._starting.cancel()
            await asyncio.wait([self._starting])
        if running := self._running:
            self._running = None
            await _end(running)
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(list(self._tasks))
        if not self._shares_diary:
            self._diary.close()

    async def _ready(self) -> Running:
        if self._running:
            return self._running
        if self._starting is None:
            self._refuse_while_pausing()
            self._starting = asyncio.create_task(self._start())
            self._starting.add_done_callback(self._started)
        try:
            return await asyncio.shield(self._starting)
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) and task.cancelling():
                raise
            raise Unavailable(f"{self.recipe.name} was stopped while it started.") from None

    def _refuse_while_pausing(self) -> None:
        if (wait := self._next_start - time.monotonic()) > PATIENCE:
            raise self._kind_of_failure()(
                f"{self.recipe.name} ended several times right after its start.",
                hint=f"It is tried again in {wait:.0f} s; logs/{self.recipe.name}.log under the "
                "server's home says why it ended.",
                retry_after=wait,
            )

    def _started(self, task: asyncio.Task[Running]) -> None:
        self._starting = None
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("%s did not start: %s", self.recipe.name, error)

    async def _start(self) -> Running:
        await asyncio.sleep(max(0.0, self._next_start - time.monotonic()))
        running = self._spawn()
        try:
            await self._answering(running)
        except BaseException:
            await _end(running)
            raise
        self._running = running
        self._failed_starts = 0
        self._used = time.monotonic()
        self._keep(self._mourn(running))
        self._keep(self._rest(running))
        seconds = time.monotonic() - running.born
        log.info("%s is ready, pid %d, %.1f s", self.recipe.name, running.process.pid, seconds)
        return running

    def _spawn(self) -> Running:
        """Threads wait for it and write down what it says: neither waits for whoever it left
        behind with its pipes."""
        path = self._socket()
        process = subprocess.Popen(
            [sys.executable, "-m", self.recipe.module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=self._home,
            env=_environment(self.recipe.environ),
        )
        settings = {"socket": str(path), **self.recipe.settings()}
        _tell(process, json.dumps(settings).encode() + b"\n")
        writer = threading.Thread(target=self._write_down, args=(process,), daemon=True)
        running = Running(process, path, time.monotonic(), writer)
        loop = asyncio.get_running_loop()
        threading.Thread(target=_wait, args=(running, loop), daemon=True).start()
        writer.start()
        return running

    async def _answering(self, running: Running) -> None:
        """Its socket listens, which it does when it can answer."""
        while time.monotonic() - running.born < START_SECONDS:
            if running.over.is_set():
                how = _how(running.process.returncode)
                raise self._failed(f"ended while it started ({how})")
            if _listens(running.socket):
                return
            await _pause(running, _POLL)
        raise self._failed(f"did not answer within {START_SECONDS:.0f} s of its start")

    def _failed(self, what: str) -> LazurError:
        self._postpone()
        self._failed_starts += 1
        return self._kind_of_failure()(
            f"{self.recipe.name} {what}.",
            hint=f"See logs/{self.recipe.name}.log under the server's home.",
        )

    def _kind_of_failure(self) -> type[LazurError]:
        return Unsupported if self._failed_starts >= HOPELESS else Unavailable

    def _postpone(self) -> None:
        self._young_deaths = min(self._young_deaths + 1, len(self._pauses) - 1)
        self._next_start = time.monotonic() + self._pauses[self._young_deaths]

    async def _mourn(self, running: Running) -> None:
        """Start it again where it died by accident; a new request does so in any case."""
        await running.over.wait()
        if self._running is not running:
            return
        self._running = None
        await _end(running)
        log.warning("%s died: %s", self.recipe.name, _how(running.process.returncode))
        if time.monotonic() - running.born < STEADY_SECONDS:
            self._postpone()
            return
        self._young_deaths = 0
        if self._revive or self._users:
            with contextlib.suppress(Unavailable, Unsupported):
                await self._ready()

    async def _rest(self, running: Running) -> None:
        """Stop it once it was idle for long."""
        while self._running is running:
            if (idle := self.idle) < self.idle_seconds:
                await _pause(running, self.idle_seconds - idle)
            elif await self._is_busy(running):
                await _pause(running, self.idle_seconds)
            elif self._users == 0 and self._running is running:
                self._running = None
                log.info("%s was idle for %.0f s and is stopped", self.recipe.name, idle)
                await _end(running)

    async def _is_busy(self, running: Running) -> bool:
        if self._busy is None or running.over.is_set():
            return False
        try:
            return await self._busy(running)
        except Exception:
            log.exception("%s could not be asked whether it is busy", self.recipe.name)
            return False

    def _write_down(self, process: subprocess.Popen[bytes]) -> None:
        said = process.stdout
        assert said is not None
        with said:
            while line := said.readline(_LONGEST_LINE):
                self._diary.write(line.decode("utf-8", "replace").rstrip())

    def _socket(self) -> Path:
        folder = self._home / "run"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sweep(folder, self.recipe.name)
        path = folder / f"{self.recipe.name}-{os.getpid()}-{os.urandom(3).hex()}.sock"
        if len(os.fsencode(path)) > _LONGEST_SOCKET:
            path = Path(tempfile.mkdtemp(prefix="lazur-")) / path.name
        return path

    def _keep(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _tell(process: subprocess.Popen[bytes], settings: bytes) -> None:
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):  # it died at once; its log says why
        process.stdin.write(settings)
        process.stdin.flush()


def _wait(running: Running, loop: asyncio.AbstractEventLoop) -> None:
    running.process.wait()
    with contextlib.suppress(RuntimeError):  # the loop is closed
        loop.call_soon_threadsafe(running.over.set)


async def _end(running: Running) -> None:
    """Closing the pipe is asking; what does not follow is killed, with all that it started."""
    if running.process.stdin is not None:
        with contextlib.suppress(OSError):
            running.process.stdin.close()
    await _pause(running, _STOP_SECONDS)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(running.process.pid, signal.SIGKILL)
    await running.over.wait()
    await asyncio.to_thread(running.writer.join, _LAST_WORDS)
    running.socket.unlink(missing_ok=True)
    if running.socket.parent.name.startswith("lazur-"):
        with contextlib.suppress(OSError):
            running.socket.parent.rmdir()


async def _pause(running: Running, seconds: float) -> None:
    """Until it is over, at the longest."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(running.over.wait(), seconds)


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if _PASSED.match(name)}
    return {**own, **_SETTLED, **more}


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except BlockingIOError:
            return True
        except OSError:
            return False
        return True


def _sweep(folder: Path, name: str) -> None:
    """Sockets of servers that were killed."""
    for left in folder.glob(f"{name}-*.sock"):
        pid = left.name.removeprefix(f"{name}-").split("-")[0]
        if pid.isdigit() and int(pid) != os.getpid() and not _lives(int(pid)):
            left.unlink(missing_ok=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _how(code: int | None) -> str:
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"
