"""`ScriptRunConfig`: a script, and all that is around it."""

from __future__ import annotations

import os
from typing import Any

from lazur.v1.core.environment import Environment
from lazur.v1.core.runconfig import Distribution, RunConfiguration
from lazur.v1.told import ignored


class ScriptRunConfig:
    def __init__(
        self,
        source_directory: str | os.PathLike[str],
        script: str | None = None,
        arguments: list[Any] | None = None,
        run_config: RunConfiguration | None = None,
        _telemetry_values: Any = None,
        compute_target: Any = None,
        environment: Environment | None = None,
        distributed_job_config: Distribution | None = None,
        resume_from: Any = None,
        max_run_duration_seconds: int | None = None,
        command: list[Any] | str | None = None,
        docker_runtime_config: Any = None,
    ) -> None:
        ignored("ScriptRunConfig", {"resume_from": resume_from})
        self.source_directory = os.fspath(source_directory)
        self.run_config = run_config or RunConfiguration()
        own = self.run_config
        self.script = script or own.script
        self.arguments = list(arguments if arguments is not None else own.arguments)
        self.command = command or own.command
        self.distributed_job_config = distributed_job_config
        self.inputs: list[Any] = []
        if compute_target is not None:
            own.target = compute_target
        if environment is not None:
            own.environment = environment
        if max_run_duration_seconds is not None:
            own.max_run_duration_seconds = max_run_duration_seconds
        if docker_runtime_config is not None:
            own.docker = docker_runtime_config

    @property
    def distribution(self) -> Distribution | None:
        """As the run configuration says by now, if nothing else does."""
        return self.distributed_job_config or self.run_config.distribution
