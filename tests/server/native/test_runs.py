"""Runs over HTTP: lists in pages, one file both ways, rights, what is repeated."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from lazur.errors import TooLarge
from lazur.server import room
from tests.server.native.conftest import Api, W
from tests.services.tracked import Tracked
from tests.site import Server, TestSite, submit

RUNS = f"{W}/runs"


async def arriving(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


@pytest.fixture
def tracked(site: TestSite) -> Tracked:
    return Tracked(site)


class TestList:
    def test_comes_in_pages(self, api: Api, tracked: Tracked) -> None:
        made = [tracked.run(str(n), metrics={"a": [float(n)]}) for n in range(5)]
        query = {"limit": 2, "order_by": "metrics.a DESC", "filter": "metrics.a > 0"}
        seen: list[str] = []
        while True:
            page = api.get(RUNS, params=query).json()
            seen += [run["id"] for run in page["value"]]
            if page["next"] is None:
                break
            query["cursor"] = page["next"]
        assert seen == list(reversed(made[1:]))

    def test_a_parameter_that_it_does_not_know_is_refused(self, api: Api) -> None:
        answer = api.get(RUNS, params={"fliter": "x"})
        assert answer.status_code == 400
        assert "Known: filter, experiment_name, view" in answer.json()["error"]["hint"]

    def test_a_filter_cannot_reach_into_the_database(self, api: Api, tracked: Tracked) -> None:
        tracked.run()
        for text in (
            "params.a = 'x' OR 1=1",
            "params.a = 'x'; DROP TABLE runs",
            "1=1",
            "a" * 9000,
        ):
            assert api.get(RUNS, params={"filter": text}).status_code == 400
        quote = {"filter": """params.a = 'x" OR "1"="1'"""}
        assert api.get(RUNS, params=quote).json()["value"] == []


class TestRights:
    def test_a_reader_looks_and_changes_nothing(self, api: Api, tracked: Tracked) -> None:
        run = tracked.run(metrics={"a": [1.0]})
        reader = api.as_("Reader")
        assert reader.get(f"{RUNS}/{run}").status_code == 200
        assert reader.post(f"{RUNS}/export", {"runs": [run]}).status_code == 200
        for verb in ("delete", "restore", "purge"):
            assert reader.post(f"{RUNS}/{verb}", {"runs": [run]}).status_code == 403
        assert reader.request("DELETE", f"{RUNS}/{run}").status_code == 403
        assert reader.post(f"{RUNS}/import", content=b"").status_code == 403

    def test_a_jobs_token_purges_nothing(self, api: Api, server: Server, site: TestSite) -> None:
        name = submit(site)["name"]
        assert api.as_job(name).post(f"{RUNS}/purge", {"runs": [name]}).status_code == 403

    def test_a_job_deletes_no_other_jobs_run(
        self, api: Api, site: TestSite, tracked: Tracked
    ) -> None:
        name, script = submit(site)["name"], tracked.run()
        job = api.as_job(submit(site)["name"])
        assert job.post(f"{RUNS}/delete", {"runs": [script, name]}).status_code == 403
        assert not api.get(f"{RUNS}/{script}").json()["deleted"]
        assert job.request("DELETE", f"{RUNS}/{name}").status_code == 403
        assert job.request("DELETE", f"{RUNS}/{script}").status_code == 200

    def test_another_workspaces_runs_are_not_there(
        self, api: Api, site: TestSite, tracked: Tracked
    ) -> None:
        theirs = Tracked(site, "other").run(metrics={"a": [1.0]})
        mine = tracked.run()
        assert api.get(f"{RUNS}/{theirs}").status_code == 404
        assert api.get(f"{RUNS}/{theirs}/metrics").status_code == 404
        for verb in ("compare", "export", "delete", "restore", "purge"):
            assert api.post(f"{RUNS}/{verb}", {"runs": [mine, theirs]}).status_code == 404


class TestExport:
    def test_children_are_wanted_or_not(self, api: Api, tracked: Tracked) -> None:
        run = tracked.run()
        tracked.run(tags={"mlflow.parentRunId": run})
        for children, count in ((True, 2), (False, 1)):
            answer = api.post(f"{RUNS}/export", {"runs": [run], "children": children})
            with zipfile.ZipFile(io.BytesIO(answer.content)) as found:
                assert sum(n.endswith("run.json") for n in found.namelist()) == count
        assert api.post(f"{RUNS}/export", {"runs": [run], "children": "no"}).status_code == 400


class TestImport:
    def test_what_the_disk_cannot_hold_is_refused_before_it_comes(
        self, api: Api, site: TestSite
    ) -> None:
        headers = {"Content-Length": str(1 << 60)}
        answer = api.post(f"{RUNS}/import", content=b"PK", headers=headers)
        assert answer.status_code == 413
        assert "lazur run purge" in answer.json()["error"]["hint"]
        assert not list((site.home.cache / "imports").iterdir())

    def test_what_comes_without_its_length_is_refused_when_the_room_is_used_up(
        self, api: Api, site: TestSite, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(room, "SPARE", 1 << 62)
        answer = api.post(f"{RUNS}/import", content=arriving(b"PK", b"more"))
        assert answer.status_code == 413
        assert not list((site.home.cache / "imports").iterdir())

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a disk that is full")
    def test_a_disk_that_is_full_is_told_as_such(self) -> None:
        full = os.open("/dev/full", os.O_WRONLY)
        with pytest.raises(TooLarge, match="no room"), room.said():
            os.write(full, b"x")
        os.close(full)


class TestTrash:
    def test_an_answer_that_was_lost_is_given_again(self, api: Api, tracked: Tracked) -> None:
        run = tracked.run(files={"x": b"12345"})
        assert api.request("DELETE", f"{RUNS}/{run}").status_code == 200
        headers = {"Idempotency-Key": "one"}
        first = api.post(f"{RUNS}/purge", {"runs": [run]}, headers=headers)
        again = api.post(f"{RUNS}/purge", {"runs": [run]}, headers=headers)
        assert first.json()["bytes"] == 5
        assert again.json() == first.json()

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"runs": []},
            {"runs": "all"},
            {"runs": [1]},
            {"runs": ["a"], "experiment_name": "b"},
        ],
    )
    def test_what_to_delete_is_never_guessed(
        self, api: Api, tracked: Tracked, body: dict[str, Any]
    ) -> None:
        run = tracked.run()
        assert api.post(f"{RUNS}/delete", body).status_code == 400
        assert not api.get(f"{RUNS}/{run}").json()["deleted"]

    @pytest.mark.parametrize("days", [-1, "30", True, None, [1]])
    def test_an_age_is_a_number_of_days(self, api: Api, tracked: Tracked, days: Any) -> None:
        run = tracked.run()
        api.request("DELETE", f"{RUNS}/{run}")
        answer = api.post(f"{RUNS}/purge", {"older_than_days": days, "dry_run": True})
        assert answer.status_code == (200 if days is None else 400)


class TestFile:
    def test_goes_out_and_comes_back(self, api: Api, tracked: Tracked) -> None:
        run = tracked.run(metrics={"a": [1.0, 2.0]}, files={"model/x": b"12345"})
        file = api.post(f"{RUNS}/export", {"runs": [run]}).content
        with zipfile.ZipFile(io.BytesIO(file)) as found:
            assert found.testzip() is None
            assert found.namelist()[-1] == "manifest.json"
        made = api.post(f"{RUNS}/import", content=file, params={"experiment_name": "new"})
        assert made.status_code == 201
        new = made.json()["runs"][0]
        assert (new["from"], new["experiment_name"]) == (run, "new")
        points = api.get(f"{RUNS}/{new['id']}/metrics", params={"metric": "a"}).json()["value"]
        assert [point["value"] for point in points] == [1.0, 2.0]

    @pytest.mark.parametrize("cut", [0, 1, 100, -1])
    def test_a_part_of_it_is_refused_and_leaves_nothing(
        self, api: Api, site: TestSite, tracked: Tracked, cut: int
    ) -> None:
        file = api.post(f"{RUNS}/export", {"runs": [tracked.run(files={"x": b"1"})]}).content
        before = tracked.rows()
        assert api.post(f"{RUNS}/import", content=file[:cut]).status_code == 400
        assert tracked.rows() == before
        assert list((site.home.cache / "imports").iterdir()) == []
