"""From a folder with a script to results, and on to the next job."""

from __future__ import annotations

import pytest

from tests.journeys.conftest import Person

TRAIN = """\
    import argparse, json, os, pathlib
    parser = argparse.ArgumentParser()
    parser.add_argument("--data"); parser.add_argument("--rate", type=float)
    parser.add_argument("--model"); parser.add_argument("--depth")
    args = parser.parse_args()
    rows = pathlib.Path(args.data, "train.csv").read_text().split()
    pathlib.Path(args.model, "weights.json").write_text(json.dumps([args.rate * len(rows)]))
    pathlib.Path("outputs/report.txt").write_text(f"{len(rows)} rows, depth {args.depth}")
    print("trained on", len(rows), "rows for", os.environ["AZUREML_RUN_ID"])
"""
JOB = """\
    $schema: https://azuremlschemas.azureedge.net/latest/commandJob.schema.json
    type: command
    display_name: first try
    experiment_name: wine
    code: src
    command: >-
      python train.py
      --data ${{inputs.wine}}
      --rate ${{inputs.rate}}
      $[[--depth ${{inputs.depth}}]]
      --model ${{outputs.model}}
    inputs:
      wine:
        type: uri_folder
        path: data
      rate: 0.5
      depth:
    outputs:
      model:
        type: custom_model
    environment:
      image: python:3.11
"""
PREDICT = """\
    type: command
    command: cat ${{inputs.model}}/weights.json > ${{outputs.copy}}/seen.json
    inputs:
      model:
        type: custom_model
        path: azureml://jobs/NAME/outputs/model
    outputs:
      copy:
    environment:
      image: python:3.11
"""


@pytest.fixture
def project(person: Person) -> Person:
    person.write("src/train.py", TRAIN)
    person.write("src/.amlignore", "cache/\n")
    person.write("src/cache/large.bin", "x" * 1000)
    person.write("data/train.csv", "1 2 3 4")
    person.write("job.yml", JOB)
    return person


class TestTraining:
    def test_the_log_is_shown_and_all_results_come_back(self, project: Person) -> None:
        ran = project("job", "create", "-f", "job.yml", "--stream")
        assert ran.code == 0, ran.err
        name = ran.out.split()[-1]
        assert ran.out == f"trained on 4 rows for {name}\n"
        files = project.download(name)
        assert files["named-outputs/model/weights.json"] == "[2.0]"
        assert files["artifacts/outputs/report.txt"] == "4 rows, depth None"
        assert files["artifacts/user_logs/std_log.txt"] == ran.out

    def test_what_did_not_change_is_not_sent_again(self, project: Person) -> None:
        log = project.home / "logs/server.log"

        def sent() -> int:
            text = log.read_text()
            return text.count(" POST /api/v1/workspaces/default/")

        project.run("job.yml")
        before = sent()
        project.run("job.yml", "--set", "inputs.rate=2")
        assert sent() == before + 1
        project.write("data/train.csv", "5 6 7 8 9")
        project.run("job.yml")
        assert sent() > before + 2

    def test_a_jobs_output_is_the_next_ones_input(self, project: Person) -> None:
        first = project.run("job.yml", "--set", "inputs.rate=3", "inputs.depth=7")
        project.write("predict.yml", PREDICT.replace("NAME", first))
        second = project.run("predict.yml")
        assert project.download(second)["named-outputs/copy/seen.json"] == "[12.0]"
        assert project.download(first)["artifacts/outputs/report.txt"] == "4 rows, depth 7"

    def test_an_output_becomes_a_registered_model(self, project: Person) -> None:
        project.run("job.yml", "--set", "outputs.model.name=wine-model")
        first = project.ok("model", "show", "-n", "wine-model", "--label", "latest")
        assert (first["version"], first["type"]) == ("1", "custom_model")
        project.write("predict.yml", PREDICT)
        path = "inputs.model.path=azureml:wine-model@latest"
        name = project.run("predict.yml", "--set", path)
        assert project.download(name)["named-outputs/copy/seen.json"] == "[2.0]"

    def test_the_history_says_what_ran(self, project: Person) -> None:
        name = project.run("job.yml", "--set", "inputs.rate=4", "experiment_name=history")
        job = project.ok("job", "show", "-n", name)
        assert job["status"] == "Completed"
        assert job["inputs"]["rate"] == 4
        assert [phase["name"] for phase in job["phases"]][-1] == "finalizing"
        listed = project.ok("job", "list", "--experiment-name", "history")
        assert [entry["name"] for entry in listed] == [name]
