"""HyperDrive: a sweep of ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lazur.errors import Invalid
from lazur.sdk.source import Source
from lazur.v1.core.script_run_config import ScriptRunConfig
from lazur.v1.core.submission import spec
from lazur.v1.told import ignored, refused
from lazur.v1.train.hyperdrive.policy import EarlyTerminationPolicy
from lazur.v1.train.hyperdrive.run import HyperDriveRun, PrimaryMetricGoal
from lazur.v1.train.hyperdrive.sampling import HyperParameterSampling

__all__ = ["HyperDriveConfig", "PrimaryMetricGoal"]

_MINUTES = 10080
_OF_TRIAL = ("command", "code", "environment", "environment_variables", "distribution")


class HyperDriveConfig:
    def __init__(
        self,
        hyperparameter_sampling: HyperParameterSampling,
        primary_metric_name: str,
        primary_metric_goal: str,
        max_total_runs: int,
        max_concurrent_runs: int | None = None,
        max_duration_minutes: int = _MINUTES,
        policy: EarlyTerminationPolicy | None = None,
        estimator: Any = None,
        run_config: ScriptRunConfig | None = None,
        resume_from: Any = None,
        resume_child_runs: Any = None,
        pipeline: Any = None,
        **more: Any,
    ) -> None:
        if pipeline is not None:
            raise refused("HyperDriveConfig(pipeline=…)", "Sweep a step of a pipeline instead.")
        ignored("HyperDriveConfig", {"resume_from": resume_from,
                                     "resume_child_runs": resume_child_runs, **more})  # fmt: skip
        if (estimator is None) == (run_config is None):
            raise Invalid("HyperDriveConfig needs either a run_config or an estimator.")
        self._script = run_config or estimator.to_script_run_config()
        self._sampling = hyperparameter_sampling
        self._policy = policy
        self._objective = {"primary_metric": primary_metric_name, "goal": primary_metric_goal}
        self._limits = {
            "max_total_trials": max_total_runs,
            "max_concurrent_trials": min(max_concurrent_runs or max_total_runs, max_total_runs),
            "timeout": max_duration_minutes * 60,
        }

    def submit_to(self, experiment: Any, more: Mapping[str, Any], **given: Any) -> HyperDriveRun:
        ignored("Experiment.submit", given)
        with TemporaryDirectory(prefix="lazur-v1-") as scratch:
            source = Source({**self.to_spec(Path(scratch)), **more}, Path.cwd())
            job = experiment.workspace.client.jobs.submit(source)
        made = HyperDriveRun(experiment, job.name)
        made.goal = self._objective
        return made

    @property
    def script(self) -> ScriptRunConfig:
        return self._script

    def to_spec(self, scratch: Path, script: ScriptRunConfig | None = None) -> dict[str, Any]:
        whole = spec(script or self._script, scratch)
        limits = {**self._limits, "trial_timeout": (whole.pop("limits", {})).get("timeout")}
        space = {_key(k): v for k, v in self._sampling.parameter_space.items()}
        added = " ".join(
            f'{_flag(name)} "${{{{search_space.{_key(name)}}}}}"'
            for name in self._sampling.parameter_space
        )
        trial = {key: whole.pop(key) for key in _OF_TRIAL if key in whole}
        trial["command"] = f"{trial['command']} {added}"
        made = {
            **whole,
            "type": "sweep",
            "trial": trial,
            "search_space": space,
            "sampling_algorithm": self._sampling.algorithm,
            "objective": {**self._objective, "goal": str(self._objective["goal"]).lower()},
            "limits": {key: value for key, value in limits.items() if value},
        }
        if self._policy and self._policy.spec["type"]:
            made["early_termination"] = self._policy.spec
        return made


def _key(name: str) -> str:
    return re.sub(r"\W", "_", name.lstrip("-"))


def _flag(name: str) -> str:
    return name if name.startswith("-") else f"--{name}"
