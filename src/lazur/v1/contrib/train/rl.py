"""`azureml.contrib.train.rl`: Ray's RLlib, its head and workers as the nodes of one job."""

from typing import Any

from lazur.v1.told import ignored
from lazur.v1.train.estimator import Estimator


class Ray:
    """Ray's version."""

    def __init__(self, version: str | None = None) -> None:
        self.version = version


class WorkerConfiguration:
    def __init__(self, compute_target: Any = None, node_count: int = 1, **more: Any) -> None:
        ignored("WorkerConfiguration", {"compute_target": compute_target, **more})
        self.node_count = node_count


class ReinforcementLearningEstimator(Estimator):
    packages = ("ray[rllib]",)

    def __init__(
        self,
        source_directory: str = ".",
        *,
        rl_framework: Ray | None = None,
        worker_configuration: WorkerConfiguration | None = None,
        max_run_duration_seconds: int | None = None,
        cluster_coordination_timeout_seconds: int | None = None,
        **more: Any,
    ) -> None:
        ignored("ReinforcementLearningEstimator",
                {"cluster_coordination_timeout_seconds": cluster_coordination_timeout_seconds,
                 "worker_configuration": worker_configuration},
                "Ray starts on the job's own node")  # fmt: skip
        super().__init__(
            source_directory,
            framework_version=rl_framework.version if rl_framework else None,
            max_run_duration_seconds=max_run_duration_seconds,
            **more,
        )


RayEstimator = RLlib = ReinforcementLearningEstimator
