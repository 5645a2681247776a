"""jobs/basics: pipelines of inline steps, on a cluster and without one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.published.conftest import Examples, steps

pytestmark = [pytest.mark.published, pytest.mark.slow]

BASICS = "jobs/basics"
ON_CLUSTER_AND_WITHOUT = pytest.mark.parametrize("where", ["", "-serverless"])
COMPUTES = {"": "cpu-cluster", "-serverless": "local"}


class TestPipelines:
    @ON_CLUSTER_AND_WITHOUT
    def test_steps_say_what_they_say_where_they_are_to(
        self, examples: Examples, where: str
    ) -> None:
        person = examples.at(BASICS)
        name = person.run(f"hello-pipeline{where}.yml")
        done = steps(person, name)
        assert {step: job["status"] for step, job in done.items()} == {
            "hello_job": "Completed",
            "world_job": "Completed",
        }
        said = {step: person.log(job["job"]) for step, job in done.items()}
        assert said == {"hello_job": "hello\n", "world_job": "world\n"}
        for job in done.values():
            assert person.ok("job", "show", "-n", job["job"])["compute"] == COMPUTES[where]

    @ON_CLUSTER_AND_WITHOUT
    def test_a_step_reads_what_the_step_before_wrote(self, examples: Examples, where: str) -> None:
        person = examples.at(BASICS)
        name = person.run(f"hello-pipeline-io{where}.yml")
        done = steps(person, name)
        assert {step: job["status"] for step, job in done.items()} == {
            "hello_job": "Completed",
            "world_job": "Completed",
        }
        assert person.log(done["world_job"]["job"]) == "world\n"

    @ON_CLUSTER_AND_WITHOUT
    def test_settings_say_where_the_steps_run_and_their_outputs_lie(
        self, examples: Examples, where: str
    ) -> None:
        person = examples.at(BASICS)
        name = person.run(f"hello-pipeline-settings{where}.yml")
        done = steps(person, name)
        assert set(done) == {"hello_job", "world_job"}
        for job in done.values():
            assert person.ok("job", "show", "-n", job["job"])["compute"] == COMPUTES[where]
            # A command of the shell goes on in the background of the other: either comes first.
            assert sorted(person.log(job["job"]).split()) == ["202204190", "hello"]

    @ON_CLUSTER_AND_WITHOUT
    def test_what_the_pipeline_is_given_is_what_a_step_says(
        self, examples: Examples, where: str
    ) -> None:
        person = examples.at(BASICS)
        given = f"inputs.hello_string_top_level_input=from the{where or '-cluster'} side"
        name = person.run(f"hello-pipeline-abc{where}.yml", "--set", given)
        done = steps(person, name)
        assert {job["status"] for job in done.values()} == {"Completed"}
        assert person.log(done["a"]["job"]) == f"hello from the{where or '-cluster'} side\n"
        assert person.log(done["c"]["job"]).endswith("/world.txt\n")

    @ON_CLUSTER_AND_WITHOUT
    def test_a_pipelines_output_is_a_file_where_it_says(
        self, examples: Examples, where: str
    ) -> None:
        person = examples.at(BASICS)
        name = self.anew(examples, f"hello-pipeline-customize-output-file{where}.yml")
        output = person.ok("job", "show", "-n", name)["outputs"]["output"]
        assert output["type"] == "uri_file"
        assert output["path"].endswith(f"/workspaceblobstore/paths/{name}/hello_world.txt")
        assert self.texts(examples, name) == {"named-outputs/output/hello_world.txt": "world\n"}

    @ON_CLUSTER_AND_WITHOUT
    def test_a_steps_output_is_a_folder_where_it_says(
        self, examples: Examples, where: str
    ) -> None:
        person = examples.at(BASICS)
        name = self.anew(examples, f"hello-pipeline-customize-output-folder{where}.yml")
        (job,) = (step["job"] for step in steps(person, name).values())
        output = person.ok("job", "show", "-n", job)["outputs"]["output"]
        assert output["path"].endswith(f"/workspaceblobstore/paths/{job}/")
        made = self.texts(examples, job)
        assert made["named-outputs/output/hello_world-folder.txt"] == "world\n"

    @ON_CLUSTER_AND_WITHOUT
    def test_an_output_that_is_called_artifacts_is_all_that_a_step_left(
        self, examples: Examples, where: str
    ) -> None:
        person = examples.at(BASICS)
        name = self.anew(examples, f"hello-pipeline-default-artifacts{where}.yml")
        done = steps(person, name)
        assert person.log(done["world_job"]["job"]) == "world\n"
        left = self.texts(examples, done["hello_job"]["job"])
        assert left["artifacts/outputs/world.txt"] == "world\n"

    def test_what_was_done_before_is_not_done_again_and_read_by_the_rest(
        self, examples: Examples
    ) -> None:
        person = examples.at(BASICS)
        file = "hello-pipeline-default-artifacts.yml"
        person.run(file)
        again = "jobs.world_job.command=cat -n ${{inputs.world_input}}/outputs/world.txt"
        name = person.run(file, "--set", again)
        done = steps(person, name)
        assert done["hello_job"]["reused_from"]
        assert person.log(done["hello_job"]["job"]) == "hello\n"
        assert person.log(done["world_job"]["job"]).split() == ["1", "world"]

    def anew(self, examples: Examples, file: str) -> str:
        """Name of the job, whose steps all ran, whatever was done before."""
        person = examples.at(BASICS)
        name = person.run(file, "--set", "settings.force_rerun=true")
        assert all(
            (step["status"], step["reused_from"]) == ("Completed", None)
            for step in steps(person, name).values()
        )
        return name

    def texts(self, examples: Examples, name: str) -> dict[str, str]:
        found: dict[str, Path] = examples.results_of(examples.at(BASICS), name)
        return {path: file.read_text() for path, file in found.items()}
