"""Out to Azure's YAML, and in from what Azure's client fetches."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli, stop
from tests.cli.tracked import Tracker
from tests.parity import clients
from tests.parity.conftest import Cloud

pytestmark = pytest.mark.slow

FILES = {
    "src/main.py": "print('hello')\n",
    "env.yml": "{name: tools, image: python, conda_file: {dependencies: [python=3.11]}}",
    "component.yml": """
type: command
name: train
command: python main.py ${{inputs.x}} > ${{outputs.o}}/log
code: ./src
environment: azureml:tools:1
inputs: {x: {type: integer, default: 3}}
outputs: {o: {type: uri_folder}}
""",
    "job.yml": """
command: python main.py ${{inputs.x}}
code: ./src
environment: azureml:tools:1
inputs: {x: 1, d: {type: uri_folder, path: ./src}}
resources: {instance_count: 1}
limits: {timeout: 600}
""",
    "pipeline.yml": """
type: pipeline
inputs: {x: 5}
outputs: {r: {type: uri_folder}}
settings: {default_compute: local}
jobs:
  one: {type: command, component: "azureml:train:1", inputs: {x: "${{parent.inputs.x}}"}}
  two:
    type: command
    command: ls ${{inputs.d}} > ${{outputs.q}}/list
    environment: azureml:tools:1
    inputs: {d: "${{parent.jobs.one.outputs.o}}"}
    outputs: {q: "${{parent.outputs.r}}"}
  three:
    type: command
    command: echo after
    environment: azureml:tools:1
    depends_on: [two]
""",
    "sweep.yml": """
type: sweep
trial: {command: "echo ${{search_space.lr}}", environment: "azureml:tools:1"}
search_space: {lr: {type: uniform, min_value: 0.1, max_value: 1}}
sampling_algorithm: random
objective: {goal: maximize, primary_metric: score}
limits: {max_total_trials: 2, max_concurrent_trials: 2}
early_termination: {type: bandit, slack_factor: 0.1, evaluation_interval: 1}
""",
    "parallel.yml": """
type: parallel
inputs: {d: {type: uri_folder, path: ./src}}
outputs: {o: {type: uri_file}}
input_data: ${{inputs.d}}
mini_batch_size: "1"
task:
  type: run_function
  code: ./src
  entry_script: main.py
  environment: azureml:tools:1
  append_row_to: ${{outputs.o}}
""",
    "schedule.yml": """
name: nightly
trigger: {type: cron, expression: "0 5 * * *"}
create_job: ./job.yml
""",
    "daily.yml": """
name: daily
trigger: {type: cron, expression: "0 5 * * *"}
create_job: {type: command, command: python main.py 1, code: ./src, environment: "azureml:tools:1"}
""",
    "line.yml": """
type: pipeline
settings: {default_compute: local}
jobs: {one: {type: command, component: "azureml:train:1", inputs: {x: 2}}}
""",
    "inline.yml": """
type: pipeline
name: inline
settings: {default_compute: "azureml:local"}
jobs:
  one:
    type: command
    command: python main.py
    code: ./src
    environment: {image: "python:3.11", conda_file: {name: x, dependencies: [python=3.11]}}
""",
    "store.yml": "{name: far, type: azure_blob, account_name: acc, container_name: con}",
    "git.yml": "{name: forge, type: git, target: 'https://example.org/code'}",
}
COMMANDS = """
environment create -f env.yml
component create -f component.yml
data create -n numbers -t uri_folder -p src
model create -n mind -p src/main.py
job create -f job.yml
job create -f pipeline.yml
job create -f sweep.yml
job create -f parallel.yml
schedule create -f schedule.yml
datastore create -f store.yml
connection create -f git.yml
"""


ATTIC = """
environment create -f env.yml
data create -n numbers -t uri_folder -p src
data create -n numbers -v 2 -t uri_folder -p src
data archive -n numbers -v 1
data create -n older -t uri_folder -p src
data archive -n older
schedule create -f daily.yml
schedule disable -n daily
component create -f component.yml
job create -f line.yml --name line
job create -f job.yml --name plain --set inputs.d=azureml:numbers:2
job create -f sweep.yml --name search
"""


SUBMIT = """
import sys
from azure.ai.ml import MLClient, load_job
from azure.identity import DefaultAzureCredential
client = MLClient.from_config(DefaultAzureCredential(), path=sys.argv[2])
client.jobs.create_or_update(load_job(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def filled(cloud: Cloud) -> Cloud:
    for name, text in FILES.items():
        file = cloud.cli.folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    for line in COMMANDS.strip().splitlines():
        ran = cloud.cli(*line.split())
        assert ran.code == 0, ran.err
    return cloud


class TestExport:
    @pytest.mark.parametrize("release", clients.RELEASES)
    def test_azures_client_takes_every_file(
        self, filled: Cloud, release: str, tmp_path: Path
    ) -> None:
        python = clients.python(release)
        if python is None:
            pytest.skip(f"azure-ai-ml {release} is not installed: make azure-clients")
        done = filled.cli.ok("azure", "export", "--to", str(tmp_path / "out"))
        assert (done["assets"], done["jobs"], done["schedules"]) == (4, 4, 1)
        ran = subprocess.run(
            [python, "-m", "tests.parity.load", str(tmp_path / "out")],
            env=filled.environ(tmp_path, PYTHONPATH=str(clients.ROOT)),
            capture_output=True,
            text=True,
            check=False,
        )
        told = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
        assert len(told) == 12, ran.stderr
        assert not [one for one in told if one["error"]]

    def test_what_azure_does_not_have_is_named(self, filled: Cloud, tmp_path: Path) -> None:
        left_out = filled.cli.ok("azure", "export", "--to", str(tmp_path / "out"))["left_out"]
        assert any("jobs.three.depends_on" in line for line in left_out)
        assert any("parallel job by itself" in line for line in left_out)

    def test_some_kinds_may_be_chosen(self, filled: Cloud, tmp_path: Path) -> None:
        words = ("azure", "export", "--to", str(tmp_path / "out"), "--what")
        done = filled.cli.ok(*words, "models,jobs")
        assert (done["assets"], done["jobs"], done["schedules"]) == (1, 4, 0)
        assert "cats" in filled.cli(*words, "cats").err

    def test_what_was_written_is_taken_here_again(self, filled: Cloud, tmp_path: Path) -> None:
        filled.cli.ok("azure", "export", "--to", str(tmp_path / "out"))
        for kind in ("jobs",):
            for file in (tmp_path / "out" / kind).glob("*.yml"):
                ran = filled.cli("job", "validate", "-f", str(file))
                assert ran.code == 0, ran.err


class TestImport:
    def test_a_workspace_comes_here_twice_as_once(self, filled: Cloud, tmp_path: Path) -> None:
        python = clients.python(clients.NEWEST)
        if python is None:
            pytest.skip("azure-ai-ml is not installed: make azure-clients")
        filled.cli("azure", "config", "--dir", str(tmp_path))
        (tmp_path / "home").mkdir(mode=0o700)
        here = Cli(tmp_path / "home", tmp_path)
        words = ("azure", "import", "--from-config", "config.json", "--with-files")
        try:
            first = here(*words, "--python", str(python), **filled.variables).json()
            again = here(*words, "--python", str(python), **filled.variables).json()
            assert first["made"] >= 4, first
            assert again["made"] == 0, again
            assert here.ok("model", "show", "-n", "mind", "-v", "1")["type"] == "custom_model"
            here("model", "download", "-n", "mind", "-v", "1", "-p", str(tmp_path / "got"))
            found = next((tmp_path / "got").rglob("main.py"))
            assert found.read_text() == FILES["src/main.py"]
            assert any("credentials" in line for line in first["left_out"])
            triggered = here.ok("schedule", "trigger", "nightly")["job_name"]
            assert here("job", "stream", "-n", triggered).code == 0
            given = here.ok("job", "show", "-n", triggered)["inputs"]["d"]
            here("job", "download", "-n", triggered, "-p", str(tmp_path / "out"))
            assert given["path"].startswith("tree:"), first["left_out"]
        finally:
            stop(here.home)

    def test_experiments_come_with_all_that_was_tracked(
        self, cloud: Cloud, tmp_path: Path
    ) -> None:
        python = clients.python(clients.NEWEST)
        if python is None:
            pytest.skip("azure-ai-ml is not installed: make azure-clients")
        there = Tracker.of(cloud.cli)
        run = there.run("one", {"loss": [3.0, 2.0, 1.5]}, {"lr": "0.1"}, "tries")
        child = there.run("two", {"auc": [0.5]})
        there.post("runs/set-tag", {"run_id": child, "key": "mlflow.parentRunId", "value": run})
        there.upload(run, "model/MLmodel", b"flavors: {}\n")
        cloud.cli("azure", "config", "--dir", str(tmp_path))
        (tmp_path / "home").mkdir(mode=0o700)
        here = Cli(tmp_path / "home", tmp_path)
        words = ("azure", "import", "--from-config", "config.json", "--what", "experiments")
        words += ("--with-artifacts", "--python", str(python))
        try:
            first = here(*words, **cloud.variables).json()
            late = there.run("three", experiment="later")
            again = here(*words, **cloud.variables).json()
            assert first["runs"] >= 2, first  # jobs of other tests have runs, too
            assert again["runs"] >= 1, again
            old, new = _run(cloud.cli, run), _run(here, run)
            told = ("name", "params", "metrics", "status", "started_at", "ended_at")
            assert {key: old[key] for key in told} == {key: new[key] for key in told}
            assert new["experiment_name"] == "tries"
            points = here.ok("run", "metrics", run, "--metric", "loss", "-o", "json")
            assert points == cloud.cli.ok("run", "metrics", run, "--metric", "loss", "-o", "json")
            assert _run(here, child)["parent"] == new["id"]
            assert _run(here, late)["experiment_name"] == "later"
            (file,) = here.home.rglob(f"{new['id']}/artifacts/model/MLmodel")
            assert file.read_bytes() == b"flavors: {}\n"
        finally:
            stop(here.home)

    def test_what_is_put_away_comes_put_away(self, filled: Cloud, tmp_path: Path) -> None:
        python = clients.python(clients.NEWEST)
        if python is None:
            pytest.skip("azure-ai-ml is not installed: make azure-clients")
        there, attic = filled.cli, ("-w", "attic")
        there.ok("workspace", "create", "-n", "attic")
        for line in ATTIC.strip().splitlines():
            ran = there(*line.split(), *attic)
            assert ran.code == 0, ran.err
        tracker = Tracker.of(there, "attic")
        gone, kept = tracker.run("gone", experiment="old"), tracker.run("kept")
        late = tracker.run("late", experiment="tries")
        assert there("experiment", "archive", "old", "--yes", *attic).code == 0
        assert there("run", "delete", late, *attic).code == 0
        there("azure", "config", "--dir", str(tmp_path), *attic)
        (tmp_path / "home").mkdir(mode=0o700)
        here = Cli(tmp_path / "home", tmp_path)
        words = ("azure", "import", "--from-config", "config.json", "--with-files")
        words += ("--what", "environments, data, components, schedules, jobs, experiments")
        try:
            done = here(*words, "--python", str(python), **filled.variables).json()
            shown = {one["version"]: one for one in here.ok("data", "list", "numbers")}
            assert set(shown) == {"2"}
            assert here.ok("data", "show", "numbers", "-v", "1")["archived"]
            assert here.ok("data", "show", "older", "-v", "1")["archived"]
            here("data", "download", "numbers", "-v", "2", "-p", str(tmp_path / "got"))
            assert next((tmp_path / "got").rglob("main.py")).parent.name != "main.py"
            assert here.ok("data", "show", "numbers", "-v", "2")["type"] == "uri_folder"
            assert not here.ok("schedule", "show", "daily")["is_enabled"], done["left_out"]
            here.ok("schedule", "trigger", "daily")
            for name in ("line", "plain", "search"):
                ran = here("job", "validate", "-f", f"azure-attic/jobs/{name}.yml")
                assert ran.code == 0, (ran.err, done["left_out"])
            assert [_run(here, run)["deleted"] for run in (gone, kept, late)] == [
                True,
                False,
                True,
            ]
            assert here.ok("experiment", "show", "old")["archived"]
            assert not here.ok("experiment", "show", "tries")["archived"]
            assert done["runs"] >= 3, done  # the job's, too
        finally:
            stop(here.home)

    def test_what_was_written_in_place_comes_whole_and_runs(
        self, filled: Cloud, tmp_path: Path
    ) -> None:
        """Azure's client makes components and environments without names of it."""
        python = clients.python(clients.NEWEST)
        if python is None:
            pytest.skip("azure-ai-ml is not installed: make azure-clients")
        there = filled.cli
        there.ok("workspace", "create", "-n", "inline")
        there("azure", "config", "--dir", str(tmp_path), "-w", "inline")
        (tmp_path / "home").mkdir(mode=0o700)
        here = Cli(tmp_path / "home", tmp_path)
        made = subprocess.run(
            [python, "-c", SUBMIT, str(there.folder / "inline.yml"), str(tmp_path)],
            env=filled.environ(tmp_path),
            capture_output=True,
            text=True,
            check=False,
        )
        assert made.returncode == 0, made.stderr
        words = ("azure", "import", "--from-config", "config.json", "--what", "jobs")
        try:
            done = here(*words, "--python", str(python), **filled.variables).json()
            file = "azure-inline/jobs/inline.yml"
            assert "azureml_anonymous" not in (tmp_path / file).read_text(), done["left_out"]
            ran = here("job", "create", "-f", file, "--stream", "--logs")
            assert (ran.code, "hello" in ran.out) == (0, True), ran.err
        finally:
            stop(here.home)

    def test_what_is_missing_is_told_with_what_to_do(self, filled: Cloud, tmp_path: Path) -> None:
        ran = filled.cli("azure", "import", "--from-config", str(tmp_path / "config.json"))
        assert ran.code != 0
        assert "config.json" in ran.err
        filled.cli("azure", "config", "--dir", str(tmp_path))
        words = ("azure", "import", "--from-config", str(tmp_path / "config.json"))
        ran = filled.cli(*words, "--to", str(tmp_path / "to"))
        assert "pip install azure-ai-ml" in ran.err
        ran = filled.cli(*words, "--what", "cats")
        assert "cats" in ran.err


def _run(cli: Cli, name: str) -> dict[str, Any]:
    return cli.ok("run", "show", name, "-o", "json")
