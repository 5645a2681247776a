"""Pipelines on real databases: what is frozen, who may, what is done again and what is not, and
what a pipeline leaves behind."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from lazur.engine.plan import Demand, Exit
from lazur.engine.tree import File, Manifest
from lazur.errors import Conflict, Forbidden, LazurError, NotFound, Unsupported
from lazur.loops.parents import ParentRound
from lazur.services.assets import asset_files, assets
from lazur.services.base import workspaces
from lazur.services.base.access import Principal
from lazur.services.content import collection
from lazur.services.jobs import jobs, planning
from lazur.services.people import quotas
from lazur.services.results import files
from lazur.services.tracking import trash
from lazur.spec import references
from lazur.spec.references import DatastorePath
from lazur.store import jobs as job_store
from lazur.store.pages import Query
from lazur.testing.fakes import FakeBuilder
from tests.site import ENVIRONMENT, OWNER, Clock, Server, TestSite, call, put_tree

FAILS = Exit("exit", code=3)


def command(said: str = "true", **more: Any) -> dict[str, Any]:
    return {"type": "command", "command": said, "environment": ENVIRONMENT, **more}


def after(step: str, **more: Any) -> dict[str, Any]:
    inputs = {"x": f"${{{{parent.jobs.{step}.outputs.o}}}}"}
    return command("cat ${{inputs.x}}", inputs=inputs, outputs={"o": None}, **more)


MAKES = command("make", outputs={"o": None})
CHAIN: dict[str, Any] = {"a": MAKES, "b": after("a"), "c": after("b")}


class Runner:
    """A server whose jobs write their outputs and end as they are told."""

    def __init__(self, site: TestSite) -> None:
        self.site = site
        self.server = Server(site)
        self.ends: dict[str, Exit] = {}
        """By what the name of a job ends with."""
        self.writes: dict[str, str] = {}
        """By output: its text, in place of a folder."""

    def submit(
        self,
        steps: Any,
        name: str = "p",
        place: str = "default",
        who: Principal = OWNER,
        **more: Any,
    ) -> Any:
        spec = {"type": "pipeline", "name": name, "jobs": steps, **more}
        return call(self.site, jobs.submit, place, spec, who=who)

    def run(self) -> None:
        """Until nothing goes on."""
        self.server.settle()
        while going := self.site.engine.going_on():
            for key in going:
                self.end(key)
            self.server.settle()

    def end(self, key: str) -> None:
        place, name, _ = key.split("/")
        self._write(place, name)
        self.site.engine.run(key)
        self.server.settle()
        how = next((e for tail, e in self.ends.items() if name.endswith(tail)), None)
        self.site.engine.end(key, how)

    def done(self, steps: Any, name: str = "p", **more: Any) -> dict[str, Any]:
        self.submit(steps, name, **more)
        self.run()
        return self.show(name, more.get("place", "default"))

    def show(self, name: str, place: str = "default") -> dict[str, Any]:
        return call(self.site, jobs.get, place, name, write=False)

    def retry(self, name: str, who: Principal = OWNER) -> dict[str, Any]:
        made = call(self.site, jobs.retry, "default", name, who=who)
        self.run()
        return self.show(made["name"])

    def why(self, name: str) -> str:
        return self.show(name)["reuse"]["why"]

    def begun(self) -> list[str]:
        return [key.split("/")[1] for key in self.site.engine.begun]

    def outputs(self, name: str) -> dict[str, Path]:
        return {
            output: self._place("default", str(body["path"]))
            for output, body in self.show(name)["outputs"].items()
            if output != "default"
        }

    def _write(self, place: str, name: str) -> None:
        with self.site.db.read() as db:
            asked = text("SELECT resolved FROM lazur_jobs WHERE name = :name ORDER BY id DESC")
            found: Any = db.execute(asked, {"name": name}).scalar()

        resolved = json.loads(found) if isinstance(found, str) else found
        for output in resolved["outputs"]:
            made = self._place(place, output["uri"])
            if output["name"] in self.writes:
                made.parent.mkdir(parents=True, exist_ok=True)
                made.write_text(self.writes[output["name"]])
            else:
                made.mkdir(parents=True, exist_ok=True)

    def _place(self, place: str, uri: str) -> Path:
        found = references.parse(uri)
        assert isinstance(found, DatastorePath)
        return self.site.home.datastore(place, found.datastore) / found.path.strip("/")


@pytest.fixture
def runner(site: TestSite) -> Runner:
    site.engine.capacity = Demand(cpus=16, memory=8 << 30)
    return Runner(site)


def steps_of(view: dict[str, Any]) -> dict[str, str]:
    return {step["name"]: step["status"] for step in view["steps"]}


class TestRuns:
    def test_a_name_that_somebody_took_ends_it_with_all_that_goes_on(self, runner: Runner) -> None:
        call(runner.site, jobs.submit, "default", {**command("x"), "name": "p_b"})
        runner.submit({"a": MAKES, "b": after("a"), "long": command("sleep")})
        runner.server.settle()
        runner.end("default/p_a/1")
        runner.run()
        view = runner.show("p")
        assert view["status"] == "Failed"
        assert "p_b" in view["error"]["message"]
        assert runner.show("p_long")["error"]["message"] == (
            "p, which it is a part of, could not go on."
        )
        assert steps_of(view)["long"] == "Canceled"

    def test_step_after_step_and_then_it_is_done(self, runner: Runner) -> None:
        assert runner.submit(CHAIN)["status"] == "NotStarted"
        runner.run()
        view = runner.show("p")
        assert view["status"] == "Completed"
        assert runner.begun() == ["p_a", "p_b", "p_c"]
        assert steps_of(view) == dict.fromkeys("abc", "Completed")
        states = [
            e["state"] for e in call(runner.site, jobs.history, "default", "p") if "state" in e
        ]
        assert states == ["NotStarted", "Running", "Completed"]

    def test_a_pipeline_within_a_pipeline(self, runner: Runner) -> None:
        inner = {
            "type": "pipeline",
            "inputs": {"x": {"type": "integer"}},
            "outputs": {"o": {"type": "uri_folder"}},
            "jobs": {
                "a": command("say ${{inputs.x}}", inputs={"x": "${{parent.inputs.x}}"}),
                "b": command("make", outputs={"o": "${{parent.outputs.o}}"}),
            },
        }
        steps = {"a": MAKES, "n": {"component": inner, "inputs": {"x": 7}}, "z": after("n")}
        view = runner.done(steps, inputs={"x": 5})
        assert view["status"] == "Completed", view["error"]
        assert sorted(runner.begun()) == ["p_a", "p_n_a", "p_n_b", "p_z"]
        assert runner.show("p_n_a")["inputs"]["x"] in (7, "7")

    def test_values_go_from_step_to_step(self, runner: Runner) -> None:
        runner.writes = {"n": " 5\n", "flag": "true\n"}
        made = {"n": {"type": "integer"}, "flag": {"type": "boolean"}}
        steps = {
            "a": command("count", outputs=made),
            "ask": {
                "type": "if_else",
                "condition": "${{parent.jobs.a.outputs.flag}}",
                "true_block": "yes",
                "false_block": "no",
            },
            "yes": command("x ${{inputs.n}}", inputs={"n": "${{parent.jobs.a.outputs.n}}"}),
            "no": command("never"),
        }
        view = runner.done(steps)
        assert view["status"] == "Completed", view["error"]
        assert runner.show("p_yes")["inputs"]["n"] in (5, "5")
        assert steps_of(view)["no"] == "Skipped"

    @pytest.mark.parametrize("depth", [1, 2])
    def test_values_come_out_of_pipelines_within(self, runner: Runner, depth: int) -> None:
        kinds = {"n": {"type": "integer"}, "more": {"type": "boolean", "is_control": True}}
        promoted = {name: f"${{{{parent.outputs.{name}}}}}" for name in kinds}
        number = {"n": {"type": "integer"}}
        leaf = command("count ${{inputs.n}}", inputs=number, outputs=kinds)
        given = {"n": "${{parent.inputs.n}}"}
        inner: dict[str, Any] = {"component": leaf, "inputs": given}
        for _ in range(depth):
            inner = {
                "component": {
                    "type": "pipeline",
                    "inputs": number,
                    "outputs": kinds,
                    "jobs": {"in": {**inner, "outputs": promoted}},
                },
                "inputs": given,
            }
        steps = {
            "body": {**inner, "inputs": {"n": 0}},
            "again": {
                "type": "do_while",
                "body": "${{parent.jobs.body}}",
                "condition": "${{parent.jobs.body.outputs.more}}",
                "limits": {"max_iteration_count": 2},
                "mapping": {"n": "n"},
            },
            "last": command("x ${{inputs.n}}", inputs={"n": "${{parent.jobs.body.outputs.n}}"}),
        }
        runner.writes = {"n": "5", "more": "true"}
        view = runner.done(steps)
        assert view["status"] == "Completed", view["error"]
        assert runner.show("p_last")["inputs"]["n"] in (5, "5")
        assert steps_of(view)["body.2"] == "Completed"

    def test_a_failure_leaves_the_rest_to_the_settings(self, runner: Runner) -> None:
        runner.ends = {"_a": FAILS}
        steps = {**CHAIN, "d": command("other"), "e": command("late", depends_on=["d"])}
        view = runner.done(steps)
        assert view["status"] == "Failed"
        assert view["error"]["code"] == "StepFailed"
        assert steps_of(view) == {
            "a": "Failed",
            "b": "NotRun",
            "c": "NotRun",
            "d": "Completed",
            "e": "Completed",
        }

    def test_a_cancel_ends_all(self, runner: Runner) -> None:
        runner.submit({**CHAIN, "d": command("other")})
        runner.server.settle()
        call(runner.site, jobs.cancel, "default", "p")
        runner.server.settle()
        runner.server.settle()
        view = runner.show("p")
        assert view["status"] == "Canceled"
        assert runner.site.engine.going_on() == []
        assert steps_of(view)["b"] == "NotRun"

    def test_each_says_who_canceled_it_or_because_of_what(self, runner: Runner) -> None:
        runner.ends = {"_bad": FAILS}
        stop = {"continue_on_step_failure": False}
        runner.done({"bad": command("bad"), "long": command("long")}, settings=stop)
        assert runner.show("p_long")["error"]["message"] == (
            "It stopped with the pipeline: step bad failed, and continue_on_step_failure is false."
        )

    def test_what_never_began_says_it_too(self, runner: Runner) -> None:
        runner.submit({"a": command("a")})
        call(runner.site, jobs.cancel, "default", "p")
        runner.run()
        said = {"code": "Canceled", "hint": None}
        assert runner.show("p")["error"] == {**said, "message": f"{OWNER.name} canceled it."}

    def test_a_loop_is_where_its_items_are(self, runner: Runner) -> None:
        loop = {"type": "parallel_for", "body": "one", "items": [{"n": 1}, {"n": 2}]}
        one = command("x ${{inputs.n}}", inputs={"n": 0})
        waits = {**loop, "depends_on": ["a"], "body": "two"}
        steps = {"all": {**loop, "max_concurrency": 1}, "one": one, "a": MAKES}
        runner.submit({**steps, "later": waits, "two": one})
        runner.server.settle()
        left = {"later": "NotStarted", "two": "NotStarted", "a": "Starting"}
        found = steps_of(runner.show("p"))
        assert found == {"all": "Running", "one.0": "Starting", **left}
        call(runner.site, jobs.cancel, "default", "p")
        runner.server.settle()
        runner.server.settle()
        left = {"later": "NotRun", "two": "NotRun", "a": "Canceled"}
        found = steps_of(runner.show("p"))
        assert found == {"all": "Canceled", "one.0": "Canceled", **left}


class TestTakenNames:
    def test_nothing_goes_on_without_its_pipeline(self, runner: Runner) -> None:
        """Somebody's job has the name that a step would have."""
        runner.submit({**CHAIN, "d": command("long")})
        runner.server.settle()
        taken = command("mine", name="p_b")
        call(runner.site, jobs.submit, "default", taken)
        runner._write("default", "p_a")
        runner.site.engine.end("default/p_a/1")
        runner.server.settle()
        runner.server.settle()
        view = runner.show("p")
        assert view["status"] == "Failed"
        assert "p_b" in view["error"]["message"]
        assert runner.show("p_d")["status"] == "Canceled"
        assert runner.show("p_b")["status"] != "Canceled"


class TestFreezing:
    def test_labels_mean_what_they_meant(self, runner: Runner, builder: FakeBuilder) -> None:
        site = runner.site
        for version in "12":
            spec = {"name": "c", "version": version, "type": "command", "command": f"v{version}"}
            call(
                site, assets.create, "default", "components", {**spec, "environment": ENVIRONMENT}
            )
            if version == "1":
                runner.submit({"a": {"component": "azureml:c@latest"}})
        runner.run()
        assert runner.show("p_a")["command"] == "v1"

    def test_environments_are_built_ahead(self, runner: Runner, builder: FakeBuilder) -> None:
        other = {"image": "python:3.11", "conda_file": {"dependencies": ["python=3.11", "numpy"]}}
        runner.submit({"a": MAKES, "b": {**after("a"), "environment": other}})
        runner.server.settle()
        assert len(builder.builds) == 2
        assert runner.begun() == ["p_a"]

    def test_code_of_steps_is_kept(self, runner: Runner, clock: Clock) -> None:
        """The steps stand beside the row, and one that is not begun has no row of its own."""
        tree = put_tree(runner.site, {"main.py": b"print(1)"})
        runner.submit({"a": MAKES, "b": {**after("a"), "code": f"tree:{tree}"}})
        clock.time = time.time() + 30 * 86400
        collection.collect(runner.site)
        runner.run()
        view = runner.show("p")
        assert view["status"] == "Completed", view["error"]
        assert runner.show("p_b")["code"] == f"tree:{tree}"

    @pytest.mark.parametrize(
        "steps, part",
        [
            ({"a": {"component": "azureml:none:1"}}, "none"),
            ({"a": {"component": "azureml:none@latest"}}, "none"),
            ({"a": {**MAKES, "environment": "azureml:none@latest"}}, "none"),
            ({"a": after("b"), "b": after("a")}, "wait for each other"),
            ({"a": {**MAKES, "code": "tree:" + "0" * 64}}, "0" * 64),
            ({"a": {**MAKES, "inputs": {"x": {"path": "azureml:none:1"}}}}, "none"),
            ({"a": {**MAKES, "inputs": {"x": "${{parent.inputs.y}}"}}}, "no input 'y'"),
        ],
    )
    def test_what_cannot_work_is_said_before_anything_runs(
        self, runner: Runner, steps: Any, part: str
    ) -> None:
        with pytest.raises(LazurError) as refused:
            runner.submit(steps)
        assert part in f"{refused.value.message} {refused.value.details}"
        with pytest.raises(NotFound):
            runner.show("p")


class TestReuse:
    def test_what_was_done_is_not_done_again(self, runner: Runner) -> None:
        runner.done(CHAIN)
        view = runner.done(CHAIN, "q")
        assert view["status"] == "Completed"
        assert len(runner.begun()) == 3
        assert [step["reused_from"] for step in view["steps"]] == ["p_a", "p_b", "p_c"]
        assert runner.why("q_a") == "all parts are those of p_a"
        assert runner.outputs("q_a") == runner.outputs("p_a")

    def test_the_log_and_the_files_are_those_of_the_job_that_did_it(self, runner: Runner) -> None:
        reads = {"x": "${{parent.jobs.a.outputs.artifacts}}"}
        makes = command("make", outputs={"artifacts": None})
        runner.done({"a": makes, "b": command("cat ${{inputs.x}}", inputs=reads)})
        did = runner.site.home.artifacts("default", "p_a")
        for path in ("user_logs/std_log.txt", "outputs/x.txt"):
            (did / path).parent.mkdir(parents=True, exist_ok=True)
            (did / path).write_text(path)
        view = runner.done({"a": makes, "b": command("tac ${{inputs.x}}", inputs=reads)}, "q")
        assert [step["reused_from"] for step in view["steps"]] == ["p_a", None]
        with runner.site.db.read() as db:
            row = job_store.by_id(db, job_store.id_of(db, "default", "q_b") or 0)
        assert row is not None
        assert row.resolved["inputs"][0]["source"]["path"] == str(did)
        found = call(runner.site, files.find, "default", "q_a")["value"]
        assert [file["path"] for file in found] == ["outputs/x.txt", "user_logs/std_log.txt"]
        place = call(runner.site, files.place, "default", "q_a", files.MAIN_LOG)
        assert place.full == did / files.MAIN_LOG
        spec = {"name": "m", "path": "azureml://jobs/q_a/outputs/artifacts/paths/outputs/"}
        model = call(runner.site, assets.create, "default", "models", spec)
        assert f"{did.name}/outputs" in model["path"]

    def test_what_a_pipeline_within_made_is_known_by_the_step_that_made_it(
        self, runner: Runner
    ) -> None:
        made = command("make", outputs={"o": "${{parent.outputs.o}}"})
        inner = {"type": "pipeline", "outputs": {"o": {"type": "uri_folder"}}, "jobs": {"m": made}}
        steps = {"n": {"component": inner}, "z": after("n")}
        runner.done(steps)
        view = runner.done(steps, "q")
        assert runner.begun() == ["p_n_m", "p_z"]
        assert view["steps"][1]["reused_from"] == "p_z"

    def test_an_input_that_is_named_after_the_pipeline_is_so_in_each_step(
        self, runner: Runner
    ) -> None:
        place = "azureml://datastores/workspaceblobstore/paths/in"
        given = {"d": {"type": "uri_folder", "path": f"{place}/${{{{name}}}}"}}
        own = {"type": "uri_folder", "path": f"{place}/own/${{{{name}}}}"}
        step = command("make", inputs={"d": "${{parent.inputs.d}}", "own": own})
        runner.submit({"a": step}, inputs=given)
        runner.run()
        found = runner.show("p_a")["inputs"]
        assert found["d"]["path"] == f"{place}/p"
        assert runner.show("p")["inputs"]["d"]["path"] == given["d"]["path"]
        with runner.site.db.read() as db:
            row = job_store.by_id(db, job_store.id_of(db, "default", "p_a") or 0)
        assert row is not None
        paths = [one["source"]["path"] for one in row.resolved["inputs"]]
        assert [path.rpartition("/in/")[2] for path in paths] == ["p", "own/p_a"]

    def test_a_place_named_after_the_job_is_each_jobs_own(self, runner: Runner) -> None:
        place = "azureml://datastores/workspaceblobstore/paths/${{name}}/x"
        for name in "pq":
            runner.done({"a": command("make", outputs={"o": {"path": place}})}, name)
        assert runner.begun() == ["p_a"]
        assert runner.outputs("q_a") == runner.outputs("p_a")

    def test_so_is_one_that_is_named_after_a_pipeline_above(self, runner: Runner) -> None:
        place = "azureml://datastores/workspaceblobstore/paths/runs/${{name}}-x/o"
        outputs = {"o": {"type": "uri_folder", "path": place}}
        made = command("make", outputs={"o": "${{parent.outputs.o}}"})
        inner = {"type": "pipeline", "outputs": {"o": {"type": "uri_folder"}}, "jobs": {"m": made}}
        within = {"n": {"component": inner, "outputs": {"o": "${{parent.outputs.o}}"}}}
        for name in "pq":
            runner.done({"a": made}, name, outputs=outputs)
            runner.done(within, f"{name}{name}", outputs=outputs)
        spec = {"type": "pipeline", "jobs": within, "outputs": outputs}
        planned = call(runner.site, planning.plan, "default", spec, write=False)
        assert runner.begun() == ["p_a"]
        assert {step["will"] for step in planned["steps"]} == {"reuse"}
        assert runner.outputs("qq")["o"] == runner.outputs("p_a")["o"]

    @pytest.mark.parametrize(
        "change, said",
        [
            ({"command": "make more"}, "command changed"),
            ({"environment_variables": {"A": "1"}}, "environment_variables.A is new"),
            ({"inputs": {"n": 4}}, "inputs.n is '4', was '3'"),
            ({"outputs": {"o": {"type": "mltable"}}}, "outputs.o"),
            (
                {
                    "environment": {
                        "image": "python:3.11",
                        "conda_file": {"dependencies": ["numpy"]},
                    }
                },
                "environment changed",
            ),
        ],
    )
    def test_each_part_counts_and_is_named(
        self, runner: Runner, change: dict[str, Any], said: str
    ) -> None:
        first = {**MAKES, "inputs": {"n": 3}, "command": "make ${{inputs.n}}"}
        runner.done({"a": first})
        runner.done({"a": {**first, **change}}, "q")
        assert runner.begun() == ["p_a", "q_a"]
        assert said in runner.why("q_a")

    def test_a_file_that_changed_is_named(self, runner: Runner) -> None:
        for name, body in (("p", b"1"), ("q", b"2")):
            tree = put_tree(runner.site, {"train.py": body, "lib.py": b""})
            runner.done({"a": {**MAKES, "code": f"tree:{tree}"}}, name)
        assert "code/train.py changed" in runner.why("q_a")

    @pytest.mark.parametrize(
        "more, settings, said",
        [
            ({"is_deterministic": False}, {}, "is_deterministic: false"),
            ({}, {"force_rerun": True}, "force_rerun: true"),
            ({"command": "make ${{name}}"}, {}, "nobody can tell"),
        ],
    )
    def test_what_is_never_reused(
        self, runner: Runner, more: Any, settings: Any, said: str
    ) -> None:
        for name in "pq":
            runner.done({"a": {**MAKES, **more}}, name, settings=settings)
        assert runner.begun() == ["p_a", "q_a"]
        assert said in runner.why("q_a")

    def test_outputs_that_are_gone_are_made_anew(self, runner: Runner) -> None:
        runner.done(CHAIN)
        runner.outputs("p_a")["o"].rmdir()
        runner.done(CHAIN, "q")
        assert "q_a" in runner.begun()
        assert "is not there any more" in runner.why("q_a")

    def test_what_lies_in_the_trash_is_left_to_be_purged(self, runner: Runner) -> None:
        runner.done(CHAIN)
        call(runner.site, trash.delete, "default", {"runs": ["p"]})
        runner.done(CHAIN, "q")
        assert "q_a" in runner.begun()
        assert "is archived" in runner.why("q_a")
        assert call(runner.site, trash.purge, "default", {"runs": ["p"]})["kept"] == []
        runner.done(CHAIN, "r")
        assert "r_a" not in runner.begun()

    def test_one_that_is_not_in_the_trash_is_preferred(self, runner: Runner) -> None:
        runner.done(CHAIN)
        runner.done(CHAIN, "q", settings={"force_rerun": True})
        call(runner.site, trash.delete, "default", {"runs": ["q"]})
        runner.done(CHAIN, "r")
        assert "r_a" not in runner.begun()

    def test_a_place_where_another_wrote_since_is_not_trusted(self, runner: Runner) -> None:
        place = "azureml://datastores/workspaceblobstore/paths/shared/x"
        for name, said in (("p", "make"), ("q", "other"), ("r", "make")):
            runner.done({"a": command(said, outputs={"o": {"path": place}})}, name)
        assert runner.begun() == ["p_a", "q_a", "r_a"]
        assert "lies where q_a wrote since" in runner.why("r_a")

    def test_a_failed_step_is_no_example(self, runner: Runner) -> None:
        runner.ends = {"p_a": FAILS}
        runner.done(CHAIN)
        runner.done(CHAIN, "q")
        assert runner.begun()[:2] == ["p_a", "q_a"]

    def test_another_workspace_is_another_world(self, runner: Runner) -> None:
        call(runner.site, workspaces.create, {"name": "lab"})
        runner.done(CHAIN)
        runner.done(CHAIN, "q", place="lab")
        assert len(runner.begun()) == 6

    def test_lineage_leads_to_who_made_it(self, runner: Runner) -> None:
        runner.done(CHAIN)
        runner.done(CHAIN, "q")
        with runner.site.db.read() as db:
            edges = db.execute(
                text("SELECT count(*) FROM lazur_lineage WHERE role = 'reused'")
            ).scalar()
        assert edges == 3


LOOP: dict[str, Any] = {
    "all": {"type": "parallel_for", "body": "one", "items": {"r": {"n": 1}, "a/b": {"n": 2}}},
    "one": command(
        "echo ${{inputs.n}}", inputs={"n": 0}, outputs={"o": "${{parent.outputs.all}}"}
    ),
}
TABLE = {"all": {"type": "mltable", "name": "everything"}}


class TestLoops:
    """What all items made, as an output of the pipeline."""

    def taken(self, runner: Runner, path: str) -> Any:
        """What a job is given that takes it."""
        inputs = {"x": {"type": "mltable", "path": path}}
        name = call(runner.site, jobs.submit, "default", command("ls", inputs=inputs))["name"]
        with runner.site.db.read() as db:
            asked = text("SELECT resolved FROM lazur_jobs WHERE name = :name")
            found: Any = db.execute(asked, {"name": name}).scalar()
        resolved = json.loads(found) if isinstance(found, str) else found
        return resolved["inputs"][0]["source"]

    def test_it_is_all_of_theirs(self, runner: Runner) -> None:
        runner.writes = {"o": "1"}
        view = runner.done(LOOP, outputs=TABLE)
        assert view["warnings"] == []
        said = {"type": "mltable", "name": "everything", "mode": "rw_mount"}
        assert view["outputs"]["all"] == {**said, "path": "azureml://jobs/p/outputs/one.o"}
        assert view["steps"][0]["name"] == "all"
        red = runner.show("p_one__r")["outputs"]["o"]["path"]
        assert red.endswith("/paths/azureml/p_one__r/o/")

    def test_whoever_takes_it_gets_an_entry_for_each(self, runner: Runner) -> None:
        runner.done(LOOP, outputs=TABLE)
        asset = call(runner.site, assets.get, "default", "data", "everything", "1", write=False)
        assert (asset["type"], asset["path"]) == ("mltable", "azureml://jobs/p/outputs/one.o")
        call(
            runner.site,
            assets.create,
            "default",
            "data",
            {"name": "again", "type": "mltable", "path": "azureml://jobs/p/outputs/all"},
        )
        places = ("azureml://jobs/p/outputs/all", "azureml:everything:1", "azureml:again:1")
        for path in places:
            table = self.taken(runner, path)["table"]
            assert [entry[:2] for entry in table] == [["r", "path"], ["_1", "path"]]

    def test_where_the_files_of_the_asset_are_is_told(self, runner: Runner) -> None:
        runner.done(LOOP, outputs=TABLE)
        asked = ("default", "data", "everything", "1")
        with pytest.raises(Unsupported, match="all items of a loop in job p made") as caught:
            call(runner.site, asset_files.find, *asked, write=False)
        assert caught.value.hint == "Fetch it there: lazur job download -n p --all"

    def test_one_item_can_be_taken_alone(self, runner: Runner) -> None:
        runner.done(LOOP, outputs=TABLE)
        found = self.taken(runner, "azureml://jobs/p/outputs/all/paths/r/x")["path"]
        assert found == str(runner.outputs("p_one__r")["o"] / "x")
        with pytest.raises(NotFound, match="there is no 'blue' in what the items"):
            self.taken(runner, "azureml://jobs/p/outputs/all/paths/blue")

    def test_their_files_are_the_pipelines_too(self, runner: Runner) -> None:
        runner.done(LOOP, outputs=TABLE)
        for job in ("p_one__r", runner.show("p")["steps"][2]["job"]):
            (runner.outputs(job)["o"] / "x.txt").write_text(job)
        found = call(runner.site, files.find, "default", "p", "named-outputs/", write=False)
        listed = [file["path"] for file in found["value"]]
        assert listed == ["named-outputs/all/_1/x.txt", "named-outputs/all/r/x.txt"]
        place = call(runner.site, files.place, "default", "p", listed[1], write=False)
        assert place.full.read_text() == "p_one__r"
        for path in ("named-outputs/all", "named-outputs/all/r", "named-outputs/al/l/x"):
            with pytest.raises(NotFound):
                call(runner.site, files.place, "default", "p", path, write=False)

    def test_it_is_known_again_by_who_made_it(self, runner: Runner) -> None:
        place = "azureml://jobs/first/outputs/all"
        outputs = {"all": {"type": "mltable"}}
        steps = {
            "n": {"component": {"type": "pipeline", "jobs": LOOP, "outputs": outputs}},
            "z": command("ls", inputs={"x": "${{parent.jobs.n.outputs.all}}"}),
            "red": command("ls", inputs={"x": {"path": f"{place}/paths/r"}}),
        }
        runner.done(LOOP, "first", outputs=outputs)
        runner.done(steps)
        view = runner.done(steps, "q")
        reused = {step["name"]: step["reused_from"] for step in view["steps"]}
        assert (reused["z"], reused["red"]) == ("p_z", "p_red")

    def test_each_item_has_its_own_place_in_a_chosen_one(self, runner: Runner) -> None:
        place = "azureml://datastores/workspaceblobstore/paths/runs/${{name}}"
        runner.done(LOOP, outputs={"all": {**TABLE["all"], "path": place}})
        assert runner.show("p_one__r")["outputs"]["o"]["path"].endswith("/runs/p/r")
        found = runner.outputs("p_one__r")["o"].parent
        assert sorted(one.name for one in found.iterdir()) == ["a_b_c14cddc033", "r"]

    def test_it_goes_with_the_pipeline_only(self, runner: Runner) -> None:
        runner.done(LOOP, outputs=TABLE)
        call(runner.site, trash.delete, "default", {"runs": ["p"]})
        with pytest.raises(Conflict, match="data asset 'everything' version 1"):
            call(runner.site, trash.purge, "default", {"runs": ["p"]})


class TestDirect:
    def test_what_was_sent_and_is_given_as_it_stands_may_change(self, runner: Runner) -> None:
        for name, content in (("p", b"1"), ("q", b"2")):
            digest = put_tree(runner.site, {"a": content})
            given = {"x": {"type": "uri_folder", "mode": "direct", "path": f"tree:{digest}"}}
            done = runner.done({"a": command("echo ${{inputs.x}}", inputs=given)}, name)
            assert done["status"] == "Completed", done["error"]
        assert runner.why("q_a") == "inputs.x/a changed (since p_a)"

    def test_of_a_folder_within_what_changed_there_is_told(self, runner: Runner) -> None:
        for name, content in (("p", b"1"), ("q", b"2")):
            digest = put_tree(runner.site, {"sub/a": content, "b": content})
            given = {"x": {"type": "uri_folder", "path": f"tree:{digest}/sub"}}
            runner.done({"a": command("ls ${{inputs.x}}", inputs=given)}, name)
        assert runner.why("q_a") == "inputs.x/a changed (since p_a)"


class TestPlan:
    """What would run, of steps on which others decide."""

    def planned(self, runner: Runner, steps: Any, **more: Any) -> dict[str, tuple[str, str]]:
        spec = {"type": "pipeline", "jobs": steps, **more}
        made = call(runner.site, planning.plan, "default", spec, write=False)
        return {step["name"]: (step["will"], step["why"]) for step in made["steps"]}

    def test_content_that_was_not_sent_is_known_by_its_list_of_files(self, runner: Runner) -> None:
        told = Manifest.of([File("sub/a", "1" * 64, 1), File("b", "2" * 64, 1)])
        given = {"x": {"type": "uri_folder", "path": f"tree:{told.digest}/sub"}}
        steps = {"a": command("ls ${{inputs.x}}", inputs=given)}
        assert self.planned(runner, steps)["a"] == (
            "run",
            "some of its content is not on the server yet",
        )
        spec = {"type": "pipeline", "jobs": steps}
        lists = [told.encode().decode()]
        made = call(runner.site, planning.plan, "default", spec, lists, write=False)
        assert made["steps"][0]["why"] == "nothing like it has run here before"
        inner = told.subtree("sub").digest
        assert set(runner.site.blobs.missing([told.digest, inner])) == {told.digest, inner}

    def test_what_is_in_it_now_need_not_be_told(self, runner: Runner) -> None:
        def steps(digest: str) -> dict[str, Any]:
            given = {"x": {"type": "uri_folder", "path": f"tree:{digest}"}}
            return {"a": command("ls ${{inputs.x}}", inputs=given)}

        runner.done(steps(put_tree(runner.site, {"a": b"1", "b": b"2"})))
        assert self.planned(runner, steps("1" * 64))["a"] == (
            "run",
            "inputs.x changed (since p_a)",
        )

    def test_a_sweep_alone_needs_the_environment_of_its_trials(self, runner: Runner) -> None:
        sweep = {
            "type": "sweep",
            "trial": command("x ${{search_space.n}}"),
            "search_space": {"n": {"type": "choice", "values": [1]}},
            "objective": {"goal": "maximize", "primary_metric": "m"},
            "limits": {"max_total_trials": 1},
        }
        made = call(runner.site, planning.plan, "default", sweep, write=False)
        assert len(made["environments"]) == 1

    def test_a_condition_that_is_written_out_is_decided(self, runner: Runner) -> None:
        steps = {
            "if": {"type": "if_else", "condition": True, "true_block": "yes", "false_block": "no"},
            "yes": command("yes"),
            "no": command("no"),
        }
        found = self.planned(runner, steps)
        assert found["if"][0] == "decide"
        assert (found["yes"][0], found["no"][0]) == ("run", "skip")

    def test_one_that_a_step_makes_is_not(self, runner: Runner) -> None:
        made = "${{parent.jobs.look.outputs.good}}"
        steps = {
            "look": command("look", outputs={"good": {"type": "boolean"}}),
            "if": {"type": "if_else", "condition": made, "true_block": "yes"},
            "yes": command("yes"),
        }
        found = self.planned(runner, steps)
        assert found["look"][0] == "run"
        assert found["if"][0] == "maybe"
        assert found["yes"] == ("maybe", "it depends on if, which is not decided yet")
        runner.writes = {"good": "true"}
        runner.done(steps)
        again = self.planned(runner, steps)
        assert [again[name][0] for name in ("look", "if", "yes")] == ["reuse", "decide", "reuse"]

    @pytest.mark.parametrize("at_once", [1, 2])
    def test_a_loop_runs_once_for_each_item(self, runner: Runner, at_once: int) -> None:
        each = command("echo ${{inputs.n}}", inputs={"n": 0})
        loop = {"type": "parallel_for", "body": "${{parent.jobs.one}}", "max_concurrency": at_once}
        steps = {"all": {**loop, "items": [{"n": 1}, {"n": 2}]}, "one": each}
        found = self.planned(runner, steps)
        assert {name: will for name, (will, _) in found.items() if "." in name} == {
            "one.0": "run",
            "one.1": "run",
        }
        runner.done(steps)
        assert self.planned(runner, steps)["one.1"][0] == "reuse"

    def test_what_takes_all_that_a_loop_made_is_looked_at_when_it_begins(
        self, runner: Runner
    ) -> None:
        steps = {
            "all": {"type": "parallel_for", "body": "one", "items": [{"n": 1}, {"n": 2}]},
            "one": command("echo ${{inputs.n}}", inputs={"n": 0}, outputs={"o": None}),
            "last": command("ls ${{inputs.x}}", inputs={"x": "${{parent.jobs.all.outputs.o}}"}),
        }
        runner.done(steps)
        assert runner.done(steps, "q")["steps"][-1]["reused_from"] == "p_last"
        found = self.planned(runner, steps)
        assert found["one.0"][0] == "reuse"
        why = "it depends on what all gives, whose items were done before"
        assert found["last"] == ("maybe", why)
        steps["then"] = command(
            "ls ${{inputs.x}}", inputs={"x": "${{parent.jobs.last.outputs.o}}"}
        )
        steps["last"] = {**steps["last"], "outputs": {"o": None}}
        assert self.planned(runner, steps)["then"] == ("maybe", "it depends on what last gives")
        steps["one"] = command("echo more", outputs={"o": None})
        again = self.planned(runner, steps)
        assert again["last"] == ("run", "its inputs come of all, which runs")
        assert again["then"] == ("run", "its inputs come of last, which runs")

    def test_a_pipeline_within_is_what_its_steps_are(self, runner: Runner) -> None:
        made = command("make", outputs={"o": "${{parent.outputs.o}}"})
        steps = {
            "m": made,
            "if": {"type": "if_else", "condition": True, "true_block": "m"},
        }
        outputs = {"o": {"type": "uri_folder"}}
        inner = {"type": "pipeline", "outputs": outputs, "jobs": steps}
        outer: dict[str, Any] = {"n": {"component": inner}, "z": after("n")}
        assert self.planned(runner, outer)["n"] == ("run", "some of its steps run")
        runner.done(outer)
        found = self.planned(runner, outer)
        assert found["n"] == ("reuse", "all its steps")
        assert found["z"] == ("reuse", "all parts are those of p_z")
        assert runner.done(outer, "again")["steps"][-1]["reused_from"] == "p_z"
        loop = {
            "all": {"type": "parallel_for", "body": "one", "items": [{}]},
            "one": command("one", outputs={"o": None}),
            "last": command("ls", inputs={"x": "${{parent.jobs.all.outputs.o}}"}),
        }
        within = {"n": {"component": {"type": "pipeline", "jobs": loop}}}
        runner.done(within, "q")
        assert self.planned(runner, within)["n.all"] == ("reuse", "all its items")
        assert self.planned(runner, within)["n"] == ("maybe", "some of its steps may run")

    def test_what_takes_from_pipelines_within_that_were_done_before_is_looked_at(
        self, runner: Runner
    ) -> None:
        flag = {"type": "boolean"}
        look = command("look", outputs={"good": "${{parent.outputs.good}}"})
        look["component"] = {**look, "type": "command", "outputs": {"good": flag}}
        leaf = {"type": "pipeline", "outputs": {"good": flag}, "jobs": {"look": look}}
        mid = {
            "type": "pipeline",
            "outputs": {"good": flag},
            "jobs": {"leaf": {"component": leaf, "outputs": {"good": "${{parent.outputs.good}}"}}},
        }
        steps = {
            "mid": {"component": mid},
            "if": {
                "type": "if_else",
                "condition": "${{parent.jobs.mid.outputs.good}}",
                "true_block": "yes",
            },
            "yes": command("yes"),
        }
        runner.writes = {"good": "true"}
        runner.done(steps)
        found = self.planned(runner, steps)
        assert {name: found[name][0] for name in ("mid", "if", "yes")} == {
            "mid": "reuse",
            "if": "decide",
            "yes": "reuse",
        }

    def test_all_that_a_loop_within_made_is_looked_at_when_it_begins(self, runner: Runner) -> None:
        inner = {
            "type": "pipeline",
            "outputs": {"all": {"type": "mltable"}},
            "jobs": {
                "each": {
                    "type": "parallel_for",
                    "body": "one",
                    "items": [{}],
                    "outputs": {"o": "${{parent.outputs.all}}"},
                },
                "one": command("one", outputs={"o": None}),
            },
        }
        taken = {"x": "${{parent.jobs.n.outputs.all}}"}
        steps = {"n": {"component": inner}, "z": command("ls ${{inputs.x}}", inputs=taken)}
        runner.done(steps)
        found = self.planned(runner, steps)
        assert found["n"] == ("reuse", "all its steps")
        assert found["z"] == ("maybe", "it depends on what n gives")

    def test_what_is_odd_within_is_told_once(self, runner: Runner) -> None:
        loop = {"type": "parallel_for", "body": "x", "items": [{}], "inputs": {"z": 1}}
        inner = {"type": "pipeline", "jobs": {"each": loop, "x": command("x")}}
        spec = {"type": "pipeline", "jobs": {"n": {"component": inner}}}
        told = call(runner.site, planning.plan, "default", spec, write=False)["warnings"]
        assert [one.partition(":")[0] for one in told] == ["jobs.n.component.jobs.each.inputs"]

    def test_what_fails_within_is_not_taken_from(self, runner: Runner) -> None:
        outputs = {"o": {"type": "uri_folder"}}
        steps = {
            "look": command("look", outputs={"good": {"type": "boolean"}}),
            "m": command("make", outputs={"o": "${{parent.outputs.o}}"}),
            "if": {
                "type": "if_else",
                "condition": "${{parent.jobs.look.outputs.good}}",
                "true_block": "yes",
            },
            "yes": command("yes"),
        }
        inner = {"type": "pipeline", "outputs": outputs, "jobs": steps}
        outer = {"n": {"component": inner}, "z": after("n")}
        runner.writes = {"good": "perhaps"}
        assert runner.done(outer)["status"] == "Failed"
        assert self.planned(runner, outer)["z"] == ("maybe", "it depends on what n gives")

    def test_a_loop_is_what_its_items_are(self, runner: Runner) -> None:
        outputs = {"o": {"type": "uri_folder"}}
        made = command("make", outputs={"o": "${{parent.outputs.o}}"})
        steps = {
            "all": {"type": "parallel_for", "body": "one", "items": [{}, {}]},
            "one": {"type": "pipeline", "outputs": outputs, "jobs": {"m": made}},
            "last": command("ls", inputs={"x": "${{parent.jobs.all.outputs.o}}"}),
        }
        found = self.planned(runner, steps)
        assert found["all"] == ("run", "some of its items run")
        assert found["last"] == ("run", "its inputs come of all, which runs")
        runner.done(steps)
        found = self.planned(runner, steps)
        assert found["all"] == ("reuse", "all its items")
        why = "it depends on what all gives, whose items were done before"
        assert found["last"] == ("maybe", why)

    def test_loops_that_only_wait_are_known_to_run(self, runner: Runner) -> None:
        taking = {"x": "${{parent.jobs.a.outputs.o}}"}
        written: dict[str, Any] = {"type": "parallel_for", "body": "one", "items": [{"n": 1}]}
        again = {
            "type": "do_while",
            "body": "two",
            "condition": "${{parent.jobs.two.outputs.more}}",
            "limits": {"max_iteration_count": 2},
        }
        steps = {
            "a": MAKES,
            "all": written,
            "one": command("cat ${{inputs.n}}", inputs={"n": 0, **taking}),
            "again": again,
            "two": command("cat", inputs=taking, outputs={"more": {"type": "boolean"}}),
        }
        found = self.planned(runner, steps)
        runs = ("run", "its inputs come of a, which runs")
        assert [found[name] for name in ("all", "one", "again", "two")] == [runs] * 4
        maybe = ("maybe", "it depends on what steps before it make")
        made = {**MAKES, "outputs": {"o": None, "list": {"type": "string"}}}
        asked = {
            **steps,
            "a": made,
            "all": {**written, "items": "${{parent.jobs.a.outputs.list}}"},
        }
        found = self.planned(runner, {**steps, **asked})
        assert [found[name] for name in ("all", "one")] == [maybe] * 2
        handler = {**steps, "again": {**again, "on_failure": "a"}}
        assert self.planned(runner, handler)["again"][0] == "maybe"

    def test_a_round_after_the_first_is_not_known(self, runner: Runner) -> None:
        body = command("try", outputs={"more": {"type": "boolean"}})
        steps = {
            "loop": {
                "type": "do_while",
                "body": "${{parent.jobs.once}}",
                "condition": "${{parent.jobs.once.outputs.more}}",
                "limits": {"max_iteration_count": 3},
                "mapping": {},
            },
            "once": body,
            "after": command("after", depends_on=["loop"]),
        }
        found = self.planned(runner, steps)
        assert found["once.1"][0] == "run"
        assert found["after"][0] == "run"
        assert "once.2" not in found

    def test_steps_of_a_pipeline_that_waits_are_told(self, runner: Runner) -> None:
        inner = {
            "type": "pipeline",
            "inputs": {"x": {"type": "uri_folder"}},
            "jobs": {"m": command("cat ${{inputs.x}}", inputs={"x": "${{parent.inputs.x}}"})},
        }
        inputs = {"x": "${{parent.jobs.a.outputs.o}}"}
        steps = {"a": MAKES, "n": {"component": inner, "inputs": inputs}}
        found = self.planned(runner, steps)
        assert found["n"] == ("run", "its inputs come of a, which runs")
        assert found["n.m"] == ("maybe", "it depends on what n is given")


class TestRetry:
    def test_a_leaf_is_run_once_more(self, runner: Runner) -> None:
        call(runner.site, jobs.submit, "default", command("x", name="j"))
        runner.ends = {"j": FAILS}
        runner.run()
        runner.ends = {}
        assert runner.retry("j")["status"] == "Completed"

    def test_only_what_did_not_end_well_is_done_again(self, runner: Runner) -> None:
        runner.ends = {"_b": FAILS}
        steps = {name: {**step, "is_deterministic": False} for name, step in CHAIN.items()}
        assert runner.done(steps)["status"] == "Failed"
        runner.ends = {}
        view = runner.retry("p")
        assert view["status"] == "Completed"
        assert [name.rpartition("_")[2] for name in runner.begun()] == ["a", "b", "b", "c"]
        assert view["steps"][0]["reused_from"] == "p_a"

    def test_what_the_try_before_took_over_still_has_its_log(self, runner: Runner) -> None:
        runner.ends = {"_b": FAILS}
        steps = {name: {**step, "is_deterministic": False} for name, step in CHAIN.items()}
        runner.done(steps)
        log = runner.site.home.artifacts("default", "p_a") / files.MAIN_LOG
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("made")
        again = runner.retry(runner.retry("p")["name"])
        first = again["steps"][0]["job"]
        assert [n.rpartition("_")[2] for n in runner.begun()] == ["a", "b", "b", "b"]
        place = call(runner.site, files.place, "default", first, files.MAIN_LOG)
        assert place.full == log

    def test_of_one_in_the_trash_all_is_done_again(self, runner: Runner) -> None:
        runner.ends = {"_b": FAILS}
        steps = {name: {**step, "is_deterministic": False} for name, step in CHAIN.items()}
        runner.done(steps)
        call(runner.site, trash.delete, "default", {"runs": ["p"]})
        runner.ends = {}
        assert runner.retry("p")["status"] == "Completed"
        assert [n.rpartition("_")[2] for n in runner.begun()] == ["a", "b", "a", "b", "c"]

    def test_within_a_pipeline_too(self, runner: Runner) -> None:
        steps = {name: {**step, "is_deterministic": False} for name, step in CHAIN.items()}
        inner = {"type": "pipeline", "jobs": steps}
        runner.ends = {"_n_c": FAILS}
        assert runner.done({"n": inner})["status"] == "Failed"
        runner.ends = {}
        assert runner.retry("p")["status"] == "Completed"
        assert [name.rpartition("_")[2] for name in runner.begun()] == ["a", "b", "c", "c"]

    def test_not_while_it_goes_on(self, runner: Runner) -> None:
        runner.submit(CHAIN)
        with pytest.raises(Conflict, match="goes on by itself"):
            runner.retry("p")


class TestLists:
    def names(self, runner: Runner, **filters: str) -> list[str]:
        query = Query(50, None, None, filters)
        found = call(runner.site, jobs.find, "default", query, write=False)
        return sorted(job["name"] for job in found["value"])

    def test_steps_are_listed_below_their_parent_only(self, runner: Runner) -> None:
        runner.done(CHAIN)
        assert self.names(runner) == ["p"]
        assert self.names(runner, parent="p") == ["p_a", "p_b", "p_c"]


BEA = Principal.of("bea", "user", "AzureML Data Scientist", "lab")
EVE = Principal.of("eve", "user", "Reader", "default")


class TestRights:
    def test_a_reader_looks_and_does_nothing(self, runner: Runner) -> None:
        runner.done(CHAIN)
        assert call(runner.site, jobs.get, "default", "p", who=EVE, write=False)["steps"]
        with pytest.raises(Forbidden):
            runner.submit(CHAIN, "q", who=EVE)
        with pytest.raises(Forbidden):
            runner.retry("p", who=EVE)

    def test_a_foreign_workspace_is_absent(self, runner: Runner) -> None:
        call(runner.site, workspaces.create, {"name": "lab"})
        runner.done(CHAIN)
        said: list[str] = []
        for place in ("default", "nowhere"):
            with pytest.raises(LazurError) as refused:
                call(runner.site, jobs.retry, place, "p", who=BEA)
            said.append(str(refused.value.message).replace(place, "W"))
        assert said[0] == said[1]


class TestQuotas:
    def test_steps_do_not_count_among_what_waits(self, runner: Runner) -> None:
        site = runner.site
        limits = {"limits": {"queued-jobs": 2}}
        call(site, quotas.put, "default", limits)
        view = runner.done({f"s{n}": command(f"x{n}") for n in range(6)})
        assert view["status"] == "Completed", view["error"]

    def test_what_runs_is_bounded(self, runner: Runner) -> None:
        call(runner.site, quotas.put, "default", {"limits": {"running-jobs": 2}})
        runner.submit({f"s{n}": command(f"x{n}") for n in range(5)})
        runner.server.settle()
        assert len(runner.site.engine.going_on()) == 2
        runner.run()
        assert runner.show("p")["status"] == "Completed"


class TestLostWakes:
    """A step ends between the look of its parent and the parent's rest."""

    def test_a_step_that_ends_while_its_parent_looks_is_seen(
        self, runner: Runner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        runner.submit(CHAIN)
        runner.server.settle()
        other = Server(runner.site)
        ended: list[str] = []
        rest = ParentRound._rest

        def late(self: Any, due_at: float | None) -> None:
            if not ended:
                ended.append("p_a")
                runner._write("default", "p_a")
                runner.site.engine.end("default/p_a/1")
                other.jobs._one(row_id(runner.site, "p_a"), None)
            rest(self, due_at)

        monkeypatch.setattr(ParentRound, "_rest", late)
        runner.server.jobs._one(row_id(runner.site, "p"), None)
        runner.server.settle()
        assert ended
        assert "p_b" in runner.begun()

    def test_a_lease_that_was_lost_writes_nothing(
        self, runner: Runner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        draft = ParentRound._draft

        def lost(self: Any, *words: Any) -> Any:
            made = draft(self, *words)
            with runner.site.db.write() as db:
                db.execute(text("UPDATE lazur_jobs SET lease_token = 'other' WHERE name = 'p'"))
            return made

        monkeypatch.setattr(ParentRound, "_draft", lost)
        runner.submit(CHAIN)
        assert runner.begun() == []
        with pytest.raises(NotFound):
            runner.show("p_a")
        monkeypatch.undo()
        with runner.site.db.write() as db:
            db.execute(text("UPDATE lazur_jobs SET lease_token = NULL, lease_until = NULL"))
        runner.run()
        assert runner.show("p")["status"] == "Completed"
        assert len(runner.begun()) == 3

    def test_two_servers_run_each_step_once(self, runner: Runner) -> None:
        other = Server(runner.site)
        runner.submit({**CHAIN, **{f"s{n}": command(f"x{n}") for n in range(4)}})
        for _ in range(12):
            for server in (runner.server, other):
                server.settle()
            for key in runner.site.engine.going_on():
                runner._write("default", key.split("/")[1])
                runner.site.engine.end(key)
        assert runner.show("p")["status"] == "Completed"
        assert set(runner.site.engine.begun.values()) == {1}
        assert len(runner.site.engine.begun) == 7


def row_id(site: TestSite, name: str) -> int:
    with site.db.read() as db:
        asked = text("SELECT id FROM lazur_jobs WHERE name = :n")
        return int(db.execute(asked, {"n": name}).scalar_one())
