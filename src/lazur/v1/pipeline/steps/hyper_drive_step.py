"""`azureml.pipeline.steps.hyper_drive_step`: a sweep as a step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lazur.v1.pipeline.core.builder import Graph
from lazur.v1.pipeline.steps.scripts import ScriptStep
from lazur.v1.told import ignored
from lazur.v1.train.hyperdrive.run import HyperDriveRun
from lazur.v1.train.hyperdrive.runconfig import HyperDriveConfig


class HyperDriveStep(ScriptStep):
    def __init__(
        self,
        name: str,
        hyperdrive_config: HyperDriveConfig,
        estimator_entry_script_arguments: list[Any] | None = None,
        inputs: Any = None,
        outputs: Any = None,
        metrics_output: Any = None,
        allow_reuse: bool = True,
        version: str | None = None,
    ) -> None:
        ignored("HyperDriveStep", {"metrics_output": metrics_output},
                "its trials' metrics are those of their runs")  # fmt: skip
        self._sweep = hyperdrive_config
        script = hyperdrive_config.script
        if estimator_entry_script_arguments:
            script.arguments = list(estimator_entry_script_arguments)
        super().__init__(script, name, inputs, outputs, allow_reuse)

    def to_spec(self, graph: Graph, scratch: Path) -> dict[str, Any]:
        return self._sweep.to_spec(scratch, self.bound(graph))


class HyperDriveStepRun(HyperDriveRun):
    def __init__(self, step_run: Any, **_: Any) -> None:
        super().__init__(step_run.experiment, step_run.id)
