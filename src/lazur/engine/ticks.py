"""Which ticks fire and which are left out, once they are seen to be due. Pure.

A tick is on time within a few minutes, so that a server that is started anew leaves out nothing.
What is found later was missed: nobody was there, or the clock was put forward. By the policy
`skip` it is left out, by `catch_up` the last few of it fire. Whatever happens is written down:
each tick that fires, and one line for a row of those that do not.
"""

from __future__ import annotations

from dataclasses import dataclass

from lazur.engine.timetable import Timetable

ON_TIME = 300.0
"""Seconds after which a tick counts as missed."""
MOST_CAUGHT_UP = 100
_COUNTED = 20_000
"""Of more, the rest is neither counted nor looked at one by one."""
_LONG = 40 * 86400.0


@dataclass(frozen=True)
class Missed:
    """How many ticks are made up for: none by the policy `skip`."""

    catch_up: int = 0


@dataclass(frozen=True)
class Skipped:
    first: float
    last: float
    count: int


@dataclass(frozen=True)
class Plan:
    fire: tuple[float, ...]
    skipped: Skipped | None
    until: float
    """Up to here everything is decided on."""
    due_at: float | None
    """When there is something to decide again."""


def plan(table: Timetable, decided: float, now: float, missed: Missed) -> Plan:
    """What falls due between the last decision and now."""
    since = max(decided, now - _LONG)
    due = table.between(since, now)[-_COUNTED:] if since < now else []
    late = [tick for tick in due if now - tick > ON_TIME]
    kept = late[len(late) - min(missed.catch_up, len(late)) :]
    left = late[: len(late) - len(kept)]
    return Plan(
        fire=(*kept, *due[len(late) :]),
        skipped=Skipped(left[0], left[-1], len(left)) if left else None,
        until=max(decided, now),
        due_at=table.next(max(decided, now)),
    )
