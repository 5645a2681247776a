"""One attempt from claim to exit. Every step leaves a file behind, so that any process can go on
from there."""

from __future__ import annotations

import errno
import os
import time

from lazur.runtime import claim, hints
from lazur.runtime.attempt import Attempt
from lazur.runtime.code import prepare_code
from lazur.runtime.command import render
from lazur.runtime.crew import Crew, hold_signals, release_signals
from lazur.runtime.documents import render as to_json
from lazur.runtime.documents import write
from lazur.runtime.environment import base_variables
from lazur.runtime.plan import Canceled, Unkept, Unprepared
from lazur.runtime.ranks import make_commands
from lazur.runtime.sampling import FIRST
from lazur.runtime.sampling import start as sample
from lazur.runtime.system import adopt_orphans
from lazur.runtime.values import Values

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable
    from typing import Any

    from lazur.runtime.masking import Logs
    from lazur.runtime.processes import Command
else:
    import _signal as signal

_TOLD = 0.1
"""Seconds until the servers are told that a command runs. Of one that is shorter they hear once,
when it has ended: half of what it costs them."""
_DISK_FULL = 2.0
"""Seconds between tries to write down the end."""


class Stopped(BaseException):
    """SIGTERM came before the command began."""


def main(argv: list[str]) -> int:
    if len(argv) not in (2, 3):
        os.write(2, b"usage: python -I -S runtime/__main__.py <attempt folder> [private]\n")
        return 2
    folder = os.path.abspath(argv[1])
    private: dict[str, Any] | None = {}
    if len(argv) == 3:
        # Before the claim: whoever dies while writing it has another supervisor started.
        from lazur.runtime import pipes  # noqa: PLC0415  # only what reads from afar pays for it

        private = pipes.read_private()
        if private is None:
            return 3
    # Before the claim: who sees the claim may send SIGTERM.
    hold_signals()
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _stop)
    umask = os.umask(0o077)
    if not claim.take(folder):
        return 0
    _supervise(folder, umask, private)
    return 0


def _supervise(folder: str, umask: int, private: dict[str, Any]) -> None:
    attempt: Attempt | None = None
    result: dict[str, Any]
    try:
        try:
            release_signals()
            attempt = Attempt(folder, private)
            attempt.make_folders()
            result = _carry_out(attempt, umask)
        finally:
            hold_signals()
    except (Stopped, Canceled):
        result = _stopped(folder)
    except Unprepared as error:
        result = {"reason": "input", "message": str(error)}
    except Exception as error:  # noqa: BLE001  # whatever it is, the attempt must end with a word
        result = {"reason": "internal", "message": "%s: %s" % (type(error).__name__, error)}
        _show_traceback()
    result["warnings"] = attempt.warnings if attempt else []
    _finish(folder, attempt, result)


def _carry_out(attempt: Attempt, umask: int) -> dict[str, Any]:
    plan = attempt.plan
    attempt.phase("code")
    prepare_code(attempt)
    attempt.phase("inputs")
    values = Values(plan)
    limit = None
    # Only jobs that have inputs, outputs or a memory limit pay for these modules.
    if plan.inputs:
        from lazur.runtime import inputs  # noqa: PLC0415

        inputs.prepare(attempt, values)
    if plan.outputs:
        from lazur.runtime import outputs  # noqa: PLC0415

        outputs.prepare(attempt, values)
    if plan.memory:
        from lazur.runtime import limits  # noqa: PLC0415

        limit = limits.open_limit(attempt)
    script = render(plan.command, values.find)
    commands = make_commands(attempt, base_variables(attempt, values), script)
    crew = Crew(commands, plan.grace, plan.timeout, adopt_orphans())
    attempt.phase("running")
    hold_signals()
    logs = _masked(attempt, commands)
    crew.start(umask, limit.group if limit else None)
    if logs:
        logs.start()
    sampling = sample(attempt)
    later: list[tuple[float, Callable[[], object]]] = [(_TOLD, lambda: hints.send(plan))]
    if sampling:
        later.append((FIRST, sampling.begin))
    crew.wait(lambda: os.path.exists(attempt.folder + "/cancel"), later)
    if logs:
        logs.finish()
    attempt.phase("finalizing")
    if sampling:
        sampling.stop()
    result = _how(crew, limit.was_hit() if limit else False)
    attempt.warnings += crew.warnings
    if limit:
        limit.close()
    return _keep(attempt, result)


def _masked(attempt: Attempt, commands: list[Command]) -> Logs | None:
    if not attempt.plan.private.masked:
        return None
    from lazur.runtime import masking  # noqa: PLC0415  # only jobs with secrets pay for it

    logs = masking.Logs(attempt.plan.private.masked)
    for command in commands:
        logs.take(command)
    return logs


def _how(crew: Crew, out_of_memory: bool) -> dict[str, Any]:
    rank, status = crew.first or (0, 0)
    result: dict[str, Any] = {"reason": "ok", "code": 0}
    if os.WIFSIGNALED(status):
        result = {"reason": "signal", "signal": os.WTERMSIG(status)}
    elif status:
        result = {"reason": "exit", "code": os.WEXITSTATUS(status)}
    if len(crew.commands) > 1 and status:
        result["message"] = "the process of rank %d failed first" % rank
    if crew.reason:
        result["reason"] = crew.reason
        if crew.reason == "lost":
            result["message"] = "the job's supervisor was ended from outside by SIGTERM"
    elif out_of_memory and status:
        result["reason"] = "memory"
    elif out_of_memory:
        crew.warnings.append("a process of the job was ended for lack of memory")
    return result


def _keep(attempt: Attempt, result: dict[str, Any]) -> dict[str, Any]:
    """However the command ended. A failure to keep is the job's failure only if it ended well."""
    from lazur.runtime import outputs  # noqa: PLC0415

    try:
        outputs.keep(attempt, result["reason"] == "ok")
    except (Unkept, OSError) as error:
        if result["reason"] == "ok":
            return {"reason": "output", "message": str(error)}
        attempt.warn("an output was not kept: %s" % error)
    return result


def _finish(folder: str, attempt: Attempt | None, result: dict[str, Any]) -> None:
    if attempt:
        if result["reason"] in ("input", "internal"):
            attempt.say(str(result["message"]))
        attempt.phase("end")
        attempt.note("ended: " + to_json(result))
    while not _written(folder, result):
        time.sleep(_DISK_FULL)
    if attempt:
        hints.send(attempt.plan)


def _written(folder: str, result: dict[str, Any]) -> bool:
    """How it ended must not get lost because the disk is full: somebody will make room."""
    try:
        write(folder + "/exit.json", result)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return False
        raise
    return True


def _stopped(folder: str) -> dict[str, Any]:
    if os.path.exists(folder + "/cancel"):
        return {"reason": "canceled"}
    return {"reason": "lost", "message": "the job's supervisor was ended from outside by SIGTERM"}


def _stop(_number: int, _frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Stopped


def _show_traceback() -> None:
    """Into runtime.log, where the backend sent standard error."""
    import traceback  # noqa: PLC0415  # heavy, and needed only when the runtime itself is wrong

    os.write(2, (time.ctime() + "\n" + traceback.format_exc()).encode("utf-8", "replace"))
