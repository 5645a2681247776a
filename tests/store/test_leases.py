"""Every due row is leased once, in order, and only its holder writes."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import update

from lazur.store import jobs, leases
from lazur.store.db import Database
from lazur.store.tables import jobs as table
from tests.store.conftest import NOW, AddJob

ROWS = 200
_TAKING = leases.taking(table)


def take(db: Database, now: float, limit: int = 10) -> tuple[str, list[int]]:
    with db.write() as connection:
        token, keys = leases.take(connection, _TAKING, now, limit, owner="me")
    return token, list(keys)


def apply(db: Database, key: int, token: str, **values: Any) -> bool:
    with db.write() as connection:
        return leases.apply(connection, table, key, token, **values)


def due(db: Database) -> float | None:
    with db.read() as connection:
        return leases.falling_due(table).scalar(connection)


class TestTake:
    def test_what_is_not_due_is_left_alone(self, db: Database, add_job: AddJob) -> None:
        add_job(due_at=NOW + 0.1)
        add_job(due_at=None)
        assert take(db, NOW)[1] == []

    def test_the_longest_due_come_first(self, db: Database, add_job: AddJob) -> None:
        late, later, first = add_job(due_at=NOW - 1), add_job(due_at=NOW), add_job(due_at=NOW - 9)
        assert set(take(db, NOW, limit=2)[1]) == {first, late}
        assert take(db, NOW, limit=2)[1] == [later]

    def test_a_leased_row_is_not_leased_again(self, db: Database, add_job: AddJob) -> None:
        add_job(due_at=NOW)
        assert len(take(db, NOW)[1]) == 1
        assert take(db, NOW + leases.LEASE_SECONDS)[1] == []

    def test_a_lease_that_ended_is_given_to_another(self, db: Database, add_job: AddJob) -> None:
        job = add_job(due_at=NOW)
        first, _ = take(db, NOW)
        second, keys = take(db, NOW + leases.LEASE_SECONDS + 0.1)
        assert keys == [job]
        assert first != second

    def test_a_row_that_is_due_for_ever_needs_no_lease_to_have_been(
        self, db: Database, add_job: AddJob
    ) -> None:
        job = add_job(due_at=0.0, lease_until=None, lease_token=None)
        assert take(db, NOW)[1] == [job]

    def test_conditions_narrow_what_is_leased(self, db: Database, add_job: AddJob) -> None:
        add_job(due_at=NOW, runner="other")
        mine, free = add_job(due_at=NOW, runner="me"), add_job(due_at=NOW, runner=None)
        with db.write() as connection:
            _, rows = jobs.take_due(connection, NOW, "me", 10, "me")
        assert {row.id for row in rows} == {mine, free}


class TestTakeOne:
    def test_a_hint_leases_before_the_time(self, db: Database, add_job: AddJob) -> None:
        job = add_job(due_at=NOW + 100)
        with db.write() as connection:
            token, row = jobs.take_one(connection, job, NOW, "me", "me")
        assert row is not None
        assert row.lease_token == token

    def test_a_hint_to_a_job_that_waits_for_nothing_is_idle(
        self, db: Database, add_job: AddJob
    ) -> None:
        job = add_job(due_at=None)
        with db.write() as connection:
            assert jobs.take_one(connection, job, NOW, "me", "me")[1] is None

    def test_a_hint_does_not_take_a_lease_away(self, db: Database, add_job: AddJob) -> None:
        job = add_job(due_at=NOW)
        token, _ = take(db, NOW)
        with db.write() as connection:
            assert jobs.take_one(connection, job, NOW, "me", "me")[1] is None
        assert apply(db, job, token, due_at=None)


class TestApply:
    def test_the_holder_writes_and_gives_the_lease_back(
        self, db: Database, add_job: AddJob
    ) -> None:
        job = add_job(due_at=NOW)
        token, _ = take(db, NOW)
        assert apply(db, job, token, due_at=NOW, waiting_for="this")
        assert take(db, NOW)[1] == [job]
        with db.read() as connection:
            row = jobs.by_id(connection, job)
        assert row is not None
        assert row.waiting_for == "this"

    def test_a_stale_lease_writes_nothing(self, db: Database, add_job: AddJob) -> None:
        job = add_job(due_at=NOW)
        stale, _ = take(db, NOW)
        fresh, _ = take(db, NOW + 100)
        assert not apply(db, job, stale, waiting_for="stale")
        assert apply(db, job, fresh, waiting_for="fresh")
        assert not apply(db, job, fresh, waiting_for="twice")
        with db.read() as connection:
            row = jobs.by_id(connection, job)
        assert row is not None
        assert row.waiting_for == "fresh"

    def test_renewing_keeps_a_lease(self, db: Database, add_job: AddJob) -> None:
        job = add_job(due_at=NOW)
        token, _ = take(db, NOW)
        with db.write() as connection:
            assert leases.renew(connection, table, job, token, NOW + 50)
            assert not leases.renew(connection, table, job, "not it", NOW + 500)
        assert take(db, NOW + 100)[1] == []
        assert take(db, NOW + 111)[1] == [job]


class TestNextDue:
    def test_nothing_is_due_in_an_empty_table(self, db: Database, add_job: AddJob) -> None:
        add_job(due_at=None)
        assert due(db) is None

    def test_a_leased_row_counts_at_the_end_of_its_lease(
        self, db: Database, add_job: AddJob
    ) -> None:
        add_job(due_at=NOW)
        take(db, NOW)
        assert due(db) == NOW + leases.LEASE_SECONDS

    def test_a_leased_row_does_not_hide_those_behind_it(
        self, db: Database, add_job: AddJob
    ) -> None:
        add_job(due_at=NOW - 10)
        take(db, NOW)
        add_job(due_at=NOW + 5)
        assert due(db) == NOW + 5


class TestContention:
    def test_threads_share_all_rows_and_none_twice(self, db: Database, add_job: AddJob) -> None:
        wanted = {add_job(due_at=NOW) for _ in range(ROWS)}
        with ThreadPoolExecutor(4) as pool:
            taken = [key for keys in pool.map(lambda _: drain(db), range(4)) for key in keys]
        assert len(taken) == ROWS
        assert set(taken) == wanted

    def test_processes_share_all_rows_and_none_twice(
        self, db: Database, ready_database_url: str, add_job: AddJob
    ) -> None:
        wanted = {add_job(due_at=NOW) for _ in range(ROWS)}
        spawned = multiprocessing.get_context("spawn")
        results, gate = spawned.Queue(), spawned.Barrier(2)
        workers = [
            spawned.Process(target=_drain_alone, args=(ready_database_url, gate, results))
            for _ in range(2)
        ]
        for worker in workers:
            worker.start()
        taken = [*results.get(timeout=60), *results.get(timeout=60)]
        for worker in workers:
            worker.join(60)
        assert len(taken) == ROWS
        assert set(taken) == wanted


class TestCancelMeanwhile:
    """A person asks to cancel while a loop holds the job's lease."""

    @pytest.fixture
    def held(self, db: Database, add_job: AddJob) -> tuple[Any, str]:
        job = add_job(due_at=NOW, state="Starting", placed=True)
        with db.write() as connection:
            token, rows = jobs.take_due(connection, NOW, "me", 1, "me")
            asked = update(table).where(table.c.id == job)
            connection.execute(asked.values(cancel_requested=True, state="CancelRequested"))
        return rows[0], token

    def test_progress_does_not_hide_the_request(self, db: Database, held: tuple[Any, str]) -> None:
        row, token = held
        with db.write() as connection:
            assert jobs.apply(
                connection, row, token, NOW + 1, state="Running", due_at=NOW + 15, handle={"a": 1}
            )
            seen = jobs.by_id(connection, row.id)
        assert seen is not None
        assert (seen.state, seen.due_at) == ("CancelRequested", NOW + 1)
        assert seen.handle == {"a": 1}

    def test_releasing_does_not_put_the_request_off(
        self, db: Database, held: tuple[Any, str]
    ) -> None:
        row, token = held
        with db.write() as connection:
            assert jobs.release(connection, row, token, NOW + 1, NOW + 15)
            seen = jobs.by_id(connection, row.id)
        assert seen is not None
        assert seen.due_at == NOW + 1

    def test_an_end_is_an_end(self, db: Database, held: tuple[Any, str]) -> None:
        row, token = held
        values = {"state": "Completed", "ended_at": NOW, "due_at": None}
        with db.write() as connection:
            assert jobs.apply(connection, row, token, NOW + 1, **values)
            seen = jobs.by_id(connection, row.id)
        assert seen is not None
        assert (seen.state, seen.due_at) == ("Completed", None)


def drain(db: Database) -> list[int]:
    taken: list[int] = []
    while keys := take(db, NOW, limit=7)[1]:
        taken += keys
    return taken


def _drain_alone(url: str, gate: Any, results: Any) -> None:
    db = Database(url)
    gate.wait(60)
    results.put(drain(db))
    db.close()


class TestTakeBack:
    def test_a_server_that_starts_frees_what_it_held(self, db: Database, add_job: AddJob) -> None:
        job = add_job(due_at=NOW)
        stale, _ = take(db, NOW)
        with db.write() as connection:
            assert leases.take_back(connection, table, "me") == 1
        assert not apply(db, job, stale, waiting_for="stale")
        assert take(db, NOW)[1] == [job]

    def test_what_others_hold_is_theirs(self, db: Database, add_job: AddJob) -> None:
        add_job(due_at=NOW)
        take(db, NOW)
        with db.write() as connection:
            for other in ("m", "me-", "m_", "%", "not me"):
                assert leases.take_back(connection, table, other) == 0

    def test_everything_of_this_machine_is_looked_at(self, db: Database, add_job: AddJob) -> None:
        mine = add_job(due_at=NOW + 15, runner="here", placed=True)
        unplaced = add_job(due_at=NOW + 15, runner=None)
        add_job(due_at=NOW + 15, runner="there", placed=True)
        add_job(due_at=None, runner="here")
        with db.write() as connection:
            jobs.adopt(connection, NOW, "here", "me")
            _, rows = jobs.take_due(connection, NOW, "here", 10, "me")
        assert {row.id for row in rows} == {mine, unplaced}
