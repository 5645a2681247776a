"""jobs/pipelines-with-components/basics: pipelines whose steps are components."""

from __future__ import annotations

import json

import pytest

from tests.journeys.conftest import Person
from tests.published.conftest import Examples, steps

pytestmark = [pytest.mark.published, pytest.mark.slow]

BASICS = "jobs/pipelines-with-components/basics"


def completed(person: Person, name: str) -> dict[str, str]:
    """The name of each step's job, by the step. All have completed."""
    ran = steps(person, name)
    assert {job["status"] for job in ran.values()} == {"Completed"}
    return {step: job["job"] for step, job in ran.items()}


class TestTrainScoreEvaluate:
    """A dummy model that each step hands on."""

    def checked(self, examples: Examples, person: Person, name: str) -> None:
        ran = completed(person, name)
        assert list(ran) == ["train_job", "score_job", "evaluate_job"]
        model = self.text(examples, person, ran["train_job"], "model_output/model.txt")
        assert model.startswith("This is a dummy model with id")
        assert model in self.text(examples, person, ran["score_job"], "score_output/score.txt")
        log = person.log(ran["train_job"])
        assert '"Month", "Average"' in log
        for said in ("Max epocs: 20", "Learning rate: 1.8", "Learning rate: time-based"):
            assert f"{said}\n" in log
        results = examples.results_of(person, name)
        told = "named-outputs/pipeline_job_trained_model/model.txt"
        assert results[told].read_text() == model
        report = results["named-outputs/pipeline_job_evaluation_report/eval_result.txt"]
        assert report.read_text().startswith("Eval done at")

    def text(self, examples: Examples, person: Person, job: str, path: str) -> str:
        return examples.results_of(person, job)[f"named-outputs/{path}"].read_text()

    def test_components_in_files(self, examples: Examples) -> None:
        person = examples.at(f"{BASICS}/1a_e2e_local_components")
        self.checked(examples, person, person.run("pipeline.yml"))

    def test_registered_components(self, examples: Examples) -> None:
        person = examples.at(f"{BASICS}/1b_e2e_registered_components")
        for file in ("train.yml", "score.yml", "eval.yml"):
            person.ok("component", "create", "-f", file)
        name = person.run("pipeline.yml")
        self.checked(examples, person, name)
        again = person.run("pipeline.yml")
        assert all(job["reused_from"] for job in steps(person, again).values())

    def test_components_within_the_pipeline(self, examples: Examples) -> None:
        person = examples.at(f"{BASICS}/1c_e2e_inline_components")
        self.checked(examples, person, person.run("pipeline.yml"))


class TestOneStep:
    def test_a_component_without_ports(self, examples: Examples) -> None:
        person = examples.at(f"{BASICS}/2a_basic_component")
        (job,) = completed(person, person.run("pipeline.yml")).values()
        assert person.log(job).strip()

    @pytest.mark.parametrize(
        "folder, text",
        [
            ("2b_component_with_input_output", "hello_python_world_default"),
            ("4a_local_data_input", "Hello_Pipeline_World"),
        ],
    )
    def test_a_folder_and_a_text_in_a_folder_out(
        self, examples: Examples, folder: str, text: str
    ) -> None:
        person = examples.at(f"{BASICS}/{folder}")
        name = person.run("pipeline.yml")
        (job,) = completed(person, name).values()
        log = person.log(job)
        assert f"sample_input_string: {text}\n" in log
        assert '"Dec",  0.0' in log
        ((path, file),) = examples.results_of(person, name).items()
        assert path.startswith("named-outputs/pipeline_sample_output_data/file-")
        assert file.read_text().startswith("Logging date time:")

    @pytest.mark.parametrize(
        "folder, said",
        [
            ("5a_env_public_docker_image", "Hello Python World"),
            ("5b_env_registered", "Hello Python World"),
            ("5c_env_conda_file", "How was it??"),
        ],
    )
    def test_environments_of_components(self, examples: Examples, folder: str, said: str) -> None:
        person = examples.at(f"{BASICS}/{folder}")
        (job,) = completed(person, person.run("pipeline.yml")).values()
        assert said in person.log(job)


class TestSteps:
    def test_three_that_know_nothing_of_each_other(self, examples: Examples) -> None:
        person = examples.at(f"{BASICS}/3a_basic_pipeline")
        ran = completed(person, person.run("pipeline.yml"))
        assert sorted(ran) == ["component_a", "component_b", "component_c"]
        for step, job in ran.items():
            assert f"I'm component {step[-1].upper()}" in person.log(job)

    def test_each_reads_what_the_one_before_wrote(self, examples: Examples) -> None:
        person = examples.at(f"{BASICS}/3b_pipeline_with_data")
        name = person.run("pipeline.yml")
        ran = completed(person, name)
        wrote = [self.wrote(examples, person, ran, letter) for letter in "abc"]
        assert '"Month", "Average"' in person.log(ran["component_a"])
        for text, reader in zip(wrote, ("component_b", "component_c"), strict=False):
            assert text in person.log(ran[reader])
        (file,) = examples.results_of(person, name).values()
        assert file.read_text() == wrote[-1]

    def wrote(self, examples: Examples, person: Person, ran: dict[str, str], letter: str) -> str:
        results = examples.results_of(person, ran[f"component_{letter}"])
        where = f"named-outputs/component_{letter}_output/"
        (file,) = (file for path, file in results.items() if path.startswith(where))
        return file.read_text()

    def test_places_in_the_workspaces_own_store(self, examples: Examples) -> None:
        """The folder that it reads is there as soon as any step has written an output."""
        examples.at(f"{BASICS}/2b_component_with_input_output").run("pipeline.yml")
        person = examples.at(f"{BASICS}/4b_datastore_datapath_uri")
        name = person.run("pipeline.yml")
        ran = completed(person, name)
        assert "sample_input_string: Hello_Pipeline_World\n" in person.log(ran["component_folder"])
        assert "\nhello world\n" in person.log(ran["component_file"])
        ((path, file),) = examples.results_of(person, name).items()
        assert path == "named-outputs/pipeline_sample_output_data/hello-world.txt"
        assert file.read_text() == "hello world\n"

    def test_data_that_was_registered(self, examples: Examples) -> None:
        person = examples.at(f"{BASICS}/4d_data_input")
        person.ok("data", "create", "-f", "data.yml")
        ran = completed(person, person.run("pipeline.yml"))
        for step, text in (("python_hello_step", "Hello"), ("python_world_step", "World")):
            log = person.log(ran[step])
            assert f"sample_input_string: Pipeline_{text}\n" in log
            assert ".csv" in log


class TestTensorFlow:
    def test_each_worker_is_told_of_both(self, examples: Examples) -> None:
        person = examples.at(f"{BASICS}/6a_tf_hello_world")
        (job,) = completed(person, person.run("pipeline.yml")).values()
        logs = examples.results_of(person, job)
        told = [
            json.loads(logs[f"artifacts/user_logs/std_log_process_{worker}.txt"].read_text())
            for worker in range(2)
        ]
        workers = told[0]["cluster"]["worker"]
        assert len(set(workers)) == 2
        for index, config in enumerate(told):
            assert config["cluster"] == {"worker": workers}
            assert config["task"] == {"type": "worker", "index": index}
