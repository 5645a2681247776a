"""Runs, their trash and what frees it, on both databases."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from lazur.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable
from lazur.loops.sweepup import Sweepup
from lazur.services.base.access import Principal
from lazur.services.base.site import Context
from lazur.services.tracking import compare, export, imports, runs, trash
from lazur.store.mlflow import export as export_store
from lazur.store.mlflow import find
from lazur.store.mlflow import trash as trash_store
from lazur.testing.fakes import Engine, FakeBuilder
from tests.faults import FAULTS, Fault, FaultyDatabase, Killed
from tests.services.tracked import Tracked
from tests.site import OWNER, Clock, Server, TestSite, call, open_site, put_tree, submit


@pytest.fixture
def tracked(site: TestSite) -> Tracked:
    return Tracked(site)


def show(site: TestSite, name: str) -> dict[str, Any]:
    return call(site, runs.get, "default", name, write=False)


def delete(site: TestSite, *names: str, **more: Any) -> dict[str, Any]:
    return call(site, trash.delete, "default", {"runs": list(names)}, **more)


def purge(site: TestSite, **wanted: Any) -> dict[str, Any]:
    answer = call(site, trash.purge, "default", wanted)
    assert trash.finish(site)
    return answer


class TestGet:
    def test_shows_everything_that_was_tracked(self, site: TestSite, tracked: Tracked) -> None:
        run = tracked.run("first", params={"lr": "0.1"}, metrics={"loss": [3.0, 1.0, 2.0]})
        seen = show(site, run)
        assert (seen["name"], seen["experiment_name"], seen["job"]) == ("first", "Default", None)
        assert seen["params"] == {"lr": "0.1"}
        assert seen["metrics"] == {"loss": 2.0}
        assert seen["inputs"][0]["name"] == "mnist"
        assert seen["duration"] == 2.0

    def test_words_stand_for_what_json_cannot_say(self, site: TestSite, tracked: Tracked) -> None:
        run = tracked.run(metrics={"a": [float("nan")], "b": [1.7976931348623157e308]})
        assert show(site, run)["metrics"] == {"a": "NaN", "b": "Infinity"}

    def test_a_name_for_people_is_not_an_id_but_leads_there(
        self, site: TestSite, tracked: Tracked
    ) -> None:
        run = tracked.run("mine")
        with pytest.raises(NotFound, match=run):
            show(site, "mine")

    def test_the_beginning_of_an_id_is_enough_where_it_is_clear(
        self, site: TestSite, tracked: Tracked
    ) -> None:
        one, other = tracked.run(run_id=f"{'ab' * 10}{0:012}"), tracked.run()
        assert show(site, one[:8])["id"] == one
        assert show(site, other[:8])["id"] == other
        two = tracked.run(run_id=f"{'ab' * 10}{1:012}")
        with pytest.raises(Conflict, match=two):
            show(site, one[:8])
        with pytest.raises(NotFound):
            show(site, one[:5])

    def test_another_workspaces_run_is_not_there(self, site: TestSite, tracked: Tracked) -> None:
        other = Tracked(site, "other")
        with pytest.raises(NotFound):
            show(site, other.run())

    def test_history_is_paged_whole(self, site: TestSite, tracked: Tracked) -> None:
        run = tracked.run(metrics={"loss": [float(n) for n in range(25)], "other": [1.0]})
        values: list[float] = []
        cursor = None
        for _ in range(3):
            page = call(site, runs.history, "default", run, "loss", 10, cursor, write=False)
            values += [point["value"] for point in page["value"]]
            cursor = page["next"]
        assert (values, cursor) == ([float(n) for n in range(25)], None)

    def test_a_metric_that_is_not_there_names_those_that_are(
        self, site: TestSite, tracked: Tracked
    ) -> None:
        run = tracked.run(metrics={"loss": [1.0]})
        with pytest.raises(NotFound, match="It has: loss"):
            call(site, runs.history, "default", run, "los", 10, None, write=False)


class TestTrash:
    def test_restoring_what_is_not_there_changes_nothing(
        self, site: TestSite, tracked: Tracked
    ) -> None:
        run = tracked.run()
        assert call(site, trash.restore, "default", {"runs": [run]}) == {"runs": []}
        delete(site, run)
        assert delete(site, run) == {"runs": []}

    def test_deleting_can_be_undone(self, site: TestSite, tracked: Tracked) -> None:
        run = tracked.run()
        delete(site, run)
        assert show(site, run)["deleted"]
        call(site, trash.restore, "default", {"runs": [run]})
        assert not show(site, run)["deleted"]

    def test_a_live_job_is_cancelled_first(self, site: TestSite) -> None:
        name = submit(site)["name"]
        with pytest.raises(Conflict, match=f"lazur job cancel -n {name}"):
            delete(site, name)

    def test_a_job_goes_with_its_run_and_comes_back(self, site: TestSite) -> None:
        name = ended_job(site)
        delete(site, name)
        assert Server(site).show(name)["archived"]
        call(site, trash.restore, "default", {"runs": [name]})
        assert not Server(site).show(name)["archived"]

    def test_a_job_may_not_delete_anothers_run(self, site: TestSite) -> None:
        name = ended_job(site)
        job = Principal.of_job("default", "another")
        with pytest.raises(Forbidden):
            delete(site, name, who=job)

    def test_an_experiment_is_emptied_at_once(self, site: TestSite, tracked: Tracked) -> None:
        ids = {tracked.run() for _ in range(3)}
        gone = call(site, trash.delete, "default", {"experiment_name": "Default"})
        assert {run["id"] for run in gone["runs"]} == ids


class TestPurge:
    def test_frees_rows_and_files_and_says_how_much(
        self, site: TestSite, tracked: Tracked
    ) -> None:
        before = tracked.rows()
        run = tracked.run(params={"a": "1"}, metrics={"loss": [1.0, 2.0]}, files={"m/x": b"12345"})
        delete(site, run)
        freed = purge(site)
        assert (freed["files"], freed["bytes"]) == (1, 5)
        assert freed["rows"] >= 6
        assert tracked.rows() == before
        assert not tracked.folder(run).exists()
        with pytest.raises(NotFound):
            show(site, run)

    def test_what_is_not_in_the_trash_is_refused(self, site: TestSite, tracked: Tracked) -> None:
        with pytest.raises(Conflict, match="lazur run delete"):
            purge(site, runs=[tracked.run()])

    def test_a_dry_run_only_counts(self, site: TestSite, tracked: Tracked) -> None:
        run = tracked.run(files={"x": b"123"})
        delete(site, run)
        assert purge(site, dry_run=True)["bytes"] == 3
        assert show(site, run)["deleted"]

    def test_only_what_lay_there_for_long(
        self, site: TestSite, tracked: Tracked, clock: Clock
    ) -> None:
        old, new = tracked.run(), tracked.run()
        delete(site, old)
        clock.time += 31 * 86400
        delete(site, new)
        assert [run["id"] for run in purge(site, older_than_days=30)["runs"]] == [old]
        assert show(site, new)["deleted"]

    @pytest.mark.parametrize(
        "source",
        ["runs:/{run}/model", "mlflow-artifacts:/workspaces/ws-1/1/{run}/artifacts/model", ""],
    )
    def test_a_registered_model_keeps_its_run_and_is_named(
        self, site: TestSite, tracked: Tracked, source: str
    ) -> None:
        run, free = tracked.run(files={"model/x": b"1"}), tracked.run()
        tracked.register("fraud", source.format(run=run) or "s3://elsewhere", run=run)
        delete(site, run, free)
        with pytest.raises(Conflict, match="registered model 'fraud' version 1"):
            purge(site, runs=[run, free])
        answer = purge(site)
        assert [kept["id"] for kept in answer["kept"]] == [run]
        assert [gone["id"] for gone in answer["runs"]] == [free]
        assert show(site, run)["deleted"]

    def test_nobody_in_another_workspace_can_keep_it(
        self, site: TestSite, tracked: Tracked
    ) -> None:
        """A model there may name any run, and finds nothing by it."""
        run = tracked.run(files={"model/x": b"1"})
        for number, source in enumerate((f"runs:/{run}/model", f"{tracked.root}/1/{run}")):
            Tracked(site, f"other{number}").register("fraud", source, run=run)
        delete(site, run)
        assert [gone["id"] for gone in purge(site, runs=[run])["runs"]] == [run]

    def test_a_model_registered_from_a_logged_one_keeps_the_run(
        self, site: TestSite, tracked: Tracked
    ) -> None:
        run = tracked.run()
        model = tracked.log_model(run)
        tracked.register("fraud", f"models:/{model}")
        delete(site, run)
        with pytest.raises(Conflict, match="'fraud'"):
            purge(site, runs=[run])

    def test_logged_models_go_along(self, site: TestSite, tracked: Tracked) -> None:
        before = tracked.rows()
        run = tracked.run()
        tracked.log_model(run, {"MLmodel": b"12"})
        delete(site, run)
        assert purge(site)["bytes"] == 2
        assert tracked.rows() == before

    def test_a_dataset_that_others_use_stays(self, site: TestSite, tracked: Tracked) -> None:
        run, other = tracked.run(), tracked.run()
        delete(site, run)
        purge(site)
        assert show(site, other)["inputs"][0]["name"] == "mnist"

    def test_a_job_goes_with_all_that_it_left(self, site: TestSite) -> None:
        name = ended_job(site)
        attempts = site.home.attempt("default", name, 1)
        attempts.mkdir(parents=True, exist_ok=True)
        (attempts / "plan.json").write_text("{}")
        delete(site, name)
        purge(site, runs=[name])
        assert not attempts.parent.exists()
        with pytest.raises(NotFound):
            Server(site).show(name)

    def test_a_data_asset_keeps_the_job_that_made_it(self, site: TestSite) -> None:
        out = {"o": {"type": "uri_folder", "name": "kept"}}
        name = ended_job(site, outputs=out)
        delete(site, name)
        with pytest.raises(Conflict, match="data asset 'kept' version 1"):
            purge(site, runs=[name])

    def test_files_that_are_not_the_runs_own_stay(
        self, site: TestSite, tracked: Tracked, tmp_path: Path
    ) -> None:
        run = tracked.run(artifact_uri=f"{tracked.root}/shared/place")
        shared = tracked.place(f"{tracked.root}/shared/place")
        shared.mkdir(parents=True)
        (shared / "precious").write_text("x")
        delete(site, run)
        assert purge(site)["files"] == 0
        assert (shared / "precious").exists()

    def test_a_link_in_the_place_of_the_artifacts_is_not_followed(
        self, site: TestSite, tracked: Tracked, tmp_path: Path
    ) -> None:
        (tmp_path / "precious").write_text("x")
        run = tracked.run()
        tracked.folder(run).parent.mkdir(parents=True, exist_ok=True)
        tracked.folder(run).symlink_to(tmp_path)
        delete(site, run)
        purge(site)
        assert (tmp_path / "precious").exists()

    def test_what_was_interrupted_is_hidden_and_finished_by_housekeeping(
        self, site: TestSite, tracked: Tracked, clock: Clock
    ) -> None:
        before = tracked.rows()
        run = tracked.run(metrics={"loss": [1.0, 2.0]}, files={"x": b"1"})
        delete(site, run)
        call(site, trash.purge, "default", {})
        with pytest.raises(NotFound):
            show(site, run)
        with pytest.raises(NotFound):
            call(site, trash.restore, "default", {"runs": [run]})
        Sweepup(site).round()
        assert tracked.rows() == before
        assert not tracked.folder(run).exists()

    def test_who_found_a_run_before_it_was_hidden_does_not_keep_it_from_being_erased(
        self, site: TestSite, tracked: Tracked
    ) -> None:
        """PostgreSQL lets a restore see the run that a purge hides meanwhile."""
        before = tracked.rows()
        run = tracked.run()
        delete(site, run)
        call(site, trash.purge, "default", {})
        with site.db.write() as db:
            trash_store.restore(db, [run])
            trash_store.delete(db, [run], 9e9)
        assert trash.finish(site)
        assert tracked.rows() == before

    @pytest.mark.parametrize("fault", FAULTS)
    @pytest.mark.parametrize("n", range(1, 5))
    def test_whatever_it_dies_at_housekeeping_finishes_it(
        self, home: Path, ready_database_url: str, engine: Engine, builder: FakeBuilder,
        fault: Fault, n: int,
    ) -> None:  # fmt: skip
        db = FaultyDatabase(ready_database_url)
        site = open_site(home, ready_database_url, engine, builder, db)
        tracked = Tracked(site)
        before = tracked.rows()
        run = tracked.run(metrics={"loss": [1.0, 2.0]}, files={"x": b"1"})
        delete(site, run)
        whole = tracked.rows()
        db.fault, db.writes, db.fail_at = fault, 0, n
        with contextlib.suppress(Killed, Unavailable):
            call(site, trash.purge, "default", {})
            trash.finish(site)
        db.fail_at = 0
        Sweepup(site).round()
        if in_the_trash(site) == [run]:
            assert tracked.rows() == whole
            purge(site)
        assert tracked.rows() == before
        assert not tracked.folder(run).exists()
        site.db.close()

    def test_a_model_registered_meanwhile_keeps_its_run(
        self, site: TestSite, tracked: Tracked, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = tracked.run()
        delete(site, run)
        weigh = trash._weighed

        def registering(context: Context, home: Any, row: find.RunRow) -> trash.Weight:
            found = weigh(context, home, row)
            tracked.register("fraud", f"runs:/{run}/model", run)
            return found

        monkeypatch.setattr(trash, "_weighed", registering)
        assert [kept["id"] for kept in purge(site)["kept"]] == [run]
        assert show(site, run)["deleted"]

    def test_jobs_may_not(self, site: TestSite) -> None:
        job = Principal.of_job("default", "some")
        with pytest.raises(Forbidden):
            call(site, trash.purge, "default", {}, who=job)


class TestExport:
    def test_what_is_imported_is_what_was_exported(
        self, site: TestSite, tracked: Tracked, tmp_path: Path
    ) -> None:
        run = tracked.run(
            "first",
            params={"lr": "0.1"},
            metrics={"loss": [3.0, float("nan"), 1.7976931348623157e308], "ä": [1.0]},
            files={"model/a.bin": b"12345", "empty": b""},
        )
        tracked.log_model(run, {"MLmodel": b"12"})
        other = Tracked(site, "other")
        made = load(site, packed(site, tmp_path, run), "other")
        new = made["runs"][0]["id"]
        assert made["runs"][0]["imported"]
        assert new != run
        old, seen = show(site, run), call(site, runs.get, "other", new, write=False)
        for same in ("name", "params", "metrics", "inputs", "started_at", "duration", "user"):
            assert seen[same] == old[same]
        assert seen["tags"] == {**old["tags"], imports.FROM: run}
        assert points(site, new) == points(site, run)
        assert (other.folder(new) / "model/a.bin").read_bytes() == b"12345"
        assert (other.folder(new) / "empty").read_bytes() == b""
        model = seen["models"][0]
        assert (other.place(model["artifact_location"]) / "MLmodel").read_bytes() == b"12"

    def test_importing_again_finds_what_is_there(
        self, site: TestSite, tracked: Tracked, tmp_path: Path
    ) -> None:
        file = packed(site, tmp_path, tracked.run(metrics={"a": [1.0]}))
        first, again = load(site, file), load(site, file)
        assert again["runs"][0]["id"] == first["runs"][0]["id"]
        assert not again["runs"][0]["imported"]

    def test_an_import_that_was_interrupted_is_done_anew(
        self, site: TestSite, tracked: Tracked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = packed(site, tmp_path, tracked.run(metrics={"a": [1.0]}, files={"x": b"1"}))
        before = tracked.rows()
        with monkeypatch.context() as patch:
            patch.setattr(export_store, "show", killed)
            patch.setattr(imports, "_forget", lambda *_: None)
            with pytest.raises(KeyboardInterrupt):
                load(site, file)
        assert tracked.rows()["metrics"] == before["metrics"] + 1
        assert load(site, file)["runs"][0]["imported"]
        assert tracked.rows()["metrics"] == before["metrics"] + 1

    def test_an_import_that_is_given_up_is_swept_away(
        self,
        site: TestSite,
        tracked: Tracked,
        tmp_path: Path,
        clock: Clock,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        file = packed(site, tmp_path, tracked.run(metrics={"a": [1.0]}))
        before = tracked.rows()
        with monkeypatch.context() as patch:
            patch.setattr(export_store, "show", killed)
            patch.setattr(imports, "_forget", lambda *_: None)
            with pytest.raises(KeyboardInterrupt):
                load(site, file)
        Sweepup(site).round()
        assert tracked.rows() != before
        clock.time += 2 * 86400
        Sweepup(site).round()
        assert tracked.rows() == before

    def test_another_server_on_the_home_does_not_clear_away_what_one_is_importing(
        self, site: TestSite, tracked: Tracked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = packed(site, tmp_path, tracked.run(metrics={"a": [1.0]}, files={"x": b"1"}))
        show, said = export_store.show, list[str]()

        def shown(*given: Any) -> None:
            said.append(imported_elsewhere(site))
            show(*given)

        monkeypatch.setattr(export_store, "show", shown)
        new = load(site, file)["runs"][0]["id"]
        assert said == ["Conflict"]
        assert (tracked.folder(new) / "x").read_bytes() == b"1"
        assert not list((site.home.run / "imports").iterdir())

    def test_the_lock_of_a_server_that_was_killed_keeps_nobody_away(
        self, site: TestSite, tracked: Tracked, tmp_path: Path
    ) -> None:
        file = packed(site, tmp_path, tracked.run())
        new = load(site, file)["runs"][0]["id"]
        (site.home.run / "imports" / new).touch()
        assert not load(site, file)["runs"][0]["imported"]

    def test_parents_stay_parents(self, site: TestSite, tracked: Tracked, tmp_path: Path) -> None:
        parent = tracked.run()
        child = tracked.run(tags={"mlflow.parentRunId": parent})
        made = load(site, packed(site, tmp_path, parent, child))["runs"]
        assert show(site, made[1]["id"])["parent"] == made[0]["id"]

    def test_a_jobs_spec_is_in_it(self, site: TestSite, tmp_path: Path) -> None:
        name = ended_job(site)
        with zipfile.ZipFile(packed(site, tmp_path, name)) as found:
            path = next(n for n in found.namelist() if n.endswith("job.json"))
            assert json.loads(found.read(path))["command"] == "true"

    def test_the_code_of_a_job_is_in_it_and_can_be_compared_where_it_is_imported(
        self, site: TestSite, tmp_path: Path
    ) -> None:
        old = put_tree(site, {"src/train.py": b"lr = 1\n", "same": b"x"})
        new = put_tree(site, {"src/train.py": b"lr = 2\n", "same": b"x"})
        jobs = [ended_job(site, code=f"tree:{tree}") for tree in (old, new, new)]
        file = packed(site, tmp_path, *jobs)
        with zipfile.ZipFile(file) as found:
            assert found.read(f"code/{old}/src/train.py") == b"lr = 1\n"
            assert len([n for n in found.namelist() if n.endswith("/same")]) == 2
        Tracked(site, "other")
        ids = [run["id"] for run in load(site, file, "other")["runs"]]
        told = call(site, compare.compare, "other", ids, write=False)
        (train,) = told["code"][1]["files"]
        assert "-lr = 1\n+lr = 2" in train["diff"]
        sources = next(s["rows"] for s in told["sections"] if s["name"] == "source")
        assert {"name": "snapshot", "values": [old, new, new], "differs": True} in sources
        again = b"".join(export.export(site, OWNER, "other", ids))
        with zipfile.ZipFile(io.BytesIO(again)) as found:
            assert found.read(f"code/{new}/src/train.py") == b"lr = 2\n"

    def test_imported_code_goes_with_its_run(
        self, site: TestSite, tracked: Tracked, tmp_path: Path
    ) -> None:
        job = ended_job(site, code=f"tree:{put_tree(site, {'train.py': b'x'})}")
        new = load(site, packed(site, tmp_path, job))["runs"][0]["id"]
        store = site.home.datastore("default", "workspaceartifactstore")
        assert list(store.rglob("train.py"))
        delete(site, new)
        assert purge(site)["files"] == 2
        assert not list(store.rglob("train.py"))

    def test_code_that_is_not_there_any_more_is_left_out_and_named(
        self, site: TestSite, tmp_path: Path
    ) -> None:
        tree = put_tree(site, {"train.py": b"x"})
        job = ended_job(site, code=f"tree:{tree}")
        site.blobs.delete(hashlib.sha256(b"x").hexdigest())
        file = packed(site, tmp_path, job)
        with zipfile.ZipFile(file) as found:
            assert list(json.loads(found.read("manifest.json"))["code_left_out"]) == [tree]
        assert load(site, file)["runs"][0]["imported"]

    @pytest.mark.parametrize("lost", ["code/{tree}.json", "code/{tree}/train.py"])
    def test_code_that_is_not_in_the_file_as_it_was_is_refused(
        self, site: TestSite, tracked: Tracked, tmp_path: Path, lost: str
    ) -> None:
        tree = put_tree(site, {"train.py": b"x"})
        file = packed(site, tmp_path, ended_job(site, code=f"tree:{tree}"))
        before = tracked.rows()
        name, other = lost.format(tree=tree), b'{"dirs":[],"files":[]}'
        for renamed, replaced in (({name: "x"}, {}), ({}, {name: other})):
            with pytest.raises(Invalid, match="code"):
                load(site, rewritten(file, renamed, {}, replaced))
        assert tracked.rows() == before

    def test_children_come_along_unless_they_are_not_wanted(
        self, site: TestSite, tracked: Tracked, tmp_path: Path
    ) -> None:
        parent = tracked.run("parent")
        child = tracked.run("child", tags={"mlflow.parentRunId": parent})
        tracked.run("grandchild", tags={"mlflow.parentRunId": child})
        delete(site, tracked.run("deleted", tags={"mlflow.parentRunId": parent}))
        made = load(site, packed(site, tmp_path, parent))["runs"]
        assert [run["name"] for run in made] == ["parent", "child", "grandchild"]
        ids = [run["id"] for run in made]
        assert [show(site, run)["parent"] for run in ids] == [None, *ids[:2]]
        alone = b"".join(export.export(site, OWNER, "default", [parent], children=False))
        with zipfile.ZipFile(io.BytesIO(alone)) as found:
            assert json.loads(found.read("manifest.json"))["runs"] == [parent]

    def test_runs_that_are_each_others_children_come_once(
        self, site: TestSite, tracked: Tracked, tmp_path: Path
    ) -> None:
        one, two = "a" * 32, "b" * 32
        tracked.run(run_id=one, tags={"mlflow.parentRunId": two})
        tracked.run(run_id=two, tags={"mlflow.parentRunId": one})
        made = load(site, packed(site, tmp_path, one))["runs"]
        ids = [run["id"] for run in made]
        assert [show(site, run)["parent"] for run in ids] == ids[::-1]

    @pytest.mark.parametrize("path", ["../../evil", "/evil", "a/../../evil"])
    def test_a_path_that_leads_out_is_refused(
        self, site: TestSite, tracked: Tracked, tmp_path: Path, path: str
    ) -> None:
        file = packed(site, tmp_path, run := tracked.run(files={"x": b"1"}))
        before = tracked.rows()
        changed = rewritten(file, {f"runs/{run}/artifacts/x": f"runs/{run}/artifacts/{path}"})
        with pytest.raises(Invalid):
            load(site, changed)
        assert tracked.rows() == before
        assert not list(site.home.path.rglob("evil"))

    def test_damage_is_found_and_leaves_nothing(
        self, site: TestSite, tracked: Tracked, tmp_path: Path
    ) -> None:
        file = packed(site, tmp_path, tracked.run(files={"x": b"precious"}))
        before = tracked.rows()
        file.write_bytes(file.read_bytes().replace(b"precious", b"worthles"))
        with pytest.raises(Invalid, match="damaged"):
            load(site, file)
        assert tracked.rows() == before

    @pytest.mark.parametrize(
        "line",
        [
            b"[" * 100_000,
            b'["loss", 1, 1, 1%s, 0]' % (b"0" * 4000),
            b'["loss", %d, 1, 1.0, 0]' % (1 << 63),
            b'["loss", 1, true, 1.0, 0]',
        ],
    )
    def test_a_point_that_no_database_takes_is_refused(
        self, site: TestSite, tracked: Tracked, tmp_path: Path, line: bytes
    ) -> None:
        file = packed(site, tmp_path, run := tracked.run(metrics={"loss": [1.0]}))
        before = tracked.rows()
        with pytest.raises(Invalid, match="no point"):
            load(site, rewritten(file, {}, {}, {f"runs/{run}/metrics.jsonl": line}))
        assert tracked.rows() == before

    def test_a_file_of_too_many_runs_is_refused_before_it_is_read(
        self, site: TestSite, tracked: Tracked, tmp_path: Path
    ) -> None:
        file = packed(site, tmp_path, tracked.run())
        listed = {f"runs/{number}/run.json": [0, ""] for number in range(1001)}
        with pytest.raises(Invalid, match="1,000 runs"):
            load(site, rewritten(file, {}, listed=listed))

    @pytest.mark.parametrize("data", [b"", b"PK", b"no zip at all"])
    def test_what_is_no_export_is_told(self, site: TestSite, tmp_path: Path, data: bytes) -> None:
        (tmp_path / "x.zip").write_bytes(data)
        with pytest.raises(Invalid, match="lazur run export"):
            load(site, tmp_path / "x.zip")

    @pytest.mark.parametrize(
        "change",
        [
            {"status": "WELL"},
            {"params": {"a": 1}},
            {"latest": [[["x"]]]},
            {"links": [["RUN", "DATASET", "m", 1]]},
            {"models": 1},
            {"inputs": [{}]},
            {"name": {}},
        ],
    )
    def test_a_document_of_another_shape_is_refused(
        self, site: TestSite, tracked: Tracked, tmp_path: Path, change: dict[str, Any]
    ) -> None:
        file = packed(site, tmp_path, run := tracked.run())
        before = tracked.rows()
        with pytest.raises(Invalid):
            load(site, rewritten(file, {}, {f"runs/{run}/run.json": change}))
        assert tracked.rows() == before


def in_the_trash(site: TestSite) -> list[str]:
    found = call(site, trash.purge, "default", {"dry_run": True})
    return [run["id"] for run in found["runs"]]


_ELSEWHERE = """
import sys
from pathlib import Path
from lazur.errors import Conflict
from lazur.services.tracking import imports
try:
    with imports._alone(Path(sys.argv[1]), sys.argv[2]):
        print("taken")
except Conflict:
    print("Conflict")
"""


def imported_elsewhere(site: TestSite) -> str:
    """What another process is told that begins with the same run."""
    folder = site.home.run / "imports"
    (lock,) = folder.iterdir()
    command = [sys.executable, "-c", _ELSEWHERE, str(folder), lock.name]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def killed(*_: object) -> None:
    raise KeyboardInterrupt


def packed(site: TestSite, folder: Path, *names: str) -> Path:
    file = folder / "runs.zip"
    file.write_bytes(b"".join(export.export(site, OWNER, "default", list(names))))
    return file


def load(site: TestSite, file: Path, workspace: str = "default") -> dict[str, Any]:
    return imports.load(site, OWNER, workspace, file)


def points(site: TestSite, run: str) -> list[Any]:
    with site.db.read() as db:
        return find.points(db, run)


def rewritten(
    file: Path,
    renamed: dict[str, str],
    changed: dict[str, dict[str, Any]] | None = None,
    replaced: dict[str, bytes] | None = None,
    listed: dict[str, Any] | None = None,
) -> Path:
    """The same file with other names or contents, its manifest made to fit, or with files that
    are only `listed` there."""
    new = file.with_name("rewritten.zip")
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(new, "w") as out:
        manifest: dict[str, Any] = json.loads(old.read("manifest.json"))
        files: dict[str, Any] = {}
        for name in list(manifest["files"]):
            data = old.read(name)
            if changed and name in changed:
                data = json.dumps({**json.loads(data), **changed[name]}).encode()
            data = (replaced or {}).get(name, data)
            place = renamed.get(name) or name
            files[place] = [len(data), hashlib.sha256(data).hexdigest()]
            out.writestr(place, data)
        out.writestr("manifest.json", json.dumps({**manifest, "files": files | (listed or {})}))
    return new


def ended_job(site: TestSite, **more: Any) -> str:
    name = submit(site, **more)["name"]
    server = Server(site)
    server.settle()
    for key in site.engine.going_on():
        site.engine.end(key)
    server.settle()
    assert server.show(name)["status"] == "Completed"
    return name
