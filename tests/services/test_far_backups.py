"""Backups of a server whose outputs lie in an object store: they come back into the home."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest

from lazur.datastores.local import Local
from lazur.engine.contracts import Stored
from lazur.services.assets import asset_files
from lazur.services.content.own_stores import Own
from lazur.services.jobs import jobs
from lazur.services.keeping import backups, restores
from lazur.services.keeping.backup_files import Sink, opened
from lazur.services.resources import resources
from lazur.services.resources.resources import DATASTORES
from lazur.services.results import files
from lazur.store.db import sqlite_url
from lazur.testing.fakes import Engine, FakeBuilder
from tests.services.far_site import ROOM, move_out, place, put, run
from tests.site import Clock, Server, TestSite, call, open_site, submit

OUT = {"out": {"type": "uri_folder", "name": "made"}}
WROTE = {"out/a.csv": b"a", "out/b/c.csv": b"c" * (3 << 20)}


@pytest.fixture
def clock() -> Clock:
    """Stores have times of their own: the site's clock begins there."""
    return Clock(time.time())


@pytest.fixture
def far(site: TestSite, tmp_path: Path) -> TestSite:
    return move_out(site, tmp_path / "bucket")


@pytest.fixture
def database(site: TestSite, request: pytest.FixtureRequest) -> Iterator[str | None]:
    """An empty one to restore into; None where it lies in the home."""
    if site.db.sqlite:
        yield None
        return
    with request.getfixturevalue("postgresql_server").database() as url:
        yield url


@pytest.fixture
def restored(
    far: TestSite, tmp_path: Path, clock: Clock, database: str | None
) -> Iterator[TestSite]:
    """With a job that has ended, and one that waits for what it made."""
    run(far, OUT, WROTE, name="first")
    given = {"x": {"type": "uri_folder", "path": "azureml:made:1"}}
    submit(far, ROOM, name="waits", inputs=given, outputs={"o": {"type": "uri_folder"}})
    backups.make(far, tmp_path / "b")
    home = tmp_path / "new"
    restores.restore(tmp_path / "b", home, database)
    builder = FakeBuilder(str(home / "envs"))
    url = database or sqlite_url(home / "lazur.db")
    made = open_site(home, url, Engine(clock), builder)
    yield made
    made.db.close()


class TestTaken:
    def test_outputs_lie_in_the_home_then(self, restored: TestSite, far: TestSite) -> None:
        shown = call(restored, resources.get, DATASTORES, ROOM, "workspaceblobstore")
        assert (shown["type"], shown["is_default"]) == ("local", True)
        found = call(restored, files.find, ROOM, "first")["value"]
        sizes = {file["path"]: file["size"] for file in found}
        assert sizes["named-outputs/out/a.csv"] == 1
        assert sizes["named-outputs/out/b/c.csv"] == 3 << 20
        body, size = call(restored, asset_files.opened, ROOM, "data", "made", "1", "a.csv")
        with body:
            assert (body.read(), size) == (b"a", 1)
        assert place(far, "azureml/first/out/a.csv").exists()

    def test_a_job_that_waited_reads_and_writes_there(self, restored: TestSite) -> None:
        server = Server(restored)
        server.settle()
        plan = restored.engine.attempts[f"{ROOM}/waits/1"].plan
        home = restored.home.datastore(ROOM, "workspaceblobstore")
        assert plan is not None
        assert plan.inputs[0].source.path == str(home / "azureml/first/out")
        assert (plan.outputs[0].remote, plan.carrier) == (False, None)
        assert plan.outputs[0].destination == str(home / "azureml/waits/o")
        server.jobs.deliveries.stop()

    def test_new_ones_do_too(self, restored: TestSite) -> None:
        name = submit(restored, ROOM, outputs={"o": {"type": "uri_folder"}})["name"]
        with restored.context(write=False) as context:
            row = jobs.find_row(context, ROOM, name, "workspaces/jobs/read")
        assert row.resolved["outputs"][0]["remote"] is False

    def test_a_second_one_reads_what_is_new(
        self, far: TestSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run(far, OUT, WROTE, name="first")
        for path in WROTE:
            os.utime(place(far, f"azureml/first/{path}"), (time.time() - 90, time.time() - 90))
        first = backups.make(far, tmp_path / "b")
        put(far, "more/x", b"x" * 1000)
        read, opened_ = list[str](), Local.open

        def seen(store: Local, path: str, *more: Any) -> Any:
            read.append(path)
            return opened_(store, path, *more)

        monkeypatch.setattr(Local, "open", seen)
        second = backups.make(far, tmp_path / "b")
        assert second["files"] > first["files"]
        assert [path.rpartition("/")[2] for path in read if "/workspaces/" in path] == ["x"]
        restores.verify(tmp_path / "b")

    def test_of_one_workspace(self, far: TestSite, tmp_path: Path) -> None:
        run(far, OUT, WROTE)
        made = backups.make(far, tmp_path / "b.tar", ROOM)
        assert {own["workspace"] for own in made["outputs"]} == {ROOM}
        assert backups.make(far, tmp_path / "c.tar", "default")["outputs"] == []

    def test_what_no_folder_can_hold_is_named(self, far: TestSite, tmp_path: Path) -> None:
        """Object stores may have a file and a folder of one name; a folder that plays one
        cannot."""
        out = Seen()
        made = backups._Backup(far, cast("Sink", out), io.BytesIO(), None)
        listed = [Stored(path, 1, "v", 0.0) for path in ("x", "x.txt", "x/z/a", "y/z")]
        own = Own(1, "team", "workspaceblobstore")
        kept = [one.path for one in made._changed(own, iter(listed), "top")]
        assert kept == ["x", "x.txt", "y/z"]
        assert "x/z/a in workspaceblobstore of team" in made.left[0]


class Seen:
    before: ClassVar[dict[str, Any]] = {}
    began = 0.0


class TestLeftOut:
    def test_it_is_said_whose_they_are(self, far: TestSite, tmp_path: Path) -> None:
        run(far, OUT, WROTE)
        made = backups.make(far, tmp_path / "b", with_outputs=False)
        assert "s3://bucket/lazur: workspaceblobstore of team" in made["elsewhere"]
        with opened(tmp_path / "b") as source:
            assert not [one for one in source.listing() if "workspaceblobstore" in one.path]
