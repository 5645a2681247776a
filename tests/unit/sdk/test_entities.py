from __future__ import annotations

from pathlib import Path

import pytest

import lazur
from lazur import Input
from lazur.errors import Invalid
from lazur.kinds import catalog
from lazur.sdk.commands import Command, expect


class TestCommand:
    def test_becomes_the_spec_that_yaml_would_have(self) -> None:
        job = lazur.command(
            command="python train.py --lr ${{inputs.lr}} ${{inputs.data}}",
            code=Path("src"),
            environment=lazur.Environment(image="python:3.11", conda_file={"dependencies": []}),
            inputs={
                "lr": 0.1,
                "data": lazur.Input(type="uri_file", path="a.csv", mode="download"),
            },
            outputs={"model": lazur.Output(type=lazur.AssetTypes.CUSTOM_MODEL)},
            distribution=lazur.PyTorchDistribution(process_count_per_instance=2),
            instance_count=2,
            shm_size="2g",
            timeout=60,
            priority="high",
        )
        assert job.to_spec() == {
            "type": "command",
            "command": "python train.py --lr ${{inputs.lr}} ${{inputs.data}}",
            "code": "src",
            "environment": {"image": "python:3.11", "conda_file": {"dependencies": []}},
            "inputs": {
                "lr": 0.1,
                "data": {"type": "uri_file", "path": "a.csv", "mode": "download"},
            },
            "outputs": {"model": {"type": "custom_model"}},
            "distribution": {"type": "pytorch", "process_count_per_instance": 2},
            "resources": {"instance_count": 2, "shm_size": "2g"},
            "limits": {"timeout": 60},
            "queue_settings": {"priority": "high"},
        }

    def test_what_it_becomes_is_valid(self) -> None:
        job = lazur.command(
            command="echo ${{inputs.n}} > ${{outputs.o}}",
            environment="azureml:sklearn@latest",
            inputs={"n": 3},
            outputs={"o": lazur.Output(type="uri_folder")},
            distribution=lazur.TensorFlowDistribution(worker_count=2),
        )
        model, diagnostics = catalog.validate("command-job", job.to_spec())
        assert model is not None, diagnostics
        assert [d for d in diagnostics if d.severity == "error"] == []

    def test_can_be_changed_as_in_azures_client(self) -> None:
        job = lazur.command(
            command="true", environment="azureml:e:1", inputs={"x": lazur.Input(path="a")}
        )
        job.display_name = "new"
        job.inputs["x"].path = "b"
        job.set_resources(instance_count=3)
        job.set_limits(timeout=9)
        spec = job.to_spec()
        assert spec["display_name"] == "new"
        assert spec["inputs"] == {"x": {"path": "b"}}
        assert (spec["resources"], spec["limits"]) == ({"instance_count": 3}, {"timeout": 9})

    def test_inputs_and_outputs_are_attributes_as_in_azures_client(self) -> None:
        job = lazur.command(
            command="true",
            environment="azureml:e:1",
            inputs={"x": lazur.Input(path="a"), "n": 1},
            outputs={"made": {"type": "uri_folder"}},
        )
        job.inputs.x.path = "b"
        job.inputs.n = 2
        job.outputs.made.mode = "upload"
        job.resources = {"instance_count": 2}
        job.resources.shm_size = "2g"
        spec = job.to_spec()
        assert spec["inputs"] == {"x": {"path": "b"}, "n": 2}
        assert spec["outputs"] == {"made": {"type": "uri_folder", "mode": "upload"}}
        assert spec["resources"] == {"instance_count": 2, "shm_size": "2g"}
        with pytest.raises(AttributeError, match=r"no 'maed'. Did you mean 'made'\?"):
            job.outputs.maed = lazur.Output(path="azureml://elsewhere")

    def test_a_name_that_it_does_not_have_is_told(self) -> None:
        job = lazur.command(command="true", environment="azureml:e:1")
        with pytest.raises(AttributeError, match=r"A Command has no 'compte'. Did you mean 'comp"):
            job.compte = "local"  # pyright: ignore[reportAttributeAccessIssue]
        with pytest.raises(AttributeError, match=r"no 'instance_cont'. Did you mean 'instance_c"):
            lazur.JobResourceConfiguration().instance_cont = 2  # pyright: ignore[reportAttributeAccessIssue]
        with pytest.raises(AttributeError, match="no 'force_rerum'"):
            lazur.Pipeline().settings.force_rerum = True

    def test_takes_what_azures_client_assigns(self) -> None:
        job = lazur.command(command="true", environment="azureml:e:1")
        for name in (
            "code command compute description display_name distribution environment"
            " environment_variables experiment_name identity inputs limits name outputs"
            " parent_job_name properties queue_settings resources services tags"
        ).split():
            setattr(job, name, getattr(job, name))
        job.set_queue_settings(job_tier="spot")
        assert job.queue_settings.job_tier == "spot"

    def test_a_distribution_without_a_sweep_is_told(self) -> None:
        job = lazur.command(
            command="train ${{inputs.lr}}", environment="azureml:e:1", inputs={"lr": 0.1}
        )
        with pytest.raises(Invalid, match="input 'lr' is a Uniform") as caught:
            job(lr=lazur.Uniform(0, 1)).to_spec()
        assert ".sweep(" in (caught.value.hint or "")
        with pytest.raises(Invalid, match="command has no input 'rl'") as caught:
            job(rl=lazur.Uniform(0, 1))
        assert caught.value.hint == "There are: lr."

    def test_environments_are_named_as_in_azures_client(self) -> None:
        job = lazur.command(command="true", environment="sklearn-1.5@latest")
        assert job.environment == "azureml:sklearn-1.5@latest"
        job.environment = "mine:3"
        assert job.to_spec()["environment"] == "azureml:mine:3"
        for same in ("azureml:mine:3", "azureml://registries/r/environments/e/labels/latest"):
            job.environment = same
            assert job.environment == same

    def test_its_component_is_what_is_registered(self) -> None:
        job = lazur.command(
            name="fit",
            command="fit ${{inputs.x}} ${{inputs.n}} ${{outputs.o}}",
            code="src",
            environment="azureml:e:1",
            inputs={"x": Input(type="uri_file", path="a.csv", mode="download"), "n": 1},
            outputs={"o": lazur.Output(type="uri_folder", mode="rw_mount")},
            compute="local",
        )
        spec = job.component.to_spec()
        assert spec["inputs"] == {
            "x": {"type": "uri_file", "mode": "download"},
            "n": {"type": "integer", "default": 1},
        }
        assert (spec["name"], "compute" in spec) == ("fit", False)
        assert catalog.validate("command-component", spec)[1] == []

    def test_is_shown_as_its_yaml(self) -> None:
        job = lazur.command(command="true", environment="azureml:e:1", inputs={"n": 1})
        shown = "inputs:\n  n: 1\n"
        assert shown in str(job)
        assert "type: uniform" in str(job(n=lazur.Uniform(0, 1)))

    def test_in_a_file_elsewhere_its_paths_are_whole(self, tmp_path: Path) -> None:
        (tmp_path / "a").mkdir()
        job = lazur.command(
            command="true",
            code="src",
            environment=lazur.Environment(image="i", conda_file="conda.yml"),
            inputs={"x": Input(path="data"), "y": Input(path="azureml:y:1"), "z": "src"},
        )
        job.base_path = tmp_path / "a"
        job.dump(tmp_path / "a" / "job.yml")
        job.dump(tmp_path / "job.yml")
        here = lazur.load_job(tmp_path / "a" / "job.yml")
        there = lazur.load_job(tmp_path / "job.yml").to_spec()
        assert here.to_spec() == job.to_spec()
        assert there["code"] == str(tmp_path / "a" / "src")
        assert there["environment"]["conda_file"] == str(tmp_path / "a" / "conda.yml")
        assert there["inputs"]["x"]["path"] == str(tmp_path / "a" / "data")
        assert (there["inputs"]["y"]["path"], there["inputs"]["z"]) == ("azureml:y:1", "src")

    def test_keeps_what_it_does_not_know(self) -> None:
        spec = {"command": "true", "type": "command", "from_the_future": {"a": [1, None]}}
        assert Command.from_spec(spec).to_spec() == spec

    def test_is_asked_for_where_a_path_is_given(self) -> None:
        with pytest.raises(Invalid, match="Command is needed") as caught:
            expect("job.yml", Command)
        assert "load_job" in (caught.value.hint or "")
        with pytest.raises(Invalid, match="This is a function") as caught:
            expect(lazur.pipeline(lambda: None), Command)
        assert "Call it" in (caught.value.hint or "")


class TestLoad:
    def test_a_job_keeps_its_folder_and_takes_overrides(self, tmp_path: Path) -> None:
        (tmp_path / "job.yml").write_text(
            "command: echo ${{inputs.a}}\nenvironment: azureml:e:1\n"
            "inputs: {a: {type: uri_file, path: x.csv}}\n"
        )
        job = lazur.load_job(tmp_path / "job.yml", params_override=[{"inputs.a.path": "y.csv"}])
        assert isinstance(job, lazur.Command)
        assert job.inputs["a"].path == "y.csv"
        assert job.base_path == tmp_path

    def test_an_environment_without_a_name_is_one_too(self, tmp_path: Path) -> None:
        (tmp_path / "e.yml").write_text("image: python:3.11\nos_type: linux\n$schema: x\n")
        environment = lazur.load_environment(tmp_path / "e.yml")
        assert environment.to_spec() == {
            "image": "python:3.11",
            "os_type": "linux",
            "$schema": "x",
        }

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(Invalid, match="no file"):
            lazur.load_data(tmp_path / "none.yml")
