"""Outputs in the server's own object store count as stored bytes, and no longer once they are
purged."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from lazur.errors import QuotaExceeded
from lazur.loops.sweepup import Sweepup
from lazur.services.assets import assets
from lazur.services.people import quotas
from lazur.services.results import usage, uses
from lazur.services.tracking import trash
from lazur.store.pages import Query
from tests.services.far_site import ROOM, in_folder, move_out, place, put, run
from tests.site import Clock, TestSite, call, put_tree

OUT = {"out": {"type": "uri_folder"}}
CHOSEN = {
    "out": {"type": "uri_folder", "path": "azureml://datastores/workspaceblobstore/paths/mine"}
}


@pytest.fixture
def clock() -> Clock:
    """Stores have times of their own: the site's clock begins there."""
    return Clock(time.time())


@pytest.fixture
def far(site: TestSite, tmp_path: Path) -> TestSite:
    return move_out(site, tmp_path / "bucket")


def stored(site: TestSite, clock: Clock, by: str = "person") -> int:
    clock.time += 60
    query = Query(50, None, None, {"by": by})
    return sum(line["stored_bytes"] for line in call(site, usage.show, ROOM, query)["value"])


def again(site: TestSite, clock: Clock) -> None:
    """The housekeeping, once all is due."""
    clock.time += 4000
    Sweepup(site).round()


class TestStored:
    def test_what_a_run_wrote(self, far: TestSite, clock: Clock) -> None:
        name = run(far, OUT, {"out/a": b"a" * 700, "out/b/c": b"b" * 300})
        uses.weigh(far)
        assert stored(far, clock) == 1000
        call(far, trash.delete, ROOM, {"runs": [name]})
        call(far, trash.purge, ROOM, {"force": True})
        assert trash.finish(far)
        again(far, clock)
        assert stored(far, clock) == 0
        assert not place(far, f"azureml/{name}/out/a").exists()

    def test_by_the_asset_that_it_became(self, far: TestSite, clock: Clock) -> None:
        run(far, {"out": {"type": "uri_folder", "name": "made"}}, {"out/a": b"a" * 700})
        uses.weigh(far)
        assert stored(far, clock, "asset") == 700

    def test_what_lies_at_a_place_of_choice(self, far: TestSite, clock: Clock) -> None:
        put(far, "mine/x", b"x" * 50)
        run(far, CHOSEN, {})
        run(far, CHOSEN, {})
        uses.weigh(far)
        assert stored(far, clock) == 50
        place(far, "mine/x").write_bytes(b"x" * 20)
        again(far, clock)
        assert stored(far, clock) == 20
        place(far, "mine/x").unlink()
        again(far, clock)
        assert stored(far, clock) == 0

    def test_a_store_that_is_away_changes_nothing(
        self, far: TestSite, clock: Clock, tmp_path: Path
    ) -> None:
        put(far, "mine/x", b"x" * 50)
        run(far, CHOSEN, {})
        uses.weigh(far)
        (tmp_path / "bucket").rename(tmp_path / "away")
        again(far, clock)
        assert stored(far, clock) == 50

    def test_it_is_weighed_later_where_the_store_was_away(
        self, far: TestSite, clock: Clock, tmp_path: Path
    ) -> None:
        run(far, OUT, {"out/a": b"a" * 700})
        far.storage = in_folder(tmp_path / "away")
        uses.weigh(far)
        far.storage = in_folder(tmp_path / "bucket")
        uses.weigh(far)
        assert stored(far, clock) == 700

    def test_it_is_in_the_quota(self, far: TestSite) -> None:
        call(far, quotas.put, ROOM, {"limits": {"bytes": 1000}})
        run(far, OUT, {"out/a": b"a" * 999})
        uses.weigh(far)
        spec: dict[str, Any] = {"name": "d", "path": f"tree:{put_tree(far, {'a': b'12'})}"}
        with pytest.raises(QuotaExceeded):
            call(far, assets.create, ROOM, "data", spec)
