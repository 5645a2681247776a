"""Uploads of Azure's client go with the last asset that they were made for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from lazur.loops.sweepup import Sweepup
from lazur.services.assets import assets
from lazur.services.azure import forgotten
from lazur.services.azure.notes import Notes
from lazur.services.base import workspaces
from lazur.services.content import local_uploads
from lazur.services.content.local_uploads import Left
from lazur.services.keeping import workspace_trash
from lazur.services.results import asset_trash
from lazur.store import holds
from tests.services import far_site
from tests.services.far_site import ROOM
from tests.site import Clock, TestSite, call, submit

HASH = "ab" * 32
UPLOAD = f"LocalUpload/{HASH}"
URI = f"azureml://datastores/workspaceblobstore/paths/{UPLOAD}/m"
NEVER = bool
"""As what is asked whether it is to stop: `bool()` is false."""


@pytest.fixture
def folder(site: TestSite, clock: Clock) -> Path:
    return uploaded(site, clock)


def uploaded(site: TestSite, clock: Clock, workspace: str = "default") -> Path:
    made = site.home.datastore(workspace, "workspaceblobstore") / UPLOAD / "m"
    (made / "inner").mkdir(parents=True)
    for name in ("a.txt", "inner/b.txt"):
        (made / name).write_text(name)
        os.utime(made / name, (clock.time - 60, clock.time - 60))
    return made.parent


def register(site: TestSite, name: str, kind: str = "models", path: str = URI) -> None:
    kinds = {"models": "custom_model", "data": "uri_folder"}
    spec = {"name": name, "version": "1", "path": path, "type": kinds[kind]}
    call(site, assets.create, "default", kind, spec)


def purge(site: TestSite, name: str, kind: str = "models") -> None:
    call(site, asset_trash.delete, "default", kind, name)
    call(site, asset_trash.purge, "default", kind, {"names": [name]})


def clear(site: TestSite, clock: Clock, rounds: int = 2) -> None:
    for _ in range(rounds):
        forgotten.clear(site, NEVER)
        clock.time += 3601


def left(site: TestSite) -> list[Left]:
    with site.db.read() as db:
        return local_uploads.find(db)


class TestForgotten:
    @pytest.mark.parametrize("kind", ["models", "data"])
    def test_an_upload_goes_after_its_only_asset(
        self, site: TestSite, clock: Clock, folder: Path, kind: str
    ) -> None:
        register(site, "m", kind)
        purge(site, "m", kind)
        clear(site, clock, 1)
        assert (folder / "m" / "a.txt").exists(), "somebody may have just looked at it"
        clear(site, clock, 1)
        assert not folder.exists()
        assert left(site) == []

    def test_first_it_is_told_that_it_is_not_complete(
        self, site: TestSite, clock: Clock, folder: Path
    ) -> None:
        notes = Notes(site.home.path / "workspaces/default/.blobs/workspaceblobstore")
        notes.put(f"{UPLOAD}/m/a.txt", "t", {"upload_status": "completed"})
        register(site, "m")
        clear(site, clock)
        assert notes.get(f"{UPLOAD}/m/a.txt", "t")
        purge(site, "m")
        clear(site, clock, 1)
        assert notes.get(f"{UPLOAD}/m/a.txt", "t") == {}

    def test_one_that_is_only_deleted_keeps_it(
        self, site: TestSite, clock: Clock, folder: Path
    ) -> None:
        register(site, "m")
        call(site, asset_trash.delete, "default", "models", "m")
        clear(site, clock, 3)
        assert folder.exists()

    def test_it_stays_for_another_asset_and_goes_with_that(
        self, site: TestSite, clock: Clock, folder: Path
    ) -> None:
        register(site, "m")
        register(site, "n", "data", f"{URI}/a.txt")
        purge(site, "m")
        clear(site, clock, 3)
        assert folder.exists()
        purge(site, "n", "data")
        clear(site, clock, 3)
        assert not folder.exists()

    def test_it_stays_for_a_job_that_read_it(
        self, site: TestSite, clock: Clock, folder: Path
    ) -> None:
        register(site, "m", "data")
        submit(site, inputs={"x": {"type": "uri_folder", "path": URI}})
        purge(site, "m", "data")
        clear(site, clock, 3)
        assert folder.exists()
        assert len(left(site)) == 1

    def test_it_stays_where_it_was_uploaded_again(
        self, site: TestSite, clock: Clock, folder: Path
    ) -> None:
        register(site, "m")
        purge(site, "m")
        clear(site, clock, 1)
        os.utime(folder / "m" / "a.txt", (clock.time, clock.time))
        clear(site, clock)
        assert (folder / "m" / "inner" / "b.txt").exists()
        assert left(site) == []

    def test_nothing_goes_while_the_server_is_copied(
        self, site: TestSite, clock: Clock, folder: Path
    ) -> None:
        register(site, "m")
        purge(site, "m")
        for _ in range(3):
            with site.db.write() as db:
                holds.keep(db, "copy", site.now())
            clear(site, clock, 1)
        assert folder.exists()
        clear(site, clock)
        assert not folder.exists()

    def test_other_paths_are_left_alone(self, site: TestSite, clock: Clock, folder: Path) -> None:
        register(site, "m", path="azureml://datastores/workspaceblobstore/paths/mine/LocalUpload")
        purge(site, "m")
        assert left(site) == []

    def test_an_object_store_is_cleared_too(
        self, site: TestSite, clock: Clock, tmp_path: Path
    ) -> None:
        far_site.move_out(site, tmp_path / "bucket")
        files = [far_site.put(site, f"{UPLOAD}/m/{name}", b"x") for name in ("a", "b/c")]
        for file in files:
            os.utime(file, (clock.time - 60, clock.time - 60))
        spec: dict[str, Any] = {"name": "m", "version": "1", "path": URI, "type": "uri_folder"}
        call(site, assets.create, ROOM, "data", spec)
        call(site, asset_trash.delete, ROOM, "data", "m")
        call(site, asset_trash.purge, ROOM, "data", {"names": ["m"]})
        clear(site, clock)
        assert not any(file.exists() for file in files)
        assert left(site) == []

    def test_of_a_purged_workspace_nothing_is_left(self, site: TestSite, clock: Clock) -> None:
        call(site, workspaces.create, {"name": "w"})
        uploaded(site, clock, "w")
        spec: dict[str, Any] = {"name": "m", "version": "1", "path": URI}
        call(site, assets.create, "w", "models", spec)
        call(site, asset_trash.delete, "w", "models", "m")
        call(site, asset_trash.purge, "w", "models", {"names": ["m"]})
        call(site, workspace_trash.delete, "w")
        clear(site, clock)
        assert len(left(site)) == 1, "it may come back"
        call(site, workspace_trash.delete, "w", permanently=True)
        Sweepup(site).round()
        clear(site, clock)
        assert left(site) == []
