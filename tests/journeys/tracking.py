"""A data scientist: a person whose scripts log with MLflow, and who looks at the runs with
MLflow's own client over HTTP."""

from __future__ import annotations

import importlib
import json
import sys
import sysconfig
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.journeys.conftest import Person

_PYTHON = f"python:{sys.version_info.major}.{sys.version_info.minor}"
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "GIT_PYTHON_REFRESH": "quiet"}
TRACKED = {
    "environment": {"image": _PYTHON},
    "environment_variables": {"PYTHONPATH": sysconfig.get_path("purelib"), **QUIET},
}
"""Jobs see the packages of these tests, MLflow among them: no environment is built."""
ENDED = ("Completed", "Failed", "Canceled")
AZURE = (
    "/mlflow/v1.0/subscriptions/0/resourceGroups/lazur/providers"
    "/Microsoft.MachineLearningServices/workspaces/default"
)


@dataclass(frozen=True)
class Scientist:
    person: Person
    client: Any

    def submit(self, script: str, *words: str, **fields: Any) -> str:
        """Name of the job that runs this Python program."""
        self.person.write("src/script.py", script)
        spec = {"code": "src", "command": "python script.py", **TRACKED, **fields}
        self.person.write("job.yml", json.dumps(spec))
        create = ("job", "create", "-f", "job.yml", *words, "--query", "name")
        return self.person.text(*create)

    def train(self, script: str, *words: str, **fields: Any) -> str:
        """As `submit`; the job has completed."""
        name = self.submit(script, *words, **fields)
        assert self.end(name)["status"] == "Completed", self.person.log(name)
        return name

    def end(self, name: str) -> dict[str, Any]:
        """The job, which is over."""
        self.person("job", "stream", "-n", name)
        job = self.person.ok("job", "show", "-n", name)
        assert job["status"] in ENDED
        return job

    def run(self, name: str) -> Any:
        return self.client.get_run(name)

    def others(self, name: str) -> list[Any]:
        """Runs that the job's processes made beside its own, the oldest first."""
        mine = self.run(name)
        found = self.client.search_runs(
            [mine.info.experiment_id],
            f"tags.`lazur.job` = '{name}'",
            order_by=["attributes.start_time ASC"],
        )
        return [run for run in found if run.info.run_id != mine.info.run_id]


def mlflow() -> Any:
    """Imported by the tests that need it only: it takes seconds."""
    return importlib.import_module("mlflow")


def own(metrics: dict[str, float]) -> dict[str, float]:
    """Without what was sampled of the machine."""
    return {key: value for key, value in metrics.items() if not key.startswith("system/")}


def look_in(person: Person, patch: pytest.MonkeyPatch) -> Scientist:
    """Someone with the owner's token in the environment, as on a laptop."""
    for name, value in QUIET.items():
        patch.setenv(name, value)
    person.ok("workspace", "list")
    url = json.loads((person.home / "server.json").read_text())["url"]
    patch.setenv("MLFLOW_TRACKING_TOKEN", (person.home / "token").read_text().strip())
    return Scientist(person, mlflow().MlflowClient(f"{url}/mlflow/workspaces/default"))
