from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lazur.errors import Invalid, Unsupported
from lazur.v1.core import Dataset, Environment, RunConfiguration, ScriptRunConfig
from lazur.v1.core.conda_dependencies import CondaDependencies
from lazur.v1.core.places import DataReference, OutputFileDatasetConfig
from lazur.v1.core.runconfig import (
    MpiConfiguration,
    PyTorchConfiguration,
    TensorflowConfiguration,
)
from lazur.v1.core.submission import spec
from lazur.v1.told import Ignored
from lazur.v1.train.dnn import PyTorch
from lazur.v1.train.estimator import Estimator
from lazur.v1.train.hyperdrive import (
    BanditPolicy,
    HyperDriveConfig,
    RandomParameterSampling,
    choice,
    uniform,
)
from lazur.v1.train.sklearn import SKLearn


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "src"
    folder.mkdir()
    (folder / "train.py").write_text("print(1)\n")
    return folder


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def made(source: Path, scratch: Path, **more: Any) -> dict[str, Any]:
    return spec(ScriptRunConfig(source, "train.py", **more), scratch)


class TestCommand:
    def test_arguments_are_single_words(self, source: Path, scratch: Path) -> None:
        found = made(source, scratch, arguments=["--note", "it's $HOME", "--n", 3])

        assert found["command"] == "python train.py --note 'it'\"'\"'s $HOME' --n 3"

    def test_a_dataset_becomes_an_input(self, source: Path, scratch: Path) -> None:
        data = Dataset.File.from_files(("raw", "wine/**")).as_named_input("wine").as_download()
        found = made(source, scratch, arguments=["--data", data])

        assert found["command"].endswith('--data "${{inputs.wine}}"')
        path = "azureml://datastores/raw/paths/wine/"
        assert found["inputs"] == {
            "wine": {"type": "uri_folder", "path": path, "mode": "download"}
        }

    def test_two_data_of_one_name_are_two_inputs(self, source: Path, scratch: Path) -> None:
        paths = (("raw", "a"), ("raw", "b"))
        data = [Dataset.File.from_files(path).as_mount() for path in paths]
        found = made(source, scratch, arguments=data)

        assert sorted(found["inputs"]) == ["data", "data_2"]

    def test_what_lies_beside_the_script_is_no_matter(self, source: Path, scratch: Path) -> None:
        (source / "gone.py").symlink_to("nowhere.py")
        (source / "folder.py").mkdir()

        assert "PYTHONPATH" not in made(source, scratch)["command"]

    def test_the_run_configuration_may_change_later(self, source: Path, scratch: Path) -> None:
        config = ScriptRunConfig(source, "train.py")
        config.run_config.communicator = "OpenMpi"
        config.run_config.node_count = 2
        config.run_config.environment.docker.shm_size = "2g"
        found = spec(config, scratch)

        assert found["distribution"]["type"] == "mpi"
        assert found["resources"] == {"shm_size": "2g", "instance_count": 2}

    def test_a_data_reference_has_its_variable(self, source: Path, scratch: Path) -> None:
        reference = DataReference("raw", "wine", "w/1")
        own = RunConfiguration()
        own.data_references = {"wine": reference}
        arguments = ["--data", str(reference), "--more", "$AZUREML_DATAREFERENCE_wine"]
        found = made(source, scratch, arguments=arguments, run_config=own)

        export, main = found["command"].splitlines()
        assert export == 'export AZUREML_DATAREFERENCE_wine="${{inputs.wine}}"'
        assert main == 'python train.py --data "${{inputs.wine}}" --more "${{inputs.wine}}"'

    def test_what_the_script_writes_is_an_output(self, source: Path, scratch: Path) -> None:
        out = OutputFileDatasetConfig("model", ("raw", "m/{run-id}"))
        found = made(source, scratch, arguments=["--out", out.register_on_complete("wine")])

        assert found["command"].endswith('--out "${{outputs.model}}"')
        assert found["outputs"]["model"]["path"] == "azureml://datastores/raw/paths/m/${{name}}"
        assert found["outputs"]["model"]["name"] == "wine"

    def test_a_command_stands_for_the_script(self, source: Path, scratch: Path) -> None:
        command = ["python", "train.py", "a b"]
        found = spec(ScriptRunConfig(source, command=command), scratch)

        assert found["command"] == "python train.py 'a b'"

    def test_lazur_v1_travels_where_a_script_wants_it(self, source: Path, scratch: Path) -> None:
        assert "inputs" not in made(source, scratch)
        (source / "train.py").write_text("from lazur.v1.core import Run\n")
        found = made(source, scratch)

        folder = Path(found["inputs"]["lazur_v1"]["path"])
        code = "from lazur.v1.core import Dataset, Run; Run.get_context().log('a', 1)"
        variables = {"PYTHONPATH": str(folder), "PATH": os.environ["PATH"]}
        subprocess.run([sys.executable, "-S", "-c", code], env=variables, check=True)
        assert "PYTHONPATH" in found["command"]

    def test_a_script_below_finds_what_is_at_the_top(self, source: Path, scratch: Path) -> None:
        (source / "sub").mkdir()
        (source / "sub" / "train.py").write_text("")
        found = spec(ScriptRunConfig(source, "sub/train.py"), scratch)

        assert found["command"].startswith('export PYTHONPATH="$PWD')

    def test_a_script_that_is_not_there_is_told(self, source: Path, scratch: Path) -> None:
        with pytest.raises(Invalid, match=r"no other\.py"):
            spec(ScriptRunConfig(source, "other.py"), scratch)


class TestProcesses:
    @pytest.mark.parametrize(
        "given, distribution, nodes",
        [
            (MpiConfiguration(2, 3), {"type": "mpi", "process_count_per_instance": 2}, 3),
            (
                PyTorchConfiguration("Gloo", 8, 4),
                {"type": "pytorch", "process_count_per_instance": 2},
                4,
            ),
            (
                TensorflowConfiguration(2, 1),
                {"type": "tensorflow", "worker_count": 2, "parameter_server_count": 1},
                3,
            ),
        ],
    )
    def test_are_those_of_the_configuration(
        self, source: Path, scratch: Path, given: Any, distribution: dict[str, Any], nodes: int
    ) -> None:
        found = made(source, scratch, distributed_job_config=given)

        assert found["distribution"] == distribution
        assert found["resources"]["instance_count"] == nodes


class TestEnvironments:
    def test_of_conda_packages(self, source: Path, scratch: Path) -> None:
        env = Environment("e")
        env.python.conda_dependencies = CondaDependencies.create(
            conda_packages=["numpy=1.26"],
            pip_packages=["azureml-mlflow", "joblib"],
            python_version="3.10",
        )
        conda = made(source, scratch, environment=env)["environment"]["conda_file"]

        assert conda["dependencies"] == [
            "python=3.10",
            "numpy=1.26",
            {"pip": ["mlflow", "joblib"]},
        ]

    def test_the_sdk_itself_is_left_out_and_named(self) -> None:
        with pytest.warns(Ignored, match="azureml-defaults"):
            packages = CondaDependencies.create(pip_packages=["azureml-defaults"])
        assert packages.pip_packages == []

    def test_of_a_dockerfile(self, source: Path, scratch: Path) -> None:
        env = Environment.from_dockerfile("e", "FROM python:3.11\nRUN pip install joblib\n")
        folder = made(source, scratch, environment=env)["environment"]["build"]["path"]

        assert "pip install joblib" in (Path(folder) / "Dockerfile").read_text()


class TestEstimators:
    def test_packages_and_parameters(self, source: Path, scratch: Path) -> None:
        estimator = SKLearn(
            str(source),
            entry_script="train.py",
            script_params={"--alpha": 0.5, "--fast": ""},
            pip_packages=["xgboost"],
            framework_version="1.5",
            max_run_duration_seconds=60,
        )
        found = spec(estimator.to_script_run_config(), scratch)

        assert found["command"] == "python train.py --alpha 0.5 --fast"
        pip = found["environment"]["conda_file"]["dependencies"][-1]["pip"]
        assert pip == ["scikit-learn==1.5.*", "pandas", "joblib", "xgboost"]
        assert found["limits"] == {"timeout": 60}

    def test_backends_by_name(self, source: Path, scratch: Path) -> None:
        estimator = PyTorch(
            str(source), entry_script="train.py", node_count=2, distributed_backend="gloo"
        )
        found = spec(estimator.to_script_run_config(), scratch)

        assert found["distribution"]["type"] == "pytorch"
        with pytest.raises(Unsupported, match="horovod"):
            Estimator(str(source), entry_script="train.py", distributed_backend="horovod")

    def test_what_has_no_effect_is_named(self, source: Path) -> None:
        with pytest.warns(Ignored, match=r"Estimator: vm_size is ignored"):
            Estimator(str(source), entry_script="train.py", vm_size="STANDARD_NC6")


class TestHyperDrive:
    def test_is_a_sweep(self, source: Path, scratch: Path) -> None:
        space = {"--rate": uniform(0.1, 0.9), "depth": choice([1, 2])}
        config = HyperDriveConfig(
            RandomParameterSampling(space), "accuracy", "MAXIMIZE", 10, 2,
            policy=BanditPolicy(slack_factor=0.1),
            run_config=ScriptRunConfig(source, "train.py"),
        )  # fmt: skip
        found = config.to_spec(scratch)

        assert found["trial"]["command"] == (
            'python train.py --rate "${{search_space.rate}}" --depth "${{search_space.depth}}"'
        )
        assert found["search_space"]["depth"] == {"type": "choice", "values": [1, 2]}
        assert found["objective"] == {"primary_metric": "accuracy", "goal": "maximize"}
        assert found["early_termination"]["type"] == "bandit"
        assert found["limits"]["max_total_trials"] == 10

    def test_of_a_pipeline_is_refused(self) -> None:
        with pytest.raises(Unsupported, match="pipeline"):
            HyperDriveConfig(RandomParameterSampling({}), "a", "MAXIMIZE", 1, pipeline=object())
