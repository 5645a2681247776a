"""Sweeps on real databases: what is frozen, what trials report, what becomes of the best, and how
a sweep is gone on with."""

from __future__ import annotations

from typing import Any

import pytest

from lazur.engine.plan import Exit
from lazur.errors import Conflict, Forbidden, Invalid, NotFound
from lazur.loops.reports import Reports
from lazur.services.assets import assets
from lazur.services.base.access import Principal
from lazur.services.jobs import jobs
from lazur.store import jobs as job_rows
from lazur.store import workspaces as spaces_of
from lazur.store.jobs import JobRow
from lazur.store.mlflow import metrics
from lazur.testing.fakes import Engine
from tests.site import ENVIRONMENT, Server, TestSite, call

EVE = Principal.of("eve", "user", "Reader", "default")
BEA = Principal.of("bea", "user", "Reader", "lab")
SWEEP: dict[str, Any] = {
    "type": "sweep",
    "trial": {"command": "train ${{search_space.x}}", "environment": ENVIRONMENT},
    "sampling_algorithm": {"type": "random", "seed": 1},
    "search_space": {"x": {"type": "uniform", "min_value": 0, "max_value": 1}},
    "outputs": {"model": None},
    "objective": {"goal": "maximize", "primary_metric": "m"},
    "limits": {"max_total_trials": 3, "max_concurrent_trials": 3},
}


class Runner:
    def __init__(self, site: TestSite, engine: Engine) -> None:
        self.site = site
        self.engine = engine
        self.server = Server(site)

    def submit(self, **more: Any) -> Any:
        call(self.site, jobs.submit, "default", SWEEP | {"name": "s"} | more)
        self.server.settle()

    def report(self, name: str, value: float, second: int = 1) -> None:
        run_id = self.server.show(name).get("run_id", name)
        with self.site.db.write() as db:
            metrics.log(db, run_id, ("m", value, 1000 * second, 0, False))

    def end(self, name: str, value: float | None = None, how: Exit | None = None) -> None:
        key = f"default/{name}/1"
        self.engine.run(key)
        if value is not None:
            self.report(name, value)
        self.engine.end(key, how)
        self.server.settle()

    def trials(self, name: str = "s") -> list[dict[str, Any]]:
        return call(self.site, jobs.trials, "default", name)["value"]


@pytest.fixture
def runner(site: TestSite, engine: Engine) -> Runner:
    return Runner(site, engine)


class TestTrials:
    def test_they_are_jobs_that_name_their_sweep(self, runner: Runner) -> None:
        runner.submit()
        trials = runner.trials()
        assert [t["name"] for t in trials] == ["s_0", "s_1", "s_2"]
        shown = runner.server.show("s_0")
        assert shown["inputs"] == trials[0]["values"]
        assert shown["parent_job_name"] == "s"

    def test_the_best_ones_outputs_are_the_sweeps(self, runner: Runner) -> None:
        runner.submit()
        for name, value in (("s_0", 0.1), ("s_1", 0.9), ("s_2", 0.5)):
            runner.end(name, value)
        shown = runner.server.show("s")
        assert shown["status"] == "Completed"
        assert shown["properties"]["best_child_run_id"] == "s_1"
        assert "/s_1/" in shown["outputs"]["model"]["path"]
        assert [(t["score"], t["best"]) for t in runner.trials()] == [
            (0.1, False),
            (0.9, True),
            (0.5, False),
        ]

    @pytest.mark.parametrize(
        "policy", [{}, {"early_termination": {"type": "bandit", "slack_amount": 1e9}}]
    )
    def test_its_score_is_what_its_run_shows(self, runner: Runner, policy: Any) -> None:
        """A script that goes back in its steps, and one that ends with no number."""
        runner.submit(**policy)
        logged = (
            [("m", 0.5, 1000, 7, False), ("m", 0.9, 2000, 3, False)],
            [("m", 0.8, 1000, 1, False), ("m", 0.0, 2000, 2, True)],
            [("m", 0.1, 1000, 0, False), ("m", 0.4, 1000, 0, False)],
        )
        for n, points in enumerate(logged):
            run = runner.server.show(f"s_{n}").get("run_id", f"s_{n}")
            with runner.site.db.write() as db:
                metrics.log_many(db, run, points)
        for n in range(3):
            runner.end(f"s_{n}")
        found = [(t["score"], t["best"]) for t in runner.trials()]
        assert found == [(0.5, True), (None, False), (0.4, False)]
        assert runner.server.show("s")["properties"]["score"] == "0.5"

    def test_a_named_output_is_registered_once_of_the_best(self, runner: Runner) -> None:
        runner.submit(outputs={"model": {"type": "uri_folder", "name": "best"}})
        for name, value in (("s_0", 0.1), ("s_1", 0.9), ("s_2", 0.5)):
            runner.end(name, value)
        found = call(runner.site, assets.get, "default", "data", "best", "1")
        assert "/s_1/" in found["path"]
        with pytest.raises(NotFound):
            call(runner.site, assets.get, "default", "data", "best", "2")

    def test_what_was_chosen_is_a_parameter_that_the_script_may_have_set(
        self, runner: Runner
    ) -> None:
        runner.submit()
        runner.end("s_0", 0.1)
        run = runner.server.show("s_0").get("run_id", "s_0")
        with runner.site.db.read() as db:
            rows = db.exec_driver_sql(f"SELECT key FROM params WHERE run_uuid = '{run}'").all()
        assert [row[0] for row in rows] == ["x"]

    def test_other_jobs_have_none(self, runner: Runner) -> None:
        spec = {"command": "true", "environment": ENVIRONMENT, "name": "plain"}
        call(runner.site, jobs.submit, "default", spec)
        with pytest.raises(Invalid, match="no sweep"):
            runner.trials("plain")

    def test_a_reader_looks_and_goes_on_with_nothing(self, runner: Runner) -> None:
        runner.submit()
        assert call(runner.site, jobs.trials, "default", "s", who=EVE)["value"]
        with pytest.raises(Forbidden):
            call(runner.site, jobs.extend, "default", "s", {}, who=EVE)

    def test_whose_workspace_it_is_not_sees_nothing(self, runner: Runner) -> None:
        runner.submit()
        with pytest.raises(NotFound):
            call(runner.site, jobs.trials, "default", "s", who=BEA)


class TestFreeze:
    def test_a_registered_component_is_a_trial_as_it_was_then(self, runner: Runner) -> None:
        component = {
            "name": "train",
            "type": "command",
            "command": "train ${{inputs.x}} ${{inputs.n}}",
            "environment": ENVIRONMENT,
            "inputs": {"x": {"type": "number"}, "n": {"type": "integer", "default": 3}},
        }
        call(runner.site, assets.create, "default", "components", component)
        runner.submit(trial="azureml:train@latest")
        assert runner.server.show("s_0")["inputs"]["n"] == 3

    def test_an_environment_that_serves_for_another_is_told(self, runner: Runner) -> None:
        asked = "azureml:AzureML-lightgbm-3.2-ubuntu18.04-py37-cpu@latest"
        runner.submit(trial={"command": "t ${{search_space.x}}", "environment": asked})
        (told,) = runner.server.show("s")["warnings"]
        assert "lightgbm-3.3:1 serves" in told

    def test_what_is_not_there_is_said_before_anything_runs(self, runner: Runner) -> None:
        with pytest.raises(Exception, match="absent"):
            runner.submit(trial="azureml:absent:1")


class TestReports:
    def test_a_report_wakes_a_sweep_that_stops_trials(self, runner: Runner) -> None:
        runner.submit(early_termination={"type": "bandit", "slack_factor": 0.1})
        runner.end("s_0", 0.9)
        runner.engine.run("default/s_1/1")
        runner.server.settle()
        runner.report("s_1", 0.1, second=2)
        parent = _row(runner, "s_1").parent_id
        loop = Reports(runner.site)
        runner.site.bus.publish("reported", str(parent))
        loop.round()
        runner.server.settle()
        stopped = next(t for t in runner.trials() if t["number"] == 1)
        assert stopped["stopped_at"] == 1
        assert runner.server.show("s_1")["status"] in {"CancelRequested", "Canceled"}

    def test_others_are_left_alone(self, runner: Runner) -> None:
        runner.submit()
        before = runner.server.show("s")["etag"]
        loop = Reports(runner.site)
        runner.site.bus.publish("reported", str(_id(runner, "s")))
        loop.round()
        assert runner.server.show("s")["etag"] == before


class TestExtend:
    def test_trials_that_ended_well_are_taken_over(self, runner: Runner) -> None:
        runner.submit()
        runner.end("s_0", 0.1)
        runner.end("s_1", 0.9)
        runner.end("s_2", how=Exit("exit", code=1))
        store = runner.site.home.datastore("default", "workspaceblobstore")
        for trial in ("s_0", "s_1"):  # what is not there any more is made again
            (store / "azureml" / trial / "model").mkdir(parents=True)
        made = call(runner.site, jobs.extend, "default", "s", {"max_total_trials": 4})
        runner.server.settle()
        name = made["name"]
        assert "score" not in made["properties"]
        before, after = runner.trials(), runner.trials(name)
        assert [t["values"] for t in after[:3]] == [t["values"] for t in before]
        assert [t["score"] for t in after] == [0.1, 0.9, None, None][: len(after)]
        assert [t["status"] for t in after[:2]] == ["Completed", "Completed"]
        runner.end(f"{name}_2", 0.2)
        runner.end(f"{name}_3", 0.3)
        shown = runner.server.show(name)
        assert shown["properties"]["best_child_run_id"] == f"{name}_1"
        assert "/s_1/" in shown["outputs"]["model"]["path"]

    def test_it_has_to_be_over(self, runner: Runner) -> None:
        runner.submit()
        with pytest.raises(Conflict):
            call(runner.site, jobs.extend, "default", "s", {"max_total_trials": 4})

    @pytest.mark.parametrize(
        "limits, said",
        [
            ({"max_trials": 4}, "no limit"),
            ({"max_total_trials": 0}, "greater than"),
            ({}, "how much further"),
            ({"max_total_trials": None, "timeout": None}, "how much further"),
            ({"max_total_trials": 1}, "has 1 trials already"),
            ({"max_total_trials": 1, "max_concurrent_trials": 1}, "has 1 trials already"),
        ],
    )
    def test_limits_are_checked(self, runner: Runner, limits: dict[str, Any], said: str) -> None:
        runner.submit(limits={"max_total_trials": 1})
        runner.end("s_0", 0.5)
        with pytest.raises(Invalid, match=said):
            call(runner.site, jobs.extend, "default", "s", limits)

    @pytest.mark.parametrize(
        "limits",
        [{"timeout": 60}, {"max_total_trials": 1, "timeout": 60}, {"max_total_trials": 2}],
    )
    def test_more_time_or_more_trials_will_do(
        self, runner: Runner, limits: dict[str, Any]
    ) -> None:
        runner.submit(limits={"max_total_trials": 1})
        runner.end("s_0", 0.5)
        made = call(runner.site, jobs.extend, "default", "s", limits)
        assert made["limits"] == {"max_total_trials": 1, **limits}


def _id(runner: Runner, name: str) -> int:
    return _row(runner, name).id


def _row(runner: Runner, name: str) -> JobRow:
    with runner.site.db.read() as db:
        home = spaces_of.by_name(db, "default")
        assert home is not None
        row = job_rows.by_name(db, home.id, name)
    assert row is not None
    return row
