from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import inspect, text

from lazur.errors import Conflict, Forbidden, Invalid, NotFound
from lazur.services.assets import assets
from lazur.services.base import workspaces
from lazur.services.content import collection
from lazur.services.jobs import jobs
from lazur.services.keeping import workspace_trash
from lazur.services.people import assignments, people, tokens
from lazur.services.resources import resources
from lazur.services.tracking import places
from lazur.store import belongings, holds
from lazur.store import workspaces as store
from lazur.store.pages import Query
from tests.faults import FaultyDatabase, Killed
from tests.services.tracked import Tracked
from tests.site import OWNER, Clock, Server, TestSite, call, open_site, put_tree, submit

DAY = 86400.0
OF_THE_SERVER = {
    "alembic_version",
    "lazur_builds",
    "lazur_computes",
    "lazur_credentials",
    "lazur_facts",
    "lazur_members",
    "lazur_prices",
    "lazur_principals",
    "lazur_roles",
    "lazur_schema",
    "lazur_sign_ins",
    "lazur_trees",
    "scheduler_leases",
}
BY_NAME = {"lazur_tokens", "lazur_idempotency"}
"""Of ours, with a column `workspace` that holds a name."""


def filled(site: TestSite, name: str = "lab") -> int:
    """A workspace with a row in nearly every table and a file in every folder."""
    tracked = Tracked(site, name)
    run = tracked.run(params={"a": "1"}, metrics={"loss": [1.0, 2.0]}, files={"m.bin": b"model"})
    tracked.register("net", f"runs:/{run}/model", run)
    tracked.log_model(run, {"w.bin": b"weights"})
    tree = put_tree(site, {"a.txt": name.encode()})
    spec = {"name": "d", "version": "1", "type": "uri_folder", "path": f"tree:{tree}"}
    call(site, assets.create, name, "data", spec)
    secret = {"type": "api_key", "key": "k3y-k3y"}
    spec = {"type": "custom", "target": "https://x.example.org", "credentials": secret}
    call(site, resources.put, resources.CONNECTIONS, name, "c", spec)
    call(site, people.create, "user", {"name": f"bea-{name}"})
    role = {"principal": f"bea-{name}", "role": "Reader"}
    call(site, assignments.create, name, role)
    call(site, tokens.issue, f"tool-{name}", "Reader", name)
    submit(site, name, name="j")
    Server(site).settle()
    for folder in (site.home.attempt(name, "j", 1), site.home.datastore(name, "x")):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "left.txt").write_text("left")
    with site.db.read() as db:
        row = store.by_name(db, name)
    assert row is not None
    return int(row.id)


def purged(site: TestSite, name: str = "lab") -> None:
    call(site, workspace_trash.delete, name, permanently=True)
    Server(site).settle()
    assert workspace_trash.finish(site)


def rows(site: TestSite, workspace_id: int, name: str) -> dict[str, int]:
    """How many the workspace has, of each table where it has some."""
    values = belongings.of(workspace_id, name)
    with site.db.read() as db:
        counts = {b.table: belongings.count(db, b, values) for b in belongings.find(db)}
    return {table: count for table, count in counts.items() if count}


class TestTables:
    def test_each_is_the_servers_or_it_is_known_whose_a_row_is(self, site: TestSite) -> None:
        with site.db.read() as db:
            found = {belonging.table for belonging in belongings.find(db)}
            every = set(inspect(db).get_table_names())
            columns = {t: {c["name"] for c in inspect(db).get_columns(t)} for t in every}
        assert every - found == OF_THE_SERVER
        named = {t for t in every if t.startswith("lazur_") and "workspace" in columns[t]}
        assert named == BY_NAME


class TestTrash:
    def test_a_deleted_one_is_absent_and_its_jobs_are_cancelled(self, site: TestSite) -> None:
        filled(site)
        submit(site, "lab", name="k")
        call(site, workspace_trash.delete, "lab")
        attempts: list[Callable[[], Any]] = [
            lambda: call(site, workspaces.get, "lab"),
            lambda: call(site, jobs.get, "lab", "j"),
            lambda: submit(site, "lab"),
            lambda: call(site, workspace_trash.delete, "lab"),
        ]
        for attempt in attempts:
            with pytest.raises(NotFound):
                attempt()
        assert [w["name"] for w in call(site, workspaces.find, Query())["value"]] == ["default"]
        Server(site).settle()
        with site.db.read() as db:
            row = store.by_name(db, "lab")
            assert row is not None
            assert not store.unfinished_jobs(db, row.id)
            said = db.execute(text("SELECT canceled_for FROM lazur_jobs WHERE name = 'k'"))
            assert said.scalar() == f"Its workspace was deleted by {OWNER.name}."

    def test_its_name_is_kept_and_it_is_said_until_when(self, site: TestSite) -> None:
        call(site, workspaces.create, {"name": "lab"})
        call(site, workspace_trash.delete, "lab")
        with pytest.raises(Conflict, match="in the trash until 2023-11-28") as told:
            call(site, workspaces.create, {"name": "LAB"})
        assert "workspace recover -n lab" in (told.value.hint or "")

    def test_it_comes_back_with_what_it_held(self, site: TestSite) -> None:
        number = filled(site)
        before = rows(site, number, "lab")
        call(site, workspace_trash.delete, "lab")
        found = call(site, workspace_trash.find, Query())["value"]
        assert [(w["name"], w["purged_after"][:10]) for w in found] == [("lab", "2023-11-28")]
        call(site, workspace_trash.recover, "lab")
        changing = {"lazur_audit", "lazur_events"}
        changing |= {"lazur_tokens", "lazur_uses"}  # of the job, which is over
        after = rows(site, number, "lab")
        assert {t: n for t, n in after.items() if t not in changing} == {
            t: n for t, n in before.items() if t not in changing
        }
        assert call(site, jobs.get, "lab", "j")["name"] == "j"
        assert call(site, workspace_trash.find, Query())["value"] == []

    def test_only_roles_on_the_server_see_the_trash(self, site: TestSite) -> None:
        call(site, workspaces.create, {"name": "lab"})
        call(site, tokens.issue, "bob", "Owner", "lab")
        with site.db.read() as db:
            bob = assignments.principal(db, _row(db, "bob"))
        call(site, workspace_trash.delete, "lab", who=bob)
        with site.db.read() as db:
            bob = assignments.principal(db, _row(db, "bob"))
        with pytest.raises(Forbidden):
            call(site, workspace_trash.find, Query(), who=bob)
        for name in ("lab", "nowhere"):
            with pytest.raises(NotFound, match="There is no workspace"):
                call(site, workspace_trash.recover, name, who=bob)

    def test_what_is_not_there_or_may_not_go(self, site: TestSite) -> None:
        with pytest.raises(NotFound, match="not in the trash"):
            call(site, workspace_trash.recover, "default")
        with pytest.raises(NotFound):
            call(site, workspace_trash.delete, "nowhere", permanently=True)
        with pytest.raises(Invalid, match="default workspace"):
            call(site, workspace_trash.delete, "default", permanently=True)


class TestPurge:
    def test_no_row_and_no_byte_is_left(self, site: TestSite) -> None:
        kept = filled(site, "kept")
        before = rows(site, kept, "kept")
        number = filled(site)
        assert len(rows(site, number, "lab")) > 25
        purged(site)
        assert set(rows(site, number, "lab")) <= belongings.KEPT
        assert not _mentions(site, f"ws-{number}")
        assert rows(site, kept, "kept") == before
        assert not list(site.home.path.rglob("**/lab"))
        assert list(site.home.path.rglob("**/kept"))

    def test_content_that_nobody_else_needs_is_freed(self, site: TestSite, clock: Clock) -> None:
        clock.time = time.time()  # as blobs have it, which are files
        tree = put_tree(site, {"a.txt": b"shared"})
        for name in ("kept", "lab"):
            filled(site, name)
            spec = {"name": "s", "version": "1", "type": "uri_folder", "path": f"tree:{tree}"}
            call(site, assets.create, name, "data", spec)
        purged(site)
        clock.time += 2 * DAY
        assert collection.collect(site).blobs == 2
        left = {path.read_bytes() for path in site.home.blobs.rglob("*") if path.is_file()}
        assert {b"kept", b"shared"} <= left
        assert b"lab" not in left

    def test_the_link_that_mlflow_has_goes(self, site: TestSite) -> None:
        call(site, workspaces.create, {"name": "lab"})
        with site.context(write=False) as context:
            place = places.find(context, "lab")
        places.share(site.home, place)
        assert list(site.home.mlflow.rglob("ws-*"))
        purged(site)
        assert not list(site.home.mlflow.rglob("ws-*"))

    def test_it_waits_for_the_days_and_is_then_done_by_itself(
        self, site: TestSite, clock: Clock
    ) -> None:
        filled(site)
        call(site, workspace_trash.delete, "lab")
        Server(site).settle()
        clock.time += 13 * DAY
        assert workspace_trash.finish(site)
        assert call(site, workspace_trash.find, Query())["value"]
        clock.time += 2 * DAY
        with pytest.raises(Conflict, match="being purged"):
            call(site, workspace_trash.recover, "lab")
        assert workspace_trash.finish(site)
        assert not call(site, workspace_trash.find, Query())["value"]

    def test_its_name_is_free_and_its_number_is_not(self, site: TestSite) -> None:
        number = filled(site)
        purged(site)
        call(site, workspaces.create, {"name": "lab"})
        with site.db.read() as db:
            made = store.by_name(db, "lab")
        assert made is not None
        assert made.id > number

    def test_a_token_for_it_does_not_open_the_next_of_its_name(self, site: TestSite) -> None:
        call(site, workspaces.create, {"name": "lab"})
        secret = call(site, tokens.issue, "bob", "Owner", "lab")
        purged(site)
        call(site, workspaces.create, {"name": "lab"})
        who = tokens.authenticator(site)("bearer", secret)
        assert who is None or not who.may("workspaces/read", workspace_trash.Resource("lab"))

    def test_it_waits_for_its_jobs(self, site: TestSite) -> None:
        call(site, workspaces.create, {"name": "lab"})
        submit(site, "lab")
        call(site, workspace_trash.delete, "lab", permanently=True)
        assert workspace_trash.finish(site)
        assert call(site, workspace_trash.find, Query())["value"]
        Server(site).settle()
        assert workspace_trash.finish(site)
        assert not call(site, workspace_trash.find, Query())["value"]

    def test_it_waits_for_a_backup(self, site: TestSite, clock: Clock) -> None:
        call(site, workspaces.create, {"name": "lab"})
        call(site, workspace_trash.delete, "lab", permanently=True)
        with site.db.write() as db:
            holds.keep(db, "b", site.now())
        assert workspace_trash.finish(site)
        assert call(site, workspace_trash.find, Query())["value"]
        clock.time += holds.SECONDS + 1
        assert workspace_trash.finish(site)
        assert not call(site, workspace_trash.find, Query())["value"]

    def test_killed_at_any_write_it_is_finished_later(
        self, home: Any, tmp_path: Any, engine: Any, builder: Any
    ) -> None:
        db = FaultyDatabase(f"sqlite:///{tmp_path / 'l.db'}")
        site = open_site(home, "", engine, builder, db)
        number = filled(site)
        call(site, workspace_trash.delete, "lab", permanently=True)
        Server(site).settle()
        begun, ended, step = db.writes, False, 1
        while not ended:
            db.fail_at = db.writes + step
            db.fault = "killed after" if step % 2 else "killed before"
            step += 7
            try:
                ended = workspace_trash.finish(site)
            except Killed:
                continue
        db.fail_at = 0
        assert step > 8, f"no write failed after {begun}"
        assert workspace_trash.finish(site)
        assert set(rows(site, number, "lab")) <= belongings.KEPT
        db.close()


def _row(db: Any, name: str) -> Any:
    from lazur.store import people as persons  # noqa: PLC0415 - the service is called so, too

    return persons.by_name(db, name)


def _mentions(site: TestSite, word: str) -> list[str]:
    """Tables with the word in some cell, whatever the rules say of their rows."""
    found: list[str] = []
    with site.db.read() as db:
        for table in inspect(db).get_table_names():
            every = db.execute(text(f'SELECT * FROM "{table}"')).all()
            if any(word in str(cell) for row in every for cell in row):
                found.append(table)
    return found
