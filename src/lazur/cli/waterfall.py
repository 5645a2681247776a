"""`lazur job explain`: where the time went, what went wrong, what to do next, where to look."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TextIO

from lazur.cli.grid import padded
from lazur.cli.tables import duration
from lazur.cli.terminal import bar, paint

_STATUS_STYLE = {"Completed": "green", "Failed": "red", "Canceled": "yellow"}
_MEANINGS = {
    "environment": "building the environment",
    "queued": "waiting for free slots",
    "starting": "starting the runner",
    "code": "fetching the code",
    "inputs": "fetching the inputs",
    "running": "running the command",
    "finalizing": "keeping the outputs",
}
_RUNNING = {"pipeline": "running its steps", "sweep": "running its trials"}
_LABEL = 24
_MANY = 50
"""Steps that are drawn."""


def explain(job: dict[str, Any], width: int, stream: TextIO) -> str:
    parts = [
        _headline(job, stream),
        _phases(job, width, stream),
        _waiting(job),
        _failure(job, stream),
    ]
    parts += [_warnings(job, stream), _places(job)]
    return "\n\n".join(part for part in parts if part)


def _headline(job: dict[str, Any], stream: TextIO) -> str:
    status = job["status"]
    painted = paint(status, _STATUS_STYLE.get(status, "cyan"), stream)
    took = duration(job.get("duration"))
    again = f", attempt {job['attempt']}" if (job.get("attempt") or 1) > 1 else ""
    return f"Job {job['name']}: {painted}{f' after {took}' if took else ''}{again}"


def _phases(job: dict[str, Any], width: int, stream: TextIO) -> str:
    phases = [p for p in job.get("phases") or [] if p["name"] != "end"]
    if not phases:
        return ""
    begin = _at(phases[0]["start"])
    whole = max(_at(p["start"]) - begin + (p.get("seconds") or 0) for p in phases) or 1e-9
    said = [{**phase, "said": _meaning(phase, job)} for phase in phases]
    steps = _steps(job, begin + whole)
    label = min(_LABEL, max(12, *(len(one["name"]) + 1 for one in [*said, *steps])))
    cells = max(10, min(40, width - 44 - label))
    groups = [said, steps[:_MANY]]
    drawn = [
        "\n".join(_line(p, label, _placed(p, begin, whole, cells), width, stream) for p in group)
        for group in groups
        if group
    ]
    if len(steps) > _MANY:
        drawn[-1] += f"\n  and {len(steps) - _MANY} more: lazur job show -n {job['name']} -o table"
    return "\n\n".join(drawn)


def _steps(job: dict[str, Any], now: float) -> list[dict[str, Any]]:
    """Those of a pipeline that began, as phases are told."""
    made: list[dict[str, Any]] = []
    for step in job.get("steps") or () if job.get("type") == "pipeline" else ():
        if not (start := step.get("started_at")):
            continue
        seconds = step.get("duration")
        state = "done before" if step.get("reused_from") else step["status"]
        made.append(
            {
                "name": step["name"],
                "start": start,
                "seconds": now - _at(start) if seconds is None else seconds,
                "said": "" if state == "Completed" else state,
            }
        )
    return made


def _line(phase: dict[str, Any], label: int, drawn: str, width: int, stream: TextIO) -> str:
    """What a phase means is left out where it would not fit."""
    took = duration(phase.get("seconds"))
    name = padded(phase["name"], label - 1)
    line = f"  {name} {took:>12}  {paint(drawn, 'cyan', stream)}"
    return (f"{line}  {phase['said']}" if width >= 66 else line).rstrip()


def _placed(phase: dict[str, Any], begin: float, whole: float, cells: int) -> str:
    before = min(cells - 1, int((_at(phase["start"]) - begin) / whole * cells))
    filled = bar((phase.get("seconds") or 0) / whole * cells / (cells - before), cells - before)
    return " " * before + (filled if filled.strip() else "▏".ljust(cells - before))


def _meaning(phase: dict[str, Any], job: dict[str, Any]) -> str:
    detail = phase.get("detail")
    said = _MEANINGS.get(phase["name"].lower(), "")
    if phase["name"] == "running":
        said = _RUNNING.get(job.get("type", ""), said)
    return f"{said} ({detail})" if detail and said else detail or said


def _waiting(job: dict[str, Any]) -> str:
    return f"Waiting: {job['waiting_for']}." if job.get("waiting_for") else ""


def _failure(job: dict[str, Any], stream: TextIO) -> str:
    error = job.get("error")
    if not error:
        return ""
    lines = [
        (
            f"{paint('Cause', 'bold', stream)} ({error.get('code', 'unknown')}): "
            f"{error.get('message', '')}"
        )
    ]
    if error.get("hint"):
        lines.append(f"{paint('Next', 'bold', stream)}: {error['hint']}")
    if error.get("log_tail"):
        lines += ["The log's last lines:", *(f"  {line}" for line in _lines(error["log_tail"]))]
    return "\n".join(lines)


def _warnings(job: dict[str, Any], stream: TextIO) -> str:
    said = job.get("warnings") or []
    return "\n".join(f"{paint('Warning', 'yellow', stream)}: {_text(w)}" for w in said)


def _places(job: dict[str, Any]) -> str:
    name = job["name"]
    lines = [f"Log:    lazur job stream -n {name}", f"Files:  lazur job download -n {name} --all"]
    studio = ((job.get("services") or {}).get("Studio") or {}).get("endpoint")
    return "\n".join([*lines, f"Page:   {studio}"] if studio else lines)


def _text(warning: Any) -> str:
    return warning if isinstance(warning, str) else str(warning.get("message", warning))


def _lines(tail: str | list[str]) -> list[str]:
    return tail.splitlines() if isinstance(tail, str) else tail


def _at(iso: str) -> float:
    return datetime.fromisoformat(iso).timestamp()
