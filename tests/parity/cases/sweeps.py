import tempfile
from pathlib import Path
from typing import Any

from azure.ai.ml import Input, Output, command, dsl
from azure.ai.ml.sweep import BanditPolicy, Choice, MedianStoppingPolicy

from tests.parity.cases.operations import operation
from tests.parity.samples import compute, environment, folder, streamed

LOG = """
import json, os, sys, urllib.request
body = {"run_id": os.environ["MLFLOW_RUN_ID"], "key": "score", "value": float(sys.argv[1]), "timestamp": 0}
urllib.request.urlopen(urllib.request.Request(
    os.environ["MLFLOW_TRACKING_URI"] + "/api/2.0/mlflow/runs/log-metric",
    json.dumps(body).encode(),
    {"Authorization": "Bearer " + os.environ["MLFLOW_TRACKING_TOKEN"],
     "Content-Type": "application/json"},
))
"""  # noqa: E501


@operation("jobs.create_or_update", "sweep")
@operation("jobs.stream", "of a sweep")
@operation("jobs.list", "trials of a sweep")
@operation("jobs.download", "the best trial of a sweep")
def a_sweep_finds_its_best_trial(client: Any) -> None:
    trial = command(
        command="python log.py ${{inputs.lr}}; echo ${{inputs.lr}} > ${{outputs.o}}/lr",
        code=str(folder(log_py=LOG)),
        environment=environment(),
        inputs={"lr": 1},
        outputs={"o": Output(type="uri_folder")},
    )
    asked = trial(lr=Choice([1, 3, 2])).sweep(
        sampling_algorithm="grid",
        primary_metric="score",
        goal="Maximize",
        compute=compute(client),
        max_total_trials=3,
        max_concurrent_trials=2,
        early_termination_policy=BanditPolicy(slack_factor=0.5, evaluation_interval=5),
    )
    asked.experiment_name = "parity"
    made = client.jobs.create_or_update(asked)
    assert "azureml-logs/hyperdrive.txt" in streamed(client, made.name)
    found = client.jobs.get(made.name)
    assert found.status == "Completed"
    assert found.objective.primary_metric == "score"
    assert found.limits.max_total_trials == 3
    assert found.early_termination.slack_factor == 0.5
    trials = {one.name: one for one in client.jobs.list(parent_job_name=made.name)}
    assert len(trials) == 3
    assert found.properties["best_child_run_id"] in trials
    here = Path(tempfile.mkdtemp())
    client.jobs.download(made.name, download_path=here, output_name="o")
    assert (here / "named-outputs/o/lr").read_text() == "3\n"


@operation("jobs.create_or_update", "a sweep as a step of a pipeline")
def a_sweep_is_a_step(client: Any) -> None:
    trial = command(
        command="python log.py ${{inputs.lr}}; echo ${{inputs.lr}} > ${{outputs.o}}/lr",
        code=str(folder(log_py=LOG)),
        environment=environment(),
        inputs={"lr": Input(type="number")},
        outputs={"o": Output(type="uri_folder")},
    )

    @dsl.pipeline(experiment_name="parity", default_compute="local")
    def built():
        swept = trial(lr=Choice([1, 2])).sweep(
            sampling_algorithm="grid", primary_metric="score", goal="Minimize"
        )
        swept.set_limits(max_total_trials=2, timeout=3600)
        swept.early_termination = MedianStoppingPolicy(evaluation_interval=1)
        return {"best": swept.outputs.o}

    made = client.jobs.create_or_update(built())
    streamed(client, made.name)
    found = client.jobs.get(made.name)
    assert found.status == "Completed"
    assert found.jobs["swept"].limits.timeout == 3600
    here = Path(tempfile.mkdtemp())
    client.jobs.download(made.name, download_path=here, output_name="best")
    assert (here / "named-outputs/best/lr").read_text() == "1\n"
