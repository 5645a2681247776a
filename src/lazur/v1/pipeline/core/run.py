"""Runs of pipelines and of their steps."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lazur.errors import NotFound
from lazur.sdk.source import Source
from lazur.v1.core.run import KINDS, Run
from lazur.v1.told import ignored


class Submitted:
    """What becomes a pipeline job."""

    def _submitted(
        self, experiment: Any, source: Source, more: Mapping[str, Any], **settings: Any
    ) -> PipelineRun:
        kept = source.spec.get("settings") or {}
        own = {
            "continue_on_step_failure": bool(settings.pop("continue_on_step_failure", False)),
            "force_rerun": bool(settings.pop("regenerate_outputs", False)),
        }
        ignored("Experiment.submit", settings)
        spec = {**source.spec, **more, "settings": {**kept, **own}}
        job = experiment.workspace.client.jobs.submit(replace(source, spec=spec))
        return PipelineRun(experiment, job.name)


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

    def _child(self, name: str) -> StepRun:
        return StepRun(self.experiment, name)

    def find_step_run(self, name: str) -> Any:
        return [step for step in self.get_steps() if step.name == name]

    def get_pipeline_output(self, pipeline_output_name: str) -> PortDataReference:
        return PortDataReference(self, pipeline_output_name)

    get_pipeline_run = staticmethod(Run.get)

    @property
    def type(self) -> str:
        return "azureml.PipelineRun"


KINDS["pipeline"] = PipelineRun


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
        shutil.copytree(fetched, target, dirs_exist_ok=True)
        count = sum(1 for path in fetched.rglob("*") if path.is_file())
        shutil.rmtree(fetched.parent)
        return count


def _outputs(run: Run) -> list[str]:
    job = run.experiment.workspace.client.jobs.get(run.id)
    return [name for name in job.to_dict().get("outputs") or {} if name != "default"]
