"""Jobs are runs: in the same transactions, and agreeing whoever did something."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from lazur.engine.plan import Exit
from lazur.errors import Conflict, NotFound
from lazur.services.base import workspaces
from lazur.services.jobs import jobs
from lazur.services.jobs import run_hooks as hooks
from lazur.services.tracking import names
from lazur.store.pages import Query
from lazur.testing.fakes import Engine
from tests.site import OWNER, Clock, Server, TestSite, call, command, put_tree, submit

KEY = "default/j/1"


def rows(site: TestSite, statement: str, **values: Any) -> list[dict[str, Any]]:
    with site.db.read() as db:
        return [dict(row._mapping) for row in db.execute(text(statement), values)]


def run(site: TestSite, run_id: str = "j") -> dict[str, Any]:
    (found,) = rows(
        site,
        """SELECT runs.*, experiments.name AS experiment, experiments.workspace AS space
           FROM runs JOIN experiments ON experiments.experiment_id = runs.experiment_id
           WHERE run_uuid = :id""",
        id=run_id,
    )
    return found


def tags(site: TestSite, run_id: str = "j") -> dict[str, str]:
    found = rows(site, "SELECT key, value FROM tags WHERE run_uuid = :id", id=run_id)
    return {row["key"]: row["value"] for row in found}


def script_says(site: TestSite, status: str, run_id: str = "j") -> None:
    """What upstream's server writes for an update of the run."""
    with site.db.write() as db:
        db.execute(
            text("UPDATE runs SET status = :status WHERE run_uuid = :id"),
            {"status": status, "id": run_id},
        )


def space(site: TestSite, workspace: str = "default") -> str:
    (found,) = rows(site, "SELECT id FROM lazur_workspaces WHERE name = :name", name=workspace)
    return f"ws-{found['id']}"


@pytest.fixture
def server(site: TestSite) -> Server:
    server = Server(site)
    submit(site, name="j")
    server.settle()
    return server


def variables(engine: Engine) -> dict[str, str]:
    plan = engine.attempts[KEY].plan
    assert plan is not None
    return plan.variables


def start(server: Server, engine: Engine) -> None:
    engine.run(KEY)
    server.settle()


def end(server: Server, engine: Engine, code: int = 0) -> dict[str, Any]:
    engine.finalize(KEY)
    engine.end(KEY, Exit("exit" if code else "ok", code=code))
    server.settle()
    return server.show("j")


class TestBegin:
    def test_a_job_is_a_run_that_waits(self, site: TestSite) -> None:
        submit(site, name="j", display_name="first try", experiment_name="wine")
        found = run(site)
        assert (found["name"], found["status"]) == ("first try", "SCHEDULED")
        assert (found["experiment"], found["space"]) == ("wine", space(site))
        assert (found["user_id"], found["end_time"]) == ("ann", None)
        assert found["artifact_uri"] == (
            f"mlflow-artifacts:/workspaces/{space(site)}/ExperimentRun/dcid.j"
        )

    def test_it_tells_what_ran(self, site: TestSite) -> None:
        code = put_tree(site, {"train.py": b"pass"})
        submit(
            site,
            name="j",
            code=f"tree:{code}",
            command="python train.py --rate ${{inputs.rate}}",
            inputs={"rate": 0.5},
            outputs={"model": {}},
            description="a note",
            tags={"team": "red"},
            properties={
                "mlflow.source.git.commit": "abc",
                "mlflow.source.git.branch": "main",
                "mlflow.source.git.repoURL": "https://example.org/x.git",
            },
        )
        told = tags(site)
        assert (
            told.items()
            >= {
                "mlflow.user": "ann",
                "mlflow.runName": "j",
                "mlflow.source.type": "JOB",
                "mlflow.source.name": "train.py",
                "mlflow.source.git.commit": "abc",
                "mlflow.source.git.branch": "main",
                "mlflow.source.git.repoURL": "https://example.org/x.git",
                "mlflow.note.content": "a note",
                "team": "red",
                "lazur.job": "j",
                "lazur.type": "command",
                "lazur.compute": "local",
                "lazur.code": code,
                "lazur.input.rate": "0.5",
            }.items()
        )
        assert {"lazur.environment", "lazur.build", "lazur.output.model"} <= set(told)
        assert rows(site, "SELECT * FROM params") == []

    def test_a_persons_tags_cannot_pass_for_ours(self, site: TestSite) -> None:
        submit(site, name="j", tags={"mlflow.user": "eve", "lazur.code": "x", "k" * 255: "long"})
        told = tags(site)
        assert told["mlflow.user"] == "ann"
        assert "lazur.code" not in told
        assert "k" * 255 not in told

    def test_inputs_are_datasets(self, site: TestSite) -> None:
        tree = put_tree(site, {"a.csv": b"1"})
        given = {"wine": {"type": "uri_folder", "path": f"tree:{tree}"}}
        for name in ("j", "k"):
            submit(site, name=name, inputs=given, experiment_name="wine")
        (dataset,) = rows(site, "SELECT * FROM datasets")
        assert (dataset["name"], dataset["digest"]) == ("wine", tree[:36])
        assert json.loads(dataset["dataset_source"]) == {"uri": f"tree:{tree}"}
        uses = rows(site, "SELECT * FROM inputs ORDER BY destination_id")
        assert [(u["source_id"], u["destination_type"], u["destination_id"]) for u in uses] == [
            (dataset["dataset_uuid"], "RUN", name) for name in ("j", "k")
        ]
        noted = rows(site, "SELECT name, value FROM input_tags")
        assert noted == [{"name": "mlflow.data.context", "value": "wine"}] * 2

    def test_a_child_job_is_a_child_run(self, site: TestSite) -> None:
        submit(site, name="j")
        submit(site, name="k", parent_job_name="j")
        assert tags(site, "k")["mlflow.parentRunId"] == "j"
        (listed,) = call(site, jobs.find, "default", Query(filters={"parent": "j"}))["value"]
        assert listed["name"] == "k"

    def test_a_parent_that_is_not_there_is_told(self, site: TestSite) -> None:
        call(site, workspaces.create, {"name": "other"})
        submit(site, "other", name="theirs")
        for name in ("nope", "theirs"):
            with pytest.raises(NotFound, match=f"no job '{name}'"):
                submit(site, parent_job_name=name)
            with pytest.raises(NotFound, match=f"no job '{name}'"):
                call(site, jobs.validate, "default", command(parent_job_name=name))

    def test_a_deleted_experiment_is_told_with_the_way_back(self, site: TestSite) -> None:
        submit(site, experiment_name="wine")
        with site.db.write() as db:
            db.execute(
                text("UPDATE experiments SET lifecycle_stage = 'deleted' WHERE name = 'wine'")
            )
        with pytest.raises(Conflict, match="experiment 'wine' is deleted") as raised:
            submit(site, name="j", experiment_name="wine")
        assert "restore_experiment" in (raised.value.hint or "")
        assert rows(site, "SELECT * FROM lazur_jobs WHERE name = 'j'") == []

    def test_two_make_one_experiment_at_once(self, site: TestSite) -> None:
        barrier, trouble = threading.Barrier(4), list[BaseException]()

        def one(number: int) -> None:
            barrier.wait()
            try:
                submit(site, name=f"j{number}", experiment_name="fresh")
            except BaseException as error:  # noqa: BLE001 - shown below
                trouble.append(error)

        threads = [threading.Thread(target=one, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert trouble == []
        made = rows(site, "SELECT * FROM experiments WHERE name = 'fresh'")
        assert len(made) == 1
        assert made[0]["artifact_location"].endswith(f"/{made[0]['experiment_id']}")
        assert len(rows(site, "SELECT 1 FROM runs")) == 4


class TestRunId:
    def test_another_workspace_may_have_a_job_of_this_name(self, site: TestSite) -> None:
        call(site, workspaces.create, {"name": "other"})
        submit(site, name="j")
        made = submit(site, "other", name="j")
        other = int(space(site, "other").removeprefix("ws-"))
        assert made["run_id"] == names.derived(other, "j")
        assert run(site, made["run_id"])["space"] == space(site, "other")
        assert run(site, "j")["space"] == space(site)

    def test_a_long_name_gets_an_id_and_both_are_accepted(self, site: TestSite) -> None:
        name = "n" * 255
        made = submit(site, name=name)
        assert len(made["run_id"]) == 32
        shown = call(site, jobs.get, "default", made["run_id"], write=False)
        assert shown["name"] == name
        assert run(site, made["run_id"])["name"] == name[:250]
        assert tags(site, made["run_id"])["lazur.job"] == name

    def test_nobody_keeps_a_job_out_by_taking_its_id(self, site: TestSite) -> None:
        home = int(space(site).removeprefix("ws-"))
        submit(site, name=names.derived(home, "n" * 40))
        made = submit(site, name="n" * 40)
        assert made["run_id"] not in ("n" * 40, names.derived(home, "n" * 40))

    def test_a_name_that_is_another_runs_id_is_no_job_of_it(self, site: TestSite) -> None:
        submit(site, name="j")
        with site.db.write() as db:
            db.execute(
                text(
                    """INSERT INTO runs (run_uuid, name, status, lifecycle_stage, source_type,
                         experiment_id) SELECT 'taken', 'x', 'RUNNING', 'active', 'UNKNOWN',
                         experiment_id FROM runs WHERE run_uuid = 'j'"""
                )
            )
        assert submit(site, name="taken")["run_id"] != "taken"

    def test_names_are_taken_once_in_a_workspace(self, site: TestSite) -> None:
        submit(site, name="j")
        with pytest.raises(Conflict, match="exists already"):
            submit(site, name="j")
        assert len(rows(site, "SELECT 1 FROM runs")) == 1


class TestVariables:
    def test_mlflow_finds_its_run(self, server: Server, engine: Engine) -> None:
        found = variables(engine)
        assert found["MLFLOW_TRACKING_URI"].endswith("/mlflow/workspaces/default")
        assert found["MLFLOW_TRACKING_TOKEN"] == found["LAZUR_TOKEN"]
        assert found["MLFLOW_RUN_ID"] == "j"
        assert found["MLFLOW_EXPERIMENT_NAME"] == "Default"
        assert found["MLFLOW_EXPERIMENT_ID"] == str(run(server.site)["experiment_id"])
        assert "MLFLOW_ALLOW_FILE_STORE" not in found

    def test_each_is_explained(self, server: Server, engine: Engine) -> None:
        page = (Path(__file__).parents[2] / "docs/jobs.md").read_text()
        section = page.partition("\n## Tracking in a job\n")[2].partition("\n## ")[0]
        rows = "".join(line for line in section.splitlines() if line.startswith("| `"))
        told = set(re.findall("`(MLFLOW_[A-Z_]+)`", rows))
        given = {name for name in variables(engine) if name.startswith("MLFLOW_")}
        assert told == given | {"MLFLOW_TRACKING_SERVER_CERT_PATH"}

    def test_who_tracks_elsewhere_is_left_alone(self, site: TestSite, engine: Engine) -> None:
        submit(site, name="j", environment_variables={"MLFLOW_TRACKING_URI": "databricks"})
        Server(site).settle()
        found = variables(engine)
        assert {k: v for k, v in found.items() if k.startswith("MLFLOW_")} == {
            "MLFLOW_TRACKING_URI": "databricks"
        }


class TestLife:
    def test_it_runs_when_its_job_does(self, server: Server, engine: Engine, clock: Clock) -> None:
        assert run(server.site)["status"] == "SCHEDULED"
        clock.time += 5
        start(server, engine)
        found = run(server.site)
        assert (found["status"], found["end_time"]) == ("RUNNING", None)
        assert found["start_time"] == int(server.site.now() * 1000)

    @pytest.mark.parametrize(
        "code, state, status", [(0, "Completed", "FINISHED"), (1, "Failed", "FAILED")]
    )
    def test_it_ends_as_its_job_did(
        self, server: Server, engine: Engine, code: int, state: str, status: str
    ) -> None:
        start(server, engine)
        assert end(server, engine, code)["status"] == state
        found = run(server.site)
        assert found["status"] == status
        assert found["end_time"] >= found["start_time"]

    def test_a_cancelled_job_is_a_killed_run(self, site: TestSite) -> None:
        submit(site, name="j")
        call(site, jobs.cancel, "default", "j")
        Server(site).settle()
        assert run(site)["status"] == "KILLED"

    def test_what_the_script_ends_early_stays_until_the_job_ends(
        self, server: Server, engine: Engine
    ) -> None:
        script_says(server.site, "FINISHED")
        start(server, engine)
        assert run(server.site)["status"] == "FINISHED"
        assert end(server, engine, 3)["status"] == "Failed"
        assert run(server.site)["status"] == "FAILED"

    def test_a_run_ended_as_failed_fails_a_job_that_exits_with_0(
        self, server: Server, engine: Engine
    ) -> None:
        start(server, engine)
        script_says(server.site, "FAILED")
        job = end(server, engine)
        assert job["status"] == "Failed"
        assert job["error"]["code"] == "RunFailed"
        assert "its MLflow run was ended as failed" in job["error"]["message"]

    def test_runs_that_its_processes_left_open_end_too(
        self, server: Server, engine: Engine
    ) -> None:
        start(server, engine)
        with server.site.db.write() as db:
            for name, job in (("mine", "j"), ("theirs", "k")):
                db.execute(
                    text(
                        """INSERT INTO runs (run_uuid, name, status, lifecycle_stage, source_type,
                             start_time, experiment_id)
                           SELECT :id, 'x', 'RUNNING', 'active', 'UNKNOWN', start_time + 1,
                             experiment_id FROM runs WHERE run_uuid = 'j'"""
                    ),
                    {"id": name},
                )
                db.execute(
                    text("INSERT INTO tags (key, value, run_uuid) VALUES ('lazur.job', :j, :id)"),
                    {"id": name, "j": job},
                )
        end(server, engine, 1)
        assert run(server.site, "mine")["status"] == "FAILED"
        assert run(server.site, "theirs")["status"] == "RUNNING"


class TestChanges:
    def change(self, site: TestSite, **changes: Any) -> None:
        call(site, jobs.update, "default", "j", changes)

    def test_names_notes_and_tags_follow(self, server: Server) -> None:
        site = server.site
        self.change(site, display_name="better", description="why", tags={"a": "1", "b": "2"})
        assert run(site)["name"] == "better"
        assert (
            tags(site).items()
            >= {
                "mlflow.runName": "better",
                "mlflow.note.content": "why",
                "a": "1",
                "b": "2",
            }.items()
        )
        self.change(site, display_name=None, description=None, tags={"b": "3"})
        assert run(site)["name"] == "j"
        told = tags(site)
        assert (told["b"], told["mlflow.runName"]) == ("3", "j")
        assert not {"a", "mlflow.note.content"} & set(told)

    def test_a_job_takes_its_run_to_another_experiment(self, server: Server) -> None:
        self.change(server.site, experiment_name="elsewhere")
        assert run(server.site)["experiment"] == "elsewhere"

    def test_an_archived_job_is_a_deleted_run(self, server: Server, engine: Engine) -> None:
        start(server, engine)
        end(server, engine)
        self.change(server.site, archived=True)
        found = run(server.site)
        assert found["lifecycle_stage"] == "deleted"
        assert found["deleted_time"] is not None
        self.change(server.site, archived=False)
        found = run(server.site)
        assert (found["lifecycle_stage"], found["deleted_time"]) == ("active", None)

    def test_a_live_job_keeps_its_run_while_its_script_writes(
        self, server: Server, engine: Engine
    ) -> None:
        start(server, engine)
        self.change(server.site, archived=True)
        assert run(server.site)["lifecycle_stage"] == "active"
        end(server, engine)
        assert run(server.site)["lifecycle_stage"] == "deleted"


class TestRunsSide:
    """Somebody touched the run, as upstream's server and our lane write it, and told the hooks."""

    def write(self, site: TestSite, **values: Any) -> None:
        sets = ", ".join(f"{column} = :{column}" for column in values)
        with site.db.write() as db:
            db.execute(text(f"UPDATE runs SET {sets} WHERE run_uuid = 'j'"), values)

    def tag(self, site: TestSite, key: str, value: str | None) -> None:
        with site.db.write() as db:
            db.execute(text("DELETE FROM tags WHERE key = :k AND run_uuid = 'j'"), {"k": key})
            if value is not None:
                db.execute(
                    text("INSERT INTO tags (key, value, run_uuid) VALUES (:k, :v, 'j')"),
                    {"k": key, "v": value},
                )

    def test_a_killed_run_cancels_its_job(self, server: Server, engine: Engine) -> None:
        start(server, engine)
        self.write(server.site, status="KILLED")
        for _ in range(2):
            call(server.site, hooks.updated, "j", "KILLED")
        server.settle()
        shown = server.show("j")
        assert shown["status"] == "Canceled"
        assert shown["error"]["message"] == f"Its MLflow run was ended as KILLED by {OWNER.name}."
        assert run(server.site)["status"] == "KILLED"

    def test_other_words_of_the_script_leave_the_job_alone(
        self, server: Server, engine: Engine
    ) -> None:
        start(server, engine)
        before = server.show("j")["etag"]
        for status in ("RUNNING", "FINISHED", "FAILED"):
            script_says(server.site, status)
            call(server.site, hooks.updated, "j", status)
        assert server.show("j")["etag"] == before

    @pytest.mark.parametrize("told", [True, False])
    def test_who_logs_later_does_not_change_how_the_job_ended(
        self, server: Server, engine: Engine, told: bool
    ) -> None:
        start(server, engine)
        end(server, engine, 1)
        before = run(server.site)
        self.write(server.site, status="FINISHED", end_time=before["end_time"] + 5000)
        if told:
            call(server.site, hooks.updated, "j", "FINISHED")
        else:
            call(server.site, hooks.settle)
        assert run(server.site) == before
        assert server.show("j")["status"] == "Failed"

    def test_a_run_of_a_live_job_is_not_deleted(self, server: Server, engine: Engine) -> None:
        start(server, engine)
        with pytest.raises(Conflict, match="has not ended") as raised:
            call(server.site, hooks.deleted, "j")
        assert "job cancel -n j" in (raised.value.hint or "")

    def test_deletion_and_return_archive_the_job_and_bring_it_back(
        self, server: Server, engine: Engine
    ) -> None:
        start(server, engine)
        end(server, engine)
        for _ in range(2):
            self.write(server.site, lifecycle_stage="deleted", deleted_time=1)
            call(server.site, hooks.deleted, "j")
            assert server.show("j")["archived"] is True
        for _ in range(2):
            self.write(server.site, lifecycle_stage="active", deleted_time=None)
            call(server.site, hooks.restored, "j")
            assert server.show("j")["archived"] is False

    def test_its_name_and_note_are_the_jobs(self, server: Server) -> None:
        site = server.site
        self.write(site, name="renamed")
        call(site, hooks.updated, "j", None, "renamed")
        self.tag(site, "mlflow.note.content", "a thought")
        call(site, hooks.tagged, "j", "mlflow.note.content")
        assert (server.show("j")["display_name"], server.show("j")["description"]) == (
            "renamed",
            "a thought",
        )
        self.tag(site, "mlflow.note.content", None)
        call(site, hooks.tagged, "j", "mlflow.note.content")
        assert server.show("j")["description"] is None

    def test_tags_of_the_job_follow_and_others_are_the_runs_own(self, server: Server) -> None:
        site = server.site
        call(site, jobs.update, "default", "j", {"tags": {"a": "1", "b": "2", "k" * 255: "3"}})
        self.tag(site, "a", "9")
        self.tag(site, "b", None)
        self.tag(site, "estimator", "SVC")
        call(site, hooks.tagged, "j", "a", "b", "estimator")
        assert server.show("j")["tags"] == {"a": "9", "k" * 255: "3"}

    def test_runs_of_nobody_are_nothing_to_it(self, site: TestSite) -> None:
        for hook in (hooks.updated, hooks.deleted, hooks.restored, hooks.tagged, hooks.agree):
            call(site, hook, "0" * 32)

    def test_what_nobody_told_of_is_found(self, server: Server, engine: Engine) -> None:
        site = server.site
        start(server, engine)
        end(server, engine)
        assert call(site, hooks.settle) == 0
        self.write(site, name="renamed", lifecycle_stage="deleted", deleted_time=1)
        with site.db.write() as db:
            db.execute(text("UPDATE experiments SET name = 'moved' WHERE name = 'Default'"))
        assert call(site, hooks.settle) == 1
        assert call(site, hooks.settle) == 0
        shown = server.show("j")
        assert (shown["display_name"], shown["archived"]) == ("renamed", True)
        assert shown["experiment_name"] == "moved"

    def test_a_live_jobs_run_comes_back_where_its_experiment_was_deleted(
        self, server: Server, engine: Engine
    ) -> None:
        start(server, engine)
        self.write(server.site, lifecycle_stage="deleted", deleted_time=1)
        assert call(server.site, hooks.settle) == 1
        assert run(server.site)["lifecycle_stage"] == "active"
