"""How much a workspace, a person, or a person in a workspace may hold at once. Pure: the store
brings the quotas and what is held, inside the transaction that admits.

Every quota that covers a job must allow it. One of a person stands in for one of each person
(`*`) in the same place, set at the same level.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lazur.engine.plan import Demand

EACH = "*"
RUNNING, QUEUED, CORES, MEMORY, GPUS, BYTES, ENDPOINTS = NAMES = (
    "running-jobs",
    "queued-jobs",
    "cores",
    "memory",
    "gpus",
    "bytes",
    "endpoints",
)
OF_RUNNING = (RUNNING, CORES, MEMORY, GPUS)
SIZES = (MEMORY, BYTES)
SERVER, WORKSPACE = "server", "workspace"


@dataclass(frozen=True)
class Quota:
    id: int
    workspace_id: int | None
    """None: everywhere."""
    person: str
    """Empty: of all together; EACH: of each."""
    level: str
    """Who set it: owners of the SERVER, or of the WORKSPACE."""
    name: str
    most: int

    def covers(self, workspace_id: int, person: str) -> bool:
        placed = self.workspace_id in (None, workspace_id)
        return placed and self.person in ("", EACH, person)


@dataclass(frozen=True)
class Shortage:
    """More is wanted than a quota leaves."""

    quota: Quota
    used: int
    wanted: int

    @property
    def is_final(self) -> bool:
        """Nothing that ends makes room enough."""
        return self.wanted > self.quota.most


def governing(quotas: Iterable[Quota], workspace_id: int, person: str) -> list[Quota]:
    """Those that hold for this person in this workspace."""
    found = [quota for quota in quotas if quota.covers(workspace_id, person)]
    own = {_place(quota) for quota in found if quota.person == person}
    return [quota for quota in found if quota.person != EACH or _place(quota) not in own]


def wanted(demand: Demand) -> dict[str, int]:
    """What a job holds while it runs."""
    return {RUNNING: 1, CORES: demand.cpus, MEMORY: demand.memory, GPUS: demand.gpus}


class Ledger:
    """What is held under each quota, while a decision is made."""

    def __init__(self, quotas: Iterable[Quota]) -> None:
        self._quotas = list(quotas)
        self._held: dict[tuple[int, str], int] = {}
        self._governing: dict[tuple[int, str], list[Quota]] = {}

    def hold(self, workspace_id: int, person: str, amounts: Mapping[str, int]) -> None:
        for quota in self._of(workspace_id, person):
            key = self._key(quota, person)
            self._held[key] = self._held.get(key, 0) + amounts.get(quota.name, 0)

    def hold_under(self, quota: Quota, person: str, amount: int) -> None:
        """What was summed up elsewhere."""
        key = self._key(quota, person)
        self._held[key] = self._held.get(key, 0) + amount

    def shortage(
        self, workspace_id: int, person: str, amounts: Mapping[str, int]
    ) -> Shortage | None:
        """The first quota that does not allow so much more; what cannot ever be comes first."""
        found = [
            Shortage(quota, self.used(quota, person), amounts[quota.name])
            for quota in self._of(workspace_id, person)
            if amounts.get(quota.name, 0) > 0
            and self.used(quota, person) + amounts[quota.name] > quota.most
        ]
        return next((lack for lack in found if lack.is_final), found[0] if found else None)

    def used(self, quota: Quota, person: str) -> int:
        return self._held.get(self._key(quota, person), 0)

    def _of(self, workspace_id: int, person: str) -> list[Quota]:
        key = (workspace_id, person)
        if key not in self._governing:
            self._governing[key] = governing(self._quotas, workspace_id, person)
        return self._governing[key]

    def _key(self, quota: Quota, person: str) -> tuple[int, str]:
        return quota.id, person if quota.person == EACH else ""


def _place(quota: Quota) -> tuple[int | None, str, str]:
    return quota.workspace_id, quota.level, quota.name
