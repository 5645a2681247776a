"""Job states: Azure's names, and which may follow which.

    NotStarted ─▶ Preparing ─▶ Queued ─▶ Starting ─▶ Running ─▶ Finalizing ─▶ Completed
        environment being built ┘    │        │          │            │        Failed
                  waiting for slots ─┘        └──────────┴── CancelRequested ─▶ Canceled

`may_follow` has the exact rule.
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    NOT_STARTED = "NotStarted"
    PREPARING = "Preparing"
    QUEUED = "Queued"
    STARTING = "Starting"
    RUNNING = "Running"
    FINALIZING = "Finalizing"
    CANCEL_REQUESTED = "CancelRequested"
    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELED = "Canceled"


FINAL = frozenset({State.COMPLETED, State.FAILED, State.CANCELED})
WAITING = frozenset({State.NOT_STARTED, State.PREPARING, State.QUEUED})
PLACED = frozenset({State.STARTING, State.RUNNING, State.FINALIZING})
"""States in which the job holds slots of its compute."""

_ORDER = (
    State.NOT_STARTED,
    State.PREPARING,
    State.QUEUED,
    State.STARTING,
    State.RUNNING,
    State.FINALIZING,
)


def may_follow(old: State, new: State) -> bool:
    """Whether a job in `old` may become `new`. Final states are final; progress goes forward only,
    except that an attempt is followed by another where it never began, or where what it left can
    be gone on with."""
    if old in FINAL:
        return False
    if new in FINAL or old == new:
        return True
    if new == State.CANCEL_REQUESTED:
        return old not in WAITING
    if old == State.CANCEL_REQUESTED:
        return False
    if new == State.QUEUED and old in PLACED:
        return True
    return _ORDER.index(new) > _ORDER.index(old)
