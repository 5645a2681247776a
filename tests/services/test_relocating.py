"""Outputs in the server's own object store, taken to another one or into the home."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from lazur.datastores.local import Local
from lazur.errors import Conflict
from lazur.server import moving
from lazur.services.content import own_stores
from lazur.services.content.own_stores import Own
from lazur.services.keeping import relocating
from lazur.services.resources import resources
from lazur.services.resources.resources import DATASTORES
from lazur.services.results import files
from lazur.store import homecoming
from tests.services.far_site import ROOM, in_folder, move_out, place, put, run
from tests.site import Clock, Server, TestSite, call, submit

OUT = {"out": {"type": "uri_folder", "name": "made"}}


@pytest.fixture
def clock() -> Clock:
    """Stores have times of their own: the site's clock begins there."""
    return Clock(time.time())


@pytest.fixture
def far(site: TestSite, tmp_path: Path) -> TestSite:
    made = move_out(site, tmp_path / "bucket")
    run(made, OUT, {"out/a.csv": b"a", "out/b/c.csv": b"c" * (3 << 20)}, name="first")
    (tmp_path / "other").mkdir()
    return made


def owns(site: TestSite) -> list[Own]:
    return own_stores.find(site.db)


class TestMove:
    def test_into_the_home(self, far: TestSite) -> None:
        assert far.storage is not None
        assert relocating.move(far.home, owns(far), far.storage, None) == (2, 2)
        moving._settle(far, owns(far), None)
        far.storage = None
        shown = call(far, resources.get, DATASTORES, ROOM, "workspaceblobstore")
        assert shown["type"] == "local"
        found = {file["path"] for file in call(far, files.find, ROOM, "first")["value"]}
        assert {"named-outputs/out/a.csv", "named-outputs/out/b/c.csv"} <= found
        top = far.home.datastore(ROOM, "workspaceblobstore")
        assert sorted(path.name for path in top.iterdir()) == ["azureml"]
        assert not (far.home.path / relocating.JOURNAL).exists()

    def test_to_another_store(self, far: TestSite, tmp_path: Path) -> None:
        assert far.storage is not None
        target = in_folder(tmp_path / "other", "deeper/lazur")
        assert relocating.move(far.home, owns(far), far.storage, target) == (2, 2)
        moving._settle(far, owns(far), target)
        far.storage = target
        assert place(far, "azureml/first/out/a.csv").read_bytes() == b"a"
        with far.context(write=False) as context:
            assert files.outside(context, ROOM, "first")[0][1].listed()

    def test_what_was_broken_off_goes_on(
        self, far: TestSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert far.storage is not None
        target, put_ = in_folder(tmp_path / "other"), Local.put
        sent: list[str] = []

        def killed(store: Local, path: str, *more: object) -> object:
            if sent:
                raise KeyboardInterrupt
            sent.append(path)
            return put_(store, path, *more)  # type: ignore[arg-type]

        monkeypatch.setattr(Local, "put", killed)
        with pytest.raises(KeyboardInterrupt):
            relocating.move(far.home, owns(far), far.storage, target)
        monkeypatch.setattr(Local, "put", put_)
        put(far, "azureml/first/out/a.csv", b"another")
        assert relocating.move(far.home, owns(far), far.storage, target)[0] == 2
        far.storage = target
        assert place(far, "azureml/first/out/a.csv").read_bytes() == b"another"

    def test_what_is_there_is_not_sent_again(self, far: TestSite, tmp_path: Path) -> None:
        assert far.storage is not None
        target = in_folder(tmp_path / "other")
        for new in (2, 0):
            assert relocating.move(far.home, owns(far), far.storage, target) == (2, new)
        elsewhere = in_folder(tmp_path / "other", "elsewhere")
        assert relocating.move(far.home, owns(far), far.storage, elsewhere) == (2, 2)


class TestJobs:
    def test_none_may_be_under_way(self, far: TestSite) -> None:
        submit(far, ROOM, name="going")
        server = Server(far)
        server.settle()
        with pytest.raises(Conflict, match="team/going"):
            moving._check_idle(far, owns(far))
        far.engine.end(f"{ROOM}/going/1")
        server.settle()
        moving._check_idle(far, owns(far))
        server.jobs.deliveries.stop()

    def test_twice_is_once(self, far: TestSite) -> None:
        own = owns(far)[0]
        with far.db.write() as db:
            for told in (1, 0):
                args = (own.workspace_id, own.name, "/somewhere")
                assert homecoming.come_home(db, *args) == told
