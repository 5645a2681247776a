"""Steps that run a script or a command."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lazur.errors import Invalid
from lazur.v1.core.places import Consumed
from lazur.v1.core.runconfig import MpiConfiguration, RunConfiguration
from lazur.v1.core.script_run_config import ScriptRunConfig
from lazur.v1.core.submission import spec
from lazur.v1.pipeline.core.builder import Graph, PipelineStep
from lazur.v1.told import ignored


class ScriptStep(PipelineStep):
    """What all of them have."""

    def __init__(
        self,
        config: ScriptRunConfig,
        name: str,
        inputs: Any = None,
        outputs: Any = None,
        allow_reuse: bool | None = True,
    ) -> None:
        words = config.command if isinstance(config.command, list) else []
        arguments = [*words, *config.arguments]
        super().__init__(name, inputs, outputs, arguments, allow_reuse)
        self._config = config

    def to_spec(self, graph: Graph, scratch: Path) -> dict[str, Any]:
        return spec(self.bound(graph), scratch)

    def bound(self, graph: Graph) -> ScriptRunConfig:
        """The configuration with the pipeline's expressions in the places of its data."""
        made = copy.copy(self._config)
        made.arguments = [graph.bound(part, self) for part in made.arguments]
        if isinstance(made.command, list):
            made.command = [graph.bound(part, self) for part in made.command]
        ports = [graph.bound(part, self) for part in (*self.inputs, *self.outputs, *made.inputs)]
        made.inputs = [part for part in ports if isinstance(part, Consumed)]
        return made


class PythonScriptStep(ScriptStep):
    def __init__(
        self,
        script_name: str,
        name: str | None = None,
        arguments: list[Any] | None = None,
        compute_target: Any = None,
        runconfig: RunConfiguration | None = None,
        runconfig_pipeline_params: Any = None,
        inputs: Any = None,
        outputs: Any = None,
        params: Mapping[str, Any] | None = None,
        source_directory: str | None = None,
        allow_reuse: bool | None = True,
        version: str | None = None,
        hash_paths: Any = None,
        **more: Any,
    ) -> None:
        ignored(
            "PythonScriptStep", {"runconfig_pipeline_params": runconfig_pipeline_params, **more}
        )
        own = own_copy(runconfig, compute_target)
        told = {f"AML_PARAMETER_{key}": str(value) for key, value in (params or {}).items()}
        own.environment_variables |= told
        self._folder = source_directory
        config = ScriptRunConfig(source_directory or ".", script_name, arguments or [], own)
        super().__init__(config, name or script_name, inputs, outputs, allow_reuse)

    @property
    def source_directory(self) -> str | None:
        return self._folder

    @source_directory.setter
    def source_directory(self, value: str) -> None:
        self._config.source_directory = value


class CommandStep(ScriptStep):
    def __init__(
        self,
        command: Any = None,
        name: str | None = None,
        compute_target: Any = None,
        runconfig: Any = None,
        runconfig_pipeline_params: Any = None,
        inputs: Any = None,
        outputs: Any = None,
        params: Mapping[str, Any] | None = None,
        source_directory: str | None = None,
        allow_reuse: bool = True,
        version: str | None = None,
    ) -> None:
        ignored("CommandStep", {"runconfig_pipeline_params": runconfig_pipeline_params})
        given = runconfig if isinstance(runconfig, ScriptRunConfig) else None
        plain = None if isinstance(runconfig, ScriptRunConfig) else runconfig
        own = own_copy(given.run_config if given else plain, compute_target)
        told = {f"AML_PARAMETER_{key}": str(value) for key, value in (params or {}).items()}
        own.environment_variables |= told
        folder = source_directory or (given.source_directory if given else ".")
        whole = command or (given.command if given else None)
        config = ScriptRunConfig(folder, command=whole, run_config=own)
        super().__init__(config, name or "command", inputs, outputs, allow_reuse)


class MpiStep(ScriptStep):
    def __init__(
        self,
        name: str | None = None,
        source_directory: str | None = None,
        script_name: str | None = None,
        arguments: list[Any] | None = None,
        compute_target: Any = None,
        node_count: int | None = None,
        process_count_per_node: int | None = None,
        inputs: Any = None,
        outputs: Any = None,
        allow_reuse: bool = True,
        runconfig: RunConfiguration | None = None,
        environment_definition: Any = None,
        **more: Any,
    ) -> None:
        ignored("MpiStep", more)
        own = own_copy(runconfig, compute_target)
        config = ScriptRunConfig(
            source_directory or ".",
            script_name,
            arguments or [],
            own,
            environment=environment_definition,
            distributed_job_config=MpiConfiguration(process_count_per_node or 1, node_count or 1),
        )
        super().__init__(config, name or script_name or "mpi", inputs, outputs, allow_reuse)


class EstimatorStep(ScriptStep):
    def __init__(
        self,
        name: str | None = None,
        estimator: Any = None,
        estimator_entry_script_arguments: list[Any] | None = None,
        runconfig_pipeline_params: Any = None,
        inputs: Any = None,
        outputs: Any = None,
        compute_target: Any = None,
        allow_reuse: bool = True,
        version: str | None = None,
    ) -> None:
        ignored("EstimatorStep", {"runconfig_pipeline_params": runconfig_pipeline_params})
        if estimator is None:
            raise Invalid("EstimatorStep needs an estimator.")
        config = estimator.to_script_run_config()
        if estimator_entry_script_arguments:
            config.arguments = list(estimator_entry_script_arguments)
        config.run_config = own_copy(config.run_config, compute_target)
        super().__init__(config, name or "estimator", inputs, outputs, allow_reuse)


def own_copy(given: RunConfiguration | None, compute_target: Any = None) -> RunConfiguration:
    """Steps share configurations, and each goes on with its own."""
    own = copy.copy(given) if given is not None else RunConfiguration()
    own.environment = copy.copy(own.environment)
    own.environment.environment_variables = dict(own.environment.environment_variables)
    own.docker = dataclasses.replace(own.docker)
    if compute_target is not None:
        own.target = compute_target
    return own
