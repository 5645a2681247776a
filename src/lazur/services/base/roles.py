"""Roles: which actions a name stands for.

Actions are Azure's strings without their common prefix, `workspaces/jobs/write`. Roles hold
patterns of them: `*` stands for any text, and `/*/` also for nothing in between, as Azure's own
role definitions need to make sense.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

_PREFIX = re.compile(r"(?i)Microsoft\.(?:MachineLearningServices/|(?=Authorization/))")


@dataclass(frozen=True, eq=False)
class Role:
    """`not_actions` take away from this role alone: another one may grant the same."""

    name: str
    actions: tuple[str, ...]
    not_actions: tuple[str, ...] = ()

    def __hash__(self) -> int:
        return id(self)


_ROLES = (
    Role("Owner", ("*",)),
    Role("Contributor", ("*",), ("authorization/*/write", "authorization/*/delete")),
    Role("Reader", ("*/read",)),
    Role(
        "AzureML Data Scientist",
        (
            "workspaces/*/read",
            "workspaces/*/action",
            "workspaces/*/delete",
            "workspaces/*/write",
        ),
        (
            "workspaces/delete",
            "workspaces/write",
            "workspaces/computes/*/write",
            "workspaces/computes/*/delete",
            "workspaces/computes/listKeys/action",
            "workspaces/listKeys/action",
            "workspaces/hubs/write",
            "workspaces/hubs/delete",
            "workspaces/featurestores/write",
            "workspaces/featurestores/delete",
        ),
    ),
    Role("AzureML Compute Operator", ("workspaces/computes/*", "workspaces/notebooks/vm/*")),
    Role("AzureML Metrics Writer", ("workspaces/metrics/*/write",)),
    Role("AzureML Registry User", ("registries/read", "registries/assets/*")),
    Role(
        "Workspace Connection Secrets Reader",
        ("workspaces/read", "workspaces/connections/read", "workspaces/connections/*/action"),
    ),
)
BUILT_IN = {role.name: role for role in _ROLES}

EVERYBODY = Role("Everybody", ("me/*", "openapi/read", "registries/read", "sign-in/action"))
"""Of each person and each service, everywhere, whatever their roles."""
JOB = Role(
    "Job",
    (
        "workspaces/jobs/read",
        "workspaces/read",
        "workspaces/data/read",
        "workspaces/datastores/read",
        "workspaces/datastores/files/read",
        "workspaces/experiments/*/read",
        "workspaces/experiments/*/write",
        "workspaces/experiments/runs/delete",
        "workspaces/models/*/read",
        "workspaces/models/*/write",
    ),
)
"""Of a job's token, in its workspace."""
JOB_EVERYWHERE = Role("Job", ("me/read",))
HOOK = Role("Hook", ("workspaces/schedules/invoke/action",))
"""Of a schedule's key, for that schedule."""


@lru_cache(maxsize=10_000)
def allows(role: Role, action: str) -> bool:
    return any(_matches(p, action) for p in role.actions) and not any(
        _matches(p, action) for p in role.not_actions
    )


@lru_cache(maxsize=1_000)
def custom(name: str, actions: tuple[str, ...], not_actions: tuple[str, ...]) -> Role:
    """The same object for the same content, so that what it allows is found out once."""
    return Role(name, *ours(actions, not_actions))


def includes(wide: Role, narrow: Role) -> bool:
    """Whether `narrow` surely allows nothing that `wide` does not. Patterns are compared as they
    are written, so that some that would be included are not seen to be."""
    if not all(any(_matches(p, action) for p in wide.actions) for action in narrow.actions):
        return False
    return all(
        refused in narrow.not_actions
        or not any(_matches(a, refused) or _matches(refused, a) for a in narrow.actions)
        for refused in wide.not_actions
    )


def ours(*lists: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """Without Azure's prefixes. Actions of other providers stay as they are."""
    for actions in lists:
        yield tuple(_PREFIX.sub("", action) for action in actions)


def _matches(pattern: str, action: str) -> bool:
    return _compiled(pattern).fullmatch(action) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = [".*".join(map(re.escape, part.split("*"))) for part in pattern.split("/*/")]
    return re.compile("/(?:.*/)?".join(parts), re.IGNORECASE)
