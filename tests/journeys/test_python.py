"""A data scientist who knows Azure's client: jobs, sweeps and pipelines in Python, from the first
line to the files that came of them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import lazur
from lazur import Client, Input, Output
from lazur.errors import Invalid, JobFailed
from lazur.parallel import RunFunction, parallel_run_function
from lazur.sdk.commands import Command
from lazur.sweep import (
    BanditPolicy,
    Choice,
    Objective,
    RandomSamplingAlgorithm,
    SweepJob,
    SweepJobLimits,
    Uniform,
)
from tests.journeys.conftest import Person
from tests.journeys.test_sweeps import REPORT

TRAIN = """\
import os, sys
from report import report

rows, rate, kind, out = sys.argv[1:]
with open(os.path.join(rows, "rows.txt")) as file:
    count = len(file.readlines())
print(f"training {kind} at {rate} on {count} rows")
report("loss", abs(float(rate) - 0.3))
with open(os.path.join(out, "model.txt"), "w") as file:
    file.write(f"{kind} {rate}")
"""
FUNCTIONS = """\
import lazur
from lazur import Input, Output

ENVIRONMENT = {"image": "python"}

@lazur.dsl.group
class Seen:
    rows: int
    enough: bool

@lazur.command_component(environment=ENVIRONMENT)
def look(data: Input(type="uri_folder"), least: int = 2) -> Seen:
    with open(f"{data}/rows.txt") as file:
        rows = len(file.readlines())
    return Seen(rows=rows, enough=rows >= least)

@lazur.command_component(environment=ENVIRONMENT)
def say(rows: int) -> Output(type="uri_folder"):
    with open("said.txt", "w") as file:
        file.write(f"{rows} rows")
    return "said.txt"

@lazur.pipeline(default_compute="local")
def whole(data: Input(type="uri_folder")):
    seen = look(data=data)
    one, other = say(rows=seen.outputs.rows), say(rows=0)
    lazur.dsl.condition(condition=seen.outputs.enough, true_block=one, false_block=other)
    return {"said": one.outputs.output}
"""


@pytest.fixture
def client(person: Person) -> Iterator[Client]:
    person.write("src/report.py", REPORT)
    person.write("src/train.py", TRAIN)
    person.write("data/rows.txt", "1\n2\n3\n")
    with lazur.connect(home=person.home, workspace="default") as client:
        yield client


def train(person: Person) -> Command:
    job = lazur.command(
        code="src",
        command="python train.py ${{inputs.table}} ${{inputs.rate}} ${{inputs.kind}}"
        " ${{outputs.model}}",
        environment=lazur.Environment(image="python"),
        inputs={"table": Input(type="uri_folder", path="data"), "rate": 0.5, "kind": "tree"},
        outputs={"model": Output(type="uri_folder")},
        compute="local",
    )
    job.base_path = person.folder
    return job


def followed(client: Client, job: Any) -> str:
    """What is seen of it until it has ended well."""
    seen = io.StringIO()
    client.jobs.stream(job.name, out=seen)
    assert client.jobs.get(job.name).status == "Completed", seen.getvalue()
    return seen.getvalue()


def model(client: Client, job: Any, folder: Path) -> str:
    client.jobs.download(job.name, output_name="model", download_path=folder)
    return (folder / "named-outputs" / "model" / "model.txt").read_text()


class TestSweep:
    def test_a_command_is_swept(self, person: Person, client: Client) -> None:
        job = train(person)(rate=Uniform(0, 1), kind=Choice(["tree", "forest"]))
        sweep = job.sweep(
            sampling_algorithm=RandomSamplingAlgorithm(seed=7),
            primary_metric="loss",
            goal="Minimize",
        )
        sweep.set_limits(max_total_trials=4, max_concurrent_trials=2, timeout=600)
        sweep.early_termination = BanditPolicy(slack_factor=0.5, delay_evaluation=5)
        sweep.experiment_name = "rates"
        made = client.create_or_update(sweep)
        assert "4 trials: 4 completed. Best: trial " in followed(client, made)
        trials = client.jobs.trials(made.name)
        (best,) = [trial for trial in trials if trial.best]
        assert best.score == min(trial.score for trial in trials if trial.score is not None)
        ended = client.jobs.get(made.name)
        assert (ended.experiment_name, ended.properties["best_child_run_id"]) == (
            "rates",
            best.name,
        )
        written = model(client, made, person.folder / "best")
        assert written == f"{best.values['kind']} {best.values['rate']}"

    def test_it_is_made_of_its_parts_and_comes_back_from_its_file(
        self, person: Person, client: Client
    ) -> None:
        sweep = SweepJob(
            trial=train(person),
            search_space={"rate": Choice([0.1, 0.4])},
            sampling_algorithm="grid",
            objective=Objective(goal="minimize", primary_metric="loss"),
            limits=SweepJobLimits(max_total_trials=5),
        )
        sweep.dump(person.folder / "sweep.yml")
        again = lazur.load_job(person.folder / "sweep.yml")
        assert again.to_spec() == sweep.to_spec()
        made = client.jobs.create_or_update(again)
        assert client.jobs.wait(made.name).status == "Completed"
        tried = sorted(trial.values["rate"] for trial in client.jobs.trials(made.name))
        assert tried == [0.1, 0.4]
        assert model(client, made, person.folder / "best") == "tree 0.4"

    def test_it_is_a_step_whose_best_model_the_next_one_takes(
        self, person: Person, client: Client
    ) -> None:
        job = train(person)
        read = lazur.command(
            command="cat ${{inputs.model}}/model.txt | tee ${{outputs.model}}/model.txt",
            environment=lazur.Environment(image="python"),
            inputs={"model": Input(type="uri_folder")},
            outputs={"model": Output(type="uri_folder")},
        )

        @lazur.pipeline(default_compute="local")
        def whole(table: Any) -> dict[str, Any]:
            best = job(table=table, rate=Choice([0.2, 0.9])).sweep(
                primary_metric="loss", goal="minimize", sampling_algorithm="grid"
            )
            best.set_limits(max_total_trials=2, max_concurrent_trials=2)
            last = read(model=best.outputs.model)
            return {"model": last.outputs.model}

        made = whole(table=Input(type="uri_folder", path=str(person.folder / "data")))
        made.dump(person.folder / "pipeline.yml")
        again = lazur.load_job(person.folder / "pipeline.yml")
        assert again.to_spec() == made.to_spec()
        sent = client.jobs.create_or_update(again)
        followed(client, sent)
        assert model(client, sent, person.folder / "best") == "tree 0.2"

    def test_a_command_that_nobody_swept_is_not_sent(self, person: Person, client: Client) -> None:
        with pytest.raises(Invalid, match="'rate' is a Uniform"):
            client.jobs.create_or_update(train(person)(rate=Uniform(0, 1)))


class TestFunctions:
    def test_what_they_return_steers_and_is_kept(
        self, person: Person, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        person.write("functions_that_steer.py", FUNCTIONS)
        monkeypatch.syspath_prepend(person.folder)
        functions = __import__("functions_that_steer")
        job = functions.whole(data=Input(type="uri_folder", path=str(person.folder / "data")))
        made = client.jobs.create_or_update(job)
        followed(client, made)
        ran = [step.name for step in client.jobs.list(parent_job_name=made.name)]
        assert {name for name in ran if name.endswith(("_one", "_other"))} == {f"{made.name}_one"}
        client.jobs.download(made.name, output_name="said", download_path=person.folder)
        assert (person.folder / "named-outputs" / "said" / "said.txt").read_text() == "3 rows"


class TestParallel:
    def test_it_runs_as_a_step(self, person: Person, client: Client) -> None:
        person.write("src/score.py", "def run(batch): return [open(p).read()[0] for p in batch]\n")
        for name in "abc":
            person.write(f"files/{name}.txt", f"{name}\n")
        score = parallel_run_function(
            inputs={"files": Input(type="uri_folder")},
            outputs={"lines": Output(type="uri_folder")},
            input_data="${{inputs.files}}",
            mini_batch_size="2",
            max_concurrency_per_instance=1,
            task=RunFunction(
                code=person.folder / "src",
                entry_script="score.py",
                environment=lazur.Environment(image="python"),
                append_row_to="${{outputs.lines}}",
            ),
        )

        @lazur.pipeline(default_compute="local")
        def whole(files: Any) -> dict[str, Any]:
            scored = score(files=files)
            scored.inputs.files.mode = "download"
            return {"lines": scored.outputs.lines}

        made = client.jobs.create_or_update(
            whole(files=Input(type="uri_folder", path=str(person.folder / "files")))
        )
        followed(client, made)
        client.jobs.download(made.name, output_name="lines", download_path=person.folder)
        (file,) = (person.folder / "named-outputs" / "lines").rglob("*.txt")
        assert file.read_text().split() == ["a", "b", "c"]


class TestComponents:
    def test_one_that_is_registered_is_a_step_and_one_of_a_file_a_job(
        self, person: Person, client: Client
    ) -> None:
        file = person.write(
            "fit.yml",
            """\
            name: fit_in_python
            type: command
            inputs:
              table: {type: uri_folder}
              rate: {type: number, default: 0.3}
            outputs:
              model: {type: uri_folder}
            code: src
            environment: {image: python}
            command: python train.py ${{inputs.table}} ${{inputs.rate}} one ${{outputs.model}}
            """,
        )
        fit = lazur.load_component(person.folder / file)
        table = Input(type="uri_folder", path=str(person.folder / "data"))
        job = fit(table=table)
        job.compute = "local"
        made = client.jobs.create_or_update(job)
        assert "training one at 0.3 on 3 rows" in followed(client, made)
        client.components.create_or_update(fit)
        registered = client.components.get("fit_in_python")

        @lazur.pipeline(default_compute="local")
        def whole(table: Any) -> dict[str, Any]:
            fitted = registered(table=table, rate=0.4)
            return {"model": fitted.outputs.model}

        sent = client.jobs.create_or_update(whole(table=table))
        followed(client, sent)
        assert model(client, sent, person.folder / "best") == "one 0.4"


class TestAssets:
    def test_they_are_named_by_what_the_server_gave(self, person: Person, client: Client) -> None:
        data = client.data.create_or_update(
            lazur.Data(name="rows_in_python", type="uri_folder", path=person.folder / "data")
        )
        made = client.environments.create_or_update(
            lazur.Environment(name="env_in_python", image="python")
        )
        job = train(person)(table=Input(type="uri_folder", path=data.id))
        job.environment = f"{made.name}:{made.version}"
        assert "on 3 rows" in followed(client, client.create_or_update(job))
        job.name = "train_in_python"
        fit = client.components.create_or_update(job.component)

        @lazur.pipeline(default_compute="local")
        def whole() -> dict[str, Any]:
            fitted = client.components.get(fit.name)(table=Input(path=data.id), rate=0.7)
            return {"model": fitted.outputs.model}

        sent = client.jobs.create_or_update(whole())
        followed(client, sent)
        assert model(client, sent, person.folder / "best") == "tree 0.7"
        client.create_or_update(whole)
        assert client.components.get("whole").type == "pipeline"
        with pytest.raises(Invalid, match="This is a str, and no component"):
            client.components.create_or_update("fit.yml")


class TestMistakes:
    def test_why_a_job_failed_is_read_by_attribute(self, person: Person, client: Client) -> None:
        job = train(person)(rate="fast")
        made = client.jobs.create_or_update(job)
        with pytest.raises(JobFailed) as caught:
            client.jobs.stream(made.name, out=io.StringIO())
        failed = client.jobs.get(made.name)
        assert failed.error.message in str(caught.value)
        assert failed.error.hint in str(caught.value)
        with pytest.raises(AttributeError, match="Did you mean 'error'"):
            _ = failed.eror
