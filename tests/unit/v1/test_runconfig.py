from __future__ import annotations

import json
from pathlib import Path

import pytest

from lazur.errors import NotFound
from lazur.v1.core import RunConfiguration, ScriptRunConfig
from lazur.v1.core.submission import spec
from lazur.v1.told import Ignored

_FILE = """\
script: train.py
arguments: [--data, $AZUREML_DATAREFERENCE_wine]
target: cpu-cluster
framework: Python
communicator: OpenMpi
nodeCount: 2
maxRunDurationSeconds: 300
autoPrepareEnvironment: true
environment:
  name: old
  environmentVariables: {EXAMPLE_ENV_VAR: 7}
  python:
    userManagedDependencies: false
    condaDependenciesFile: .azureml/conda.yml
  docker: {enabled: true, baseImage: mcr.microsoft.com/azureml/base:0.2.4, gpuSupport: false}
history: {outputCollection: true}
spark: {configuration: {spark.app.name: Azure ML Experiment}}
mpi: {processCountPerNode: 2}
tensorflow: {workerCount: 1, parameterServerCount: 1}
docker: {useDocker: true, shmSize: 2g}
dataReferences:
  wine: {dataStoreName: raw, mode: download, pathOnDataStore: wine/1}
data:
  glass:
    dataLocation: {dataset: {name: glass, version: '3'}}
    mechanism: mount
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".azureml").mkdir()
    (tmp_path / ".azureml" / "old.runconfig").write_text(_FILE)
    (tmp_path / ".azureml" / "conda.yml").write_text("dependencies: [python=3.10, numpy]\n")
    (tmp_path / "train.py").write_text("")
    return tmp_path


class TestLoading:
    def test_a_file_becomes_a_job(self, folder: Path, tmp_path: Path) -> None:
        own = RunConfiguration.load(str(folder), "old")
        own_folder = tmp_path / "scratch"
        own_folder.mkdir()
        found = spec(ScriptRunConfig(folder, run_config=own), own_folder)

        assert found["command"].endswith('python train.py --data "${{inputs.wine}}"')
        assert found["compute"] == "cpu-cluster"
        assert found["inputs"] == {
            "wine": {
                "type": "uri_folder",
                "path": "azureml://datastores/raw/paths/wine/1",
                "mode": "download",
            },
            "glass": {"type": "uri_folder", "path": "azureml:glass:3", "mode": "ro_mount"},
        }
        assert found["distribution"] == {"type": "mpi", "process_count_per_instance": 2}
        assert found["resources"] == {"shm_size": "2g", "instance_count": 2}
        assert found["environment_variables"] == {"EXAMPLE_ENV_VAR": "7"}
        assert found["environment"]["conda_file"]["dependencies"] == ["python=3.10", "numpy"]
        assert found["limits"] == {"timeout": 300}

    def test_what_is_saved_is_loaded(self, folder: Path) -> None:
        own = RunConfiguration.load(str(folder / ".azureml" / "old.runconfig"))
        own.save(str(folder / "again.json"))
        again = RunConfiguration.load(str(folder / "again.json"))

        assert json.dumps(again.as_dict()) == json.dumps(own.as_dict())

    def test_unknown_fields_are_named(self, tmp_path: Path) -> None:
        (tmp_path / "x.runconfig").write_text("script: a.py\nwarp: 9\n")
        with pytest.warns(Ignored, match="warp"):
            RunConfiguration.load(str(tmp_path), "x")

    def test_a_name_without_file_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(NotFound, match="nobody"):
            RunConfiguration.load(str(tmp_path), "nobody")
