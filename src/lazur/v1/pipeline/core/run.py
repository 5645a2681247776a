"""Runs of pipelines and of their steps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lazur.errors import NotFound
from lazur.v1.core.run import Run


class StepRun(Run):
    """One step; its name is the step's."""

    def __init__(self, experiment: Any, run_id: str, **_: Any) -> None:
        super().__init__(experiment, run_id)
        self.name = self._job().display_name or run_id

    def get_output_data(self, name: str) -> PortDataReference:
        return PortDataReference(self, name)

    get_output = get_output_data

    def get_outputs(self) -> dict[str, PortDataReference]:
        return {name: PortDataReference(self, name) for name in _outputs(self)}

    def get_stdout_log(self) -> str:
        return "".join(self.get_details_with_logs()["logFiles"].values())

    get_job_log = get_stdout_log

    @property
    def type(self) -> str:
        return "azureml.StepRun"


class PipelineRun(Run):
    def get_steps(self) -> Iterator[StepRun]:
        for job in self._client.jobs.list(parent_job_name=self.id):
            yield StepRun(self.experiment, job.name)

    def get_children(self, **_: Any) -> Iterator[StepRun]:
        return self.get_steps()

    def find_step_run(self, name: str) -> Any:
        return [step for step in self.get_steps() if step.name == name]

    def get_pipeline_output(self, pipeline_output_name: str) -> PortDataReference:
        return PortDataReference(self, pipeline_output_name)

    @staticmethod
    def get(workspace: Any, run_id: str) -> PipelineRun:
        found = workspace.client.jobs.get(run_id)
        return PipelineRun(workspace.experiment(found.experiment_name or "Default"), found.name)

    get_pipeline_run = get

    @property
    def type(self) -> str:
        return "azureml.PipelineRun"


class PortDataReference:
    """What a step or a pipeline made."""

    def __init__(self, run: Run, name: str) -> None:
        known = _outputs(run)
        if name not in known:
            told = f"It has {', '.join(known)}." if known else "It has none."
            raise NotFound(f"The run {run.id} has no output {name!r}.", hint=told)
        self._run, self.name = run, name

    @property
    def path_on_datastore(self) -> str:
        return f"azureml://jobs/{self._run.id}/outputs/{self.name}"

    def download(self, local_path: str, overwrite: bool | None = None, **_: Any) -> int:
        """Into `local_path/<name>`; how many files there are."""
        folder = Path(local_path)
        jobs = self._run.experiment.workspace.client.jobs
        jobs.download(self._run.id, download_path=folder, output_name=self.name)
        fetched = folder / "named-outputs" / self.name
        target = folder / self.name
        if not target.exists():
            fetched.replace(target)
        return sum(1 for path in target.rglob("*") if path.is_file())


def _outputs(run: Run) -> list[str]:
    job = run.experiment.workspace.client.jobs.get(run.id)
    return [name for name in job.to_dict().get("outputs") or {} if name != "default"]
