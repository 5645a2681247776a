"""The content of a server in an object store: here a folder plays the store, and the journeys have
a real one."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lazur.blobs.local import Local
from lazur.engine.secret import Secret
from lazur.errors import Conflict, Invalid, Unavailable
from lazur.services.assets import assets
from lazur.services.base import workspaces
from lazur.services.base.home import Home
from lazur.services.base.stores import Storage
from lazur.services.content import collection, copies, leftovers, storage
from lazur.services.keeping import backups, restores
from lazur.services.resources import resources
from lazur.services.results import asset_trash
from lazur.store import jobs, records
from lazur.store.db import Database
from lazur.store.pages import Query
from lazur.store.workspaces import by_name
from lazur.testing.fakes import Engine, FakeBuilder
from tests.site import Clock, Server, TestSite, call, put_tree, submit

DAY = 86400.0


@pytest.fixture
def clock() -> Clock:
    """Stores have times of their own: the site's clock begins there."""
    return Clock(time.time())


@pytest.fixture
def bucket(tmp_path: Path) -> Path:
    (tmp_path / "bucket").mkdir()
    return tmp_path / "bucket"


@pytest.fixture
def far(site: TestSite, bucket: Path) -> TestSite:
    """The site, with its content in the bucket."""
    site.storage = in_folder(bucket)
    site.blobs = storage.blobs(site.home, site.storage)
    storage.settle(site.db, site.home, site.storage)
    return site


def in_folder(bucket: Path, prefix: str = "lazur") -> Storage:
    return Storage(f"s3://{bucket.name}/{prefix}", "local", {"path": str(bucket)}, prefix)


def content(bucket: Path) -> list[Path]:
    return [path for path in (bucket / "lazur" / "content").rglob("*") if path.is_file()]


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def copy(site: TestSite, data: bytes) -> Path:
    return site.home.blobs / digest(data)[:2] / digest(data)


class TestSettings:
    def test_nothing_is_the_home(self, site: TestSite) -> None:
        assert storage.read(site.home, "") is None
        assert isinstance(storage.blobs(site.home, None), Local)

    @pytest.mark.parametrize(
        "uri, kind, prefix",
        [
            ("s3://team/lazur/", "s3", "lazur"),
            ("s3://team", "s3", ""),
            ("gs://team/a/b", "gcs", "a/b"),
            ("wasbs://box@account.blob.core.windows.net/a", "azure_blob", "a"),
        ],
    )
    def test_a_store_by_its_address(
        self, site: TestSite, uri: str, kind: str, prefix: str
    ) -> None:
        found = storage.read(site.home, uri)
        assert found is not None
        assert (found.type, found.prefix, found.uri) == (kind, prefix, uri.rstrip("/"))

    @pytest.mark.parametrize("uri", ["team", "https://x/y", "s3://user:pw@team/x", "s3://t/../x"])
    def test_what_is_no_address_is_refused(self, site: TestSite, uri: str) -> None:
        with pytest.raises(Invalid):
            storage.read(site.home, uri)

    def test_credentials_are_secrets_of_a_file(self, site: TestSite) -> None:
        written(site.home, '[settings]\nendpoint = "http://x"\n[credentials]\nsas_token = "s"\n')
        found = storage.read(site.home, "s3://team")
        assert found is not None
        assert found.credentials == {"sas_token": Secret("s")}
        assert found.settings["endpoint"] == "http://x"
        assert "'s'" not in repr(found)

    def test_each_store_may_have_its_own(self, site: TestSite) -> None:
        """As when a server moves from one to the other."""
        text = '[credentials]\nsas_token = "one"\n'
        other = '["gs://other/x"]\nambient = true\n'
        other += '["gs://other/x".settings]\nendpoint = "http://y"\n'
        written(site.home, text + other)
        found = [storage.read(site.home, uri) for uri in ("s3://team", "gs://other/x/")]
        assert [one and (one.credentials, one.ambient) for one in found] == [
            ({"sas_token": Secret("one")}, False),
            ({}, True),
        ]
        assert found[1] is not None
        assert found[1].settings["endpoint"] == "http://y"

    def test_which_nobody_else_may_read(self, site: TestSite) -> None:
        written(site.home, "ambient = true\n").chmod(0o640)
        with pytest.raises(Invalid, match="read by others"):
            storage.read(site.home, "s3://team")

    @pytest.mark.parametrize(
        "text",
        [
            "x = 1",
            "[credentials]\nkey = 'x'",
            "settings = 1",
            "ambient = 'yes'",
            "[[[",
            "'s3://team' = 1",
        ],
    )
    def test_and_in_which_nothing_is_overlooked(self, site: TestSite, text: str) -> None:
        written(site.home, text)
        with pytest.raises(Invalid, match=storage.FILE):
            storage.read(site.home, "s3://team")


class TestPlace:
    def test_a_new_server_begins_there(self, far: TestSite, bucket: Path) -> None:
        assert storage.place(far.db) == f"s3://{bucket.name}/lazur"
        storage.settle(far.db, far.home, far.storage)
        assert (bucket / "lazur" / "owner").exists()

    def test_one_with_content_in_its_home_is_not_begun(self, site: TestSite, bucket: Path) -> None:
        put_tree(site, {"a": b"a"})
        with pytest.raises(Conflict, match="lies in its home") as raised:
            storage.settle(site.db, site.home, in_folder(bucket))
        assert "lazur admin storage --to s3://bucket/lazur" in str(raised.value.hint)
        assert list(bucket.iterdir()) == []

    def test_other_settings_are_refused(self, far: TestSite, bucket: Path) -> None:
        for other in (None, in_folder(bucket, "other")):
            with pytest.raises(Conflict, match="s3://bucket/lazur"):
                storage.settle(far.db, far.home, other)

    def test_a_second_server_in_the_same_folder_is_refused(
        self, far: TestSite, bucket: Path
    ) -> None:
        (bucket / "lazur" / "owner").write_text("of somebody else")
        with pytest.raises(Conflict, match="another server"):
            storage.settle(far.db, far.home, far.storage)

    def test_a_store_that_is_not_the_one_is_told(self, far: TestSite, bucket: Path) -> None:
        (bucket / "lazur" / "owner").unlink()
        with pytest.raises(Unavailable, match="owner"):
            storage.settle(far.db, far.home, far.storage)


class TestContent:
    def test_what_is_purged_is_freed_there(
        self, far: TestSite, clock: Clock, bucket: Path
    ) -> None:
        tree = put_tree(far, {"a/b.txt": b"bb", "c.txt": b"c"})
        call(far, assets.create, "default", "data", {"name": "d", "path": f"tree:{tree}"})
        clock.time += 3 * DAY
        assert collection.collect(far).blobs == 0
        assert len(content(bucket)) == 3
        call(far, asset_trash.delete, "default", "data", "d")
        call(far, asset_trash.purge, "default", "data", {"names": ["d"], "force": True})
        clock.time += 3 * DAY
        assert collection.collect(far).blobs == 3
        assert content(bucket) == []
        assert not copy(far, b"bb").exists()

    def test_a_backup_takes_it_along_without_copies(
        self, far: TestSite, bucket: Path, tmp_path: Path
    ) -> None:
        tree = put_tree(far, {"a": b"a" * 1000})
        call(far, assets.create, "default", "data", {"name": "d", "path": f"tree:{tree}"})
        for path in far.home.blobs.glob("??/*"):
            path.unlink()
        made = backups.make(far, tmp_path / "backup")
        assert made["files"] > 2
        assert not copy(far, b"a" * 1000).exists()
        restores.verify(tmp_path / "backup")
        if far.db.sqlite:
            restores.restore(tmp_path / "backup", tmp_path / "home", None)
            home = Home(tmp_path / "home")
            assert Local(home.blobs).has(digest(b"a" * 1000))
            db = Database(f"sqlite:///{home.database}")
            assert storage.place(db) == storage.HOME
            db.close()

    def test_no_backup_is_made_of_what_lies_elsewhere(self, far: TestSite, tmp_path: Path) -> None:
        far.storage = None
        with pytest.raises(Conflict, match="lies in"):
            backups.make(far, tmp_path / "backup")


class TestJobs:
    @pytest.fixture
    def server(self, far: TestSite, builder: FakeBuilder) -> Iterator[Server]:
        made = Server(far)
        yield made
        made.jobs.deliveries.stop()

    def test_what_a_job_begins_with_is_brought_first(self, server: Server, engine: Engine) -> None:
        site = server.site
        tree = put_tree(site, {"main.py": b"print()"})
        name = submit(site, code=f"tree:{tree}")["name"]
        forget(site)
        server.settle()
        assert not engine.attempts or copy(site, b"print()").exists()
        until(server, lambda: bool(engine.attempts))
        assert copy(site, b"print()").read_bytes() == b"print()"
        assert server.show(name)["waiting_for"] is None

    def test_what_is_here_is_not_waited_for(self, server: Server, engine: Engine) -> None:
        tree = put_tree(server.site, {"main.py": b"print()"})
        submit(server.site, code=f"tree:{tree}")
        server.settle()
        assert engine.attempts

    def test_what_is_nowhere_fails_the_job(self, server: Server, bucket: Path) -> None:
        tree = put_tree(server.site, {"main.py": b"print()"})
        name = submit(server.site, code=f"tree:{tree}")["name"]
        forget(server.site)
        for path in content(bucket):
            path.unlink()
        until(server, lambda: server.show(name)["status"] == "Failed")
        assert "There is no blob" in server.show(name)["error"]["message"]


class TestOutputs:
    """Of workspaces that are made while the server has a store."""

    @pytest.fixture
    def room(self, far: TestSite) -> int:
        call(far, workspaces.create, {"name": "team"})
        return number(far, "team")

    def test_they_go_to_the_store(self, far: TestSite, room: int) -> None:
        shown = call(far, resources.get, resources.DATASTORES, "team", "workspaceblobstore")
        assert (shown["type"], shown["is_default"]) == ("storage", True)
        assert job(far)["resolved"].get("remote")

    def test_so_does_what_is_written_to_the_other_datastores_but_for_artifacts(
        self, far: TestSite, room: int, bucket: Path
    ) -> None:
        found = call(far, resources.find, resources.DATASTORES, "team", Query())["value"]
        types = {one["name"]: one["type"] for one in found}
        assert types.pop("workspaceartifactstore") == "local"
        assert set(types.values()) == {"storage"}
        at = "azureml://datastores/workspacefilestore/paths/mine/"
        outputs = {"x": {"type": "uri_folder", "path": at}}
        assert plan(far, "team", outputs)["remote"]
        file = write(far, room, "x", "workspacefilestore")
        leftovers.remove(far, room)
        assert not file.exists()

    def test_those_of_workspaces_from_before_stay_in_the_home(self, far: TestSite) -> None:
        assert not job(far, "default")["resolved"]["remote"]

    def test_nobody_reads_the_servers_credentials(self, far: TestSite, room: int) -> None:
        assert far.storage is not None
        far.storage = replace(far.storage, credentials={"sas_token": Secret("the-secret")})
        given = resources.list_secrets, resources.DATASTORES, "team", "workspaceblobstore"
        shown = call(far, *given)
        shown |= call(far, resources.get, resources.DATASTORES, "team", "workspaceblobstore")
        assert "the-secret" not in str(shown)
        with pytest.raises(Invalid, match="not changed"):
            call(far, resources.delete, resources.DATASTORES, "team", "workspaceblobstore")

    def test_what_a_purged_job_had_is_removed(
        self, far: TestSite, room: int, bucket: Path
    ) -> None:
        one, other = (write(far, room, name) for name in ("one", "other"))
        leftovers.remove(far, room, "one")
        assert (one.exists(), other.exists()) == (False, True)
        leftovers.remove(far, room)
        assert not other.exists()

    def test_later_where_the_store_does_not_answer(
        self, far: TestSite, room: int, bucket: Path
    ) -> None:
        file = write(far, room, "one")
        bucket.rename(bucket.with_name("away"))
        leftovers.remove(far, room, "one")
        bucket.with_name("away").rename(bucket)
        assert file.exists()
        leftovers.clear(far, lambda: False)
        assert not file.exists()
        with far.db.read() as db:
            assert records.facts_like(db, "storage.left") == {}

    def test_a_server_with_them_stays(self, far: TestSite, room: int, bucket: Path) -> None:
        for place in (storage.HOME, "s3://elsewhere"):
            with pytest.raises(Conflict, match="team"):
                storage.check_outputs(far.db, place)
        storage.check_outputs(far.db, f"s3://{bucket.name}/lazur")

    def test_a_backup_names_what_stays_there(
        self, far: TestSite, room: int, tmp_path: Path
    ) -> None:
        made = backups.make(far, tmp_path / "backup", with_outputs=False)
        assert made["elsewhere"][0] == "s3://bucket/lazur: workspaceblobstore of team"
        assert len(made["elsewhere"]) == 3


class TestCopies:
    def test_they_are_bounded_but_for_what_jobs_need(self, far: TestSite) -> None:
        mine, other = (put_tree(far, {"data": bytes([n]) * 1000}) for n in (1, 2))
        submit(far, inputs={"x": {"type": "uri_folder", "path": f"tree:{mine}"}})
        for tree, data in ((mine, b"\x01" * 1000), (other, b"\x02" * 1000)):
            folder = far.home.cache / "trees" / tree
            folder.mkdir(parents=True)
            os.link(copy(far, data), folder / "data")
            folder.chmod(0o500)
            age(folder)
        for path in far.home.blobs.glob("??/*"):
            age(path)
        far.copies_bytes = 1500
        copies.evict(far)
        assert copy(far, b"\x01" * 1000).exists()
        assert (far.home.cache / "trees" / mine / "data").exists()
        assert not copy(far, b"\x02" * 1000).exists()
        assert [path.name for path in (far.home.cache / "trees").iterdir()] == [mine]
        assert far.blobs.missing([digest(b"\x02" * 1000)]) == []


def job(site: TestSite, workspace: str = "team") -> dict[str, Any]:
    """The plan of one with an output."""
    return {"resolved": plan(site, workspace, {"x": {"type": "uri_folder"}})}


def plan(site: TestSite, workspace: str, outputs: dict[str, Any]) -> dict[str, Any]:
    """Of its output."""
    name = submit(site, workspace, outputs=outputs)["name"]
    with site.db.read() as db:
        row = jobs.by_name(db, number(site, workspace), name)
    assert row is not None
    return row.resolved["outputs"][0]


def number(site: TestSite, workspace: str) -> int:
    with site.db.read() as db:
        row = by_name(db, workspace)
    assert row is not None
    return row.id


def write(site: TestSite, room: int, name: str, store: str = "workspaceblobstore") -> Path:
    assert site.storage is not None
    folder = site.storage.folder(room, store)
    path = Path(site.storage.settings["path"]) / folder / "azureml" / name / "x" / "a"
    path.parent.mkdir(parents=True)
    path.write_text("a")
    return path


def until(server: Server, done: Callable[[], bool]) -> None:
    """What is fetched comes by threads of its own."""
    for _ in range(200):
        server.settle()
        if done():
            return
        time.sleep(0.05)
    raise AssertionError("it never came")


def age(path: Path) -> None:
    os.utime(path, (time.time() - DAY, time.time() - DAY))


def forget(site: TestSite) -> None:
    """The copies on this machine."""
    for path in site.home.blobs.glob("??/*"):
        path.unlink()


def written(home: Home, text: str) -> Path:
    path = home.path / storage.FILE
    path.write_text(text)
    path.chmod(0o600)
    return path
