from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import lazur
from lazur import Choice, Input, Output, SweepJob, Uniform
from lazur.errors import Invalid
from lazur.kinds import catalog
from lazur.sdk.commands import Command
from lazur.sweep import BanditPolicy, Objective, RandomSamplingAlgorithm, SweepJobLimits


def train(**more: Any) -> Command:
    return lazur.command(
        code="src",
        command="python train.py ${{inputs.table}} --rate ${{inputs.rate}} ${{outputs.model}}",
        environment="azureml:sklearn:1",
        inputs={"table": Input(type="uri_folder", path="data"), "rate": 0.1},
        outputs={"model": Output(type="custom_model")},
        **more,
    )


class TestCalled:
    def test_a_command_is_the_same_job_with_other_inputs(self) -> None:
        job = train(name="first", compute="local")
        again = job(rate=0.5)
        again.inputs["table"].path = "other"
        assert (again.inputs["rate"], again.compute, again.name) == (0.5, "local", None)
        assert (job.inputs["rate"], job.inputs["table"].path, job.name) == (0.1, "data", "first")


class TestSweep:
    def test_a_command_is_swept_as_in_azures_client(self) -> None:
        job = train(experiment_name="wine", timeout=60, instance_count=2, priority="high")
        sweep = job(rate=Uniform(0, 1)).sweep(
            sampling_algorithm="bayesian", primary_metric="loss", goal="minimize", compute="local"
        )
        sweep.set_limits(max_total_trials=4, max_concurrent_trials=2)
        sweep.set_limits(timeout=600)
        sweep.early_termination = BanditPolicy(slack_factor=0.1, evaluation_interval=2)
        sweep.display_name = "rates"
        assert sweep.to_spec() == {
            "type": "sweep",
            "display_name": "rates",
            "experiment_name": "wine",
            "trial": {
                "code": "src",
                "command": job.command,
                "environment": "azureml:sklearn:1",
            },
            "inputs": {"table": {"type": "uri_folder", "path": "data"}},
            "outputs": {"model": {"type": "custom_model"}},
            "search_space": {"rate": {"type": "uniform", "min_value": 0, "max_value": 1}},
            "objective": {"goal": "minimize", "primary_metric": "loss"},
            "sampling_algorithm": "bayesian",
            "early_termination": {
                "type": "bandit",
                "slack_factor": 0.1,
                "evaluation_interval": 2,
            },
            "limits": {
                "max_total_trials": 4,
                "max_concurrent_trials": 2,
                "timeout": 600,
                "trial_timeout": 60,
            },
            "compute": "local",
            "resources": {"instance_count": 2},
            "queue_settings": {"priority": "high"},
        }
        assert _problems(sweep.to_spec()) == []
        assert sweep.base_path == job.base_path

    def test_the_command_stays_as_it_was(self) -> None:
        job = train()
        sweep = job.sweep(
            primary_metric="loss", goal="minimize", search_space={"rate": Choice([1, 2])}
        )
        sweep.trial.environment = "azureml:other:1"
        assert sweep.to_spec()["inputs"].keys() == {"table"}
        assert (job.environment, job.inputs["rate"]) == ("azureml:sklearn:1", 0.1)

    def test_it_is_made_of_its_parts(self) -> None:
        sweep = SweepJob(
            trial=train(compute="local"),
            search_space={"rate": Choice([0.1, 0.2])},
            sampling_algorithm=RandomSamplingAlgorithm(rule="sobol", seed=3),
            objective=Objective(goal="maximize", primary_metric="auc"),
            limits=SweepJobLimits(max_total_trials=2),
        )
        spec = sweep.to_spec()
        assert spec["sampling_algorithm"] == {"type": "random", "rule": "sobol", "seed": 3}
        assert (spec["compute"], "compute" in spec["trial"]) == ("local", False)
        assert _problems(spec) == []

    def test_what_it_has_is_assigned_as_in_azures_client(self) -> None:
        sweep = train()(rate=Uniform(0, 1)).sweep(primary_metric="loss", goal="minimize")
        sweep.set_objective(primary_metric="auc")
        sweep.objective.goal = "maximize"
        sweep.inputs.table.mode = "download"
        sweep.set_limits(max_total_trials=2)
        sweep.limits.max_total_trials = 3
        spec = sweep.to_spec()
        assert spec["objective"] == {"goal": "maximize", "primary_metric": "auc"}
        assert spec["inputs"]["table"]["mode"] == "download"
        assert spec["limits"] == {"max_total_trials": 3}
        with pytest.raises(AttributeError, match="Did you mean 'early_termination'"):
            sweep.early_terminaton = BanditPolicy(slack_factor=0.1)

    def test_a_sweep_of_nothing_says_what_it_needs(self) -> None:
        with pytest.raises(Invalid, match="distributions") as caught:
            train().sweep(primary_metric="loss", goal="minimize").to_spec()
        assert "lazur.Uniform" in (caught.value.hint or "")
        with pytest.raises(TypeError, match="max_trials"):
            train().sweep(primary_metric="loss", goal="minimize", max_trials=3)  # pyright: ignore[reportCallIssue]

    def test_within_a_pipeline_it_is_a_step(self) -> None:
        job = train(timeout=60, experiment_name="wine")

        @lazur.pipeline
        def whole() -> dict[str, Any]:
            best = job(rate=Uniform(0, 1)).sweep(primary_metric="loss", goal="minimize")
            best.set_limits(max_total_trials=4)
            other = job.sweep(
                primary_metric="loss",
                goal="minimize",
                max_total_trials=2,
                search_space={"rate": Choice([1, 2])},
            )
            assert other.objective["goal"] == "minimize"
            return {"model": best.outputs.model}

        steps = whole().to_spec()["jobs"]
        assert steps["best"]["type"] == steps["other"]["type"] == "sweep"
        assert steps["best"]["search_space"]["rate"]["type"] == "uniform"
        assert steps["best"]["limits"] == {"trial_timeout": 60, "max_total_trials": 4}
        assert steps["best"]["outputs"] == {"model": "${{parent.outputs.model}}"}
        assert steps["other"]["inputs"].keys() == {"table"}
        assert "inputs" not in steps["best"]["trial"]
        assert _problems(whole().to_spec(), "pipeline-job") == []


class TestLoad:
    def test_to_a_file_and_back_loses_nothing(self, tmp_path: Path) -> None:
        made = train(tags={"a": "b"}, timeout=9)(rate=Uniform(0, 1)).sweep(
            primary_metric="loss",
            goal="minimize",
            sampling_algorithm=RandomSamplingAlgorithm(seed=3),
            early_termination=BanditPolicy(slack_factor=0.1),
            search_space={"kind": Choice(["a", {"b": Uniform(0, 1)}])},
        )
        made.base_path = tmp_path
        made.dump(tmp_path / "sweep.yml")
        again = lazur.load_job(tmp_path / "sweep.yml")
        assert again.to_spec() == made.to_spec()
        assert again.to_yaml() == made.to_yaml()
        assert isinstance(again, SweepJob)
        assert again.limits.trial_timeout == 9

    def test_a_file_is_a_sweep_and_loses_nothing(self, tmp_path: Path) -> None:
        (tmp_path / "sweep.yml").write_text(
            "type: sweep\ntrial: ./train.yml\nsearch_space: {rate: {type: choice, values: [1]}}\n"
            "objective: {goal: minimize, primary_metric: loss}\nlimits: {max_total_trials: 1}\n"
            "from_the_future: {a: [1, null]}\n"
        )
        job = lazur.load_job(tmp_path / "sweep.yml")
        assert isinstance(job, SweepJob)
        assert job.base_path == tmp_path
        job.set_limits(max_total_trials=3)
        assert job.to_spec() == {
            "type": "sweep",
            "trial": "./train.yml",
            "search_space": {"rate": {"type": "choice", "values": [1]}},
            "objective": {"goal": "minimize", "primary_metric": "loss"},
            "limits": {"max_total_trials": 3},
            "from_the_future": {"a": [1, None]},
        }


def _problems(spec: dict[str, Any], kind: str = "sweep-job") -> list[str]:
    return [one.render() for one in catalog.validate(kind, spec)[1]]
