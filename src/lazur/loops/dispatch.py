"""Gives free slots of computes that Lazur places on itself to queued jobs."""

from __future__ import annotations

from dataclasses import replace

from lazur.engine import dispatch
from lazur.engine.contracts import HasCapacity
from lazur.engine.dispatch import Placement, Queued
from lazur.engine.plan import Demand
from lazur.loops.base import Loop
from lazur.loops.jobs import Jobs
from lazur.services import clusters, quotas
from lazur.services.site import Site
from lazur.store import jobs as store
from lazur.store import leases, workspaces
from lazur.store.db import AnyRow, Connection

_BETWEEN_LOOKS = 10.0
_AT_ONCE = 16


class Dispatch(Loop):
    name = "dispatch"

    def __init__(self, site: Site, jobs: Jobs) -> None:
        super().__init__()
        self._site = site
        self._jobs = jobs
        site.bus.listen("queue", lambda _topic, _compute: self.hint())

    def round(self) -> float:
        with self._site.db.read() as db:
            computes = [c for c in workspaces.all_computes(db) if store.queued_by_person(db, c.id)]
        for compute in computes:
            backend = self._site.backend(compute.type, compute.settings)
            if isinstance(backend, HasCapacity):
                self._fill(compute, backend.capacity())
        return _BETWEEN_LOOKS

    def _fill(self, compute: AnyRow, capacity: Demand) -> None:
        """One decision: what is free, who is next, written down in one transaction."""
        token, runner = leases.new_token(self._site.server), self._site.runner
        now = self._site.now()
        with self._site.db.write() as db:
            workspaces.lock_compute(db, compute.id)
            placements = self._choose(db, compute.id, capacity)
            placed = [
                p.id for p in placements if store.place(db, p.id, runner, p.gpu_ids, token, now)
            ]
        if placed:
            self._jobs.take(placed, token)
        if len(placed) >= _AT_ONCE:
            self.hint()

    def _choose(self, db: Connection, compute_id: int, capacity: Demand) -> list[Placement]:
        running = store.placed_on(db, compute_id, self._site.runner)
        free = capacity
        held: dict[str, int] = {}
        for job in running:
            free = dispatch.less(free, Demand(job.cpus, job.memory, job.gpus))
            held[job.created_by] = held.get(job.created_by, 0) + job.cpus
        if free.cpus <= 0:
            return []
        taken = {gpu for job in running for gpu in job.gpu_ids}
        gpus = [gpu for gpu in range(capacity.gpus) if gpu not in taken]
        queued = possible(_first(db, compute_id), capacity)
        ledger = quotas.ledger_of_running(db, lock=True)
        rooms = clusters.rooms(db, compute_id) if any(job.cluster for job in queued) else None
        return dispatch.choose(queued, free, gpus, held, ledger, rooms)[:_AT_ONCE]


def possible(queued: list[Queued], capacity: Demand) -> list[Queued]:
    """A machine may have less than when a job was accepted: more cores than there are is a wish,
    and what asks for more memory or GPUs than there are holds nobody else up."""
    return [
        replace(job, demand=replace(job.demand, cpus=min(job.demand.cpus, capacity.cpus)))
        for job in queued
        if job.demand.memory <= capacity.memory and job.demand.gpus <= capacity.gpus
    ]


def _first(db: Connection, compute_id: int) -> list[Queued]:
    """The first few of everybody's queue: enough for one decision, however long the queue is."""
    return [
        Queued(
            row.id,
            row.created_by,
            row.priority,
            Demand(row.cpus, row.memory, row.gpus),
            row.workspace_id,
            row.cluster,
            row.nodes,
        )
        for whose in store.queued_by_person(db, compute_id)
        for row in store.queued(db, compute_id, whose, _AT_ONCE)
    ]
