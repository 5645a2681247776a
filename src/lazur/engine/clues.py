"""What the last lines of a log say about the reason of a failure.

Patterns see single lines of at most a thousand characters, and none of them can backtrack far.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lazur.engine.symptoms import OURS, SYMPTOMS

_NEAR = 15
"""Lines from the end in which a message that is not a traceback still counts as the reason."""
_MAX_MESSAGE = 500


@dataclass(frozen=True)
class Clue:
    code: str
    message: str
    hint: str | None


def find_clue(
    lines: list[str], environment: str | None, *, traceback_counts: bool = True
) -> Clue | None:
    """The most telling line. `traceback_counts`: the exit code is one that an uncaught Python
    exception gives, so that the last traceback is the reason whatever was printed after it."""
    if traceback_counts and (at := _last_exception(lines)) is not None:
        return _from_exception(lines, at, environment)
    for line in reversed(lines[-_NEAR:]):
        if clue := _from_line(line, environment):
            return clue
    return None


_TRACEBACK = "Traceback (most recent call last):"
_EXCEPTION = re.compile(r"^[A-Za-z_][\w.]{0,200}(?:: |:?$)")
_UNPARSED = re.compile(r"^(?:SyntaxError|IndentationError|TabError): ")
_FROM_ENVIRON = re.compile(r'File "(?:[^"]{0,500}/os\.py|<frozen os>)", line \d+, in __getitem__')
_LAUNCHERS = ("ChildFailedError", "CalledProcessError", "ProcessRaisedException")
"""They say that a child failed; the child said why, further up."""


def _last_exception(lines: list[str]) -> int | None:
    """Index of the line that names the exception."""
    launcher = None
    for start in range(len(lines) - 1, -1, -1):
        found = _named_at(lines, start)
        if found is None:
            continue
        if not lines[found].partition(":")[0].endswith(_LAUNCHERS):
            return found
        launcher = found if launcher is None else launcher
    return launcher


def _named_at(lines: list[str], start: int) -> int | None:
    """The exception's line when a traceback starts at `start`, or when `start` is itself the line
    of an exception that has none (files that cannot be parsed)."""
    if _UNPARSED.match(lines[start]):
        return start
    if not lines[start].endswith(_TRACEBACK) or lines[start].startswith(" "):
        return None
    for at in range(start + 1, len(lines)):
        if not lines[at].startswith((" ", "\t")):
            return at if _EXCEPTION.match(lines[at]) else None
    return None


def _from_exception(lines: list[str], at: int, environment: str | None) -> Clue:
    line = lines[at]
    name = line.partition(":")[0].rpartition(".")[2]
    above = lines[max(0, at - 6) : at]
    if name == "KeyError" and any(_FROM_ENVIRON.search(a) for a in above):
        return _variable_missing(line)
    if name in ("SyntaxError", "IndentationError", "TabError"):
        where = next((a.strip() for a in reversed(above) if a.strip().startswith("File ")), "")
        return Clue("SyntaxError", _cut(f"{line} {where}".strip()), _SYNTAX)
    below = lines[at + 1 : at + 4]
    for text in (line, *below):
        if clue := _from_line(text, environment):
            return Clue(clue.code, _cut(line if text is line else f"{line} {text}"), clue.hint)
    return Clue(
        "PythonException", _cut(line), "The traceback in the log shows where it was raised."
    )


_SYNTAX = (
    "Mend the file. If it runs elsewhere, the environment's Python is older than the code:"
    " ask for the right one (python=3.11) in its conda_file."
)


def _variable_missing(line: str) -> Clue:
    name = line.partition(":")[2].strip().strip("'\"")
    hint = f"Set it in the job: environment_variables: {{{_cut(name)}: …}}."
    if name == "MLFLOW_RUN_ID":
        hint = _TAKEN
    return Clue("VariableMissing", _cut(f"The environment variable {name} is not set."), hint)


_TAKEN = (
    "MLflow takes it away when a run begins: read it before, or use AZUREML_RUN_ID, which has the"
    " same value."
)


def _from_line(line: str, environment: str | None) -> Clue | None:
    for symptom in SYMPTOMS:
        if found := symptom.pattern.search(line):
            subject = next((group for group in found.groups() if group), "")
            said = line.removeprefix(OURS)
            return Clue(symptom.code, _cut(said), symptom.advise(subject, environment))
    return None


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_MESSAGE else text[: _MAX_MESSAGE - 1] + "…"
