"""Scripts that log with MLflow, in jobs: real servers, real processes, upstream's own client."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.journeys.conftest import Person
from tests.journeys.test_life import until
from tests.journeys.tracking import AZURE, TRACKED, Scientist, look_in, own
from tests.pythons import on_path

pytestmark = pytest.mark.slow


class TestScript:
    def test_that_only_logs_is_the_jobs_run(self, scientist: Scientist) -> None:
        name = scientist.train(
            """\
            import mlflow
            mlflow.log_param("rate", 0.1)
            mlflow.log_metric("loss", 0.5)
            mlflow.log_metric("loss", 0.25, step=1)
            mlflow.set_tag("kind", "small")
            mlflow.log_text("hello", "notes/hello.txt")
            """,
            experiment_name="wine",
            display_name="first try",
        )
        run = scientist.run(name)
        assert (run.info.run_id, run.info.run_name) == (name, "first try")
        assert run.info.status == "FINISHED"
        assert run.data.params == {"rate": "0.1"}
        assert own(run.data.metrics) == {"loss": 0.25}
        assert run.data.tags["kind"] == "small"
        assert scientist.client.get_experiment(run.info.experiment_id).name == "wine"
        assert scientist.others(name) == []
        assert scientist.person.download(name)["artifacts/notes/hello.txt"] == "hello"

    def test_that_starts_runs_gets_the_jobs_first(self, scientist: Scientist) -> None:
        name = scientist.train(
            """\
            import mlflow
            with mlflow.start_run(run_name="mine"):
                mlflow.log_metric("outer", 1)
                with mlflow.start_run(nested=True):
                    mlflow.log_metric("inner", 2)
            with mlflow.start_run():
                mlflow.log_metric("second", 3)
            """
        )
        run = scientist.run(name)
        assert own(run.data.metrics) == {"outer": 1}
        assert run.info.run_name == "mine"
        assert scientist.person.ok("job", "show", "-n", name)["display_name"] == "mine"
        inner, second = scientist.others(name)
        assert own(inner.data.metrics) == {"inner": 2}
        assert inner.data.tags["mlflow.parentRunId"] == name
        assert own(second.data.metrics) == {"second": 3}
        assert "mlflow.parentRunId" not in second.data.tags
        assert {inner.info.status, second.info.status} == {"FINISHED"}

    def test_that_autologs_leaves_params_metrics_and_a_model(self, scientist: Scientist) -> None:
        name = scientist.train(
            """\
            import mlflow
            from sklearn.datasets import load_iris
            from sklearn.svm import SVC
            mlflow.sklearn.autolog()
            SVC(C=0.8).fit(*load_iris(return_X_y=True))
            """
        )
        run = scientist.run(name)
        assert run.data.params["C"] == "0.8"
        assert run.data.metrics["training_accuracy_score"] > 0.9
        assert [i.dataset.name for i in run.inputs.dataset_inputs] == ["dataset"]
        folder = scientist.person.folder / "results"
        download = ("job", "download", "-n", name, "--all", "-p", str(folder))
        assert scientist.person(*download).code == 0
        assert "flavors:" in (folder / "artifacts/model/MLmodel").read_text()

    @pytest.mark.parametrize("path", ["/mlflow/workspaces/default", AZURE, "/mlflow"])
    def test_that_names_our_address_and_experiment(self, scientist: Scientist, path: str) -> None:
        name = scientist.train(
            f"""\
            import os, mlflow
            mlflow.set_tracking_uri(os.environ["LAZUR_SERVER"] + "{path}")
            mlflow.set_experiment("named")
            with mlflow.start_run() as run:
                mlflow.log_metric("loss", 1)
            assert run.info.run_id == os.environ["LAZUR_JOB"]
            """,
            experiment_name="named",
        )
        assert own(scientist.run(name).data.metrics) == {"loss": 1}

    def test_that_chooses_another_experiment_takes_the_job_there(
        self, scientist: Scientist
    ) -> None:
        name = scientist.train(
            """\
            import mlflow
            mlflow.set_experiment("chosen")
            mlflow.log_metric("loss", 1)
            """,
            experiment_name="first",
        )
        run = scientist.run(name)
        assert own(run.data.metrics) == {"loss": 1}
        assert scientist.client.get_experiment(run.info.experiment_id).name == "chosen"
        job = scientist.person.ok("job", "show", "-n", name)
        assert job["experiment_name"] == "chosen"

    def test_that_does_nothing_is_a_run_all_the_same(self, scientist: Scientist) -> None:
        name = scientist.train("import time; time.sleep(4)")
        run = scientist.run(name)
        assert run.info.status == "FINISHED"
        assert run.data.params == own(run.data.metrics) == {}
        assert run.data.metrics["system/system_memory_usage_megabytes"] > 0

    def test_that_wants_no_system_metrics_has_none(self, scientist: Scientist) -> None:
        variables = {"MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING": "false"}
        name = scientist.train("import time; time.sleep(1.5)", environment_variables=variables)
        assert scientist.run(name).data.metrics == {}


class TestEnd:
    def test_an_exit_code_is_a_failed_run(self, scientist: Scientist) -> None:
        name = scientist.submit("raise SystemExit(1)")
        job = scientist.end(name)
        run = scientist.run(name)
        assert (job["status"], run.info.status) == ("Failed", "FAILED")
        assert run.info.end_time >= run.info.start_time

    def test_a_kill_ends_the_runs_that_were_open(self, scientist: Scientist) -> None:
        name = scientist.submit(
            """\
            import os, mlflow
            mlflow.start_run()
            mlflow.start_run(nested=True)
            os.kill(os.getpid(), 9)
            """
        )
        assert scientist.end(name)["status"] == "Failed"
        assert scientist.run(name).info.status == "FAILED"
        assert [run.info.status for run in scientist.others(name)] == ["FAILED"]

    def test_a_run_ended_as_failed_fails_a_job_that_exits_with_0(
        self, scientist: Scientist
    ) -> None:
        name = scientist.submit(
            """\
            import contextlib, mlflow
            with contextlib.suppress(ValueError), mlflow.start_run():
                raise ValueError("no convergence")
            """
        )
        job = scientist.end(name)
        assert (job["status"], job["error"]["code"]) == ("Failed", "RunFailed")
        assert scientist.run(name).info.status == "FAILED"


class TestSeveral:
    def test_processes_of_a_job_do_not_fight(self, scientist: Scientist) -> None:
        name = scientist.train(
            """\
            import os, mlflow
            rank = int(os.environ["RANK"])
            mlflow.log_param("rank", rank)
            mlflow.log_metric("loss", rank / 10)
            """,
            distribution={"type": "pytorch", "process_count_per_instance": 2},
        )
        run = scientist.run(name)
        assert run.data.params == {"rank": "0"}
        (beside,) = scientist.others(name)
        assert beside.data.params == {"rank": "1"}
        assert own(beside.data.metrics) == {"loss": 0.1}
        assert beside.data.tags["mlflow.parentRunId"] == name
        assert beside.info.status == "FINISHED"

    def test_a_child_job_is_a_child_run_and_writes_to_its_parents(
        self, scientist: Scientist
    ) -> None:
        parent = scientist.train("pass")
        child = scientist.train(
            f"""\
            import mlflow
            mlflow.log_metric("own", 1)
            mlflow.MlflowClient().log_metric("{parent}", "from_child", 2)
            """,
            parent_job_name=parent,
        )
        assert scientist.run(child).data.tags["mlflow.parentRunId"] == parent
        assert own(scientist.run(child).data.metrics) == {"own": 1}
        assert own(scientist.run(parent).data.metrics) == {"from_child": 2}

    def test_a_job_does_not_write_to_anothers_run(self, scientist: Scientist) -> None:
        theirs = scientist.train("pass")
        mine = scientist.submit(
            f"""\
            import mlflow
            mlflow.MlflowClient().log_metric("{theirs}", "loss", 2)
            """
        )
        assert scientist.end(mine)["status"] == "Failed"
        assert f"is that of job '{theirs}'" in scientist.person.log(mine)
        assert own(scientist.run(theirs).data.metrics) == {}


class TestLongName:
    def test_both_its_names_are_known_everywhere(self, scientist: Scientist) -> None:
        name = scientist.train(
            """\
            import os, mlflow
            mlflow.log_metric("loss", 1)
            mlflow.MlflowClient().log_metric(os.environ["AZUREML_RUN_ID"], "by_name", 2)
            """,
            name="n" * 255,
        )
        run = scientist.run(name)
        assert len(run.info.run_id) == 32
        assert own(run.data.metrics) == {"loss": 1, "by_name": 2}
        for asked in (name, run.info.run_id):
            assert scientist.run(asked).info.run_id == run.info.run_id
            shown = scientist.person.ok("job", "show", "-n", asked)
            assert (shown["name"], shown["run_id"]) == (name, run.info.run_id)
            tracked = scientist.person.ok("run", "show", "-n", asked, "-o", "json")
            assert tracked["id"] == run.info.run_id
            assert scientist.person("job", "stream", "-n", asked).code == 0


class TestServerKilled:
    def test_nothing_that_was_acknowledged_is_lost(
        self, newcomer: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        scientist = look_in(newcomer, monkeypatch)
        name = scientist.submit(
            """\
            import time, mlflow
            for step in range(60):
                mlflow.log_metric("step", step, step=step)
                print(step, flush=True)
                time.sleep(0.05)
            """
        )
        artifacts = newcomer.home / "workspaces/default/workspaceartifactstore/ExperimentRun"
        log = artifacts / f"dcid.{name}/user_logs/std_log.txt"
        for at in (10, 30):
            until(lambda at=at: log.exists() and f"\n{at}\n" in log.read_text())
            os.kill(newcomer.server, signal.SIGKILL)
            time.sleep(0.5)
            newcomer.ok("workspace", "list")
        assert scientist.end(name)["status"] == "Completed"
        history = scientist.client.get_metric_history(name, "step")
        assert [(point.step, point.value) for point in history] == [(n, n) for n in range(60)]
        assert scientist.run(name).info.status == "FINISHED"


class TestTls:
    def test_client_and_samples_trust_the_servers_own_authority(
        self, home: Path, tmp_path: Path
    ) -> None:
        person = Person(home, tmp_path, {"LAZUR_TLS": "true"})
        person.write("src/script.py", "import mlflow\nmlflow.log_metric('loss', 1)\n")
        spec = {"code": "src", "command": "python script.py", **TRACKED}
        person.write("job.yml", json.dumps(spec))
        try:
            name = person.run("job.yml")
            run = person.ok("run", "show", "-n", name, "-o", "json")
            assert run["url"].startswith("https:")
            assert run["metrics"]["loss"] == 1
            assert run["metrics"]["system/system_memory_usage_megabytes"] > 0
        finally:
            person.stop()


class TestOutside:
    def test_a_laptops_run_is_a_run_like_any_other(self, scientist: Scientist) -> None:
        script = """\
import mlflow
mlflow.set_experiment("at home")
with mlflow.start_run(run_name="at home") as run:
    mlflow.log_metric("loss", 1)
    mlflow.log_text("hello", "hello.txt")
print(run.info.run_id)
"""
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "MLFLOW_TRACKING_URI": scientist.client.tracking_uri},
            capture_output=True,
            text=True,
            check=True,
        )
        run_id = done.stdout.split()[-1]
        listed = scientist.person.ok("run", "list", "--experiment-name", "at home", "-o", "json")
        assert [(run["id"], run["name"]) for run in listed] == [(run_id, "at home")]
        assert [f.path for f in scientist.client.list_artifacts(run_id)] == ["hello.txt"]

    @pytest.mark.network
    @pytest.mark.parametrize("version, python", [("1.30.0", "3.9"), ("2.9.2", "3.11")])
    def test_an_old_client_is_tracked_as_well(
        self, scientist: Scientist, version: str, python: str
    ) -> None:
        if on_path(python) is None:
            pytest.skip(f"no Python {python} on the path")
        packages = [f"mlflow-skinny=={version}", "setuptools<80"]
        name = scientist.train(
            f"""\
            import os, mlflow
            assert mlflow.__version__ == "{version}"
            mlflow.set_experiment("old")
            with mlflow.start_run() as run:
                assert run.info.run_id == os.environ["AZUREML_RUN_ID"]
                mlflow.log_params({{"rate": 0.1}})
                mlflow.log_metric("loss", 0.5, step=1)
                mlflow.log_text("hello", "hello.txt")
                with mlflow.start_run(nested=True):
                    mlflow.log_metric("inner", 1)
            """,
            experiment_name="old",
            environment={
                "image": f"python:{python}",
                "conda_file": {"dependencies": [f"python={python}", {"pip": packages}]},
            },
            environment_variables={**TRACKED["environment_variables"], "PYTHONPATH": ""},
        )
        assert scientist.run(name).data.params == {"rate": "0.1"}
        (inner,) = scientist.others(name)
        assert inner.data.tags["mlflow.parentRunId"] == name
        assert scientist.person.download(name)["artifacts/hello.txt"] == "hello"
