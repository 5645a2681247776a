"""What the dispatcher asks and writes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from lazur.store import jobs, leases, parents, workspaces
from lazur.store.db import Database
from tests.store.conftest import NOW, AddJob, add_compute, add_workspace


def place(db: Database, job: int, runner: str = "me") -> bool:
    with db.write() as connection:
        return jobs.place(connection, job, runner, [1], "token", NOW)


class TestPlace:
    def test_a_queued_job_gets_its_slots_and_a_lease_in_one_step(
        self, db: Database, add_job: AddJob
    ) -> None:
        job = add_job(waiting_for="slots")
        assert place(db, job)
        with db.read() as connection:
            row = jobs.by_id(connection, job)
        assert row is not None
        assert (row.state, row.placed, row.runner, row.gpu_ids) == ("Starting", True, "me", [1])
        assert (row.waiting_for, row.version, row.due_at) == (None, 2, NOW)
        assert (row.lease_token, row.lease_until) == ("token", NOW + leases.LEASE_SECONDS)

    def test_a_job_is_placed_once(self, db: Database, add_job: AddJob) -> None:
        job = add_job()
        with ThreadPoolExecutor(4) as pool:
            done = list(pool.map(lambda i: place(db, job, f"runner{i}"), range(8)))
        assert done.count(True) == 1

    def test_a_job_that_is_not_queued_is_not_placed(self, db: Database, add_job: AddJob) -> None:
        for state in ("Preparing", "Running", "Canceled", "CancelRequested"):
            assert not place(db, add_job(state=state))


class TestQueue:
    def test_the_first_of_everybody_is_brought(
        self, db: Database, add_job: AddJob, compute_id: int
    ) -> None:
        ann = [add_job(created_by="ann", due_at=None) for _ in range(5)]
        bob = add_job(created_by="bob", priority=3)
        add_job(created_by="cid", state="Running")
        with db.read() as connection:
            people = jobs.queued_by_person(connection, compute_id)
            assert {(p.priority, p.created_by, p.first) for p in people} == {
                (2, "ann", ann[0]),
                (3, "bob", bob),
            }
            anns = next(p for p in people if p.created_by == "ann")
            rows = jobs.queued(connection, compute_id, anns, 3)
            assert [row.id for row in rows] == ann[:3]

    def test_children_that_wait_for_each_other_stand_apart(
        self, db: Database, add_job: AddJob, compute_id: int
    ) -> None:
        parent = add_job(state="Running")
        waiting = [add_job(parent_id=parent, at_once=1) for _ in range(2)]
        alone = [add_job(), add_job(parent_id=parent)]
        with db.read() as connection:
            whose = jobs.queued_by_person(connection, compute_id)
            queues = {
                w.family: [row.id for row in jobs.queued(connection, compute_id, w, 9)]
                for w in whose
            }
        assert queues == {parent: waiting, 0: alone}

    def test_children_that_hold_slots_are_counted_wherever_they_run(
        self, db: Database, add_job: AddJob
    ) -> None:
        parent = add_job(state="Running")
        for runner in ("me", "other"):
            assert place(db, add_job(parent_id=parent, at_once=3), runner)
        add_job(parent_id=parent, at_once=3)
        with db.read() as connection:
            assert parents.running(connection, {parent}) == {parent: 2}
            assert parents.running(connection, set()) == {}

    def test_queues_of_all_workspaces_are_one_per_compute(
        self, db: Database, add_job: AddJob, compute_id: int
    ) -> None:
        other = add_workspace(db, "other")
        here = [add_job(), add_job(workspace_id=other)]
        add_job(compute_id=add_compute(db, "elsewhere"))
        with db.read() as connection:
            whose = jobs.queued_by_person(connection, compute_id)
            rows = [row for w in whose for row in jobs.queued(connection, compute_id, w, 9)]
        assert sorted(row.id for row in rows) == here

    def test_the_position_counts_what_is_looked_at_before(
        self, db: Database, add_job: AddJob
    ) -> None:
        job = [add_job(), add_job(), add_job(priority=3), add_job(priority=1)]
        with db.read() as connection:
            rows = {row.id: row for row in jobs.by_ids(connection, job)}
            positions = [jobs.position(connection, rows[i]) for i in job]
        assert positions == [1, 2, 0, 3]

    def test_slots_are_counted_per_runner(
        self, db: Database, add_job: AddJob, compute_id: int
    ) -> None:
        mine, theirs = add_job(cpus=2), add_job()
        place(db, mine, "me")
        place(db, theirs, "other")
        with db.read() as connection:
            rows = jobs.placed_on(connection, compute_id, "me")
        assert [(row.id, row.cpus, row.gpu_ids) for row in rows] == [(mine, 2, [1])]

    def test_one_dispatcher_decides_at_a_time(
        self, db: Database, add_job: AddJob, compute_id: int
    ) -> None:
        """Without the lock, both would see the same free slot."""
        for _ in range(20):
            add_job()

        def fill(runner: int) -> int:
            count = 0
            for _ in range(20):
                with db.write() as connection:
                    workspaces.lock_compute(connection, compute_id)
                    placed = jobs.placed_on(connection, compute_id, "me")
                    anns = jobs.queued_by_person(connection, compute_id)
                    waiting = jobs.queued(connection, compute_id, anns[0], 1) if anns else []
                    if len(placed) < 3 and waiting:
                        count += jobs.place(connection, waiting[0].id, "me", [], f"t{runner}", NOW)
            return count

        with ThreadPoolExecutor(4) as pool:
            assert sum(pool.map(fill, range(4))) == 3


class TestCounts:
    def test_unfinished_jobs_by_state(
        self, db: Database, add_job: AddJob, compute_id: int, workspace_id: int
    ) -> None:
        for state in ("Queued", "Queued", "Running", "Completed", "Failed"):
            over = state in ("Completed", "Failed")
            add_job(state=state, ended_at=NOW if over else None)
        with db.read() as connection:
            assert jobs.counts(connection, compute_id) == {"Queued": 2, "Running": 1}
            assert len(workspaces.unfinished_jobs(connection, workspace_id)) == 3
