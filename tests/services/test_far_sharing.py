"""Assets whose files lie in an object store go into a registry: whole, or not at all, whatever is
killed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lazur.errors import NotFound, QuotaExceeded, Unavailable, Unsupported
from lazur.loops.shares import Held, Shares
from lazur.services.assets import assets, shares, sharing
from lazur.services.content import content
from lazur.services.people import quotas
from lazur.services.resources import registries, resources
from lazur.services.resources.resources import DATASTORES
from lazur.services.resources.shelves import Registry
from lazur.spec import references
from lazur.store import records
from lazur.store.pages import Query
from tests.services.far_site import ROOM, move_out, place, put
from tests.site import Clock, TestSite, call

SHARED = Registry("shared")
AT = "azureml://datastores/workspaceblobstore/paths/models/m"
ASKED = ("models", "m", "1", {"registry": "shared"})
LARGE = bytes(range(256)) * 20_000


@pytest.fixture
def clock() -> Clock:
    """Stores have times of their own: the site's clock begins there."""
    return Clock(time.time())


@pytest.fixture
def far(site: TestSite, tmp_path: Path) -> TestSite:
    move_out(site, tmp_path / "bucket")
    call(site, registries.create, {"name": "shared"})
    put(site, "models/m/weights.bin", LARGE)
    put(site, "models/m/a/b.txt", b"b")
    spec = {"name": "m", "type": "custom_model", "path": AT, "tags": {"a": "b"}}
    call(site, assets.create, ROOM, "models", spec)
    return site


@pytest.fixture
def loop(far: TestSite) -> Iterator[Shares]:
    made = Shares(far)
    yield made
    made._pool.shutdown()


def share(site: TestSite, loop: Shares) -> Any:
    """As a request and the loop of a server do it."""
    begun = call(site, sharing.share, ROOM, *ASKED)
    assert begun["state"] == "copying"
    finish(loop)
    return shares.wait(site, begun["share"], 0.0)


def finish(loop: Shares) -> None:
    loop.round()
    for future in loop._going.values():
        future.result()


def files(site: TestSite, version: dict[str, Any]) -> dict[str, int]:
    with site.context(write=False) as context:
        tree = references.parse(version["path"])
        assert isinstance(tree, references.Tree)
        return {one.path: one.size for one in content.manifest(context, tree.digest).files}


def shared(site: TestSite) -> list[Any]:
    return call(site, assets.find, SHARED, "models", Query())["value"]


def notes(site: TestSite) -> dict[str, str]:
    with site.db.read() as db:
        return records.facts_like(db, "share ")


class TestShare:
    def test_it_stands_there_with_content_of_its_own(self, far: TestSite, loop: Shares) -> None:
        made = share(far, loop)
        assert made["id"] == "azureml://registries/shared/models/m/versions/1"
        assert files(far, made) == {"a/b.txt": 1, "weights.bin": len(LARGE)}
        assert (made["tags"], notes(far)) == ({"a": "b"}, {})
        place(far, "models/m/a/b.txt").unlink()
        assert files(far, shared(far)[0])

    def test_twice_is_once(self, far: TestSite, loop: Shares) -> None:
        assert share(far, loop)["version"] == share(far, loop)["version"]
        assert len(shared(far)) == 1

    def test_who_asks_twice_waits_for_one(self, far: TestSite, loop: Shares) -> None:
        one, other = (call(far, sharing.share, ROOM, *ASKED) for _ in range(2))
        assert one == other
        assert len(notes(far)) == 1

    def test_nothing_is_copied_where_there_is_no_room(self, far: TestSite, loop: Shares) -> None:
        call(far, quotas.put, None, {"user": "*", "limits": {"bytes": 0}})
        with pytest.raises(QuotaExceeded):
            share(far, loop)
        assert (shared(far), list((far.home.cache / "remote").rglob("*"))) == ([], [])

    def test_one_file(self, far: TestSite, loop: Shares) -> None:
        spec = {"name": "m", "type": "custom_model", "path": f"{AT}/a/b.txt", "version": "2"}
        call(far, assets.create, ROOM, "models", spec)
        begun = call(far, sharing.share, ROOM, "models", "m", "2", {"registry": "shared"})
        finish(loop)
        assert files(far, shares.wait(far, begun["share"], 0.0)) == {"b.txt": 1}

    def test_what_is_not_there_is_told_to_who_asked(self, far: TestSite, loop: Shares) -> None:
        for name in ("weights.bin", "a/b.txt"):
            place(far, f"models/m/{name}").unlink()
        with pytest.raises(NotFound, match="nothing at 'models/m'"):
            share(far, loop)
        assert (shared(far), notes(far)) == ([], {})

    def test_a_folder_that_is_not_whole_is_not_shared(self, far: TestSite, loop: Shares) -> None:
        put(far, "models/m/.lazur-unfinished", b"x")
        with pytest.raises(Exception, match="not whole"):
            share(far, loop)
        assert shared(far) == []

    def test_what_no_server_reads_is_refused_at_once(self, far: TestSite) -> None:
        spec = {"name": "old", "type": "azure_data_lake_gen1", "store_name": "x"}
        call(far, resources.put, DATASTORES, ROOM, "old", spec)
        at = "azureml://datastores/old/paths/x"
        call(far, assets.create, ROOM, "data", {"name": "d", "path": at})
        with pytest.raises(Unsupported, match="lies in this workspace"):
            call(far, sharing.share, ROOM, "data", "d", "1", {"registry": "shared"})


class TestKilled:
    def test_another_loop_takes_it_up_when_the_lease_is_over(
        self, far: TestSite, loop: Shares, clock: Clock
    ) -> None:
        begun = call(far, sharing.share, ROOM, *ASKED)
        assert len(shares.take(far, 5)) == 1  # and is killed
        finish(loop)
        assert shares.wait(far, begun["share"], 0.0)["state"] == "copying"
        clock.time += shares.LEASE + 1
        finish(loop)
        assert shares.wait(far, begun["share"], 0.0)["version"] == "1"

    def test_its_own_server_does_at_once(self, far: TestSite) -> None:
        begun = call(far, sharing.share, ROOM, *ASKED)
        shares.take(far, 5)
        again = Shares(far)
        finish(again)
        assert shares.wait(far, begun["share"], 0.0)["version"] == "1"
        again._pool.shutdown()

    def test_who_was_only_slow_adds_nothing(self, far: TestSite, loop: Shares) -> None:
        call(far, sharing.share, ROOM, *ASKED)
        ((token, note),) = shares.take(far, 5)
        with far.db.write() as db:
            records.put_fact(db, f"share {token}", "{}")
        loop.share(Held(far, token, note))
        assert (shared(far), notes(far)) == ([], {f"share {token}": "{}"})

    def test_what_may_pass_is_tried_again_later(
        self, far: TestSite, loop: Shares, clock: Clock
    ) -> None:
        begun = call(far, sharing.share, ROOM, *ASKED)
        ((token, note),) = shares.take(far, 5)
        Held(far, token, note).fail(Unavailable("The store is away."))
        finish(loop)
        assert shares.wait(far, begun["share"], 0.0)["state"] == "copying"
        clock.time += 5
        finish(loop)
        assert shares.wait(far, begun["share"], 0.0)["version"] == "1"
