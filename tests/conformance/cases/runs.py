"""Runs, by `MlflowClient`."""

from __future__ import annotations

import math

from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModelInput,
    LoggedModelOutput,
    Metric,
    Param,
    RunTag,
)

from tests.conformance.scene import Scene


def life(scene: Scene) -> None:
    """Made, changed, ended, deleted, restored."""
    client = scene.client
    experiment = scene.experiment()
    run = scene.run(experiment, tags={"mlflow.user": "someone", "é": "ü"})
    client.get_run(run)
    client.update_run(run, status="SCHEDULED", name="another name")
    client.get_run(run)
    client.set_terminated(run, status="FAILED", end_time=5000)
    client.get_run(run)
    client.set_terminated(run, end_time=6000)
    client.delete_run(run)
    client.get_run(run)
    client.restore_run(run)
    client.get_run(run)
    with scene.judged():
        client.create_run(
            experiment, start_time=1, run_name="by tag", tags={"mlflow.runName": "x"}
        )


def names(scene: Scene) -> None:
    """A run without a name is given one."""
    client = scene.client
    run = client.create_run(scene.experiment(), start_time=1000)
    scene.note("named", bool(run.info.run_name))
    client.update_run(run.info.run_id, name="")
    client.set_tag(run.info.run_id, "mlflow.runName", "by a tag")
    client.get_run(run.info.run_id)


def parents(scene: Scene) -> None:
    client = scene.client
    experiment = scene.experiment()
    parent = scene.run(experiment)
    child = scene.run(experiment, tags={"mlflow.parentRunId": parent})
    client.get_parent_run(child)
    client.get_parent_run(parent)


def metrics(scene: Scene) -> None:
    """Values of every kind, and which of them is the latest."""
    client = scene.client
    run = scene.run()
    for step, value in enumerate((0.5, math.inf, -math.inf, math.nan, 1e-320, -0.0, 1e300, 7)):
        client.log_metric(run, "odd", value, timestamp=1000 + step, step=step)
    client.log_metric(run, "same step", 1, timestamp=1, step=0)
    client.log_metric(run, "same step", 3, timestamp=1, step=0)
    client.log_metric(run, "same step", 2, timestamp=1, step=0)
    client.log_metric(run, "same step", 2, timestamp=1, step=0)
    client.log_metric(run, "backwards", 1, timestamp=9, step=9)
    client.log_metric(run, "backwards", 2, timestamp=10, step=-5)
    client.log_metric(run, "a/b.c-d e:f", 1, timestamp=1, step=2**62)
    for key in ("odd", "same step", "backwards", "a/b.c-d e:f", "absent"):
        client.get_metric_history(run, key)
    client.get_run(run)


def metrics_of_models_and_data(scene: Scene) -> None:
    client = scene.client
    experiment = scene.experiment()
    run = scene.run(experiment)
    model = client.create_logged_model(experiment, name="m", source_run_id=run)
    client.log_metric(
        run,
        "acc",
        0.5,
        timestamp=1000,
        step=3,
        dataset_name="d",
        dataset_digest="abc",
        model_id=model.model_id,
    )
    client.log_metric(run, "acc", 0.75, timestamp=2000, step=4, model_id=model.model_id)
    client.get_logged_model(model.model_id)
    client.get_metric_history(run, "acc")
    client.get_run(run)


def params_and_tags(scene: Scene) -> None:
    client = scene.client
    run = scene.run()
    client.log_param(run, "p", 1)
    client.log_param(run, "p", 1)
    client.log_param(run, "empty", "")
    client.log_param(run, "long", "x" * 6000)
    client.log_param(run, "é/ü.1-_ :x", None)
    with scene.judged():
        client.log_param(run, "p", 2)
    with scene.judged():
        client.log_param(run, "longer", "x" * 6001)
    client.set_tag(run, "t", "one")
    client.set_tag(run, "t", "two")
    client.set_tag(run, "long", "y" * 9000)
    client.set_tag(run, "mlflow.note.content", "# said\n*of* it")
    client.delete_tag(run, "t")
    with scene.judged():
        client.delete_tag(run, "t")
    client.get_run(run)


def batches(scene: Scene) -> None:
    client = scene.client
    run = scene.run()
    many = [Metric(f"m{n % 7}", n / 4, 1000 + n, n) for n in range(1000)]
    client.log_batch(run, metrics=many)
    client.log_batch(run, params=[Param(f"p{n}", str(n)) for n in range(100)])
    client.log_batch(run, tags=[RunTag(f"t{n}", str(n)) for n in range(100)])
    client.log_batch(
        run, metrics=[Metric("x", 1, 1, 1)], params=[Param("p0", "0")], tags=[RunTag("t0", "new")]
    )
    client.log_batch(run)
    client.get_run(run)
    client.get_metric_history(run, "m3")


def large_batches_are_split(scene: Scene) -> None:
    """By the client; the server takes 1,000 metrics at once."""
    client = scene.client
    run = scene.run()
    client.log_batch(run, metrics=[Metric("m", n, n, n) for n in range(2500)])
    client.get_run(run)
    with scene.judged():
        client.log_batch(run, params=[Param("same", "1"), Param("same", "2")])
    client.get_run(run)


def asynchronous(scene: Scene) -> None:
    """Written by other threads, complete when flushed."""
    client = scene.client
    run = scene.run()
    client.log_metric(run, "a", 1, timestamp=1, step=1, synchronous=False).wait()
    client.log_param(run, "p", 1, synchronous=False).wait()
    client.set_tag(run, "t", 1, synchronous=False).wait()
    client.log_batch(run, metrics=[Metric("b", 1, 1, 1)], synchronous=False).wait()
    client.get_run(run)


def refusals(scene: Scene) -> None:
    """What runs do not take, and in which words."""
    client = scene.client
    run = scene.run()
    absent = "0" * 32
    for key in ("", "x" * 300, "a//b", "../a", "a\n", "/a", "a?b"):
        with scene.judged():
            client.log_metric(run, key, 1)
        with scene.judged():
            client.log_param(run, key, 1)
        with scene.judged():
            client.set_tag(run, key, 1)
    for what in (client.get_run, client.delete_run, client.restore_run, client.set_terminated):
        with scene.judged():
            what(absent)
    with scene.judged():
        client.log_batch(absent, metrics=[Metric("m", 1, 1, 1)])
    with scene.judged():
        client.log_param(absent, "p", "1")
    with scene.judged():
        client.set_tag(absent, "t", "1")
    with scene.judged():
        client.get_metric_history(absent, "m")
    with scene.judged():
        client.create_run("987654")
    with scene.judged():
        client.get_run("not an id")


def deleted_runs_are_not_written_to(scene: Scene) -> None:
    client = scene.client
    run = scene.run()
    client.delete_run(run)
    client.delete_run(run)
    with scene.judged():
        client.log_metric(run, "m", 1, timestamp=1)
    with scene.judged():
        client.log_param(run, "p", "1")
    with scene.judged():
        client.set_tag(run, "t", "1")
    with scene.judged():
        client.log_batch(run, tags=[RunTag("t", "1")])
    with scene.judged():
        client.update_run(run, name="another")
    client.restore_run(run)
    client.restore_run(run)
    client.get_run(run)


def inputs_and_outputs(scene: Scene) -> None:
    """Datasets and models that a run used and made."""
    client = scene.client
    experiment = scene.experiment()
    run = scene.run(experiment)
    model = client.create_logged_model(experiment, name="m", source_run_id=run).model_id
    data = Dataset("wine", "abc123", "local", '{"uri": "x"}', '{"s": 1}', '{"rows": 3}')
    other = Dataset("beer", "def456", "local", '{"uri": "y"}')
    train = [InputTag("mlflow.data.context", "train"), InputTag("more", "1")]
    client.log_inputs(run, [DatasetInput(data, train), DatasetInput(other)])
    client.log_inputs(run, [DatasetInput(data, train)])
    client.log_inputs(run, models=[LoggedModelInput(model)])
    client.log_outputs(run, [LoggedModelOutput(model, step=4)])
    client.get_run(run)
    client.search_runs([experiment], "dataset.name = 'wine'")
    client.search_runs([experiment], "dataset.context = 'train'")
    client.search_runs([experiment], "dataset.digest = 'nothing'")
    again = scene.run(experiment)
    client.log_inputs(again, [DatasetInput(data, [])])
    client.get_run(again)
    with scene.judged():
        client.log_inputs("0" * 32, [DatasetInput(data, train)])
