"""What a job wrote about its mini-batches is shown, whatever it wrote."""

from __future__ import annotations

import csv
import json
import os
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from lazur.errors import Invalid
from lazur.services.jobs import jobs
from lazur.services.results import mini_batch_figures, mini_batches
from lazur.store.pages import Query
from tests.site import ENVIRONMENT, Server, TestSite, call, put_tree, submit

DONE = {"d": 0, "s": 0.5, "n": 2, "c": 2, "w": "1-0-0-1", "t": 1_700_000_000.0, "k": {"Store": 7}}


@pytest.fixture
def folder(site: TestSite) -> Path:
    code = f"tree:{put_tree(site, {'score.py': b'def run(m): return m'})}"
    spec: dict[str, Any] = {
        "type": "parallel",
        "name": "p",
        "inputs": {"files": {"type": "uri_folder", "path": code}},
        "input_data": "${{inputs.files}}",
        "task": {"code": code, "entry_script": "score.py", "environment": ENVIRONMENT},
    }
    call(site, jobs.submit, "default", spec)
    Server(site).settle()
    made = site.home.artifacts("default", "p") / "system_logs" / "parallel"
    made.mkdir(parents=True, exist_ok=True)
    return made


def tell(folder: Path, *entries: Any) -> None:
    lines = [entry if isinstance(entry, str) else json.dumps(entry) for entry in entries]
    (folder / "ledger.jsonl").write_text("\n".join(lines) + "\n")


def find(site: TestSite, **query: Any) -> dict[str, Any]:
    return call(site, mini_batches.find, "default", "p", Query(**query), write=False)


def figures(site: TestSite, most: int | None = None, **query: Any) -> list[dict[str, str]]:
    asked = Query(**query)
    pieces = call(site, mini_batch_figures.text, "default", "p", asked, most, write=False)
    return list(csv.DictReader(StringIO(b"".join(pieces).decode(), newline="")))


class TestFigures:
    def test_they_are_plain_and_no_formulas(self, site: TestSite, folder: Path) -> None:
        keys = [{"Shop": "=1+1"}, {"Shop": 2, "Brand": "x"}]
        tell(
            folder,
            {**DONE, "k": keys[0], "m": {"rmse": 0.123456}},
            {"x": 1, "k": keys[1], "e": "Wrong: x\ny", "last": True},
        )
        first, second = figures(site)
        assert list(first) == [
            *("number", "status", "Shop", "Brand", "rmse"),
            *("items", "results", "seconds", "tries", "ended_at", "error"),
        ]
        assert (first["Shop"], first["rmse"], first["seconds"]) == ("'=1+1", "0.123456", "0.5")
        assert (second["Shop"], second["rmse"], second["error"]) == ("2", "", "Wrong: x\ny")

    def test_all_of_them_or_those_that_are_asked_for(self, site: TestSite, folder: Path) -> None:
        tell(folder, *({**DONE, "d": number} for number in range(2500)))
        assert [int(one["number"]) for one in figures(site)] == list(range(2500))
        last = figures(site, 2, order_by="-number")
        assert [one["number"] for one in last] == ["2499", "2498"]
        assert figures(site, filters={"status": "failed"}) == []
        with pytest.raises(Invalid, match="a number from 1"):
            figures(site, 0)

    def test_of_none_there_is_the_header(self, site: TestSite, folder: Path) -> None:
        assert figures(site) == []

    def test_in_a_job_that_is_over_nothing_runs(self, site: TestSite, folder: Path) -> None:
        told = {"total": 9, "done": 4, "running": 2}
        (folder / "progress.json").write_text(
            json.dumps({"mini_batches": told, "remaining_seconds": 7})
        )
        view = call(site, jobs.get, "default", "p", write=False)
        shown = call(site, mini_batches.with_progress, "default", view, write=False)
        assert shown["progress"]["mini_batches"]["running"] == 2
        assert shown["progress"]["remaining_seconds"] == 7
        over = {**view, "status": "Failed"}
        shown = call(site, mini_batches.with_progress, "default", over, write=False)
        assert shown["progress"]["mini_batches"]["running"] == 0
        assert shown["progress"]["remaining_seconds"] is None

    def test_other_jobs_have_none(self, site: TestSite) -> None:
        submit(site, name="p")
        with pytest.raises(Invalid, match="only parallel jobs"):
            figures(site)


class TestFind:
    def test_before_anything_ended_there_is_none(self, site: TestSite, folder: Path) -> None:
        assert find(site) == {"value": [], "next": None, "total": 0, "progress": None}

    def test_they_are_found_by_their_key_or_error_and_ordered_by_the_key(
        self, site: TestSite, folder: Path
    ) -> None:
        keys = [{"Store": 10}, {"Store": 9}, {"Store": "old"}, {"Other": 1}]
        told = [{**DONE, "d": number, "k": key} for number, key in enumerate(keys)]
        tell(folder, *told, {"x": 4, "e": "ValueError: no store", "last": True})
        by_key = find(site, order_by="key.Store")
        assert [one["number"] for one in by_key["value"]] == [1, 0, 2, 3, 4]
        found = find(site, filters={"contains": "STORE"}, limit=2)
        assert (len(found["value"]), found["total"], found["next"]) == (2, 4, "2")
        assert find(site, filters={"contains": "store=9"})["total"] == 1
        with pytest.raises(Invalid, match="Cannot order by 'key'"):
            find(site, order_by="key")

    def test_done_failed_and_to_be_tried_again(self, site: TestSite, folder: Path) -> None:
        tell(
            folder,
            {**DONE, "m": {"rmse": 0.25}},
            {"x": 1, "e": "ValueError: one", "last": False},
            {"x": 2, "e": "ValueError: two", "last": False},
            {"x": 2, "e": "ValueError: two", "last": True},
        )
        done, again, failed = find(site)["value"]
        assert (done["status"], done["key"], done["metrics"]) == (
            "done",
            {"Store": 7},
            {"rmse": 0.25},
        )
        assert (again["status"], failed["status"], failed["tries"]) == ("retrying", "failed", 2)
        assert failed["log"] == "user_logs/mini_batches/2.txt"
        assert [b["number"] for b in find(site, filters={"status": "failed"})["value"]] == [2]

    def test_ordered_by_a_metric_page_by_page(self, site: TestSite, folder: Path) -> None:
        tell(folder, *({**DONE, "d": n, "m": {"rmse": n % 4}} for n in range(8)), {**DONE, "d": 8})
        first = find(site, order_by="-metrics.rmse", limit=3)
        second = find(site, order_by="-metrics.rmse", limit=6, cursor=first["next"])
        found = [b["number"] for page in (first, second) for b in page["value"]]
        assert found == [7, 3, 6, 2, 5, 1, 4, 0, 8]
        assert second["next"] is None

    @pytest.mark.parametrize(
        "query", [{"order_by": "mood"}, {"filters": {"status": "sad"}}, {"cursor": "x"}]
    )
    def test_what_cannot_be_asked(
        self, site: TestSite, folder: Path, query: dict[str, Any]
    ) -> None:
        with pytest.raises(Invalid):
            find(site, **query)

    def test_a_command_job_has_none(self, site: TestSite) -> None:
        submit(site, name="j")
        with pytest.raises(Invalid, match="only parallel jobs"):
            call(site, mini_batches.find, "default", "j", Query(), write=False)

    @pytest.mark.parametrize(
        "line",
        [
            '{"d":0,"s',
            "[1]",
            "null",
            '{"d":"0"}',
            '{"d":true}',
            '{"x":null}',
            '{"d":1e999}',
            "[" * 5000,
            '{"d":' + "9" * 5000 + "}",
        ],
    )
    def test_what_is_no_entry_is_left_out(self, site: TestSite, folder: Path, line: str) -> None:
        tell(folder, line, DONE)
        assert [batch["number"] for batch in find(site)["value"]] == [0]

    def test_fields_of_other_types_are_left_out(self, site: TestSite, folder: Path) -> None:
        odd = {"d": 3, "s": "long", "n": [], "c": {}, "w": 5, "t": 1e300, "k": {"a": [1]}, "m": 7}
        tell(folder, odd)
        (batch,) = find(site)["value"]
        assert (batch["seconds"], batch["key"], batch["ended_at"]) == (None, {}, None)

    def test_neither_links_nor_pipes_are_followed(self, site: TestSite, folder: Path) -> None:
        secret = folder.parent.parent / "secret"
        secret.write_text(json.dumps(DONE) + "\n")
        (folder / "ledger.jsonl").symlink_to(secret)
        assert find(site)["value"] == []
        (folder / "ledger.jsonl").unlink()
        os.mkfifo(folder / "ledger.jsonl")
        assert find(site)["value"] == []


class TestProgress:
    def test_a_jobs_view_says_how_far_it_is(self, site: TestSite, folder: Path) -> None:
        (folder / "progress.json").write_text(
            json.dumps({"mini_batches": {"total": 9, "done": 4, "odd": 1}, "items": "many"})
        )
        view = call(site, jobs.get, "default", "p", write=False)
        shown = call(site, mini_batches.with_progress, "default", view, write=False)
        assert shown["progress"]["mini_batches"] == {"total": 9, "done": 4}
        assert shown["progress"]["items"] == {}

    def test_in_a_job_that_is_over_nothing_runs(self, site: TestSite, folder: Path) -> None:
        told = {"total": 9, "done": 4, "running": 2}
        (folder / "progress.json").write_text(
            json.dumps({"mini_batches": told, "remaining_seconds": 7})
        )
        view = call(site, jobs.get, "default", "p", write=False)
        shown = call(site, mini_batches.with_progress, "default", view, write=False)
        assert shown["progress"]["mini_batches"]["running"] == 2
        assert shown["progress"]["remaining_seconds"] == 7
        over = {**view, "status": "Failed"}
        shown = call(site, mini_batches.with_progress, "default", over, write=False)
        assert shown["progress"]["mini_batches"]["running"] == 0
        assert shown["progress"]["remaining_seconds"] is None

    def test_other_jobs_have_none(self, site: TestSite) -> None:
        submit(site, name="j")
        view = call(site, jobs.get, "default", "j", write=False)
        assert call(site, mini_batches.with_progress, "default", view, write=False) == view
