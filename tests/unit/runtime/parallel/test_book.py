"""Each mini-batch counts once, whatever happens to it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from lazur.runtime.parallel.book import Book
from lazur.runtime.parallel.planning import Batch
from lazur.runtime.parallel.settings import Settings


def settings(**more: Any) -> Settings:
    return Settings({"entry_script": "s.py", **more}, [])


def book(count: int = 4, items: int = 3, **more: Any) -> Book:
    return Book([Batch(n, {"items": items}) for n in range(count)], settings(**more))


def done(number: int, returned: int = 3) -> dict[str, Any]:
    return {"d": number, "n": returned, "s": 0.5}


class TestBook:
    def test_what_was_put_back_goes_first(self) -> None:
        found = book()
        taken = [batch.number for batch in found.take(3)]
        found.put_back(taken[1:])
        assert [batch.number for batch in found.take(9)] == [1, 2, 3]

    def test_no_more_are_taken_than_asked_for(self) -> None:
        found = book()
        assert [batch.number for batch in found.take(3)] == [0, 1, 2]
        assert [batch.number for batch in found.take(0)] == []
        assert [batch.number for batch in found.take(3)] == [3]

    @pytest.mark.parametrize("files, expected", [(1, []), (2, [0]), (3, [0]), (4, [0, 1])])
    def test_only_so_many_files_are_taken_at_once(self, files: int, expected: list[int]) -> None:
        batches = [Batch(n, {"items": 2, "files": ["a", "b"]}) for n in range(4)]
        found = Book(batches, settings())
        assert [batch.number for batch in found.take(9, files)] == expected

    def test_a_mini_batch_is_tried_so_often_and_fails_then(self) -> None:
        found = book(max_retries=2)
        assert [found.fail(0) for _ in range(3)] == [False, False, True]
        assert (found.failed, found.items_failed, found.retried) == ({0}, 3, 2)

    def test_a_second_result_does_not_count(self) -> None:
        found = book()
        found.finish(done(1))
        found.finish(done(1))
        assert found.fail(1) is False
        assert (found.items_done, found.items_failed, found.failed) == (3, 0, set())

    def test_items_without_a_result_have_failed(self) -> None:
        found = book(error_threshold=1)
        found.finish(done(0, returned=2))
        assert found.verdict() is None
        found.finish(done(1, returned=2))
        assert found.verdict() == "2 items have failed, and error_threshold is 1"

    def test_of_a_key_one_result_is_enough(self) -> None:
        found = Book([Batch(0, {"items": 9, "key": {"a": 1}})], settings(error_threshold=0))
        found.finish(done(0, returned=1))
        assert (found.items_done, found.verdict()) == (9, None)

    def test_too_many_failed_mini_batches_end_the_job(self) -> None:
        found = book(max_retries=0, mini_batch_error_threshold=1)
        found.fail(0)
        assert found.verdict() is None
        found.fail(1)
        assert found.verdict() == (
            "2 mini-batches have failed, and mini_batch_error_threshold is 1"
        )

    @pytest.mark.parametrize("limit", ["error_threshold", "mini_batch_error_threshold"])
    def test_none_may_fail_where_the_limit_is_zero(self, limit: str) -> None:
        found = book(max_retries=0, **{limit: 0})
        found.finish(done(0))
        assert found.verdict() is None
        found.fail(1)
        assert str(found.verdict()).endswith(f"{limit} is 0")

    def test_a_share_may_be_the_limit(self) -> None:
        asked = Settings(
            {"entry_script": "s.py", "max_retries": 0}, ["--allowed_failed_percent", "30"]
        )
        found = Book([Batch(n, {"items": 1}) for n in range(4)], asked)
        found.fail(0)
        assert found.verdict() is None
        found.fail(1)
        assert "allowed_failed_percent is 30" in str(found.verdict())

    def test_a_job_of_which_all_failed_has_failed(self) -> None:
        found = book(count=1, max_retries=0)
        found.fail(0)
        assert found.verdict() == "the only mini-batch has failed"

    @given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=40))
    def test_a_ledger_read_again_is_the_same_book(self, told: list[tuple[int, bool]]) -> None:
        first = book(count=6, max_retries=1)
        entries = [done(n) if well else {"x": n} for n, well in told]
        for entry in entries:
            if "d" in entry:
                first.finish(entry)
            else:
                first.fail(entry["x"])
        again = book(count=6, max_retries=1)
        again.replay(entries)
        for name in ("done", "failed", "tries", "items_done", "items_failed", "retried"):
            assert getattr(again, name) == getattr(first, name)
        left = {batch.number for batch in again.take(99)}
        assert left == set(range(6)) - set(again.done) - again.failed


class Accounting(RuleBasedStateMachine):
    """Random workers: they take, finish, fail, and die with what they held. So does whoever keeps
    the book, with what was not yet written down; the next goes on from what was."""

    def __init__(self) -> None:
        super().__init__()
        self._open([])
        self.written: list[dict[str, Any]] = []
        self.told: list[dict[str, Any]] = []
        """Not on the disk yet."""

    def _open(self, ledger: list[dict[str, Any]]) -> None:
        self.book = book(count=12, max_retries=1)
        self.book.replay(ledger)
        self.held: list[int] = []

    @rule(most=st.integers(1, 5))
    def take(self, most: int) -> None:
        self.held += [batch.number for batch in self.book.take(most)]

    @precondition(lambda self: self.held)
    @rule(at=st.integers(0, 99), returned=st.integers(0, 4))
    def finish(self, at: int, returned: int) -> None:
        self.told.append(done(self.held.pop(at % len(self.held)), returned))
        self.book.finish(self.told[-1])

    @precondition(lambda self: self.held)
    @rule(at=st.integers(0, 99))
    def fail(self, at: int) -> None:
        self.told.append({"x": self.held.pop(at % len(self.held))})
        self.book.fail(self.told[-1]["x"])

    @rule()
    def die(self) -> None:
        self.book.put_back(self.held)
        self.held = []

    @rule()
    def write(self) -> None:
        self.written += self.told
        self.told = []

    @rule()
    def the_coordinator_is_killed(self) -> None:
        self.told = []
        self._open(self.written)

    @rule(data=st.data())
    def the_power_is_cut(self, data: st.DataObject) -> None:
        """Whichever rows were not on the disk are gone, and with them what the ledger says."""
        lost = data.draw(st.sets(st.integers(0, 11)))
        kept = [entry for entry in self.written if entry.get("d") not in lost]
        self.told, self.written = [], kept
        self._open(kept)

    @invariant()
    def every_mini_batch_is_in_one_place(self) -> None:
        found = self.book
        waiting = list(found._waiting)
        places = [*waiting, *self.held, *found.done, *found.failed]
        assert sorted(places) == list(range(12))
        over = len(found.done) + len(found.failed)
        assert found.items_done + found.items_failed == 3 * over

    @invariant()
    def each_counts_by_the_first_line_that_tells_of_it(self) -> None:
        lines = [*self.written, *self.told]
        first = {entry["d"]: entry for entry in reversed(lines) if "d" in entry}
        assert all(first[number] is entry for number, entry in self.book.done.items())
        tries = Counter(entry["x"] for entry in lines if "x" in entry)
        assert all(tries[number] > 1 for number in self.book.failed)
        assert self.book.run_seconds == 0.5 * len(self.book.done)

    def teardown(self) -> None:
        """Whoever is left ends it."""
        self.die()
        while batches := self.book.take(3):
            for batch in batches:
                self.book.finish(done(batch.number))
        assert self.book.over


TestAccounting = Accounting.TestCase
