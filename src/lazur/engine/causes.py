"""Why an attempt failed, for people: a stable code, what happened, and what to do next."""

from __future__ import annotations

from typing import Any

from lazur.engine.clues import Clue, find_clue
from lazur.engine.logtail import clean_lines, excerpt
from lazur.engine.plan import Exit

MEANINGS = {
    "Aborted": "A program ended itself (SIGABRT), usually after a failed assertion.",
    "BadArguments": "The script did not accept its command line.",
    "Canceled": "The job was canceled; the message says by whom, or because of what.",
    "CommandNotExecutable": "The command was found, but it may not be executed (exit code 126).",
    "CommandNotFound": "The shell did not find a program of the command (exit code 127).",
    "DiskFull": "A disk is full.",
    "ExitCode": "The command ended with an exit code other than 0, and its log does not say why.",
    "FileNotFound": "The code opened a file or folder that is not there.",
    "GpuMissing": "The code asked for a GPU, and none is visible to the job.",
    "GpuOutOfMemory": "The memory of a GPU is used up.",
    "IllegalInstruction": "A program was built for another processor than this one.",
    "ImportFailed": "A package is there, but not what the code imports from it.",
    "InputUnavailable": "The code, an input, or the place of an output could not be prepared.",
    "Killed": "A process was killed (SIGKILL) from outside; memory is the usual reason.",
    "LibraryMissing": "A package needs a system library that this machine lacks.",
    "MiniBatchesFailed": "A parallel job gave up: too much failed, or it could not begin.",
    "ModuleMissing": "The code imports a package that its environment does not have.",
    "NetworkUnreachable": "A host could not be reached or its name could not be resolved.",
    "OtherExperiment": "The script chose another MLflow experiment than that of its job.",
    "OutOfMemory": "The job needed more memory than it may use or than there is.",
    "OutputNotKept": "The command ended well, but an output could not be stored.",
    "PermissionDenied": "The job may not read or write a file.",
    "PortInUse": "A network port that the code wants is taken.",
    "PythonException": "The Python program ended with an exception.",
    "ReadOnlyInput": "The code wrote to a place that is read-only for it, such as an input.",
    "RunnerFailed": "Lazur's own runner failed; the fault is not in the job.",
    "RunnerLost": "The process that supervises the job vanished, with the machine or without.",
    "Segfault": "A program crashed with a segmentation fault (SIGSEGV).",
    "SharedMemory": "The shared memory between processes (/dev/shm) is used up.",
    "ShellSyntax": "The shell could not parse the command.",
    "Signaled": "The command was ended by a signal that Lazur did not send.",
    "SyntaxError": "Python could not parse a file.",
    "TimedOut": "The job ran longer than `limits.timeout` allows.",
    "TooManyOpenFiles": "The job has more files open than the system allows.",
    "VariableMissing": "The code reads an environment variable that is not set.",
}
"""Every code that `explain` gives; docs/errors.md lists the same."""

_BY_REASON = {
    "canceled": ("Canceled", "The job was canceled."),
    "timeout": ("TimedOut", "The job ran longer than its limit and was stopped."),
    "memory": ("OutOfMemory", "The job used more memory than it may and was stopped."),
    "input": ("InputUnavailable", "The job could not be prepared."),
    "output": ("OutputNotKept", "The command ended well, but its outputs could not be stored."),
    "internal": ("RunnerFailed", "The runner of the job failed."),
    "lost": ("RunnerLost", "The process that supervised the job is gone, and so is the job."),
}

_HINTS = {
    "Aborted": "The log's last lines usually name the assertion that failed.",
    "Canceled": None,
    "ExitCode": "Read the end of the log, or run the same command in the code folder.",
    "IllegalInstruction": "Install a build of the package for this processor.",
    "InputUnavailable": "Check that the input's path exists and that this machine can reach it.",
    "Killed": "Memory is the usual reason: use smaller batches, or ask for more memory with"
    " resources.properties.memory so that the job waits until it is free.",
    "OutOfMemory": "Use less (smaller batches, fewer workers, chunked reading), or raise"
    " resources.properties.memory.",
    "OutputNotKept": "Check the output's path and the free space, then run the job again.",
    "RunnerFailed": "Please report this, with system_logs/runtime.log of the job.",
    "RunnerLost": "If the machine restarted, run the job again. The log is kept until then.",
    "Segfault": "Native code crashed: try other versions of the packages with compiled parts, and"
    " set PYTHONFAULTHANDLER=1 in environment_variables to see where.",
    "Signaled": "Something outside of Lazur sent it: another person, a script, or the system.",
    "TimedOut": "Raise limits.timeout, or save checkpoints to an output and go on from them.",
}

_SIGNALS = {
    1: "SIGHUP",
    2: "SIGINT",
    3: "SIGQUIT",
    4: "SIGILL",
    6: "SIGABRT",
    7: "SIGBUS",
    8: "SIGFPE",
    9: "SIGKILL",
    10: "SIGUSR1",
    11: "SIGSEGV",
    12: "SIGUSR2",
    13: "SIGPIPE",
    15: "SIGTERM",
    24: "SIGXCPU",
    25: "SIGXFSZ",
}
_BY_SIGNAL = {4: "IllegalInstruction", 6: "Aborted", 7: "Segfault", 9: "Killed", 11: "Segfault"}


_WRITTEN_OUT = "inline"
"""What an environment is called that the job itself spells out: a name that helps nobody."""


def explain(
    exit: Exit,  # noqa: A002 - the contract's word
    phase: str,
    tail: str,
    environment: str | None,
    job: str = "NAME",
) -> dict[str, Any]:
    """The `error` of a job that did not complete.

    `phase` is where it ended, `tail` the last bytes of the user log (64 KB are plenty; more is cut
    here), `environment` the name people know the environment by, if it has one, `job` the name of
    the job that the next step is done with.
    """
    lines = clean_lines(tail)
    environment = None if environment == _WRITTEN_OUT else environment
    clue = _from_exit(exit, lines, environment)
    return {
        "code": clue.code,
        "message": clue.message,
        "hint": clue.hint and clue.hint.replace("-n NAME", f"-n {job}"),
        "phase": phase,
        "log_tail": excerpt(lines),
    }


def _from_exit(exit: Exit, lines: list[str], environment: str | None) -> Clue:  # noqa: A002
    if exit.reason in ("exit", "ok"):
        return _with_aside(_from_code(exit.code or 0, lines, environment), exit.message)
    if exit.reason == "signal":
        return _with_aside(_from_signal(exit.signal or 0, lines, environment), exit.message)
    code, message = _BY_REASON[exit.reason]
    if exit.reason == "memory":
        return _with_aside(Clue(code, message, _HINTS[code]), exit.message)
    if exit.reason in ("canceled", "timeout"):
        # Which process ended first says nothing here: all were told to.
        return Clue(code, message, _HINTS[code])
    if exit.reason in ("input", "output") and exit.message:
        told = find_clue(exit.message.splitlines(), None)
        if told and told.code == "DiskFull":
            return Clue(told.code, exit.message, told.hint)
    return Clue(code, exit.message or message, _HINTS[code])


def _with_aside(clue: Clue, aside: str | None) -> Clue:
    """What the runner adds, such as which process failed first, is no cause by itself."""
    if not aside:
        return clue
    return Clue(clue.code, f"{clue.message.rstrip('.')} ({aside.rstrip('.')}).", clue.hint)


def _from_code(code: int, lines: list[str], environment: str | None) -> Clue:
    """Shells report a program that died of signal n as exit code 128 + n."""
    if code - 128 in _SIGNALS:
        return _from_signal(code - 128, lines, environment)
    clue = find_clue(lines, environment, traceback_counts=code in _UNCAUGHT)
    if code in _SHELL and (clue is None or clue.code == "PermissionDenied"):
        kind, message, hint = _SHELL[code]
        return Clue(kind, clue.message if clue else message, hint)
    if clue:
        return clue
    return Clue("ExitCode", f"The command ended with exit code {code}.", _HINTS["ExitCode"])


_UNCAUGHT = (1, 120, 255)
"""What Python, and launchers that pass its exit on, end with after an uncaught exception. Another
code was chosen by the program: a traceback further up is then not the reason."""

_SHELL = {
    126: (
        "CommandNotExecutable",
        "The command was found, but it may not be executed (exit code 126).",
        "Start scripts by their interpreter (`bash run.sh`), or set their executable bit.",
    ),
    127: (
        "CommandNotFound",
        "The shell did not find a program of the command (exit code 127).",
        "Check its spelling, and that the environment installs it.",
    ),
}


def _from_signal(number: int, lines: list[str], environment: str | None) -> Clue:
    told = find_clue(lines, environment)
    if told and told.code in ("OutOfMemory", "GpuOutOfMemory", "SharedMemory"):
        return told
    code = _BY_SIGNAL.get(number, "Signaled")
    name = _SIGNALS.get(number, f"signal {number}")
    return Clue(code, f"The command was ended by {name}.", _HINTS[code])
