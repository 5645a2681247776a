"""The process that looks into data: started for one question, watched, and killed when it takes
too much. Whatever happens to it happens to nobody else."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from lazur import shell
from lazur.errors import BackendError, Invalid, LazurError, Unavailable

LARGEST = 16 << 20
"""Bytes of an answer."""
_LOOK_EVERY = 0.2
_WEIGH_EVERY = 1.0
_TAIL = 4 << 10

Told = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Limits:
    memory: int
    cpu: int
    seconds: int
    disk: int


PREVIEW = Limits(memory=1 << 30, cpu=60, seconds=60, disk=64 << 20)
PROFILE = Limits(memory=1536 << 20, cpu=3600, seconds=3600, disk=8 << 30)
LONGEST_LINE = 64 << 20


def look(
    asked: dict[str, Any],
    limits: Limits,
    scratch: Path,
    told: Told,
    stopping: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """The answer. Raises Invalid with what is wrong with the data, Unavailable when the server
    stops meanwhile. `asked` has `verb`, `rows`, `type`, `path`, `called` and `datastores`."""
    request = {
        **asked,
        "scratch": str(scratch),
        "limits": asdict(limits),
        "longest_line": LONGEST_LINE,
    }
    child = _Child(request, scratch)
    try:
        return child.answer(limits, told, stopping)
    finally:
        child.end()


class _Child:
    def __init__(self, request: dict[str, Any], scratch: Path) -> None:
        self._called = str(request["called"])
        self._scratch = scratch
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-m", "lazur.profiling"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=scratch,
            env=_environment(scratch),
            start_new_session=True,
        )
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError), self._process.stdin as pipe:
            pipe.write(json.dumps(request).encode() + b"\n")
        self._lines = b""
        self._size = 0
        self._said = b""

    def answer(self, limits: Limits, told: Told, stopping: Callable[[], bool]) -> dict[str, Any]:
        end, weighed = time.monotonic() + limits.seconds + 5, time.monotonic()
        with selectors.DefaultSelector() as selector:
            for pipe in (self._process.stdout, self._process.stderr):
                assert pipe
                selector.register(pipe, selectors.EVENT_READ)
            while selector.get_map():
                for key, _ in selector.select(_LOOK_EVERY):
                    found = self._read(key.fd, told, out=key.fileobj is self._process.stdout)
                    if found is None:
                        selector.unregister(key.fileobj)
                    elif found:
                        return self._taken(found)
                if stopping():
                    raise Unavailable("The server stops.", hint="Ask again when it is back.")
                if time.monotonic() > end:
                    raise self._too("longer than", f"{limits.seconds} seconds")
                if time.monotonic() - weighed > _WEIGH_EVERY:
                    weighed = time.monotonic()
                    self._weigh(limits)
        raise self._death(limits)

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe:
                pipe.close()

    def _read(self, fd: int, told: Told, *, out: bool) -> dict[str, Any] | None:
        """The last line, nothing yet ({}), or None at the end."""
        data = os.read(fd, 1 << 16)
        if not data:
            return None
        if not out:
            self._said = (self._said + data)[-_TAIL:]
            return {}
        self._size += len(data)
        if self._size > LARGEST:
            raise self._too("an answer of more than", f"{LARGEST >> 20} MB")
        *lines, self._lines = (self._lines + data).split(b"\n")
        for line in lines:
            found = _decoded(line)
            if "progress" not in found:
                return found
            self._size -= len(line)
            told(found["progress"])
        return {}

    def _taken(self, found: dict[str, Any]) -> dict[str, Any]:
        if isinstance(found.get("result"), dict):
            return dict(found["result"])
        error = found.get("error")
        said = cast("dict[str, Any]", error) if isinstance(error, dict) else {}
        raise Invalid(
            f"{self._called} cannot be looked at: {said.get('message') or 'no reason was given'}",
            hint=said.get("hint") or None,
        )

    def _weigh(self, limits: Limits) -> None:
        if _resident(self._process.pid) > limits.memory * 1.2:
            raise self._too("more memory than", f"{limits.memory >> 20} MB")
        used = sum(path.lstat().st_size for path in self._scratch.iterdir())
        if used > limits.disk * 1.2:
            raise self._too("more of the disk than", f"{limits.disk >> 20} MB")

    def _death(self, limits: Limits) -> LazurError:
        code = self._process.wait()
        if -code == signal.SIGXCPU:
            return self._too("more of the processor than", f"{limits.cpu} seconds")
        if -code == signal.SIGALRM:
            return self._too("longer than", f"{limits.seconds} seconds")
        if -code == signal.SIGXFSZ:
            return self._too("more of the disk than", f"{limits.disk >> 20} MB")
        if -code == signal.SIGKILL:
            return self._too("more memory than", "this machine has free")
        if code < 0:
            return Invalid(
                f"{self._called} cannot be looked at: its reader crashed on it"
                f" ({signal.Signals(-code).name}). The data is damaged, or was made to do harm."
                " Nothing else was affected.",
                hint="Where the data comes from is worth a question.",
            )
        last = self._said.decode("utf-8", "replace").strip().splitlines()[-1:]
        return BackendError(f"A look at data did not work: {' '.join(last) or f'code {code}'}")

    def _too(self, what: str, much: str) -> Invalid:
        return Invalid(
            f"{self._called} cannot be looked at: that took {what} {much}, which is all that a"
            " look may take.",
            hint="Read it in a job, whose time and memory you choose.",
        )


def _environment(scratch: Path) -> dict[str, str]:
    """Nothing of the server's: no token, no address."""
    return {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "TMPDIR": str(scratch),
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        "MALLOC_ARENA_MAX": "2",
        "MALLOC_MMAP_THRESHOLD_": str(4 << 20),
        "MALLOC_TRIM_THRESHOLD_": str(1 << 20),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }


def _decoded(line: bytes) -> dict[str, Any]:
    """What it says is as little to be trusted as what it read."""
    try:
        found: Any = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    told = cast("dict[str, Any]", found) if isinstance(found, dict) else None
    return told or {"error": {"message": "its answer is none"}}


def _resident(pid: int) -> int:
    """Bytes of memory that the process has now; 0 when it has gone."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        if sys.platform == "linux":
            return 0
    with contextlib.suppress(LazurError, ValueError):
        return int(shell.run(["ps", "-o", "rss=", "-p", str(pid)], timeout=5).out) << 10
    return 0
