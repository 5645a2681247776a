"""Builds, assets, answers, tokens: what the database itself guarantees."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import pytest
from sqlalchemy.exc import IntegrityError, InternalError

from lazur.errors import Invalid, Unavailable
from lazur.store import assets, builds, jobs, people, records
from lazur.store.db import Database
from lazur.store.pages import Query
from tests.store.conftest import NOW, AddJob, add_workspace, build_values


class TestBuilds:
    def test_however_many_ask_there_is_one(self, db: Database) -> None:
        def ask(_: int) -> bool:
            with db.write() as connection:
                return builds.ensure(connection, build_values("k"))[1]

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(ask, range(16))).count(True) == 1

    def test_a_workspace_sees_what_it_asked_for_by_its_own_name(
        self, db: Database, workspace_id: int
    ) -> None:
        other = add_workspace(db, "other")
        with db.write() as connection:
            builds.ensure(connection, build_values("k"))
            builds.used_by(connection, workspace_id, "k", "mine:1")
            builds.used_by(connection, workspace_id, "k", "mine:2")
            builds.used_by(connection, other, "k", "secret-project:7")
            builds.ensure(connection, build_values("theirs"))
            builds.used_by(connection, other, "theirs", "x")
            rows = builds.page(connection, workspace_id, Query()).rows
            assert [(row.key, row.called) for row in rows] == [("k", "mine:1")]
            assert builds.seen_from(connection, workspace_id, "theirs") is None

    def test_what_is_wanted_again_is_not_removed(self, db: Database) -> None:
        with db.write() as connection:
            builds.ensure(connection, build_values("k", state="removing"))
            token, _ = builds.take_due(connection, NOW, 1, "me")
            builds.change(connection, "k", state="waiting")
            assert not builds.remove(connection, "k", token)
            builds.change(connection, "k", state="removing")
            assert not builds.remove(connection, "k", "another's")
            assert builds.remove(connection, "k", token)

    def test_removing_forgets_who_asked(self, db: Database, workspace_id: int) -> None:
        with db.write() as connection:
            builds.ensure(connection, build_values("k", state="removing"))
            builds.used_by(connection, workspace_id, "k", "e")
            token, _ = builds.take_due(connection, NOW, 1, "me")
            assert builds.remove(connection, "k", token)
            builds.ensure(connection, build_values("k"))
            assert builds.seen_from(connection, workspace_id, "k") is None

    def test_jobs_that_wait_for_it_are_woken_and_no_others(
        self, db: Database, add_job: AddJob
    ) -> None:
        waits = add_job(build_key="k", state="Preparing", due_at=NOW + 99)
        add_job(build_key="k", placed=True, state="Running", due_at=NOW + 99)
        add_job(build_key="k", ended_at=NOW, state="Failed")
        add_job(build_key="other", state="Preparing")
        with db.write() as connection:
            assert jobs.wake_for_build(connection, "k", NOW) == [waits]
            assert jobs.builds_in_use(connection) == {"k", "other"}


class TestAssets:
    def test_versions_made_at_the_same_time_have_no_gaps_and_no_twins(
        self, db: Database, workspace_id: int
    ) -> None:
        def make(_: int) -> str:
            with db.write() as connection:
                assets.add_container(connection, workspace_id, "data", "d", NOW)
                box = assets.container(connection, workspace_id, "data", "d", lock=True)
                assert box is not None
                version = str(box.next_version)
                assets.change_container(connection, box.id, next_version=box.next_version + 1)
                assets.add(connection, _asset(box.id, version))
            return version

        with ThreadPoolExecutor(8) as pool:
            made = list(pool.map(make, range(24)))
        assert sorted(map(int, made)) == list(range(1, 25))

    def test_a_version_exists_once(self, db: Database, workspace_id: int) -> None:
        with db.write() as connection:
            assets.add_container(connection, workspace_id, "data", "d", NOW)
            box = assets.container(connection, workspace_id, "data", "d")
            assert box is not None
            assets.add(connection, _asset(box.id, "1"))
        with pytest.raises(IntegrityError), db.write() as connection:
            assets.add(connection, _asset(box.id, "1"))


class TestAnswers:
    def test_one_of_many_remembers(self, db: Database) -> None:
        def remember(i: int) -> bool:
            try:
                with db.write() as connection:
                    records.remember(connection, "ann", "key", "digest", {"i": i}, NOW)
            except IntegrityError:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(remember, range(16))).count(True) == 1

    def test_a_key_belongs_to_one_person(self, db: Database) -> None:
        with db.write() as connection:
            records.remember(connection, "ann", "key", "d", {"a": 1}, NOW)
            records.remember(connection, "bob", "key", "d", {"b": 1}, NOW)
            assert records.answer(connection, "cid", "key") is None
            answer = records.answer(connection, "bob", "key")
        assert answer is not None
        assert answer.answer == {"b": 1}

    def test_old_answers_are_forgotten(self, db: Database) -> None:
        with db.write() as connection:
            records.remember(connection, "ann", "old", "d", {}, NOW)
            records.remember(connection, "ann", "new", "d", {}, NOW + 10)
            records.forget_before(connection, NOW + 5)
            assert records.answer(connection, "ann", "old") is None
            assert records.answer(connection, "ann", "new") is not None


class TestTokens:
    def test_only_expired_ones_are_dropped(self, db: Database) -> None:
        with db.write() as connection:
            for digest, expires in (("a", None), ("b", NOW - 1), ("c", NOW + 1)):
                people.add_token(connection, _token(digest, expires))
            people.drop_expired_tokens(connection, NOW)
            left = [d for d in "abc" if people.token(connection, d)]
        assert left == ["a", "c"]

    def test_a_token_is_spent_by_one(self, db: Database) -> None:
        with db.write() as connection:
            people.add_token(connection, _token("a", None))

        def spend(_: int) -> bool:
            with db.write() as connection:
                return people.drop_token(connection, "a")

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(spend, range(8))).count(True) == 1


class TestTransactions:
    def test_an_error_leaves_nothing(self, db: Database) -> None:
        def fail() -> None:
            with db.write() as connection:
                people.add_token(connection, _token("a", None))
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        with db.read() as connection:
            assert people.token(connection, "a") is None

    def test_a_reader_keeps_its_view(self, db: Database) -> None:
        with db.read() as reader:
            assert people.token(reader, "a") is None
            with db.write() as writer:
                people.add_token(writer, _token("a", None))
            assert people.token(reader, "a") is None
        with db.read() as reader:
            assert people.token(reader, "a") is not None

    def test_what_a_reader_writes_is_not_kept(self, db: Database) -> None:
        refused = nullcontext() if db.sqlite else pytest.raises(InternalError, match="read-only")
        with refused, db.read() as connection:
            people.add_token(connection, _token("a", None))
        with db.read() as connection:
            assert people.token(connection, "a") is None

    def test_a_reader_does_not_wait_for_a_writer(self, db: Database) -> None:
        inside, done = threading.Event(), threading.Event()

        def write() -> None:
            with db.write() as connection:
                people.add_token(connection, _token("a", None))
                inside.set()
                done.wait(20)

        writer = threading.Thread(target=write)
        writer.start()
        assert inside.wait(20)
        with db.read() as connection:
            assert people.token(connection, "a") is None
        done.set()
        writer.join()

    def test_text_that_a_database_cannot_hold_is_the_callers_fault(self, db: Database) -> None:
        long = {**_token("a", None), "principal": "x\x00y"}
        refused = nullcontext() if db.sqlite else pytest.raises(Invalid, match="cannot hold")
        with refused, db.write() as connection:
            people.add_token(connection, long)

    def test_a_database_that_is_not_there_is_unavailable(self, database_url: str) -> None:
        gone = database_url.replace("/lazur.db", "/no/such/folder/lazur.db")
        gone = gone.replace("?host=", "?host=/no/such/folder")
        missing = Database(gone)
        with pytest.raises(Unavailable) as caught, missing.read():
            pass
        assert caught.value.hint
        missing.close()


def _asset(container_id: int, version: str) -> dict[str, object]:
    return {
        "container_id": container_id,
        "version": version,
        "spec": {},
        "digest": "",
        "tags": {},
        "properties": {},
        "archived": False,
        "created_at": NOW,
        "created_by": "ann",
        "revision": 1,
    }


def _token(digest: str, expires_at: float | None) -> dict[str, object]:
    return {
        "digest": digest,
        "id": digest[:16],
        "kind": "token",
        "principal": "ann",
        "role": "Reader",
        "created_at": NOW,
        "expires_at": expires_at,
    }
