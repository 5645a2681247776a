"""The fluent API, as training scripts use it."""

from __future__ import annotations

import time
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow import sklearn
from mlflow.data.numpy_dataset import from_numpy
from mlflow.data.pandas_dataset import from_pandas
from mlflow.entities import LoggedModelInput, LoggedModelOutput
from mlflow.models import MetricThreshold, infer_signature
from mlflow.pyfunc.model import PythonModel
from sklearn.linear_model import LogisticRegression

from tests.conformance.scene import Scene


def runs(scene: Scene) -> None:
    m = scene.mlflow
    experiment = m.set_experiment(scene.name).experiment_id
    m.active_run()
    with m.start_run(run_name="a run", tags={"a": "1"}, description="what it does"):
        m.active_run()
        m.log_param("p", 1)
        m.log_params({"q": "x", "r": None})
        m.log_metric("m", 0.5, step=1, timestamp=1000)
        m.log_metrics({"m": 0.25, "n": 1}, step=2, timestamp=2000)
        m.set_tag("t", 1)
        m.set_tags({"u": "2", "v": "3"})
        m.delete_tag("u")
        with m.start_run(run_name="inner", nested=True) as inner:
            m.log_metric("m", 1, step=0, timestamp=1)
        m.get_parent_run(inner.info.run_id)
    last = m.last_active_run().info.run_id
    m.get_run(last)
    m.start_run(run_id=last)
    m.log_metric("again", 1, step=0, timestamp=1)
    m.end_run("FAILED")
    m.get_run(last)
    m.delete_run(last)
    m.restore_run(last)
    with scene.judged():
        m.get_run("0" * 32)
    with scene.judged():
        m.start_run(run_id="0" * 32)
    m.search_runs([experiment], "tags.a = '1'")


def broken(scene: Scene) -> None:
    """A run whose script raises has failed."""
    m = scene.mlflow
    m.set_experiment(scene.name)
    try:
        with m.start_run(run_name="a run"):
            raise ValueError("on purpose")
    except ValueError:
        scene.note("raised", True)
    m.get_run(mlflow.last_active_run().info.run_id)  # type: ignore[union-attr]


def experiments(scene: Scene) -> None:
    m = scene.mlflow
    made = m.create_experiment(scene.name, tags={"a": "1"})
    m.set_experiment(experiment_id=made)
    m.get_experiment(made)
    m.get_experiment_by_name(scene.name)
    m.set_experiment_tag("b", "2")
    m.set_experiment_tags({"c": "3", "d": "4"})
    m.delete_experiment_tag("a")
    m.search_experiments(filter_string=f"name = '{scene.name}'")
    m.delete_experiment(made)
    with scene.judged():
        m.set_experiment(scene.name)
    m.restore_experiment(made)


def asynchronous(scene: Scene) -> None:
    m = scene.mlflow
    m.set_experiment(scene.name)
    with m.start_run(run_name="a run") as run:
        m.log_param("p", 1, synchronous=False)
        m.log_metric("m", 1, step=0, timestamp=1, synchronous=False)
        m.flush_async_logging()
        m.log_metrics({f"m{n}": n for n in range(20)}, step=0, timestamp=1, synchronous=False)
        m.set_tags({"a": "b"}, synchronous=False)
        m.flush_async_logging()
    m.get_run(run.info.run_id)


def data(scene: Scene) -> None:
    """Datasets and models that a run used and made."""
    m = scene.mlflow
    m.set_experiment(scene.name)
    frame = pd.DataFrame({"a": [1, 2, 3], "b": [0.5, None, 1.5]})
    train = from_pandas(frame, source="https://example.com/wine", name="wine")
    other = from_numpy(np.arange(6).reshape(3, 2), name="numbers")
    model = m.initialize_logged_model(name="m").model_id
    with m.start_run(run_name="a run") as run:
        m.log_input(train, context="training", tags={"a": "1"})
        m.log_inputs([other], ["test"], [None])
        with scene.judged():
            m.log_inputs(models=[LoggedModelInput(model)])
        m.log_outputs([LoggedModelOutput(model, step=1)])
        m.log_metric("acc", 0.5, step=1, timestamp=1, dataset=train, model_id=model)
    m.get_run(run.info.run_id)
    m.get_logged_model(model)


def learning(scene: Scene) -> None:
    """A model is logged, loaded, registered and loaded again, by every name that it has."""
    m = scene.mlflow
    m.set_experiment(scene.name)
    x, y = np.arange(20.0).reshape(10, 2), np.arange(10) % 2
    fitted = LogisticRegression(C=0.5).fit(x, y)
    with m.start_run(run_name="a run") as run:
        with scene.unheard():
            info = sklearn.log_model(
                fitted,
                name="model",
                signature=infer_signature(x, y),
                input_example=x[:2],
                pip_requirements=["scikit-learn"],
                registered_model_name=scene.name,
            )
        m.log_params(fitted.get_params())
    m.set_model_version_tag(scene.name, "1", "k", "v")
    scene.client.set_registered_model_alias(scene.name, "champion", "1")
    with scene.unheard():
        m.register_model(info.model_uri, f"{scene.name}-again")
    for uri in (
        info.model_uri,
        f"runs:/{run.info.run_id}/model",
        f"models:/{scene.name}/1",
        f"models:/{scene.name}@champion",
        f"models:/{scene.name}/latest",
        f"models:/{scene.name}-again/1",
    ):
        with scene.unheard():
            loaded: Any = sklearn.load_model(uri)
            predicted = mlflow.pyfunc.load_model(uri).predict(x)
        scene.note(uri.partition(":")[0], [loaded.predict(x), predicted])
    with scene.unheard():
        files = scene.client.list_logged_model_artifacts(info.model_id)
    scene.note("files", sorted(file.path for file in files))
    scene.client.get_model_version(scene.name, "1")


def own_models(scene: Scene) -> None:
    """A model in Python of one's own."""
    m = scene.mlflow
    m.set_experiment(scene.name)
    with m.start_run(run_name="a run"), scene.unheard():
        info = mlflow.pyfunc.log_model(
            name="own", python_model=_Doubling(), pip_requirements=["numpy"]
        )
        loaded = mlflow.pyfunc.load_model(info.model_uri)
    scene.note("predicted", loaded.predict([1, 2]))
    m.last_logged_model()


def autolog(scene: Scene) -> None:
    """scikit-learn's, with and without models."""
    m = scene.mlflow
    m.set_experiment(scene.name)
    m.autolog(log_models=False, silent=True)
    x, y = np.arange(20.0).reshape(10, 2), np.arange(10) % 2
    with scene.unheard():
        LogisticRegression(C=0.25).fit(x, y).score(x, y)
        with mlflow.start_run(run_name="with a model"):
            sklearn.autolog(log_models=True, silent=True)
            LogisticRegression(C=0.5).fit(x, y)
    m.autolog(disable=True, silent=True)
    with scene.unheard():
        found = m.search_runs(order_by=["params.C"], output_format="list")
    for run in found:
        scene.note("params", run.data.params)
        scene.note("metrics", run.data.metrics)
        scene.note("inputs", len(run.inputs.dataset_inputs))
        scene.note("models", len(run.outputs.model_outputs))


def evaluation(scene: Scene) -> None:
    m = scene.mlflow
    m.set_experiment(scene.name)
    frame = pd.DataFrame({"x": [1, 2, 3, 4], "y": [0, 1, 0, 1], "p": [0, 1, 1, 1]})
    with m.start_run(run_name="a run"), scene.unheard():
        found = m.evaluate(
            data=frame,
            targets="y",
            predictions="p",
            model_type="classifier",
            evaluator_config={"log_explainer": False},
        )
    scene.note("metrics", {k: round(v, 6) for k, v in found.metrics.items()})
    better = MetricThreshold(threshold=0.5, greater_is_better=True)
    m.validate_evaluation_results({"accuracy_score": better}, found)


def system_metrics(scene: Scene) -> None:
    """Sampled by the client itself, which needs psutil for it; without it, it says so."""
    m = scene.mlflow
    m.set_experiment(scene.name)
    m.set_system_metrics_sampling_interval(0.05)
    m.set_system_metrics_samples_before_logging(1)
    m.set_system_metrics_node_id("node")
    m.enable_system_metrics_logging()
    try:
        with scene.judged(), scene.unheard(), mlflow.start_run(run_name="a run"):
            time.sleep(0.3)
    finally:
        m.disable_system_metrics_logging()
        m.set_system_metrics_sampling_interval(None)
        m.set_system_metrics_samples_before_logging(None)
        m.set_system_metrics_node_id(None)


def addresses(scene: Scene) -> None:
    m = scene.mlflow
    m.get_tracking_uri()
    m.is_tracking_uri_set()
    m.get_registry_uri()
    m.set_tracking_uri(scene.uri)
    m.set_registry_uri(scene.uri)
    m.get_registry_uri()
    scene.note("the same", scene.client.tracking_uri == scene.uri)


def workspaces(scene: Scene) -> None:
    """MLflow's own. Here they are Lazur's."""
    for offered in (scene.mlflow, scene.client):
        with scene.judged():
            offered.list_workspaces()
        with scene.judged():
            offered.get_workspace("ws-1")
        with scene.judged():
            offered.create_workspace("ws-2000", description="another")
        with scene.judged():
            offered.update_workspace("ws-2000", description="changed")
        with scene.judged():
            offered.delete_workspace("ws-2000")
    scene.client.get_workspace_store_uri()
    scene.mlflow.set_workspace(None)


def projects(scene: Scene) -> None:
    """A project runs on this machine, and logs where its parent's address points."""
    m = scene.mlflow
    m.set_experiment(scene.name)
    (scene.folder / "MLproject").write_text(_PROJECT)
    (scene.folder / "train.py").write_text(_TRAIN)
    with scene.unheard():
        done = m.run(
            str(scene.folder),
            parameters={"alpha": 0.5},
            env_manager="local",
            experiment_name=scene.name,
            synchronous=True,
        )
    scene.note("status", done.get_status())
    run = scene.client.get_run(done.run_id)
    scene.note("metrics", run.data.metrics)


_PROJECT = """
name: a project
entry_points:
  main:
    parameters:
      alpha: float
    command: "python train.py {alpha}"
"""
_TRAIN = """
import sys
import mlflow

mlflow.log_metric("alpha", float(sys.argv[1]), step=1, timestamp=1)
"""


class _Doubling(PythonModel):
    def predict(self, context: Any, model_input: list[int], params: Any = None) -> Any:
        return [2 * value for value in model_input]
