"""Gives free slots of computes that Lazur places on itself to queued jobs."""

from __future__ import annotations

from dataclasses import replace

from lazur.engine import dispatch
from lazur.engine.contracts import HasCapacity
from lazur.engine.dispatch import Placement, Queued
from lazur.engine.plan import Demand
from lazur.loops.base import Loop
from lazur.loops.jobs import Jobs
from lazur.services.base.site import Site
from lazur.services.people import quotas
from lazur.services.resources import clusters
from lazur.store import jobs as store
from lazur.store import leases, parents, workspaces
from lazur.store.db import AnyRow, Connection

_BETWEEN_LOOKS = 10.0
_AT_ONCE = 16


class Dispatch(Loop):
    name = "dispatch"

    def __init__(self, site: Site, jobs: Jobs) -> None:
        super().__init__()
        self._site = site
        self._jobs = jobs
        self._full: set[str] = set()
        """Computes without a free core, at the last look: who comes to wait for them need not be
        looked at before something changes there."""
        site.bus.listen("queue", lambda _topic, _compute: self._changed())
        site.bus.listen("line", lambda _topic, compute: self._came(compute))

    def round(self) -> float:
        self._full.clear()
        for compute, capacity in self._with_room():
            self._fill(compute, capacity)
        return _BETWEEN_LOOKS

    def _changed(self) -> None:
        self._full.clear()
        self.hint()

    def _came(self, compute: str) -> None:
        if compute not in self._full:
            self.hint()

    def _with_room(self) -> list[tuple[AnyRow, Demand]]:
        """Computes that jobs wait for, where a core is free: every job that comes asks for this,
        and a full machine takes no writer's turn for the answer."""
        with self._site.db.read() as db:
            wanted = [
                (compute, store.placed_on(db, compute.id, self._site.runner))
                for compute in workspaces.computes_wanted(db)
            ]
        found: list[tuple[AnyRow, Demand]] = []
        for compute, placed in wanted:
            backend = self._site.backend(compute.type, compute.settings)
            if isinstance(backend, HasCapacity):
                capacity = backend.capacity()
                if sum(job.cpus for job in placed) < capacity.cpus:
                    found.append((compute, capacity))
                else:
                    self._full.add(compute.name)
        return found

    def _fill(self, compute: AnyRow, capacity: Demand) -> None:
        """One decision: what is free, who is next, written down in one transaction."""
        token, runner = leases.new_token(self._site.server), self._site.runner
        now = self._site.now()
        # Lost with the power of a database elsewhere, slots would be given to others while the job
        # has them, and the job to another machine while it runs on this one.
        with self._site.db.write(synced=self._site.db.apart) as db:
            workspaces.lock_compute(db, compute.id)
            placements, spare = self._choose(db, compute.id, capacity)
            placed = [
                p.id for p in placements if store.place(db, p.id, runner, p.gpu_ids, token, now)
            ]
        if not spare and len(placed) == len(placements):
            self._full.add(compute.name)
        if placed:
            self._jobs.take(placed, token)
        if len(placed) >= _AT_ONCE:
            self.hint()

    def _choose(
        self, db: Connection, compute_id: int, capacity: Demand
    ) -> tuple[list[Placement], int]:
        """Who begins, and how many cores are free even so."""
        running = store.placed_on(db, compute_id, self._site.runner)
        free = capacity
        held: dict[str, int] = {}
        for job in running:
            free = dispatch.less(free, Demand(job.cpus, job.memory, job.gpus))
            held[job.created_by] = held.get(job.created_by, 0) + job.cpus
        if free.cpus <= 0:
            return [], 0
        taken = {gpu for job in running for gpu in job.gpu_ids}
        gpus = [gpu for gpu in range(capacity.gpus) if gpu not in taken]
        queued = possible(_first(db, compute_id), capacity)
        ledger = quotas.ledger_of_running(db, lock=True)
        rooms = clusters.rooms(db, compute_id) if any(job.cluster for job in queued) else None
        families = parents.running(db, {job.family for job in queued if job.family})
        chosen = dispatch.choose(queued, free, gpus, held, ledger, rooms, families)[:_AT_ONCE]
        cores = {job.id: job.demand.cpus for job in queued}
        return chosen, max(0, free.cpus - sum(cores[placement.id] for placement in chosen))


def possible(queued: list[Queued], capacity: Demand) -> list[Queued]:
    """A machine may have less than when a job was accepted: more cores than there are is a wish,
    and what asks for more memory or GPUs than there are holds nobody else up."""
    return [
        job
        if job.demand.cpus <= capacity.cpus
        else replace(job, demand=replace(job.demand, cpus=capacity.cpus))
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
            row.family,
            row.at_once or 0,
        )
        for whose in store.queued_by_person(db, compute_id)
        for row in store.queued(db, compute_id, whose, _AT_ONCE)
    ]
