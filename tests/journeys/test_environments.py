"""Environments from a folder of wheels: no index, no network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders.packages import wheel
from tests.journeys.conftest import Person

CODE = "def main():\n    print('greetings')\n"


@pytest.fixture(scope="module")
def offline_home(_persons: Path) -> Path:
    home = _persons / "offline" / ".lazur"
    home.parent.mkdir()
    return home


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    wheel(folder, "greeter", "1.0", code=CODE)
    wheel(folder, "greeter", "2.0", code=CODE)
    wheel(folder, "helper", "0.1", needs="Requires-Dist: greeter<2\n")
    return folder


@pytest.fixture(scope="module")
def _stopped(offline_home: Path) -> Iterator[None]:
    yield
    Person(offline_home, offline_home, {}).stop()


@pytest.fixture
def offline(offline_home: Path, wheels: Path, tmp_path: Path, _stopped: None) -> Person:
    settings = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}
    return Person(offline_home, tmp_path, settings)


def conda(person: Person, *packages: str) -> None:
    listed = "".join(f"      - {package}\n" for package in packages)
    person.write("conda.yml", f"dependencies:\n  - python=3.11\n  - pip:\n{listed}")


JOB = """\
    command: python -c "import greeter; greeter.main()" && helper-tool
    environment:
      image: mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04
      conda_file: conda.yml
"""


class TestInline:
    def test_a_conda_file_gives_its_packages_and_theirs(self, offline: Person) -> None:
        conda(offline, "helper==0.1")
        offline.write("job.yml", JOB)
        first = offline.run("job.yml")
        assert offline.log(first) == "greetings\nhelper 0.1\n"
        second = offline.run("job.yml")
        phases = {
            p["name"]: p["seconds"] for p in offline.ok("job", "show", "-n", second)["phases"]
        }
        assert phases.get("environment", 0) < 1

    def test_a_dockerfile_that_only_installs_is_understood(self, offline: Person) -> None:
        offline.write(
            "context/Dockerfile",
            """\
            FROM python:3.11
            COPY requirements.txt .
            RUN pip install -r requirements.txt
            """,
        )
        offline.write("context/requirements.txt", "greeter==2.0\n")
        offline.write("job.yml", "command: greeter-tool\nenvironment: {build: {path: context}}\n")
        assert offline.log(offline.run("job.yml")) == "greetings\n"

    def test_another_python_than_asked_for_is_told(self, offline: Person) -> None:
        offline.write("job.yml", "command: echo ran\nenvironment: {image: 'python:3.99'}\n")
        ran = offline("job", "create", "-f", "job.yml", "--stream")
        assert ran.out == "ran\n"
        assert "WARNING: Python 3.99 is not here" in ran.err

    def test_a_package_that_is_nowhere_is_named(self, offline: Person) -> None:
        conda(offline, "greeter==9.9")
        offline.write("job.yml", JOB)
        ran = offline("job", "create", "-f", "job.yml", "--stream")
        assert ran.code == 1
        assert "greeter" in ran.err
        assert "9.9" in ran.err


class TestRegistered:
    def test_is_created_built_used_and_pruned(self, offline: Person) -> None:
        conda(offline, "greeter==1.0")
        offline.write("env.yml", "name: greetings\nimage: ubuntu\nconda_file: conda.yml\n")
        made = offline.ok("environment", "create", "-f", "env.yml")
        assert made["version"] == "1"
        build = offline("environment", "build", "-n", "greetings", "-v", "1")
        assert build.code == 0, build.err
        offline.write("job.yml", "command: greeter-tool\nenvironment: azureml:greetings@latest\n")
        assert offline.log(offline.run("job.yml")) == "greetings\n"
        assert "greetings" in offline.text("environment", "list", "--query", "[].name")
        pruned = offline.ok("environment", "prune", "--older-than-days", "0")
        assert pruned["removed"]
        assert offline.log(offline.run("job.yml")) == "greetings\n"


@pytest.mark.slow
@pytest.mark.network
class TestCurated:
    def test_sklearn_trains_and_logs_to_the_jobs_own_run(self, newcomer: Person) -> None:
        newcomer.write(
            "src/train.py",
            """\
            import os
            import mlflow
            from sklearn.datasets import load_iris
            from sklearn.model_selection import train_test_split
            from sklearn.svm import SVC
            mlflow.autolog()
            data = load_iris(return_X_y=True)
            x, _, y, _ = train_test_split(*data, test_size=0.2, random_state=42)
            with mlflow.start_run() as run:
                assert run.info.run_id == os.environ["AZUREML_RUN_ID"]
                SVC(C=0.8, coef0=0.1, cache_size=1024, shrinking=False, random_state=42).fit(x, y)
            score = mlflow.MlflowClient().get_run(run.info.run_id).data.metrics
            print(score["training_accuracy_score"])
            """,
        )
        newcomer.write(
            "job.yml",
            """\
            code: src
            command: python train.py
            environment: azureml://registries/azureml/environments/sklearn-1.5/labels/latest
            """,
        )
        name = newcomer.text("job", "create", "-f", "job.yml", "--query", "name")
        assert newcomer.log(name).splitlines()[-1] == "0.975"
        folder = str(newcomer.folder / "results")
        assert newcomer("job", "download", "-n", name, "-p", folder).code == 0
        assert (newcomer.folder / "results/artifacts/model/MLmodel").exists()
