"""A job's phases: what the server timed (environment, queued, starting) and then what the runtime
timed."""

from __future__ import annotations

from typing import Any

from lazur.engine.plan import Phase

PhaseDict = dict[str, Any]

_SERVER = frozenset({"environment", "queued", "starting"})


def then(phases: list[PhaseDict], name: str, at: float) -> list[PhaseDict]:
    """Close what is open and begin `name`; the same phase again goes on."""
    if phases and phases[-1]["name"] == name and phases[-1].get("end") is None:
        return phases
    return [*close(phases, at), {"name": name, "start": at}]


def close(phases: list[PhaseDict], at: float) -> list[PhaseDict]:
    if not phases or phases[-1].get("end") is not None:
        return list(phases)
    last = phases[-1]
    return [*phases[:-1], {**last, "end": max(at, last["start"])}]


def merge(phases: list[PhaseDict], seen: list[Phase]) -> list[PhaseDict]:
    """The server's phases followed by the attempt's own, which replace what was known of them
    before."""
    own = [phase for phase in phases if phase["name"] in _SERVER]
    shown = [phase for phase in seen if phase.name != "end"]
    if not shown:
        return own
    return [*close(own, shown[0].start), *(_plain(phase) for phase in shown)]


def _plain(phase: Phase) -> PhaseDict:
    made: PhaseDict = {"name": phase.name, "start": phase.start}
    if phase.end is not None:
        made["end"] = phase.end
    if phase.detail:
        made["detail"] = phase.detail
    return made
