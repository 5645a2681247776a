from __future__ import annotations

import json
from pathlib import Path

import pytest

from lazur.sdk.views import Asset
from lazur.v1.core import Environment
from lazur.v1.core.conda_dependencies import CondaDependencies


class TestFolders:
    def test_azures_file_is_read(self, tmp_path: Path) -> None:
        (tmp_path / "conda.yml").write_text("dependencies: [python=3.10, numpy]\n")
        told = {
            "name": "train",
            "environmentVariables": {"N": 1},
            "python": {"condaDependenciesFile": "conda.yml"},
            "docker": {"enabled": True, "baseImage": "python:3.10"},
        }
        (tmp_path / "azureml_environment.json").write_text(json.dumps(told))
        found = Environment.load_from_directory(str(tmp_path))

        assert (found.name, found.environment_variables) == ("train", {"N": "1"})
        assert found.to_spec(tmp_path)["image"] == "python:3.10"
        assert found.to_spec(tmp_path)["conda_file"]["dependencies"] == ["python=3.10", "numpy"]

    def test_what_is_saved_is_loaded(self, tmp_path: Path) -> None:
        made = Environment("e")
        made.python.conda_dependencies = CondaDependencies.create(pip_packages=["joblib"])
        made.docker.base_image = "python:3.11"
        made.environment_variables["A"] = "b"
        made.save_to_directory(str(tmp_path / "saved"))
        again = Environment.load_from_directory(str(tmp_path / "saved"))

        assert again.as_dict() == made.as_dict()


class _Workspace:
    """Where one environment is registered."""

    def __init__(self) -> None:
        self.client = self.environments = self

    def get(self, name: str, version: str | None = None, registry: str | None = None) -> Asset:
        conda = {"dependencies": ["python=3.11", {"pip": ["numpy"]}]}
        return Asset({"name": name, "version": "3", "image": "python:3.11", "conda_file": conda})


class TestRegistered:
    @pytest.fixture
    def found(self) -> Environment:
        return Environment.get(_Workspace(), "train")  # type: ignore[arg-type]

    def test_one_is_named(self, found: Environment, tmp_path: Path) -> None:
        assert found.to_spec(tmp_path) == "azureml:train:3"

    def test_a_curated_one_is_named_too(self, tmp_path: Path) -> None:
        found = Environment.get(_Workspace(), "AzureML-train")  # type: ignore[arg-type]
        reference = "azureml://registries/azureml/environments/AzureML-train/versions/3"
        assert found.to_spec(tmp_path) == reference

    def test_what_is_changed_since_is_another_one(
        self, found: Environment, tmp_path: Path
    ) -> None:
        assert found.python.conda_dependencies is not None
        found.python.conda_dependencies.add_pip_package("joblib")

        assert found.to_spec(tmp_path)["conda_file"]["dependencies"] == [
            "python=3.11",
            {"pip": ["numpy", "joblib"]},
        ]

    def test_a_clone_is_its_own(self, found: Environment, tmp_path: Path) -> None:
        other = found.clone("other")
        assert other.python.conda_dependencies is not None
        other.python.conda_dependencies.add_pip_package("joblib")
        other.environment_variables["A"] = "b"

        assert found.to_spec(tmp_path) == "azureml:train:3"
        assert found.environment_variables == {}
        assert other.to_spec(tmp_path)["image"] == "python:3.11"

    def test_a_dockerfile_has_a_folder(self, tmp_path: Path) -> None:
        made = Environment.from_dockerfile("e", "FROM python:3.11\nRUN pip install joblib\n")
        folder = Path(made.to_spec(tmp_path)["build"]["path"])
        assert "joblib" in (folder / "Dockerfile").read_text()
