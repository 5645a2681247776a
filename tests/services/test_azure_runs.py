"""Experiments on their way from Azure into a workspace here: fetched as a person's Python fetches
them, from replies as Azure documents them, and imported."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lazur.sdk.azure_tables import tables
from lazur.sdk.azure_tracking import Lost, Tracking
from lazur.sdk.azure_wire import Wire
from lazur.services.tracking import export, imports, runs, searches, trash
from lazur.store.pages import Query
from tests.recorded import CHILD, LIVE, OLD, PARENT, ROOM, START, Azure, filled, run, served
from tests.site import OWNER, TestSite, call


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[Azure]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with served(filled()) as made:
        yield made


class Slept(list[float]):
    """How long somebody waited."""


def fetch(
    azure: Azure, top: Path, *names: str, artifacts: bool = False, slept: Slept | None = None
) -> Tracking:
    waits = Slept() if slept is None else slept
    wire = Wire(azure.url, ROOM, lambda: ("good", time.time() + 3600), waits.append)
    made = Tracking(wire, f"azure:{ROOM}".lower(), top, str, artifacts=artifacts)
    made.fetch(names)
    return made


def bring(site: TestSite, made: Tracking, top: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for name in made.files():
        found += imports.load(site, OWNER, "default", top / name)["runs"]
    return found


def get(site: TestSite, name: str) -> dict[str, Any]:
    return call(site, runs.get, "default", name, write=False)


def history(site: TestSite, name: str, metric: str) -> list[tuple[Any, ...]]:
    page = call(site, runs.history, "default", name, metric, 1000, None, write=False)
    return [(one["step"], one["timestamp"], one["value"]) for one in page["value"]]


class TestFirst:
    def test_runs_come_with_all_that_was_tracked(
        self, site: TestSite, azure: Azure, tmp_path: Path
    ) -> None:
        made = bring(site, fetch(azure, tmp_path), tmp_path)
        assert {(one["from"], one["imported"]) for one in made} == {
            (PARENT, True),
            (CHILD, True),
            (LIVE, True),
        }
        found = get(site, PARENT)
        assert found["name"] == "Sweep of October"
        assert found["experiment_name"] == "credit-default"
        assert (found["status"], found["user"]) == ("FINISHED", "A Person")
        assert found["params"] == {"lr": "0.1"}
        assert found["tags"]["team"] == "risk"
        assert found["duration"] == 60.0
        assert found["metrics"]["loss"] == 0.5
        wanted = [(n, START + n, 1.5 - n / 4) for n in range(5)]
        assert history(site, PARENT, "loss") == wanted

    def test_what_json_has_no_words_for_comes_too(
        self, site: TestSite, azure: Azure, tmp_path: Path
    ) -> None:
        bring(site, fetch(azure, tmp_path), tmp_path)
        values = [value for _, _, value in history(site, PARENT, "odd")]
        assert sorted(map(str, values)) == ["Infinity", "NaN"]

    def test_children_know_their_parents(
        self, site: TestSite, azure: Azure, tmp_path: Path
    ) -> None:
        bring(site, fetch(azure, tmp_path), tmp_path)
        parent, child = get(site, PARENT), get(site, CHILD)
        assert child["parent"] == parent["id"]
        assert child["tags"]["mlflow.rootRunId"] == parent["id"]
        assert child["status"] == "FAILED"

    def test_a_parent_in_another_file_is_the_parent(
        self,
        site: TestSite,
        azure: Azure,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("lazur.sdk.azure_tracking._RUNS", 1)
        made = fetch(azure, tmp_path)
        assert made.files() == [f"runs/0000{n}.zip" for n in (1, 2, 3)]
        bring(site, made, tmp_path)
        assert get(site, CHILD)["parent"] == get(site, PARENT)["id"]

    def test_what_has_no_place_is_named(self, azure: Azure, tmp_path: Path) -> None:
        left_out = fetch(azure, tmp_path).left_out
        assert any("tag 'long'" in line and PARENT in line for line in left_out)
        assert any("goes on there" in line and LIVE in line for line in left_out)

    def test_files_come_where_they_are_wanted(
        self, site: TestSite, azure: Azure, tmp_path: Path
    ) -> None:
        bring(site, fetch(azure, tmp_path / "a"), tmp_path / "a")
        assert not any("/artifacts" in path for path in azure.asked)
        made = bring(site, fetch(azure, tmp_path / "b", artifacts=True), tmp_path / "b")
        assert {one["imported"] for one in made} == {False}
        (folder,) = site.home.path.rglob(f"{get(site, PARENT)['id']}/artifacts")
        assert (folder / "model/MLmodel").read_bytes() == b"flavors: {}\n"
        assert (folder / "plot.png").read_bytes() == b"\x89" * 3000

    def test_what_is_said_of_experiments_comes(self, azure: Azure, tmp_path: Path) -> None:
        assert fetch(azure, tmp_path).experiments == [
            {"name": "credit-default", "description": "Who pays", "tags": {"team": "risk"}},
            {"name": "idle"},
        ]

    def test_some_experiments_may_be_chosen(self, azure: Azure, tmp_path: Path) -> None:
        made = fetch(azure, tmp_path, "idle", "nothing")
        assert made.files() == []
        assert made.left_out == ["experiments/nothing: there is none of this name"]


class TestTables:
    """What SDK v1 has logged, and MLflow does not tell of."""

    def test_they_are_files_of_their_run(
        self, site: TestSite, azure: Azure, tmp_path: Path
    ) -> None:
        bring(site, fetch(azure, tmp_path), tmp_path)
        (folder,) = site.home.path.rglob(f"{get(site, PARENT)['id']}/artifacts/azureml/metrics")
        found = {path.name: json.loads(path.read_text()) for path in folder.iterdir()}
        assert found == {
            "loss by store_region.json": {
                "columns": ["store", "loss"],
                "data": [[0, 0.0], [1, 0.5], [2, 1.0]],
            },
            "note.json": {"columns": ["note"], "data": [["as in May"]]},
        }

    def test_names_that_look_alike_stay_apart(self) -> None:
        metrics = [
            {"metricKey": {"name": name}, "columns": {"x": "Int"}} for name in ("a/b", "a:b")
        ]
        made = tables(metrics, (), lambda name, _: [{"data": {"x": 1}}, {"data": {"y": name}}])
        assert [(path, json.loads(content)["data"]) for path, content in made] == [
            ("azureml/metrics/a_b.json", [[1, None], [None, "a/b"]]),
            ("azureml/metrics/a_b-2.json", [[1, None], [None, "a:b"]]),
        ]

    def test_what_is_not_given_is_named_and_asked_for_the_next_time(
        self, site: TestSite, azure: Azure, tmp_path: Path
    ) -> None:
        azure.broken = "metric/v2.0"
        made = fetch(azure, tmp_path)
        assert any(PARENT in line and "tables" in line for line in made.left_out)
        azure.broken = ""
        bring(site, fetch(azure, tmp_path), tmp_path)
        assert len(list(site.home.path.rglob("artifacts/azureml/metrics/note.json"))) == 1

    def test_a_workspace_that_does_not_tell_them_is_named_once(
        self, azure: Azure, tmp_path: Path
    ) -> None:
        azure.unknown = "metric/v2.0"
        left_out = fetch(azure, tmp_path).left_out
        assert len([line for line in left_out if "tables" in line]) == 1
        azure.asked.clear()
        fetch(azure, tmp_path)
        assert not any("get-history" in path for path in azure.asked)

    def test_a_file_in_their_place_comes_once(
        self, site: TestSite, azure: Azure, tmp_path: Path
    ) -> None:
        azure.files[PARENT, "azureml/metrics/note.json"] = b"older"
        made = fetch(azure, tmp_path, artifacts=True)
        bring(site, made, tmp_path)
        (file,) = site.home.path.rglob("artifacts/azureml/metrics/note.json")
        assert b"as in May" in file.read_bytes()


class TestArchived:
    def test_runs_come_into_the_trash(self, site: TestSite, azure: Azure, tmp_path: Path) -> None:
        azure.runs.append(run("old_one", stage="deleted", params={"lr": "1"}))
        bring(site, fetch(azure, tmp_path), tmp_path)
        assert get(site, "old_one")["deleted"]
        assert get(site, "old_one")["params"] == {"lr": "1"}
        assert not get(site, PARENT)["deleted"]

    def test_so_do_those_of_an_archived_experiment(
        self, site: TestSite, azure: Azure, tmp_path: Path
    ) -> None:
        azure.experiments.append(
            {"experiment_id": OLD, "name": "old", "lifecycle_stage": "deleted", "tags": []}
        )
        azure.runs.append(run("old_one", experiment=OLD))
        made = fetch(azure, tmp_path)
        assert made.experiments[-1] == {"name": "old", "archived": True}
        bring(site, made, tmp_path)
        assert get(site, "old_one")["deleted"]

    def test_what_was_restored_here_stays(
        self, site: TestSite, azure: Azure, tmp_path: Path
    ) -> None:
        azure.runs.append(run("old_one", stage="deleted"))
        bring(site, fetch(azure, tmp_path / "a"), tmp_path / "a")
        call(site, trash.restore, "default", {"runs": ["old_one"]})
        bring(site, fetch(azure, tmp_path / "b"), tmp_path / "b")
        assert not get(site, "old_one")["deleted"]


class TestAgain:
    def test_nothing_is_fetched_twice(self, azure: Azure, tmp_path: Path) -> None:
        first = fetch(azure, tmp_path)
        azure.asked.clear()
        again = fetch(azure, tmp_path)
        assert again.files() == first.files()
        assert not any("get-history" in path for path in azure.asked)

    def test_only_what_is_new_comes(self, site: TestSite, azure: Azure, tmp_path: Path) -> None:
        bring(site, fetch(azure, tmp_path), tmp_path)
        azure.runs.append(run("late_one"))
        made = fetch(azure, tmp_path)
        assert made.files() == ["runs/00001.zip", "runs/00002.zip"]
        new = [one["from"] for one in bring(site, made, tmp_path) if one["imported"]]
        assert new == ["late_one"]
        assert len(call(site, searches.find_page, "default", Query(), write=False)["value"]) == 4

    def test_a_run_that_went_on_goes_on_here(
        self, site: TestSite, azure: Azure, tmp_path: Path
    ) -> None:
        bring(site, fetch(azure, tmp_path), tmp_path)
        before = get(site, LIVE)
        assert (before["status"], before["metrics"]) == ("RUNNING", {"loss": 1.25})
        more = [{"value": 1.5 - n / 4, "timestamp": START + n, "step": n} for n in range(4)]
        azure.points[LIVE, "loss"] = more
        azure.runs[0] = run(LIVE, metrics={"loss": more}, params={"new": "1"})
        bring(site, fetch(azure, tmp_path), tmp_path)
        after = get(site, LIVE)
        assert after["id"] == before["id"]
        assert (after["status"], after["metrics"]) == ("FINISHED", {"loss": 0.75})
        assert (after["params"], after["duration"]) == ({"new": "1"}, 60.0)
        assert [step for step, _, _ in history(site, LIVE, "loss")] == [0, 1, 2, 3]

    def test_what_was_changed_here_stays(
        self, site: TestSite, azure: Azure, tmp_path: Path
    ) -> None:
        bring(site, fetch(azure, tmp_path / "a"), tmp_path / "a")
        call(site, trash.delete, "default", {"runs": [PARENT]})
        bring(site, fetch(azure, tmp_path / "b"), tmp_path / "b")
        assert get(site, PARENT)["deleted"]


class TestTrouble:
    def test_a_busy_server_is_asked_again_when_it_says(
        self, site: TestSite, azure: Azure, tmp_path: Path
    ) -> None:
        azure.busy = 2
        slept = Slept()
        bring(site, fetch(azure, tmp_path, slept=slept), tmp_path)
        assert slept == [3.0, 3.0]
        assert get(site, PARENT)["params"] == {"lr": "0.1"}

    def test_a_history_that_is_not_given_is_named_and_asked_for_the_next_time(
        self, site: TestSite, azure: Azure, tmp_path: Path
    ) -> None:
        azure.broken = "metrics/get-history"
        made = fetch(azure, tmp_path)
        assert any("No permission." in line for line in made.left_out)
        bring(site, made, tmp_path)
        assert history(site, PARENT, "loss") == [(4, START + 4, 0.5)]
        azure.broken = ""
        bring(site, fetch(azure, tmp_path), tmp_path)
        assert len(history(site, PARENT, "loss")) == 5

    def test_files_that_are_not_given_are_named(self, azure: Azure, tmp_path: Path) -> None:
        azure.broken = "contentinfo"
        made = fetch(azure, tmp_path, artifacts=True)
        assert any("plot.png" in line and "No permission" in line for line in made.left_out)

    def test_a_file_whose_path_is_none_here_is_named_and_the_others_come(
        self, site: TestSite, azure: Azure, tmp_path: Path
    ) -> None:
        azure.files[PARENT, "logs\\out.txt"] = b"there"
        made = fetch(azure, tmp_path, artifacts=True)
        assert any("out.txt" in line and "no path" in line for line in made.left_out)
        bring(site, made, tmp_path)
        assert list(site.home.path.rglob("artifacts/plot.png"))

    def test_a_wrong_token_says_so_without_the_token(self, azure: Azure, tmp_path: Path) -> None:
        wire = Wire(azure.url, ROOM, lambda: ("secret", math.inf))
        with pytest.raises(Lost, match="401: Bearer token not provided") as caught:
            Tracking(wire, "azure:x", tmp_path, str, artifacts=False).fetch()
        assert "secret" not in str(caught.value)

    def test_half_a_file_is_no_file(
        self, azure: Azure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def killed(*_: Any) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr("lazur.sdk.azure_bundle.Bundle.close", killed)
            with pytest.raises(KeyboardInterrupt):
                fetch(azure, tmp_path)
        assert list((tmp_path / "runs").iterdir()) == []
        assert fetch(azure, tmp_path).files() == ["runs/00001.zip"]


class TestRoundTrip:
    def test_what_is_exported_here_is_the_same_again(
        self, site: TestSite, azure: Azure, tmp_path: Path
    ) -> None:
        bring(site, fetch(azure, tmp_path, artifacts=True), tmp_path)
        names = [PARENT, CHILD, LIVE]
        file = tmp_path / "all.zip"
        file.write_bytes(b"".join(export.export(site, OWNER, "default", names)))
        again = imports.load(site, OWNER, "default", file)["runs"]
        told = ("status", "params", "metrics", "experiment_name", "started_at", "ended_at", "name")
        for old, new in zip(names, again, strict=True):
            seen, made = get(site, old), get(site, new["id"])
            assert {key: seen[key] for key in told} == {key: made[key] for key in told}
            for metric in seen["metrics"]:
                assert history(site, old, metric) == history(site, new["id"], metric)
