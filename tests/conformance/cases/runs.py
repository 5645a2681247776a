"""Experiments and runs, by `MlflowClient`."""

from __future__ import annotations

from mlflow.entities import Metric, Param, RunTag

from tests.conformance.scene import Scene


def metrics(scene: Scene) -> None:
    run = scene.run()
    scene.client.log_metric(run, "a", 0.5, timestamp=1000, step=1)
    scene.client.log_metric(run, "a", 0.25, timestamp=2000, step=2)
    scene.client.get_metric_history(run, "a")
    scene.client.log_batch(
        run, metrics=[Metric("b", 1.0, 1, 0)], params=[Param("p", "1")], tags=[RunTag("t", "x")]
    )
    with scene.refused():
        scene.client.log_metric("0" * 32, "a", 1)
    scene.client.get_run(run)
