"""Scripts of Azure Machine Learning v1, after `sed s/azureml/lazur.v1/`."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.journeys.conftest import Person

_TRAIN = """
import argparse, os
from lazur.v1.core import Run

parser = argparse.ArgumentParser()
parser.add_argument("--data-folder")
parser.add_argument("--regularization", type=float)
args = parser.parse_args()
run = Run.get_context()
run.log("files", len(os.listdir(args.data_folder)))
for loss in (3, 2):
    Run.get_context().log("loss", loss)
run.log("kind", "linear")
run.upload_file("note.txt", __file__)
run.log("accuracy", 1 - args.regularization)
os.makedirs("outputs", exist_ok=True)
open("outputs/model.txt", "w").write("weights")
run.complete()
"""
_SUBMIT = """
from lazur.v1.core import Dataset, Environment, Experiment, ScriptRunConfig, Workspace

ws = Workspace.from_config()
env = Environment("user-env")
env.docker.base_image = "python:3.11"
data = Dataset.File.from_files("data/**")
args = ["--data-folder", data.as_named_input("mnist").as_mount(), "--regularization", 0.25]
src = ScriptRunConfig(source_directory="src", script="train.py", arguments=args, environment=env)
run = Experiment(workspace=ws, name="sklearn-mnist").submit(config=src, tags={"team": "red"})
assert run.wait_for_completion(show_output=True)["status"] == "Completed"
metrics = {"files": 1.0, "loss": [3.0, 2.0], "accuracy": 0.75, "kind": "linear"}
assert run.get_metrics() == metrics, run.get_metrics()
assert run.get_tags() == {"team": "red"}
assert "outputs/model.txt" in run.get_file_names()
run.download_file("note.txt", "note.py")
run.download_file("outputs/model.txt", "model.txt")
assert open("model.txt").read() == "weights"
model = run.register_model(model_name="mnist", model_path="outputs/model.txt")
assert open(model.download("models")).read() == "weights"
store = ws.get_default_datastore()
store.upload_files(["data/a.csv"], target_path="v1/up")
table = Dataset.Tabular.from_delimited_files((store, "v1/up/a.csv")).register(ws, "v1-table")
assert list(Dataset.get_by_name(ws, "v1-table").to_pandas_dataframe()) == ["1"]
from lazur.v1.core import Model
frame = table.to_pandas_dataframe()
made = Dataset.Tabular.register_pandas_dataframe(frame, (store, "x"), "v1-frame")
assert list(made.to_pandas_dataframe()) == ["1"]
assert Model(ws, "mnist", run_id=run.id).version == model.version
print(model.name, model.version)
"""
_SWEEP = """
from lazur.v1.core import Dataset, Environment, Experiment, Workspace
from lazur.v1.train.estimator import Estimator
from lazur.v1.train.hyperdrive import *

ws = Workspace.from_config()
env = Environment("user-env")
env.docker.base_image = "python:3.11"
data = Dataset.File.from_files("data").register(ws, "mnist", create_new_version=True)
estimator = Estimator("src", entry_script="train.py", environment_definition=env,
                      script_params={"--data-folder": ws.datasets["mnist"].as_mount()})
config = HyperDriveConfig(
    hyperparameter_sampling=GridParameterSampling({"--regularization": choice(0.5, 0.25)}),
    primary_metric_name="accuracy", primary_metric_goal=PrimaryMetricGoal.MAXIMIZE,
    max_total_runs=2, max_concurrent_runs=2, estimator=estimator)
run = Experiment(ws, "sweep").submit(config)
run.wait_for_completion()
best = run.get_best_run_by_primary_metric()
assert best.get_details()["runDefinition"]["arguments"][-2:] == ["--regularization", "0.25"]
print(best.get_metrics()["accuracy"])
"""
_LOGGING = """
import os
from lazur.v1.core import Experiment, Model, Webservice, Workspace
from lazur.v1.core.model import InferenceConfig
import lazur.v1.mlflow

ws = Workspace.from_config()
experiment = Experiment(ws, "it's here")
for number in (1, 2):
    run = experiment.start_logging()
    run.log_list("losses", [3, number])
    open("model.txt", "w").write(str(number))
    run.upload_file("model.txt", "model.txt")
    with run.child_run("fold") as child:
        child.log("loss", number)
    run.complete()
    print(run.get_status(), run.get_metrics())
assert not os.path.exists("outputs")
second, first = experiment.get_runs()
assert (second.id, first.get_metrics()) == (run.id, {"losses": [3.0, 1.0]})
assert len(list(experiment.get_runs(include_children=True))) == 4
assert [one.parent.id for one in run.get_children()] == [run.id]
assert ws.get_run(first.id).get_file_names() == ["outputs/model.txt"]
first.download_file("model.txt", "first.txt")
assert open("first.txt").read() == "1"
for one in (first, second):
    one.register_model("v1-notebook", "model.txt")
assert {"v1-notebook:1", "v1-notebook:2"} <= {model.id for model in Model.list(ws)}
assert open(Model.get_model_path("v1-notebook", 1, ws)).read() == "1"
"""


_UNCHANGED = """
import os
from azureml.core import Dataset, Environment, Model, Run, Workspace
from azureml.core.compute import AmlCompute
import azureml.mlflow

del os.environ["MLFLOW_RUN_ID"]  # as MLflow does when a run begins
run = Run.get_context(allow_offline=False)
ws = run.experiment.workspace
assert ws.get_run(run.id).display_name == run.display_name
run.log_row("point", x=1, y="low")
run.log_row("point", x=2, y="high")
run.log("Accuracy (%)", 91)
assert run.get_metrics() == {
    "point": {"x": [1.0, 2.0], "y": ["low", "high"]}, "Accuracy (%)": 91.0}, run.get_metrics()
assert os.listdir(run.input_datasets["given"]) == ["a.csv"]
data = Dataset.get_by_name(ws, "v1-wine")
assert [open(file).read() for file in data.download("here")] == ["1"]
try:
    data.register(ws, "mine")
except Exception as error:
    assert "Declare an output" in str(error), error
child = run.child_run("fold")
child.log("loss", 1)
child.upload_file("fold.txt", "here/a.csv")
child.complete()
assert [one.get_metrics() for one in run.get_children()] == [{"loss": 1.0}]
assert [one.get_file_names() for one in run.get_children()] == [["outputs/fold.txt"]]
os.makedirs("outputs", exist_ok=True)
open("outputs/model.txt", "w").write("weights")
open("other.txt", "w").write("others")
run.register_model("v1-mine", "outputs/model.txt", tags={"area": 7}, description="of a job")
Model.register(ws, "other.txt", "v1-mine")
open("other.txt", "w").write("more")
Model.register(ws, "other.txt", "v1-mine", tags={"last": 1})
found = [open(Model.get_model_path("v1-mine", number)).read() for number in (1, 2, 3)]
assert found == ["weights", "others", "more"], found
print([(m.version, m.tags) for m in Model.list(ws)])
assert Run.get_context(allow_offline=False) is run
assert child.parent.id == run.id
store = ws.get_default_datastore()
assert store.name in ws.datastores
csv = Dataset.File.from_files([(store, "v1/wines/*.csv"), (store, "v1/wines/deep/b.txt")])
assert sorted(csv.to_path()) == ["/a.csv", "/b.txt"], csv.to_path()
assert sorted(os.path.basename(p) for p in csv.download("csv")) == ["a.csv", "b.txt"]
"""
_JOB = """
command: python train.py
code: ./src
environment: {image: "python:3.11"}
inputs:
  given: {type: uri_folder, path: "azureml:v1-wine:1"}
"""


_FAILING = """
from azureml.core import Run

try:
    raise ValueError("no data")
except ValueError as error:
    Run.get_context().fail(error_details=error)
print("the end")
"""


_PREPARE = """
import argparse, os
from azureml.core import Run
from azureml.pipeline.core import PipelineRun

parser = argparse.ArgumentParser()
parser.add_argument("--rows", type=int)
parser.add_argument("--out")
args = parser.parse_args()
os.makedirs(args.out, exist_ok=True)
for number in range(args.rows):
    open(os.path.join(args.out, f"{number}.txt"), "w").write(str(number))
run = Run.get_context()
run.parent.log("rows", args.rows)
steps = PipelineRun(run.experiment, run.parent.id).find_step_run("Prepare it")
assert [step.id for step in steps] == [run.id], steps
"""
_SCORE = """
import argparse, os

def init():
    global add
    parser = argparse.ArgumentParser()
    parser.add_argument("--add", type=int)
    add = parser.parse_known_args()[0].add

def run(mini_batch):
    return [int(open(path).read()) + add for path in mini_batch]
"""
_PIPELINE = """
from lazur.v1.core import Environment, Experiment, RunConfiguration, Workspace
from lazur.v1.data import OutputFileDatasetConfig
from lazur.v1.pipeline.core import Pipeline, PipelineData, PipelineParameter, PublishedPipeline
from lazur.v1.pipeline.steps import ParallelRunConfig, ParallelRunStep, PythonScriptStep

ws = Workspace.from_config()
env = Environment("user-env")
env.docker.base_image = "python:3.11"
run_config = RunConfiguration()
run_config.environment = env
data = PipelineData("numbers", datastore=ws.get_default_datastore())
scores = OutputFileDatasetConfig("scores")
prepare = PythonScriptStep(
    name="Prepare it", script_name="prepare.py", source_directory="src", outputs=[data],
    arguments=["--rows", PipelineParameter("rows", 2), "--out", data], runconfig=run_config)
score = ParallelRunStep(
    name="score", inputs=[data.as_dataset().as_named_input("numbers")], output=scores,
    arguments=["--add", 10], parallel_run_config=ParallelRunConfig(
        environment=env, entry_script="score.py", source_directory="src", mini_batch_size="1",
        output_action="append_row", process_count_per_node=1, node_count=1))
pipeline = Pipeline(workspace=ws, steps=[score])
assert pipeline.validate() == []
run = Experiment(ws, "pipes").submit(pipeline, pipeline_parameters={"rows": 3})
run.wait_for_completion(show_output=True)
assert run.get_metrics() == {"rows": 3.0}
assert sorted(step.name for step in run.get_children()) == ["Prepare it", "score"]
step = run.find_step_run("score")[0]
step.get_output_data("scores").download("got")
assert open("got/scores/parallel_run_step.txt").read() == "10\\n11\\n12\\n"
published = pipeline.publish(name="Numbers", description="of rows")
again = PublishedPipeline.get(ws, published.id).submit(ws, "pipes")
again.wait_for_completion()
print(again.get_metrics())
"""


class TestPipelines:
    def test_one_is_submitted_and_published(self, person: Person) -> None:
        person.write("src/prepare.py", _PREPARE)
        person.write("src/score.py", _SCORE)

        assert _python(person, _PIPELINE).endswith("{'rows': 2.0}\n")


class TestJobs:
    def test_any_job_runs_an_unchanged_script(self, person: Person) -> None:
        person.write("src/train.py", _UNCHANGED)
        person.write("data/a.csv", "1")
        person.write("job.yml", f"name: a_name_that_is_longer_than_those_of_runs\n{_JOB.lstrip()}")
        person.ok("data", "create", "-n", "v1-wine", "--version", "1", "-p", "./data",
                  "--type", "uri_folder")  # fmt: skip
        stored = person.home / "workspaces" / "default" / "workspaceblobstore" / "v1" / "wines"
        (stored / "deep").mkdir(parents=True)
        for name in ("a.csv", "a.txt", "deep/b.csv", "deep/b.txt"):
            (stored / name).write_text(name)

        log = person.log(person.run("job.yml"))
        assert "(1, {'area': '7'})" in log
        assert "(2, {})" in log
        made = person.ok("model", "show", "-n", "v1-mine", "--version", "1")
        assert made["description"] == "of a job"

    def test_a_script_may_say_that_it_failed(self, person: Person) -> None:
        person.write("src/train.py", _FAILING)
        person.write("job.yml", _JOB.partition("inputs:")[0])

        name = person.text("job", "create", "-f", "job.yml", "--query", "name")
        assert "the end" in person.log(name)
        assert person.text("job", "show", "-n", name, "--query", "status") == "Failed"
        assert "no data" in person.log(name)


class TestScripts:
    def test_a_script_is_submitted_and_looked_at(self, person: Person) -> None:
        person.write("src/train.py", _TRAIN)
        person.write("data/a.csv", "1")

        assert _python(person, _SUBMIT).endswith("mnist 1\n")

    def test_hyperdrive_tries_an_estimator(self, person: Person) -> None:
        person.write("src/train.py", _TRAIN)
        person.write("data/a.csv", "1")

        assert _python(person, _SWEEP).endswith("0.75\n")


class TestStartLogging:
    def test_a_notebook_has_runs_of_its_own(self, person: Person) -> None:
        lines = _python(person, _LOGGING).splitlines()

        assert lines == ["Completed {'losses': [3.0, 1.0]}", "Completed {'losses': [3.0, 2.0]}"]


def _python(person: Person, script: str) -> str:
    person.ok("job", "list")  # starts the server with the person's settings
    done = subprocess.run(
        [sys.executable, person.folder / person.write("submit.py", script)],
        capture_output=True,
        text=True,
        cwd=person.folder,
        env={**os.environ, **person.settings, "LAZUR_HOME": str(person.home)},
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
