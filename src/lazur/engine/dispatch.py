"""Who gets free slots next. Pure: the store brings what is queued and running, and writes down
what comes out.

Priority first; among equals the person who holds the fewest cores; then first come, first served.
A job that does not fit keeps what it waits for: those behind it may use only what is left over, so
a large job is never starved. The same goes for quotas: a job that waits for one keeps its place
under it, and holds up nobody else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from lazur.engine import quotas
from lazur.engine.plan import Demand
from lazur.engine.quotas import Ledger


@dataclass(frozen=True)
class Queued:
    id: int
    person: str
    priority: int
    demand: Demand
    workspace_id: int = 0
    cluster: str = ""
    """What the workspace calls the compute; empty where it goes by the server's name."""
    nodes: int = 1
    family: int = 0
    """Its parent, where no more than `at_once` of that one's children run at a time."""
    at_once: int = 0


Rooms = dict[tuple[int, str], int]
"""Nodes that are left, by workspace and cluster."""


@dataclass(frozen=True)
class Placement:
    id: int
    gpu_ids: list[int]


def choose(
    queued: Iterable[Queued],
    free: Demand,
    free_gpus: Iterable[int],
    held: Mapping[str, int],
    ledger: Ledger | None = None,
    rooms: Rooms | None = None,
    families: Mapping[int, int] | None = None,
) -> list[Placement]:
    """The jobs to start now. `held`: cores by person. `queued` need only hold each person's first
    few. `ledger`: what is held under quotas; it and `rooms` are written in. `families`: how many
    children of a parent run."""
    ledger, rooms, siblings = ledger or Ledger([]), rooms or {}, dict(families or {})
    waiting = sorted(queued, key=lambda job: (-job.priority, job.id))
    cores = dict(held)
    gpus = sorted(free_gpus)
    placed: list[Placement] = []
    while waiting and free.cpus > 0:
        top = waiting[0].priority
        job = min(
            (j for j in waiting if j.priority == top), key=lambda j: (cores.get(j.person, 0), j.id)
        )
        waiting.remove(job)
        if not _is_next(job, siblings):
            continue
        if not _has_room(job, rooms) or not _is_allowed(job, ledger):
            continue
        if fits(job.demand, free):
            placed.append(Placement(job.id, [gpus.pop(0) for _ in range(job.demand.gpus)]))
            cores[job.person] = cores.get(job.person, 0) + job.demand.cpus
        free = less(free, job.demand)
    return placed


def _is_next(job: Queued, siblings: dict[int, int]) -> bool:
    """Of its parent's children. What has to wait for others of them has no place anywhere yet."""
    if not job.family:
        return True
    running = siblings.get(job.family, 0)
    siblings[job.family] = running + 1
    return running < job.at_once


def _has_room(job: Queued, rooms: Rooms) -> bool:
    """In its cluster. Either way it has its place there from now on."""
    if not job.cluster:
        return True
    place = job.workspace_id, job.cluster
    room = rooms.get(place, 0)
    rooms[place] = room - job.nodes
    return job.nodes <= room


def _is_allowed(job: Queued, ledger: Ledger) -> bool:
    """By quotas. Either way it has its place under them from now on, unless it never can."""
    amounts = quotas.wanted(job.demand)
    lack = ledger.shortage(job.workspace_id, job.person, amounts)
    if lack is None or not lack.is_final:
        ledger.hold(job.workspace_id, job.person, amounts)
    return lack is None


def fits(demand: Demand, free: Demand) -> bool:
    return demand.cpus <= free.cpus and demand.memory <= free.memory and demand.gpus <= free.gpus


def less(free: Demand, taken: Demand) -> Demand:
    return replace(
        free,
        cpus=max(0, free.cpus - taken.cpus),
        memory=max(0, free.memory - taken.memory),
        gpus=max(0, free.gpus - taken.gpus),
    )
