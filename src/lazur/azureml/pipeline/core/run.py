"""`azureml.pipeline.core.run`: the pipeline that a job is a step of, and its other steps."""

from __future__ import annotations

from ..._lazur.absent import absent
from ..._lazur.runs import TrackedRun, by_id, own_tracking

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator


class StepRun(TrackedRun):
    """One step; its name is the step's."""

    type = "azureml.StepRun"

    def __init__(self, experiment: Any, step_run_id: str, **_: Any) -> None:
        found = by_id(step_run_id)
        super().__init__(own_tracking(), found._run_id)
        self.id = self.run_id = step_run_id
        self.name = self.display_name


class PipelineRun(TrackedRun):
    type = "azureml.PipelineRun"

    def __init__(self, experiment: Any, run_id: str, **_: Any) -> None:
        super().__init__(own_tracking(), by_id(run_id)._run_id)
        self.id = self.run_id = self.name = run_id

    def get_steps(self) -> Iterator[StepRun]:
        for child in self.get_children():
            yield StepRun(None, child.id)

    def find_step_run(self, name: str) -> list[StepRun]:
        return [step for step in self.get_steps() if step.name == name]


__getattr__ = absent("azureml.pipeline.core.run")
