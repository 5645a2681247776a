from __future__ import annotations

import json
from pathlib import Path

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
        assert found.inline()["image"] == "python:3.10"
        assert found.inline()["conda_file"]["dependencies"] == ["python=3.10", "numpy"]

    def test_what_is_saved_is_loaded(self, tmp_path: Path) -> None:
        made = Environment("e")
        made.python.conda_dependencies = CondaDependencies.create(pip_packages=["joblib"])
        made.docker.base_image = "python:3.11"
        made.environment_variables["A"] = "b"
        made.save_to_directory(str(tmp_path / "saved"))
        again = Environment.load_from_directory(str(tmp_path / "saved"))

        assert again.as_dict() == made.as_dict()
