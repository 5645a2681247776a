from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
import tarfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, text

from lazur.errors import Conflict, Invalid, NotFound
from lazur.services.base import workspaces
from lazur.services.base.site import Site
from lazur.services.jobs import jobs
from lazur.services.keeping import backups, restores
from lazur.services.keeping.backup_files import MANIFEST, alone, opened
from lazur.services.people import audits
from lazur.store import belongings, holds
from lazur.store.db import Database, sqlite_url
from lazur.testing.fakes import Engine, FakeBuilder
from tests.services.test_workspace_trash import filled
from tests.site import Clock, Server, TestSite, call, open_site, submit

CHANGED = {"lazur_builds", "lazur_build_uses", "lazur_facts", "lazur_jobs"}
"""A restore says something anew in them."""


@pytest.fixture
def database(site: TestSite, request: pytest.FixtureRequest) -> Iterator[str | None]:
    """An empty one to restore into; None where it lies in the home."""
    if site.db.sqlite:
        yield None
        return
    with request.getfixturevalue("postgresql_server").database() as url:
        yield url


def begun(home: Path, database: str | None, clock: Clock) -> TestSite:
    """A server on what was restored."""
    url = database or sqlite_url(home / "lazur.db")
    return open_site(home, url, Engine(clock), FakeBuilder(str(home / "envs")))


def dump(db: Database) -> dict[str, list[str]]:
    """Every row of every table."""
    with db.read() as connection:
        names = inspect(connection).get_table_names()
        return {
            name: sorted(map(repr, connection.execute(text(f'SELECT * FROM "{name}"')).all()))
            for name in names
            if name != "sqlite_sequence"
        }


def files(home: Path) -> dict[str, bytes]:
    tops = ("blobs", "workspaces", "builds")
    found = [path for top in tops for path in (home / top).rglob("*") if path.is_file()]
    return {str(path.relative_to(home)): path.read_bytes() for path in found}


def member(to: Path, path: str) -> Path:
    """Where a folder keeps the content of a file."""
    with opened(to) as source:
        digest = next(one.digest for one in source.listing() if path in one.path)
    return to / "content" / digest[:2] / digest


class TestWhole:
    @pytest.mark.parametrize("name", ["b", "b.tar", "b.tar.gz"])
    def test_a_restored_server_is_as_it_was(
        self, site: TestSite, database: str | None, tmp_path: Path, name: str
    ) -> None:
        filled(site)
        before, content = dump(site.db), files(site.home.path)
        made = backups.make(site, tmp_path / name)
        assert made["rows"]["jobs"] == 1
        assert restores.verify(tmp_path / name)["list"] == made["list"]
        home = tmp_path / "new"
        restores.restore(tmp_path / name, home, database)
        db = Database(database or sqlite_url(home / "lazur.db"))
        after = dump(db)
        db.close()
        assert after.keys() == before.keys()
        assert {n for n in after if after[n] != before[n]} <= CHANGED
        assert len(after["lazur_jobs"]) == 1
        assert files(home) == content
        assert not list(tmp_path.glob(".*"))
        assert home.stat().st_mode & 0o777 == 0o700

    def test_it_goes_on_from_there(
        self, site: TestSite, database: str | None, tmp_path: Path, clock: Clock
    ) -> None:
        number = filled(site)
        submit(site, "lab", name="waits")
        backups.make(site, tmp_path / "b")
        restores.restore(tmp_path / "b", tmp_path / "new", database)
        new = begun(tmp_path / "new", database, clock)
        submit(new, "lab", name="after")
        Server(new).settle()
        assert call(new, jobs.get, "lab", "waits")["status"] not in ("Failed", "Canceled")
        assert call(new, audits.verify, None)["whole"]
        made = call(new, workspaces.create, {"name": "next"})
        with new.db.read() as db:
            rows = db.execute(text("SELECT id FROM lazur_workspaces ORDER BY id")).scalars().all()
        assert rows[-1] > number
        assert made["name"] == "next"
        new.db.close()

    def test_what_ran_is_lost_and_says_so(
        self, site: TestSite, database: str | None, tmp_path: Path, clock: Clock
    ) -> None:
        submit(site, name="j")
        Server(site).settle()
        assert call(site, jobs.get, "default", "j")["status"] == "Starting"
        backups.make(site, tmp_path / "b")
        restores.restore(tmp_path / "b", tmp_path / "new", database)
        new = begun(tmp_path / "new", database, clock)
        clock.time += 120
        Server(new).settle()
        found = call(new, jobs.get, "default", "j")
        assert (found["status"], found["error"]["code"]) == ("Failed", "RunnerLost")
        new.db.close()

    def test_a_second_one_adds_what_is_new(
        self, site: TestSite, database: str | None, tmp_path: Path
    ) -> None:
        filled(site)
        first = backups.make(site, tmp_path / "b")
        (site.home.datastore("lab", "x") / "more.txt").write_text("more")
        second = backups.make(site, tmp_path / "b")
        assert second["files"] == first["files"] + 1
        kept = {path.name for path in (tmp_path / "b" / "content").rglob("*") if path.is_file()}
        with opened(tmp_path / "b") as source:
            listed = list(source.listing())
        assert kept == {one.digest for one in listed}
        assert any(one.path.endswith("x/more.txt") for one in listed)
        restores.restore(tmp_path / "b", tmp_path / "new", database)

    def test_an_interrupted_one_leaves_the_last_one_whole(
        self, site: TestSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        filled(site)
        first = backups.make(site, tmp_path / "b")
        (site.home.datastore("lab", "x") / "left.txt").write_text("other")
        monkeypatch.setattr(backups._Backup, "add_settings", _fails)
        for to in (tmp_path / "b", tmp_path / "b.tar"):
            with pytest.raises(KeyboardInterrupt):
                backups.make(site, to)
        assert restores.verify(tmp_path / "b")["list"] == first["list"]
        assert not (tmp_path / "b.tar").exists()
        with site.db.read() as db:
            assert not holds.is_held(db, site.now())

    def test_what_a_killed_one_left_is_removed(self, site: TestSite, tmp_path: Path) -> None:
        for scratch in (tmp_path / "b" / ".lazur-backup", tmp_path / ".lazur-backup-b.tar"):
            (scratch / "database").mkdir(parents=True)
            (scratch / "database" / "lazur.db").write_text("half")
        for name in ("b", "b.tar"):
            backups.make(site, tmp_path / name)
            restores.verify(tmp_path / name)
        left = [path for path in tmp_path.rglob("*") if path.name.startswith(".")]
        assert not left

    def test_two_at_once_into_one_place(
        self, site: TestSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def again(_backup: Any) -> None:
            with pytest.raises(Conflict, match="Somebody else"):
                backups.make(site, tmp_path / "b")

        monkeypatch.setattr(backups._Backup, "add_files", again)
        backups.make(site, tmp_path / "b")
        restores.verify(tmp_path / "b")

    def test_nothing_is_deleted_while_it_is_made(
        self, site: TestSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[bool] = []

        def look(backup: Any) -> None:
            with site.db.read() as db:
                seen.append(holds.is_held(db, site.now()))

        monkeypatch.setattr(backups._Backup, "add_files", look)
        backups.make(site, tmp_path / "b")
        assert seen == [True]


class TestInterrupted:
    def test_a_restore_leaves_nothing_and_can_be_repeated(
        self,
        site: TestSite,
        database: str | None,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        filled(site)
        backups.make(site, tmp_path / "b.tar")
        with monkeypatch.context() as patch:
            patch.setattr(restores, "_sync", _stops)
            patch.setattr(restores.store, "settle", _stops)
            with pytest.raises(KeyboardInterrupt):
                restores.restore(tmp_path / "b.tar", tmp_path / "new", database)
        assert [path.name for path in tmp_path.iterdir() if "new" in path.name] == []
        killed = tmp_path / ".new.restoring"
        (killed / "blobs").mkdir(parents=True)
        (killed / "lazur.db").write_text("half")
        restores.restore(tmp_path / "b.tar", tmp_path / "new", database)
        assert not list(tmp_path.glob(".*"))


class TestScratch:
    @pytest.mark.parametrize("name", [".lazur-backup-b.tar", "b/.lazur-backup"])
    def test_a_link_in_its_place_is_not_followed(
        self, site: TestSite, tmp_path: Path, name: str
    ) -> None:
        victim = _victim(tmp_path)
        (tmp_path / "b").mkdir()
        (tmp_path / name).symlink_to(victim)
        with pytest.raises(Conflict, match="is a link"):
            backups.make(site, tmp_path / ("b" if name.startswith("b/") else "b.tar"))
        assert (victim / "inner" / "thesis.txt").read_text() == "x"

    @pytest.mark.parametrize("name", [".new.restoring", ".new.unpacked"])
    def test_a_restore_follows_none_either(
        self, site: TestSite, tmp_path: Path, name: str
    ) -> None:
        backups.make(site, tmp_path / "b.tar")
        victim = _victim(tmp_path)
        (tmp_path / name).symlink_to(victim)
        with pytest.raises(Conflict, match="is a link"):
            restores.restore(tmp_path / "b.tar", tmp_path / "new", None)
        assert [path.name for path in victim.rglob("*")] == ["inner", "thesis.txt"]
        assert not (tmp_path / "new").exists()

    def test_content_that_leads_elsewhere_is_not_followed(
        self, site: TestSite, tmp_path: Path
    ) -> None:
        victim = _victim(tmp_path)
        (tmp_path / "b").mkdir()
        (tmp_path / "b" / "content").symlink_to(victim)
        with pytest.raises(Conflict, match="is a link"):
            backups.make(site, tmp_path / "b")
        assert [path.name for path in victim.rglob("*")] == ["inner", "thesis.txt"]

    def test_one_that_others_could_look_into_is_closed_first(
        self, site: TestSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        scratch = tmp_path / ".lazur-backup-b.tar"
        scratch.mkdir()
        scratch.chmod(0o777)
        seen: list[int] = []

        def look(_backup: Any) -> None:
            seen.append(scratch.stat().st_mode & 0o777)

        monkeypatch.setattr(backups._Backup, "add_files", look)
        backups.make(site, tmp_path / "b.tar")
        assert seen == [0o700]

    def test_somebody_elses_is_not_used(
        self, site: TestSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / ".lazur-backup-b.tar").mkdir()
        (tmp_path / ".lazur-backup-b.tar" / "theirs").write_text("x")
        monkeypatch.setattr("os.geteuid", lambda: os.getuid() + 1)
        with pytest.raises(Conflict, match="another account"):
            backups.make(site, tmp_path / "b.tar")
        assert (tmp_path / ".lazur-backup-b.tar" / "theirs").exists()

    def test_one_that_was_removed_meanwhile_is_no_lock(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lock = fcntl.flock

        def late(descriptor: int, how: int) -> None:
            (tmp_path / "s").rmdir()
            lock(descriptor, how)

        monkeypatch.setattr(fcntl, "flock", late)
        with pytest.raises(Conflict, match="Somebody else"), alone(tmp_path / "s"):
            pass

    @pytest.mark.parametrize("name", ["b.zip", "b.zip/x", "b.zip/x.tar"])
    def test_what_is_no_folder_is_told(self, site: TestSite, tmp_path: Path, name: str) -> None:
        (tmp_path / "b.zip").write_text("x")
        with pytest.raises(Conflict, match=r"no folder|cannot be made"):
            backups.make(site, tmp_path / name)
        assert (tmp_path / "b.zip").read_text() == "x"


class TestKeys:
    def test_they_are_in_it_only_where_asked_for(self, site: TestSite, tmp_path: Path) -> None:
        filled(site)
        key = (site.home.path / "keys" / "root").read_bytes()
        (site.home.path / "vault.toml").write_text('[hashicorp]\ntoken = "t"\n')
        backups.make(site, tmp_path / "b")
        backups.make(site, tmp_path / "k", with_key=True)
        for to, there in ((tmp_path / "b", False), (tmp_path / "k", True)):
            every = b"".join(path.read_bytes() for path in to.rglob("*") if path.is_file())
            assert (key.strip() in every) is there
            assert (b"hashicorp" in every) is there
            assert b"k3y-k3y" not in every
            assert site.home.owner_token().encode() not in every

    def test_passwords_in_settings_go_with_the_key_alone(
        self, site: TestSite, tmp_path: Path
    ) -> None:
        written = 'port = 8123\ndatabase = "postgresql+psycopg://me:p@ss w/rd@h/db"  # mine\n'
        (site.home.path / "config.toml").write_text(written)
        for to, with_key in ((tmp_path / "b", True), (tmp_path / "b", False)):
            made = backups.make(site, to, with_key=with_key)
            every = b"".join(path.read_bytes() for path in to.rglob("*") if path.is_file())
            assert (b"p@ss w/rd" in every) is with_key
            assert made["masked"] == ([] if with_key else ["database"])
        kept = tomllib.loads(member(tmp_path / "b", "config.toml").read_text())
        assert kept == {"port": 8123, "database": "postgresql+psycopg://me:***@h/db"}

    def test_a_backup_is_for_its_owners_eyes(self, site: TestSite, tmp_path: Path) -> None:
        filled(site)
        (tmp_path / "mine").mkdir(mode=0o755)
        for name in ("b", "b.tar", "mine"):
            backups.make(site, tmp_path / name)
        made = [tmp_path / "b", tmp_path / "b.tar", *(tmp_path / "mine").rglob("*")]
        assert len(made) > 10
        assert [path for path in made if path.stat().st_mode & 0o077] == []


class TestWorkspace:
    def test_only_what_is_its_own(
        self, site: TestSite, database: str | None, tmp_path: Path, clock: Clock
    ) -> None:
        number = filled(site)
        other = filled(site, "other")
        before = _rows(site, number, "lab")
        backups.make(site, tmp_path / "b", "lab")
        restores.restore(tmp_path / "b", tmp_path / "new", database)
        db = Database(database or sqlite_url(tmp_path / "new" / "lazur.db"))
        every = dump(db)
        db.close()
        assert not [n for n, rows in every.items() if any(f"ws-{other}" in row for row in rows)]
        assert not every["lazur_principals"]
        assert not every["lazur_tokens"]
        found = files(tmp_path / "new")
        assert found
        assert not [path for path in found if "other" in path]
        assert b"other" not in found.values()
        assert b"lab" in found.values()
        new = begun(tmp_path / "new", database, clock)
        after = _rows(new, number, "lab")
        left_out = {"lazur_tokens", "lazur_assignments", "lazur_build_uses", "lazur_idempotency"}
        assert after == {table: n for table, n in before.items() if table not in left_out}
        assert call(new, jobs.get, "lab", "j")["name"] == "j"
        new.db.close()

    def test_one_that_is_not_there(self, site: TestSite, tmp_path: Path) -> None:
        with pytest.raises(NotFound, match="no workspace 'x'"):
            backups.make(site, tmp_path / "b", "x")
        assert not (tmp_path / "b").exists()


class TestRefusals:
    def test_a_home_that_is_not_empty(self, site: TestSite, tmp_path: Path) -> None:
        backups.make(site, tmp_path / "b")
        before = sorted(site.home.path.rglob("*"))
        with pytest.raises(Conflict, match="not empty"):
            restores.restore(tmp_path / "b", site.home.path, None)
        assert sorted(site.home.path.rglob("*")) == before

    def test_a_database_that_is_not_empty(
        self, site: TestSite, database: str | None, tmp_path: Path
    ) -> None:
        backups.make(site, tmp_path / "b")
        url = site.db.url.render_as_string(hide_password=False)
        with pytest.raises((Conflict, Invalid)):
            restores.restore(tmp_path / "b", tmp_path / "new", url)
        assert not (tmp_path / "new").exists()

    @pytest.mark.parametrize(
        "changes, said",
        [
            ({"schema": "9999"}, "newer than this Lazur"),
            ({"version": 99}, "does not know"),
            ({"format": "zip"}, "damaged"),
            ({"list": "0" * 64}, "list of files is missing"),
        ],
    )
    def test_what_this_lazur_does_not_know(
        self,
        site: TestSite,
        database: str | None,
        tmp_path: Path,
        changes: dict[str, Any],
        said: str,
    ) -> None:
        backups.make(site, tmp_path / "b")
        manifest = tmp_path / "b" / MANIFEST
        manifest.write_text(json.dumps(json.loads(manifest.read_text()) | changes))
        with pytest.raises((Conflict, Invalid), match=said):
            restores.restore(tmp_path / "b", tmp_path / "new", database)
        assert not (tmp_path / "new").exists()
        assert not list(tmp_path.glob(".*"))

    @pytest.mark.parametrize("how", ["changed", "gone", "longer"])
    def test_what_was_damaged_is_found(
        self, site: TestSite, database: str | None, tmp_path: Path, how: str
    ) -> None:
        filled(site)
        backups.make(site, tmp_path / "b")
        path = member(tmp_path / "b", "left.txt")
        if how == "gone":
            path.unlink()
        else:
            path.write_text("lefT" if how == "changed" else "left.")
        for use in (
            lambda: restores.verify(tmp_path / "b"),
            lambda: restores.restore(tmp_path / "b", tmp_path / "new", database),
        ):
            with pytest.raises(Invalid, match="damaged"):
                use()
        assert not (tmp_path / "new").exists()

    def test_a_file_that_was_cut_off(self, site: TestSite, tmp_path: Path) -> None:
        filled(site)
        backups.make(site, tmp_path / "b.tar.gz")
        whole = (tmp_path / "b.tar.gz").read_bytes()
        (tmp_path / "b.tar.gz").write_bytes(whole[: len(whole) // 2])
        with pytest.raises(Invalid, match=r"damaged|interrupted"):
            restores.verify(tmp_path / "b.tar.gz")

    @pytest.mark.parametrize(
        "name", ["../x", "/etc/x", "content/ab/../../x", "token", "content/ab/" + "c" * 64]
    )
    def test_a_member_of_another_name_gets_nowhere(self, tmp_path: Path, name: str) -> None:
        with tarfile.open(tmp_path / "b.tar", "w") as tar:
            info = tarfile.TarInfo(name)
            info.size = 1
            tar.addfile(info, io.BytesIO(b"x"))
        with pytest.raises(Invalid, match="it holds"):
            restores.verify(tmp_path / "b.tar")

    @pytest.mark.parametrize("path", ["../x", "token", "server.json", "tls/ca.pem", "jobs", "/x"])
    def test_a_list_that_names_something_else(
        self, site: TestSite, tmp_path: Path, path: str
    ) -> None:
        backups.make(site, tmp_path / "b")
        _add_to_list(tmp_path / "b", path)
        with pytest.raises(Invalid):
            restores.restore(tmp_path / "b", tmp_path / "new", None)
        assert not (tmp_path / "new").exists()

    def test_a_folder_with_other_things(self, site: TestSite, tmp_path: Path) -> None:
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "thesis.txt").write_text("x")
        with pytest.raises(Conflict, match="other things"):
            backups.make(site, tmp_path / "mine")
        with pytest.raises(Invalid, match="no backup"):
            restores.verify(tmp_path / "mine")


def _victim(folder: Path) -> Path:
    (folder / "victim" / "inner").mkdir(parents=True)
    (folder / "victim" / "inner" / "thesis.txt").write_text("x")
    return folder / "victim"


def _fails(_backup: Any, *, with_key: bool) -> None:
    raise KeyboardInterrupt


def _stops(*_: Any) -> None:
    raise KeyboardInterrupt


def _rows(site: Site, number: int, name: str) -> dict[str, int]:
    values = belongings.of(number, name)
    with site.db.read() as db:
        counts = {b.table: belongings.count(db, b, values) for b in belongings.find(db)}
    skipped = {"lazur_audit", "lazur_audit_heads", "lazur_events"}
    return {table: n for table, n in counts.items() if n and table not in skipped}


def _add_to_list(to: Path, path: str) -> None:
    manifest = json.loads((to / MANIFEST).read_text())
    old = to / f"list-{manifest['list']}.jsonl"
    first = json.loads(old.read_text().splitlines()[0])
    text = old.read_text() + json.dumps([path, *first[1:]]) + "\n"
    digest = hashlib.sha256(text.encode()).hexdigest()
    (to / f"list-{digest}.jsonl").write_text(text)
    (to / MANIFEST).write_text(json.dumps(manifest | {"list": digest}))
