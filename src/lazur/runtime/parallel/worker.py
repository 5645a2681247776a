"""One worker: the user's script, its `init` once, its `run` for each mini-batch that comes, and
its `shutdown`."""

from __future__ import annotations

import contextlib
import gc
import os
import socket
import sys
import time
import traceback

from lazur.runtime.parallel import scripts, settings, slots, tables
from lazur.runtime.parallel.channels import Channel
from lazur.runtime.parallel.paths import Paths
from lazur.runtime.parallel.results import Spool
from lazur.runtime.parallel.settings import Wrong
from lazur.runtime.parallel.slots import Slot
from lazur.runtime.system import die_with_parent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lazur.runtime.parallel.scripts import Script
    from lazur.runtime.parallel.settings import Settings

_KILL = 9
_LONGEST = 2000
_TOGETHER = 0.2
"""Seconds of answers that a kill may take; those mini-batches are run again."""


def main(argv: list[str]) -> int:
    """`argv`: the input's root, whether results are appended, and the program's arguments."""
    die_with_parent(_KILL)
    name, channel, slot = os.environ.pop("LAZUR_WORKER").split()
    os.set_inheritable(int(channel), False)
    asked = settings.read(argv[3:])
    paths = Paths()
    spool = Spool(paths.kept + "/rows-" + name, asked) if argv[2] else None
    log = os.environ.pop("LAZUR_WORKER_LOG")
    talk = Channel(socket.socket(fileno=int(channel)))
    return Worker(asked, paths, argv[1], spool, talk, Slot(int(slot)), log).work()


class Worker:
    def __init__(
        self,
        asked: Settings,
        paths: Paths,
        root: str,
        spool: Spool | None,
        talk: Channel,
        slot: Slot,
        log: str,
    ) -> None:
        self._asked = asked
        self._paths = paths
        self._root = root
        self._spool = spool
        self._talk = talk
        self._slot = slot
        self._logs = bool(log)
        self._rows: tables.Rows | None = None
        self._answers: list[dict[str, Any]] = []
        self._answered_at = 0.0
        self._printed = 0
        """How long its log was when it had ended its last mini-batch."""

    def work(self) -> int:
        started = time.monotonic()
        self._enter(slots.INIT, -1)
        try:
            _forget_lazur()
            script = scripts.load(self._asked, self._paths)
            script.init()
        except Wrong as error:
            return self._give_up(str(error))
        except BaseException as error:  # noqa: BLE001  # whatever the script raises is told
            _show(error)
            return self._give_up("init() failed: " + self._text(error))
        # What `init` made stays: it is not looked through again and again for garbage.
        gc.collect()
        gc.freeze()
        self._enter(slots.IDLE, -1)
        self._printed = self._position()
        self._talk.send({"ready": time.monotonic() - started})
        return self._serve(script)

    def _serve(self, script: Script) -> int:
        while True:
            for message in self._talk.read():
                if "stop" in message:
                    return self._end(script)
                claims = message["claims"]
                for claim, last in zip(claims, _followed(claims)):
                    self._answers.append(self._run(script, claim, last))
                    self._enter(slots.IDLE, -1)
                    is_last = claim is claims[-1]
                    self._answer(now=is_last or (self._spool is not None and self._spool.full))
            if self._talk.closed:
                return 1  # the coordinator is gone: whoever comes next begins anew

    def _answer(self, *, now: bool) -> None:
        """Short ones together: each message costs the coordinator a turn."""
        if now or time.monotonic() - self._answered_at >= _TOGETHER:
            self._write()
            self._talk.send(*self._answers)
            self._answers.clear()
            self._answered_at = time.monotonic()

    def _write(self) -> None:
        """The rows first: an answer says that they are there."""
        try:
            if self._spool is not None:
                self._spool.write()
        except OSError as error:
            _show(error)
            why = {"e": self._text(error)}
            self._answers = [
                {"x": told["d"], "s": told["s"], **why, **_log_of(told)} if "d" in told else told
                for told in self._answers
            ]

    def _run(self, script: Script, claim: dict[str, Any], last: int) -> dict[str, Any]:
        number: int = claim["i"]
        log = self._printed
        began = time.monotonic()
        try:
            self._enter(slots.LOADING, number, log)
            given = self._load(claim, last)
            self._enter(slots.RUNNING, number, log)
            began = time.monotonic()
            context = scripts.Context(number, claim)
            returned = script.run(given, context)
            seconds = time.monotonic() - began
            told: dict[str, Any] = {"d": number, "s": round(seconds, 6)}
            told.update(scripts.counted(returned) if self._spool is None else {})
            if self._spool is not None:
                told.update(self._spool.add(returned))
            if context.metrics:
                told["m"] = context.metrics
        except BaseException as error:  # noqa: BLE001  # as above
            _show(error)
            seconds = time.monotonic() - began
            told = {"x": number, "s": round(seconds, 6), "e": self._text(error)}
        if self._logs:
            self._printed = self._position()
            told["a"], told["z"] = log, self._printed
        return told

    def _load(self, claim: dict[str, Any], last: int) -> Any:
        names = claim.get("f")
        if names is not None:
            return [os.path.join(self._root, name) if name else self._root for name in names]
        if self._rows is None:
            self._rows = tables.Rows(self._paths.table)
        return self._rows.frame(claim["i"], last)

    def _end(self, script: Script) -> int:
        self._enter(slots.ENDING, -1)
        try:
            script.shutdown()
        except BaseException as error:  # noqa: BLE001  # as above
            _show(error)
            return self._give_up("shutdown() failed: " + self._text(error))
        self._talk.send({"bye": 1})
        _flush()
        # Threads that the script started and forgot do not hold up the job.
        os._exit(0)

    def _give_up(self, text: str) -> int:
        self._talk.send({"e": text})
        return 1

    def _text(self, error: BaseException) -> str:
        """Of jobs with secrets the kind of the error alone: its text is in the log, masked."""
        kind = type(error).__name__
        text = "" if self._asked.masked else str(error).strip()
        return ("%s: %s" % (kind, text) if text else kind)[:_LONGEST]

    def _enter(self, phase: int, number: int, log: int = 0) -> None:
        self._slot.put(phase, number, time.monotonic(), log)

    def _position(self) -> int:
        if not self._logs:
            return 0
        _flush()
        return os.fstat(1).st_size


def _log_of(told: dict[str, Any]) -> dict[str, Any]:
    return {field: told[field] for field in ("a", "z") if field in told}


def _followed(claims: list[dict[str, Any]]) -> list[int]:
    """For each, the last of the numbers that follow it without a gap."""
    found: list[int] = []
    before = -1
    for claim in reversed(claims):
        goes_on = claim["i"] + 1 == before
        before = claim["i"]
        found.append(found[-1] if goes_on else before)
    return found[::-1]


def _show(error: BaseException) -> None:
    """Its traceback, from the script's first line on."""
    ours, trace = os.path.dirname(os.path.abspath(__file__)), error.__traceback__
    while trace is not None and os.path.dirname(trace.tb_frame.f_code.co_filename) == ours:
        trace = trace.tb_next
    traceback.print_exception(type(error), error, trace)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # the script closed it
            stream.flush()


def _forget_lazur() -> None:
    """The script's environment may have Lazur's client: that is what `import lazur` means to
    it."""
    for name in [name for name in sys.modules if name == "lazur" or name.startswith("lazur.")]:
        del sys.modules[name]
