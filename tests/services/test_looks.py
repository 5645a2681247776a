"""Looks into data: few at once, each question once, and an end when the server ends."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from lazur.errors import Invalid, Unavailable
from lazur.services.assets import assets
from lazur.services.looks import desk, process, questions
from lazur.services.looks.desk import Desk
from lazur.services.looks.questions import Question
from tests.site import TestSite, call, put_tree

PATIENCE = 20.0


@pytest.fixture
def question(site: TestSite) -> Question:
    tree = put_tree(site, {"a.csv": b"n\n1\n"})
    spec = {"name": "d", "path": f"tree:{tree}", "type": "uri_file"}
    call(site, assets.create, "default", "data", spec)
    return call(site, questions.find, "default", "d", "1", "preview", 5, write=False)


@pytest.fixture
def table(site: TestSite) -> Iterator[Desk]:
    made = Desk(site)
    yield made
    asyncio.run(made.stop())


class Slow:
    """In place of a process: begins, and ends when it is let."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls = 0
        self.free = threading.Event()
        monkeypatch.setattr(process, "look", self)

    def __call__(self, *_: Any) -> dict[str, Any]:
        self.calls += 1
        assert self.free.wait(PATIENCE)
        return {"format": "delimited", "held": ["files"]}


class TestDesk:
    def test_the_same_question_is_one_process(
        self, table: Desk, question: Question, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        slow = Slow(monkeypatch)
        tasks = {id(table.ask(question)): table.ask(question) for _ in range(5)}
        slow.free.set()
        (task,) = tasks.values()
        assert task.future.result(PATIENCE)["format"] == "delimited"
        assert table.ask(question).future.result(PATIENCE)["format"] == "delimited"
        assert slow.calls == 1

    def test_too_many_are_told_to_come_again(
        self, table: Desk, question: Question, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(desk, "_WAITING", 0)
        with pytest.raises(Unavailable, match="Too many looks"):
            table.ask(question)

    def test_what_cannot_be_looked_at_is_not_tried_again_at_once(
        self, table: Desk, question: Question, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        calls: list[int] = []

        def fail(*_: Any) -> dict[str, Any]:
            calls.append(1)
            raise Invalid("it is damaged")

        monkeypatch.setattr(process, "look", fail)
        for _ in range(2):
            with pytest.raises(Invalid, match="damaged"):
                table.ask(question).future.result(PATIENCE)
        assert len(calls) == 1

    def test_a_server_that_stops_ends_them(self, site: TestSite, tmp_path: Path) -> None:
        folder = site.home.datastore("default", "workspaceblobstore")
        folder.mkdir(parents=True, exist_ok=True)
        (tmp_path / "scratch").mkdir()
        with (folder / "a.csv").open("w") as file:
            file.write("n\n" + "1\n" * 30_000_000)
        stopping = threading.Event()
        asked = {
            "verb": "profile",
            "rows": 0,
            "type": "uri_file",
            "path": str(folder / "a.csv"),
            "called": "d:1",
            "datastores": {},
        }
        threading.Timer(0.5, stopping.set).start()
        with pytest.raises(Unavailable, match="The server stops"):
            process.look(
                asked, process.PROFILE, tmp_path / "scratch", lambda _: None, stopping.is_set
            )

    def test_leftovers_of_a_server_that_was_killed_are_removed(
        self, site: TestSite, table: Desk, question: Question, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        old = desk.folder(site) / "work" / "old"
        old.mkdir(parents=True)
        Slow(monkeypatch).free.set()
        table.ask(question).future.result(PATIENCE)
        assert not old.exists()


class TestAskedAgain:
    def test_whoever_has_an_answer_and_asks_again_gets_another(
        self, table: Desk, question: Question, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The data may be another by then."""
        told, may_answer = iter(range(2)), threading.Event()
        again: Future[dict[str, Any]] = Future()

        def answer(*_: object) -> dict[str, Any]:
            assert may_answer.wait(PATIENCE)
            return {"rows": next(told)}

        def ask_again(_first: object) -> None:
            second = table.ask(question).future
            second.add_done_callback(lambda done: again.set_result(done.result()))

        monkeypatch.setattr(table, "_answer", answer)
        first = table.ask(question).future
        first.add_done_callback(ask_again)
        may_answer.set()
        assert (first.result(PATIENCE), again.result(PATIENCE)) == ({"rows": 0}, {"rows": 1})
