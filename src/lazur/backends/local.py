"""Attempts as detached processes on this machine, each under a supervisor of its own
(`lazur.runtime`).

Nothing is remembered here that the attempt's folder does not say: any process can submit, another
poll, and a third cancel.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import stat
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import lazur
from lazur.backends import _machine, _processes
from lazur.backends._nursery import Nursery
from lazur.backends._processes import WRONG, Identity
from lazur.backends._watcher import Watcher
from lazur.engine.contracts import Backend, Handle, HasCapacity, Watches
from lazur.engine.plan import Demand, Exit, Phase, Plan, Status
from lazur.errors import BackendError, NotFound
from lazur.safe import SafeRoot

_RUNTIME = str(Path(lazur.__file__).parent / "runtime" / "__main__.py")
_PYTHON: str = getattr(sys, "_base_executable", None) or sys.executable
_ARGV = [_PYTHON, "-I", "-S", "-X", "utf8", _RUNTIME]
_BEGIN_WITHIN = 20.0
"""Seconds in which a supervisor claims its attempt. After them the attempt is fenced."""
_LONGEST_DETAIL = 500
_MOST_DETAILS = 20
_WATCHER = Watcher()
_NURSERY = Nursery(_ARGV)
_STATES = {"code": "preparing", "inputs": "preparing", "running": "running"}
_NODE_VARIABLES = frozenset(
    (
        "PATH HOME USER LOGNAME SHELL LANG LANGUAGE TZ TMPDIR TERM LD_LIBRARY_PATH "
        "DYLD_LIBRARY_PATH JAVA_HOME CUDA_HOME SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE "
        "CURL_CA_BUNDLE HTTP_PROXY HTTPS_PROXY NO_PROXY ALL_PROXY http_proxy https_proxy "
        "no_proxy all_proxy"
    ).split()
)
"""The supervisor is given no more than the job may see, so nothing of the server's can leak
through it."""


class Local(Backend, Watches, HasCapacity):
    """Settings: `cpus`, `memory` (bytes) and `gpus` override what the machine says of itself."""

    def __init__(self, settings: dict[str, Any], clock: Callable[[], float] = time.time) -> None:
        super().__init__(settings)
        self._clock = clock
        self._capacity: Demand | None = None

    def submit(self, plan: Plan) -> Handle:
        folder = Path(plan.folder)
        handle = {"folder": plan.folder, "key": plan.key, "log": _main_log(plan)}
        if (folder / "claim").exists():
            return handle
        try:
            log = _make_folders(plan)
            _write_plan(folder / "plan.json", plan)
            _spawn(plan, log)
        except OSError as error:
            raise BackendError(
                f"The attempt cannot be started in {plan.folder}: {error.strerror}.",
                hint="Look at free space and rights there.",
            ) from error
        return handle

    def poll(self, handle: Handle) -> Status:
        attempt = _Attempt(handle)
        try:
            return attempt.ended() or self._poll_open(attempt)
        except (OSError, *WRONG):  # gone, or the job wrote into its own files
            return Status("lost")

    def cancel(self, handle: Handle) -> None:
        attempt = _Attempt(handle)
        with contextlib.suppress(OSError):
            if attempt.ended() or not attempt.folder.is_dir() or attempt.fence():
                return
            (attempt.folder / "cancel").touch(mode=0o600)
            owner = attempt.owner()
            if owner is None:
                return
            if _processes.is_alive(owner):
                os.kill(owner.pid, signal.SIGTERM)
            else:
                _processes.end_attempt(attempt.key, attempt.folder)

    def fence(self, plan: Plan) -> Handle:
        attempt = _Attempt({"folder": plan.folder, "key": plan.key, "log": _main_log(plan)})
        try:
            attempt.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            attempt.fence()
        except OSError as error:
            raise BackendError(
                f"The attempt cannot be fenced in {plan.folder}: {error.strerror}."
            ) from error
        return attempt.handle

    def logs(self, handle: Handle, offset: int, limit: int = 1 << 20) -> bytes:
        """The job can write where its log lies: neither a link nor a FIFO of its making is
        followed."""
        log = Path(handle["log"])
        try:
            with SafeRoot(log.parent.parent) as root:
                return _part(root, f"{log.parent.name}/{log.name}", offset, limit)
        except (OSError, NotFound):
            return b""

    def clean(self, handle: Handle) -> None:
        _WATCHER.drop(handle["folder"])
        for name in ("wd", "inputs", "named-outputs", "downloads", "cache", "packages"):
            _remove(Path(handle["folder"], name))

    def watch(self, handle: Handle, changed: Callable[[], None]) -> None:
        attempt = _Attempt(handle)
        _WATCHER.add(handle["folder"], attempt.owner, changed)

    def capacity(self) -> Demand:
        if self._capacity is None:
            self._capacity = Demand(
                cpus=int(self.settings.get("cpus") or _machine.cpus()),
                memory=int(self.settings.get("memory") or _machine.memory()),
                gpus=int(self.settings["gpus"] if "gpus" in self.settings else _machine.gpus()),
            )
        return self._capacity

    def _poll_open(self, attempt: _Attempt) -> Status:
        """No exit is written yet, or none was a moment ago."""
        if not attempt.folder.is_dir():
            return Status("lost")
        if attempt.fenced():
            return Status("never")
        owner = attempt.owner()
        if owner is None:
            return self._poll_unclaimed(attempt)
        if _processes.is_alive(owner):
            phases = attempt.phases()
            return Status(_state(phases), phases)
        if ended := attempt.ended():
            return ended
        if not _processes.end_attempt(attempt.key, attempt.folder):
            return Status("finalizing", attempt.phases())
        return Status("lost", attempt.phases())

    def _poll_unclaimed(self, attempt: _Attempt) -> Status:
        _processes.reap()
        if abs(self._clock() - attempt.asked_at()) < _BEGIN_WITHIN:
            return Status("pending")
        if attempt.fence():
            return Status("never")
        if attempt.owner() is not None:
            return self.poll(attempt.handle)
        # After a power cut a claim may be empty: whoever made it is gone, and nobody else begins.
        if not _processes.end_attempt(attempt.key, attempt.folder):
            return Status("finalizing", attempt.phases())
        return Status("lost", attempt.phases())


class _Attempt:
    """The files of one attempt."""

    def __init__(self, handle: Handle) -> None:
        self.handle = handle
        self.folder = Path(handle["folder"])
        self.key: str = handle["key"]

    def ended(self) -> Status | None:
        exit_ = _read(self.folder / "exit.json")
        if not exit_:
            return None
        known = {f.name for f in fields(Exit)}
        return Status(
            "ended", self.phases(), Exit(**{k: v for k, v in exit_.items() if k in known})
        )

    def owner(self) -> Identity | None:
        claim = _read(self.folder / "claim")
        if not claim or "pid" not in claim:
            return None
        return Identity(claim["pid"], claim["started"], claim["boot"])

    def fenced(self) -> bool:
        return bool((_read(self.folder / "claim") or {}).get("fenced"))

    def fence(self) -> bool:
        """True when no supervisor has claimed the attempt and none ever will."""
        draft = self.folder / f"fence.{os.getpid()}.{threading.get_ident()}"
        draft.write_text('{"fenced":true}')
        try:
            os.link(draft, self.folder / "claim")
        except FileExistsError:
            return self.fenced()
        finally:
            draft.unlink()
        return True

    def asked_at(self) -> float:
        try:
            return (self.folder / "plan.json").stat().st_mtime
        except FileNotFoundError:
            return 0.0

    def phases(self) -> list[Phase]:
        lines = _read_lines(self.folder / "phases.jsonl")
        marks = [(m["name"], m["start"]) for m in lines if "start" in m]
        after = [*(start for _, start in marks[1:]), None]
        return [
            Phase(name, start, end, _detail(lines, name))
            for (name, start), end in zip(marks, after, strict=False)
            if name != "end"
        ]


def _detail(lines: list[dict[str, Any]], name: str) -> str | None:
    found = [
        str(m["detail"])[:_LONGEST_DETAIL] for m in lines if m["name"] == name and "detail" in m
    ]
    return "\n".join(found[:_MOST_DETAILS]) or None


def _state(phases: list[Phase]) -> Any:
    return _STATES.get(phases[-1].name, "finalizing") if phases else "preparing"


def _main_log(plan: Plan) -> str:
    several = plan.distribution is not None or plan.nodes > 1
    name = "std_log_process_0.txt" if several else "std_log.txt"
    return f"{plan.artifacts}/user_logs/{name}"


def _make_folders(plan: Plan) -> Path:
    """The attempt's own folder, for its owner only; returns the supervisor's log."""
    Path(plan.folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    notes = Path(plan.artifacts, "system_logs")
    notes.mkdir(mode=0o700, parents=True, exist_ok=True)
    return notes / "runtime.log"


def _write_plan(path: Path, plan: Plan) -> None:
    """Not synced: after a power cut the machine's processes are gone as well, and a plan that is
    missing then only means that the attempt never began."""
    draft = path.with_name(f"plan.{os.getpid()}.{threading.get_ident()}")
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        file.write(json.dumps(plan.to_dict()))
    draft.replace(path)


def _spawn(plan: Plan, log: Path) -> None:
    """From the nursery, or by itself: a supervisor that begins twice claims its attempt once."""
    with log.open("ab") as notes:
        if not _begin(plan, notes.fileno(), _fork):
            _begin(plan, notes.fileno(), _start)


def _begin(plan: Plan, notes: int, how: Callable[[list[str], int, int], bool]) -> bool:
    """What is private comes through a pipe, whole or not at all: a supervisor that sees less
    leaves without a claim."""
    if not plan.private:
        with Path(os.devnull).open("rb") as null:
            return how([plan.folder], null.fileno(), notes)
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as pipe:
        try:
            begun = how([plan.folder, "private"], reading, notes)
        finally:
            os.close(reading)
        if begun:
            pipe.write(json.dumps(plan.private.to_dict()).encode())
    return begun


def _fork(words: list[str], stdin: int, notes: int) -> bool:
    return _NURSERY.start(words, stdin, notes, _variables()) is not None


def _start(words: list[str], stdin: int, notes: int) -> bool:
    """Detached: a session of its own, so that the end of this process is none of its business."""
    pid = os.posix_spawn(
        _PYTHON,
        [*_ARGV, *words],
        _variables(),
        file_actions=[
            (os.POSIX_SPAWN_DUP2, stdin, 0),
            (os.POSIX_SPAWN_DUP2, notes, 1),
            (os.POSIX_SPAWN_DUP2, notes, 2),
        ],
        setsid=True,
        setsigmask=[],
        setsigdef=[signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE],
    )
    _processes.remember(pid)
    return True


def _variables() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if k in _NODE_VARIABLES or k.startswith("LC_")}


def _remove(path: Path) -> None:
    """A folder of the attempt, whatever the job made of it: links are removed, not followed,
    folders without rights are opened first, and other file systems mounted inside are left
    alone."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(found.st_mode):
        path.unlink()
        return
    for folder, names, _files, fd in os.fwalk(path, follow_symlinks=False):
        for name in list(names):
            below = os.stat(name, dir_fd=fd, follow_symlinks=False)
            if below.st_dev != found.st_dev:
                raise BackendError(
                    f"{folder}/{name} is a mounted file system, so it is not removed."
                )
            if stat.S_ISDIR(below.st_mode):
                os.chmod(name, 0o700, dir_fd=fd)
        os.fchmod(fd, 0o700)
    shutil.rmtree(path)


def _part(root: SafeRoot, path: str, offset: int, limit: int) -> bytes:
    with root.open(path) as file:
        file.seek(offset)
        return file.read(limit)


def _bytes(path: Path) -> bytes:
    """A regular file, or OSError: a job must not hold up the loop with a FIFO of that name."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise FileNotFoundError(path)
        return file.read()


def _read(path: Path) -> dict[str, Any] | None:
    try:
        return _parse(_bytes(path))
    except OSError:
        return None


def _read_lines(path: Path) -> list[dict[str, Any]]:
    """Whole lines only: the last may be half written, or have been when the power went."""
    try:
        lines = _bytes(path).split(b"\n")[:-1]
    except OSError:
        return []
    return [found for line in lines if (found := _parse(line))]


def _parse(text: bytes) -> dict[str, Any] | None:
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
