"""Writers that share a commit."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, event, text

from lazur.errors import Unavailable
from lazur.store.db import Database, sqlite_url


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(sqlite_url(tmp_path / "lazur.db"))
    with made.write() as db:
        db.execute(text("CREATE TABLE t (n INTEGER PRIMARY KEY, b TEXT)"))
    yield made
    made.close()


class Commits:
    """How many transactions a database's synced engine committed; each may be made to fail."""

    def __init__(self, engine: Engine) -> None:
        self.count = 0
        self.fail = False
        event.listen(engine, "commit", self._seen)

    def _seen(self, _connection: Connection) -> None:
        self.count += 1
        if self.fail:
            raise OSError("no space left")


class TestWrite:
    def test_writers_that_come_together_share_commits(self, database: Database) -> None:
        commits = Commits(database.engine)
        first_is_in = threading.Event()
        others_wait = threading.Event()

        def first() -> None:
            with database.write() as db:
                first_is_in.set()
                others_wait.wait(60)
                add(db, 0)

        with ThreadPoolExecutor(9) as pool:
            running = [pool.submit(first)]
            first_is_in.wait(60)
            running += [pool.submit(add_one, database, n) for n in range(1, 9)]
            while waiting(database) < 8:
                pass
            others_wait.set()
            for one in running:
                one.result()
        assert rows(database) == list(range(9))
        assert commits.count == 1

    def test_one_alone_commits_at_once(self, database: Database) -> None:
        commits = Commits(database.engine)
        for n in range(3):
            add_one(database, n)
        assert commits.count == 3

    def test_a_part_that_fails_takes_no_other_with_it(self, database: Database) -> None:
        def write(n: int) -> None:
            with database.write() as db:
                add(db, n)
                if n % 3 == 0:
                    raise ValueError(n)

        with ThreadPoolExecutor(8) as pool:
            outcomes = [pool.submit(write, n).exception() for n in range(200)]
        failed = [n for n, outcome in enumerate(outcomes) if outcome is not None]
        assert failed == list(range(0, 200, 3))
        assert rows(database) == [n for n in range(200) if n % 3]

    def test_a_commit_that_fails_fails_for_all_and_the_next_works(
        self, database: Database
    ) -> None:
        commits = Commits(database.engine)
        commits.fail = True
        with ThreadPoolExecutor(4) as pool:
            outcomes = [pool.submit(add_one, database, n).exception() for n in range(20)]
        assert all(isinstance(outcome, OSError) for outcome in outcomes)
        commits.fail = False
        add_one(database, 99)
        assert rows(database) == [99]

    def test_a_rollback_by_sqlite_itself_is_told_to_all_in_the_group(
        self, database: Database
    ) -> None:
        """A full disk makes SQLite take back the whole transaction, savepoints and all."""
        first_is_in = threading.Event()

        def first() -> None:
            with database.write() as db:
                add(db, 1)
                first_is_in.set()
                while not waiting(database):
                    pass

        def second() -> None:
            with database.write() as db:
                db.exec_driver_sql("PRAGMA max_page_count=3")
                db.exec_driver_sql("INSERT INTO t VALUES (2, ?)", ("x" * 100_000,))

        with ThreadPoolExecutor(2) as pool:
            running = [pool.submit(first)]
            first_is_in.wait(60)
            running.append(pool.submit(second))
            outcomes = [one.exception() for one in running]
        assert all(isinstance(outcome, Unavailable) for outcome in outcomes), outcomes
        assert rows(database) == []
        add_one(database, 7)
        assert rows(database) == [7]

    def test_a_synced_write_is_never_left_to_an_unsynced_commit(self, database: Database) -> None:
        commits = Commits(database.engine)
        loose_is_in = threading.Event()
        go = threading.Event()

        def loose() -> None:
            with database.write(synced=False) as db:
                loose_is_in.set()
                go.wait(60)
                add(db, 0)

        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(loose)
            loose_is_in.wait(60)
            second = pool.submit(add_one, database, 1)
            while waiting(database) < 1:
                pass
            go.set()
            first.result()
            second.result()
        assert commits.count == 1
        assert rows(database) == [0, 1]

    def test_all_that_returned_is_there_for_another_connection(self, database: Database) -> None:
        def write_and_look(n: int) -> bool:
            add_one(database, n)
            return n in rows(database)

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(write_and_look, range(200)))


def add(db: Connection, n: int) -> None:
    db.execute(text("INSERT INTO t (n) VALUES (:n)"), {"n": n})


def add_one(database: Database, n: int) -> None:
    with database.write() as db:
        add(db, n)


def rows(database: Database) -> list[int]:
    with database.read() as db:
        return list(db.execute(text("SELECT n FROM t ORDER BY n")).scalars())


def waiting(database: Database) -> int:
    return database._writer._waiting
