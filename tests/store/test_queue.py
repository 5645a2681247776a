"""Writes that are done by one thread for all who wait."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from lazur.errors import Invalid, Unavailable
from lazur.store import queue as module
from lazur.store.db import Database
from lazur.store.queue import WriteQueue


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    with made.write() as db:
        db.execute(text("CREATE TABLE t (n INTEGER PRIMARY KEY, b TEXT)"))
    yield made
    made.close()


@pytest.fixture
def queue(database: Database) -> Iterator[WriteQueue]:
    made = WriteQueue(database)
    yield made
    made.stop()


class TestRun:
    def test_what_the_part_answers_is_answered_and_is_there(
        self, queue: WriteQueue, database: Database
    ) -> None:
        async def write_and_look(n: int) -> bool:
            answered = await queue.run(adding(n))
            return answered == n and n in rows(database)

        async def one_after_another() -> list[bool]:
            return [await write_and_look(n) for n in range(20)]

        assert all(asyncio.run(one_after_another()))

    def test_those_that_wait_share_a_commit(self, queue: WriteQueue, database: Database) -> None:
        commits = Commits(database)
        assert run_behind(queue, [adding(n) for n in range(1, 200)]) == list(range(1, 200))
        assert commits.count == 2, "one for the first, one for all that waited for it"
        assert rows(database) == list(range(200))

    def test_a_part_that_fails_takes_no_other_with_it(
        self, queue: WriteQueue, database: Database
    ) -> None:
        def failing(n: int) -> Callable[[Connection], int]:
            def part(db: Connection) -> int:
                add(db, n)
                if n % 3 == 0:
                    raise KeyError(n)
                return n

            return part

        outcomes = run_behind(queue, [failing(n) for n in range(1, 100)])
        assert [n for n, o in enumerate(outcomes, 1) if isinstance(o, KeyError)] == [
            n for n in range(1, 100) if n % 3 == 0
        ]
        assert rows(database) == [0, *(n for n in range(1, 100) if n % 3)]

    def test_a_statement_that_fails_takes_no_other_with_it(
        self, queue: WriteQueue, database: Database
    ) -> None:
        """PostgreSQL refuses everything after an error, until it is rolled back to a savepoint."""
        outcomes = run_behind(queue, [adding(n) for n in (1, 1, 2, 0, 3)])
        assert [type(o).__name__ for o in outcomes] == [
            "int",
            "IntegrityError",
            "int",
            "IntegrityError",
            "int",
        ]
        assert rows(database) == [0, 1, 2, 3]

    def test_of_a_part_that_is_tried_again_only_one_run_is_kept(
        self, queue: WriteQueue, database: Database
    ) -> None:
        ran: list[int] = []

        def noting(db: Connection) -> int:
            ran.append(1)
            return add(db, len(ran))

        assert run_behind(queue, [noting, adding(0)])[0] == len(ran) == 2
        assert rows(database) == [0, 2]

    def test_what_the_database_cannot_hold_is_told_alike_alone_and_among_others(
        self, queue: WriteQueue, database: Database
    ) -> None:
        if database.sqlite:
            pytest.skip("SQLite holds numbers of any size")
        for outcome in run_behind(queue, [adding(1 << 40), adding(1)])[0], alone(queue, 1 << 40):
            assert isinstance(outcome, Invalid), outcome
        assert rows(database) == [0, 1]

    def test_one_alone_that_fails_leaves_nothing(
        self, queue: WriteQueue, database: Database
    ) -> None:
        def part(db: Connection) -> None:
            add(db, 1)
            raise KeyError(1)

        with pytest.raises(KeyError):
            asyncio.run(queue.run(part))
        assert rows(database) == []

    def test_a_commit_that_fails_is_nobodys_success(
        self, queue: WriteQueue, database: Database
    ) -> None:
        commits = Commits(database)
        commits.fail = True
        outcomes = run_behind(queue, [adding(n) for n in range(1, 50)])
        assert all(isinstance(outcome, OSError) for outcome in outcomes), outcomes
        commits.fail = False
        asyncio.run(queue.run(adding(99)))
        assert rows(database) == [99]

    def test_who_stopped_waiting_disturbs_nobody(
        self, queue: WriteQueue, database: Database
    ) -> None:
        async def some_leave() -> list[Any]:
            with held(queue):
                tasks = [asyncio.create_task(queue.run(adding(n))) for n in range(1, 9)]
                await asyncio.sleep(0)
                for task in tasks[::2]:
                    task.cancel()
            return await asyncio.gather(*tasks, return_exceptions=True)

        outcomes = asyncio.run(some_leave())
        assert outcomes[1::2] == [2, 4, 6, 8]
        assert all(isinstance(o, asyncio.CancelledError) for o in outcomes[::2])
        assert rows(database) == list(range(9))

    def test_a_loop_that_is_gone_disturbs_nobody(
        self, queue: WriteQueue, database: Database
    ) -> None:
        async def leave() -> None:
            task = asyncio.create_task(queue.run(adding(1)))
            await asyncio.sleep(0)
            assert not task.done()

        with held(queue):
            asyncio.run(leave())
        assert asyncio.run(queue.run(adding(2))) == 2
        assert rows(database) == [0, 1, 2]


class TestThread:
    """One that dies leaves nobody waiting, and is followed by another."""

    def test_whom_it_could_not_answer_is_told(
        self, queue: WriteQueue, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "_deliver", failing_once(module._deliver))
        with pytest.raises(MemoryError):
            asyncio.run(queue.run(adding(1)))
        assert asyncio.run(queue.run(adding(2))) == 2
        assert rows(database) == [1, 2]

    def test_those_that_it_did_not_take_are_told(
        self, queue: WriteQueue, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def die_before_them() -> list[Any]:
            with held(queue):
                monkeypatch.setattr(queue, "_take", failing_once(queue._take))
                tasks = [asyncio.create_task(queue.run(adding(n))) for n in (1, 2, 3)]
                await asyncio.sleep(0)
            return await asyncio.gather(*tasks, return_exceptions=True)

        outcomes = asyncio.run(die_before_them())
        assert [type(outcome) for outcome in outcomes] == [MemoryError] * 3
        assert asyncio.run(queue.run(adding(4))) == 4
        assert rows(database) == [0, 4]

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
    def test_one_that_dies_without_a_word_is_followed_too(
        self, queue: WriteQueue, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(queue, "_give_up", failing_once(queue._give_up))
        monkeypatch.setattr(queue, "_take", failing_once(queue._take))

        async def write_twice() -> int:
            lost = asyncio.create_task(queue.run(adding(1)))
            await asyncio.sleep(0)
            assert queue._thread is not None
            await asyncio.to_thread(queue._thread.join)
            assert not lost.done()
            return await queue.run(adding(2)) + await lost

        assert asyncio.run(write_twice()) == 3
        assert rows(database) == [1, 2]


class TestStop:
    def test_what_waits_is_written_first(self, queue: WriteQueue, database: Database) -> None:
        async def stop_behind() -> list[Any]:
            with held(queue):
                tasks = [asyncio.create_task(queue.run(adding(n))) for n in range(1, 600)]
                await asyncio.sleep(0)
                stopping = asyncio.create_task(asyncio.to_thread(queue.stop))
            outcomes = await asyncio.gather(*tasks)
            await stopping
            return outcomes

        assert asyncio.run(stop_behind()) == list(range(1, 600))
        assert rows(database) == list(range(600))

    def test_afterwards_nothing_is_taken(self, queue: WriteQueue, database: Database) -> None:
        queue.stop()
        with pytest.raises(Unavailable):
            asyncio.run(queue.run(adding(1)))
        assert rows(database) == []


class TestKill:
    def test_what_was_acknowledged_outlives_the_process(
        self, database: Database, database_url: str
    ) -> None:
        chance = random.Random(1)
        for life in range(8):
            told = killed_after(chance.uniform(0, 0.3), database_url, first=life * 1_000_000)
            assert told, "nothing was acknowledged"
            assert set(told) <= set(rows(database))


class Commits:
    """How many transactions were committed; each may be made to fail."""

    def __init__(self, database: Database) -> None:
        self.count = 0
        self.fail = False
        event.listen(database.engine, "commit", self._seen)

    def _seen(self, _connection: Connection) -> None:
        self.count += 1
        if self.fail:
            raise OSError("no space left")


@contextmanager
def held(queue: WriteQueue) -> Generator[None]:
    """Whatever is asked inside waits for a part that adds 0, and ends when this does."""
    is_in, go_on = threading.Event(), threading.Event()

    def part(db: Connection) -> None:
        is_in.set()
        assert go_on.wait(60)
        add(db, 0)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(lambda: asyncio.run(queue.run(part)))
        assert is_in.wait(60)
        try:
            yield
        finally:
            go_on.set()
            with suppress(OSError):  # where the test has commits fail
                running.result()


def run_behind(queue: WriteQueue, parts: Sequence[Callable[[Connection], Any]]) -> list[Any]:
    """What came of parts that were asked for together."""

    async def all_together() -> list[Any]:
        with held(queue):
            tasks = [asyncio.create_task(queue.run(part)) for part in parts]
            await asyncio.sleep(0)
        return await asyncio.gather(*tasks, return_exceptions=True)

    return asyncio.run(all_together())


def failing_once(call: Callable[..., Any]) -> Callable[..., Any]:
    """As where memory is short for a moment."""
    errors: list[Exception] = [MemoryError("short")]

    def called(*args: Any) -> Any:
        if errors:
            raise errors.pop()
        return call(*args)

    return called


def alone(queue: WriteQueue, n: int) -> Exception | None:
    try:
        asyncio.run(queue.run(adding(n)))
    except Invalid as error:
        return error
    return None


def adding(n: int) -> Callable[[Connection], int]:
    return lambda db: add(db, n)


def add(db: Connection, n: int) -> int:
    db.execute(text("INSERT INTO t (n) VALUES (:n)"), {"n": n})
    return n


def rows(database: Database) -> list[int]:
    with database.read() as db:
        return list(db.execute(text("SELECT n FROM t ORDER BY n")).scalars())


_WRITES_FOR_EVER = """
import asyncio, itertools, sys
from sqlalchemy import text
from lazur.store.db import Database
from lazur.store.queue import WriteQueue

queue = WriteQueue(Database(sys.argv[1]))
numbers = itertools.count(int(sys.argv[2]))

async def caller():
    for n in numbers:
        await queue.run(lambda db: db.execute(text("INSERT INTO t (n) VALUES (:n)"), {"n": n}))
        print(n, flush=True)

async def callers():
    await asyncio.gather(*(caller() for _ in range(16)))

asyncio.run(callers())
"""


def killed_after(seconds: float, url: str, first: int) -> list[int]:
    """What a process that writes told before it was killed."""
    argv = [sys.executable, "-c", _WRITES_FOR_EVER, url, str(first)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = [process.stdout.readline()]
        time.sleep(seconds)
        process.kill()
        told += process.stdout.readlines()
    return [int(line) for line in told if line.endswith("\n")]
