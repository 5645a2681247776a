"""Who wakes the dispatcher, and who need not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from lazur.testing.fakes import Engine
from tests.site import Server, TestSite, submit


@pytest.fixture
def server(site: TestSite) -> Server:
    """Its environment is built, both cores are taken, and one waits."""
    made = Server(site)
    for name in ("a", "b", "c"):
        submit(site, name=name)
    made.settle()
    states = [made.show(name)["status"] for name in ("a", "b", "c")]
    assert states == ["Starting", "Starting", "Queued"]
    return made


@pytest.fixture
def woken(server: Server, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(server.dispatch, "hint", lambda: found.append("woken"))
    return found


class TestFullCompute:
    def test_who_comes_to_wait_wakes_nobody(self, server: Server, woken: list[str]) -> None:
        submit(server.site, name="d")
        assert woken == []

    def test_who_ends_there_does(self, server: Server, engine: Engine, woken: list[str]) -> None:
        engine.run("default/a/1")
        engine.end("default/a/1")
        assert woken
        server.settle()
        assert server.show("c")["status"] == "Starting"

    def test_who_comes_where_a_core_is_free_does(
        self, server: Server, engine: Engine, woken: list[str]
    ) -> None:
        for name in ("a", "b"):
            engine.run(f"default/{name}/1")
            engine.end(f"default/{name}/1")
        server.settle()
        woken.clear()
        submit(server.site, name="d")
        assert woken

    def test_it_is_looked_at_by_the_clock_all_the_same(
        self, server: Server, woken: list[str]
    ) -> None:
        """Others may free slots there, whom this server does not hear."""
        with server.site.db.write() as db:
            db.exec_driver_sql("UPDATE lazur_jobs SET placed = false WHERE name = 'a'")
        assert woken == []
        server.settle()
        assert server.show("c")["status"] == "Starting"


class TestSlots:
    def test_a_database_elsewhere_keeps_them_when_its_power_goes(
        self, server: Server, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Jobs run on meanwhile. SQLite's file goes with the machine of its jobs."""
        db = server.site.db
        said: list[str] = []
        placed: list[int] = []
        monkeypatch.setattr(server.jobs, "take", lambda ids, _token: placed.extend(ids))

        def listen(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            said.append(statement)

        engine.run("default/a/1")
        engine.end("default/a/1")
        server.jobs.round()
        event.listen(db.engine, "before_cursor_execute", listen)
        server.dispatch.round()
        event.remove(db.engine, "before_cursor_execute", listen)
        assert len(placed) == 1
        assert not [one for one in said if "synchronous_commit" in one]
        assert db.apart is not db.sqlite

    @pytest.mark.parametrize("ended", [True, False])
    def test_slots_that_went_with_the_power_are_given_again_to_the_attempt_that_was(
        self, server: Server, engine: Engine, ended: bool
    ) -> None:
        """The database is as it was before it heard of them; the folder of the attempt is not."""
        site = server.site
        if not site.db.sqlite:
            pytest.skip("it keeps slots")
        engine.run("default/a/1")
        engine.end("default/a/1")
        server.jobs.round()
        file = Path(str(site.db.url.database))
        site.db.close()
        before = file.read_bytes()
        server.settle()
        assert server.show("c")["status"] == "Starting"
        engine.run("default/c/1")
        if ended:
            engine.end("default/c/1")
        site.db.close()
        file.write_bytes(before)
        assert server.show("c")["status"] == "Queued"
        server.settle()
        if not ended:
            engine.end("default/c/1")
            server.settle()
        assert server.show("c")["status"] == "Completed"
        assert sorted(engine.attempts) == ["default/a/1", "default/b/1", "default/c/1"]
