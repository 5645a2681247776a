from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from lazur import azureml
from lazur.azureml.core import Environment, Workspace
from lazur.azureml.core.keyvault import Keyvault
from lazur.azureml.exceptions import UserErrorException
from tests import pythons

_FOLDER = Path(azureml.__file__).parent
_TOP = """
import azureml.core, azureml.mlflow, azureml.telemetry, azureml.widgets
from azureml.core import Dataset, Environment, Experiment, Model, Run, ScriptRunConfig, Workspace
from azureml.core.run import Run, _OfflineRun
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.core.compute_target import ComputeTargetException
from azureml.core.runconfig import DEFAULT_CPU_IMAGE, RunConfiguration
from azureml.core.webservice import AciWebservice
from azureml.data.data_reference import DataReference
from azureml.data import OutputFileDatasetConfig, TabularDataset
from azureml.data.azure_storage_datastore import AzureBlobDatastore
from azureml.data.dataset_factory import TabularDatasetFactory
from azureml.exceptions import RunEnvironmentException
from azureml.pipeline.core import Pipeline, PipelineData
from azureml.pipeline.steps import PythonScriptStep
from azureml.train.hyperdrive import HyperDriveConfig, choice
Run.get_submitted_run().log("loss", 1)
print(azureml.core.__file__)
"""


def run(python: str, code: str, *paths: Path) -> str:
    paths = paths or (_FOLDER.parent,)
    lines = f"import sys; sys.path += {[str(path) for path in paths]!r}\n{code}"
    told = subprocess.run(
        [python, "-I", "-S", "-c", lines], capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    return told.stdout


class TestImports:
    def test_what_public_scripts_begin_with(self) -> None:
        """With the standard library alone."""
        assert str(_FOLDER) in run(sys.executable, _TOP)

    def test_on_the_oldest_python(self) -> None:
        oldest = pythons.find("3.8")
        if oldest is None:
            pytest.skip("this machine has no Python 3.8")
        assert str(_FOLDER) in run(str(oldest), _TOP)
        parts = [file.relative_to(_FOLDER.parent) for file in sorted(_FOLDER.rglob("*.py"))]
        names = [".".join(p.with_suffix("").parts).replace(".__init__", "") for p in parts]
        run(str(oldest), "\n".join(f"import {name}" for name in names))

    def test_each_module_by_itself(self) -> None:
        for file in sorted(_FOLDER.rglob("*.py")):
            name = file.relative_to(_FOLDER.parent.parent).with_suffix("").as_posix()
            importlib.import_module(name.removesuffix("/__init__").replace("/", "."))

    def test_a_try_for_what_is_not_there_stays_one(self) -> None:
        """Scripts ask by the import whether something is installed."""
        code = "try: from azureml.train.automl import AutoMLConfig\nexcept ImportError: print(1)"
        assert run(sys.executable, code) == "1\n"

    def test_whoever_has_microsofts_gets_that(self, tmp_path: Path) -> None:
        theirs = tmp_path / "azureml"
        (theirs / "core").mkdir(parents=True)
        extend = "__path__ = __import__('pkgutil').extend_path(__path__, __name__)"
        (theirs / "__init__.py").write_text(extend)
        (theirs / "core" / "__init__.py").write_text("VERSION = 'theirs'")
        ours = tmp_path / "ours"
        ours.mkdir()
        (ours / "azureml").symlink_to(_FOLDER)

        code = "import azureml.core, azureml.mlflow; print(azureml.core.VERSION)"
        assert run(sys.executable, code, tmp_path, ours) == "theirs\n"


class TestAbsent:
    def test_says_what_to_do(self) -> None:
        with pytest.raises(UserErrorException, match=r"Environment\(…\) is not .*lazur\.v1"):
            Environment("x")
        with pytest.raises(UserErrorException, match=r"Environment\.get is not"):
            Environment.get(None, "x")

    def test_a_workspace_needs_a_job(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("LAZUR_TOKEN", raising=False)
        with pytest.raises(UserErrorException, match=r"lazur login.*lazur\.v1"):
            Workspace.from_config()

    def test_a_job_sees_its_own_workspace_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("LAZUR_SERVER", "LAZUR_TOKEN", "LAZUR_WORKSPACE", "LAZUR_JOB"):
            monkeypatch.setenv(name, "mine")
        assert Workspace.from_config().name == "mine"
        with pytest.raises(UserErrorException, match="belongs to 'mine'"):
            Workspace.get("theirs")


class TestSecrets:
    def test_are_those_that_the_job_names(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DB_PASSWORD", "open")
        assert Keyvault().get_secret("db-password") == "open"
        with pytest.raises(UserErrorException, match="environment_variables"):
            Keyvault().get_secret("other")
