"""The database fails at one write after the other; a client that repeats its call with the same
key gets one job."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lazur.testing.fakes import Engine, FakeBuilder
from tests.faults import Fault, FaultyDatabase
from tests.server.native.conftest import Api, W
from tests.site import TestSite, command, open_site, put_tree

JOBS = f"{W}/jobs"
FAULTS: tuple[Fault, ...] = ("refused", "rolled back", "told wrong")


@pytest.fixture
def db(ready_database_url: str) -> FaultyDatabase:
    return FaultyDatabase(ready_database_url)


@pytest.fixture
def site(
    home: Path, ready_database_url: str, engine: Engine, tmp_path: Path, db: FaultyDatabase
) -> Iterator[TestSite]:
    made = open_site(home, ready_database_url, engine, FakeBuilder(str(tmp_path / "envs")), db)
    yield made
    made.db.close()


class TestRepeatedCalls:
    @pytest.mark.parametrize("fault", FAULTS)
    @pytest.mark.parametrize("n", [1, 2])
    @pytest.mark.parametrize("name", [None, "j"])
    def test_a_submit_is_made_once(
        self, api: Api, db: FaultyDatabase, fault: Fault, n: int, name: str | None
    ) -> None:
        tree = put_tree(api.site, {"a.py": b"print()"})
        body = command(code=f"tree:{tree}", **({"name": name} if name else {}))
        headers = {"Idempotency-Key": "k"}
        db.fail_at, db.fault = db.writes + n, fault
        first = api.post(JOBS, body, headers=headers)
        assert first.status_code == 503
        assert first.headers["Retry-After"]
        second = api.post(JOBS, body, headers=headers)
        assert second.status_code == 201
        assert [j["name"] for j in api.get(JOBS).json()["value"]] == [second.json()["name"]]

    @pytest.mark.parametrize("fault", FAULTS)
    def test_a_change_is_made_or_not_and_never_half(
        self, api: Api, db: FaultyDatabase, fault: Fault
    ) -> None:
        api.post(JOBS, command(name="j"))
        db.fail_at, db.fault = db.writes + 1, fault
        changes = {"description": "new", "tags": {"a": "1"}}
        assert api.patch(f"{JOBS}/j", changes).status_code == 503
        job = api.get(f"{JOBS}/j").json()
        assert (job["description"], job["tags"]) in ((None, {}), ("new", {"a": "1"}))
        history = [e["type"] for e in api.get(f"{JOBS}/j/history").json()["value"]]
        assert ("updated" in history) == (job["description"] == "new")
