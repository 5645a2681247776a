"""`Run`: a job as v1's scripts look at it; `Run.get_context()` is the job's own view."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lazur.azureml._lazur import runs as in_job
from lazur.azureml._lazur.logging import metrics as as_logged
from lazur.azureml._lazur.logging import plain, single
from lazur.engine.states import FINAL
from lazur.errors import NotFound
from lazur.sdk.downloads import fetch
from lazur.sdk.jobs import raise_if_failed
from lazur.v1.core.model import Model
from lazur.v1.told import ignored

if TYPE_CHECKING:
    from lazur.v1.core.experiment import Experiment
    from lazur.v1.core.workspace import Workspace


_SET_BY_OTHERS = ("mlflow.", "azureml.", "lazur.")


class Run:
    """A submitted job, or the run that `Experiment.start_logging` began."""

    def __init__(self, experiment: Experiment, run_id: str, **_: Any) -> None:
        self.experiment = experiment
        self.id = self.number = run_id
        self.name = run_id

    get_context = staticmethod(in_job.get_context)
    get_submitted_run = staticmethod(in_job.get_context)

    @staticmethod
    def get(workspace: Workspace, run_id: str) -> Run:
        found = workspace.client.jobs.get(run_id)
        return Run(workspace.experiment(found.experiment_name or "Default"), found.name)

    @staticmethod
    def list(experiment: Experiment, tags: Any = None, **_: Any) -> Any:
        client = experiment.workspace.client
        for job in client.jobs.list(experiment_name=experiment.name):
            if _fits(job.tags, tags):
                yield Run(experiment, job.name)

    def wait_for_completion(
        self,
        show_output: bool = False,
        wait_post_processing: bool = False,
        raise_on_error: bool = True,
    ) -> dict[str, Any]:
        jobs = self._client.jobs
        if show_output:
            print(f"RunId: {self.id}\nWeb View: {self.get_portal_url()}\n", flush=True)
            try:
                jobs.stream(self.id, out=sys.stdout.buffer)
            except Exception:
                if raise_on_error:
                    raise
        job = jobs.wait(self.id)
        if raise_on_error:
            raise_if_failed(job)
        return self.get_details()

    def get_status(self) -> str:
        return self._job().status

    status = property(get_status)

    def get_details(self) -> dict[str, Any]:
        job = self._job()
        return {
            "runId": job.name,
            "target": job.get("compute") or "local",
            "status": job.status,
            "startTimeUtc": job.get("started_at"),
            "endTimeUtc": job.get("ended_at"),
            "error": job.to_dict().get("error"),
            "properties": dict(job.properties),
            "tags": dict(job.tags),
            "runDefinition": job.to_dict(),
            "logFiles": {n: n for n in self.get_file_names() if n.startswith("user_logs/")},
        }

    def get_details_with_logs(self) -> dict[str, Any]:
        found = self.get_details()
        with tempfile.TemporaryDirectory() as folder:
            for name in found["logFiles"]:
                path = Path(folder) / "log"
                self.download_file(name, str(path))
                found["logFiles"][name] = path.read_text("utf-8", "replace")
        return found

    def get_metrics(self, name: str | None = None, **_: Any) -> dict[str, Any]:
        """A number, or the list of them where there are several; what is sampled of the machine
        by its name alone."""
        runs = self._client.runs
        found: dict[str, Any] = {}
        for metric in runs.metrics(self.id):
            if in_job.is_wanted(metric["name"], name):
                points = runs.history(self.id, metric["name"])
                found[metric["name"]] = single([point["value"] for point in points])
        told = as_logged(found, runs.get(self.id).tags or {})
        return {key: value for key, value in told.items() if name in (None, key, plain(key))}

    def cancel(self) -> None:
        self._client.jobs.cancel(self.id)

    def get_file_names(self) -> Any:
        return [file["path"] for file in self._client.jobs.files(self.id)]

    def download_file(self, name: str, output_file_path: str | None = None, **_: Any) -> None:
        if name not in self.get_file_names():
            raise NotFound(f"The run {self.id} has no file {name}.", hint="See get_file_names().")
        target = Path(output_file_path or Path(name).name)
        if target.is_dir():
            target /= Path(name).name
        with tempfile.TemporaryDirectory() as folder:
            self._fetch([name], Path(folder))
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(Path(folder) / name, target)

    def download_files(
        self,
        prefix: str | None = None,
        output_directory: str | None = None,
        output_paths: Any = None,
        append_prefix: bool = True,
        **_: Any,
    ) -> None:
        wanted = [n for n in self.get_file_names() if n.startswith(prefix or "")]
        folder = Path(output_directory or ".")
        if append_prefix and not output_paths:
            self._fetch(wanted, folder)
            return
        start = len(prefix.rstrip("/")) + 1 if prefix else 0
        for index, name in enumerate(wanted):
            given = output_paths[index] if output_paths else folder / (name[start:] or name)
            self.download_file(name, str(given))

    def get_portal_url(self) -> str:
        return self._job().studio_url or self._client.url

    def get_children(self, **_: Any) -> Any:
        for job in self._client.jobs.list(parent_job_name=self.id):
            yield Run(self.experiment, job.name)

    @property
    def parent(self) -> Run | None:
        name = self._job().get("parent_job_name") or self._job().get("parent")
        return Run(self.experiment, str(name)) if name else None

    @property
    def display_name(self) -> str | None:
        return self._job().display_name

    @display_name.setter
    def display_name(self, value: str) -> None:
        self._client.jobs.update(self.id, display_name=value)

    @property
    def type(self) -> str:
        return "azureml.scriptrun"

    def get_tags(self) -> dict[str, str]:
        """The job's, and what its script set."""
        tracked = self._client.runs.get(self.id).tags or {}
        own = {k: v for k, v in tracked.items() if not k.startswith(_SET_BY_OTHERS)}
        return {**own, **dict(self._job().tags)}

    tags = property(get_tags)

    def get_properties(self) -> dict[str, str]:
        return dict(self._job().properties)

    properties = property(get_properties)

    def tag(self, key: str, value: str | None = None) -> None:
        self.set_tags({key: value})

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        told = {str(k): "" if v is None else str(v) for k, v in tags.items()}
        self._client.jobs.update(self.id, tags={**self._job().tags, **told})

    def register_model(
        self,
        model_name: str,
        model_path: str | None = None,
        tags: dict[str, str] | None = None,
        properties: dict[str, str] | None = None,
        description: str | None = None,
        model_framework: str | None = None,
        model_framework_version: str | None = None,
        **more: Any,
    ) -> Model:
        """From what the job wrote: `model_path` is as `get_file_names()` tells it."""
        ignored("Run.register_model", more)
        place = f"azureml://jobs/{self.id}/outputs/artifacts/paths/{model_path or model_name}"
        return Model.register(
            self.experiment.workspace, place, model_name, tags, properties, description,
            model_framework, model_framework_version, run_id=self.id,
        )  # fmt: skip

    def log(self, name: str, value: Any, description: str = "", step: int | None = None) -> None:
        self._tracked.log(name, value, description, step)

    def log_list(self, name: str, value: Any, description: str = "") -> None:
        self._tracked.log_list(name, value, description)

    def log_row(self, name: str, description: str | None = None, **kwargs: Any) -> None:
        self._tracked.log_row(name, description, **kwargs)

    def log_table(self, name: str, value: Any, description: str = "") -> None:
        self._tracked.log_table(name, value, description)

    @property
    def _client(self) -> Any:
        return self.experiment.workspace.client

    @cached_property
    def _tracked(self) -> in_job.TrackedRun:
        client = self._client
        run = client.runs.get(self.id)
        address = client.http.address
        wire = in_job.tracking(client.tracking_uri, address.token or "", address.ca)
        return in_job.TrackedRun(wire, run.id)

    def _job(self) -> Any:
        return self._client.jobs.get(self.id)

    def _fetch(self, names: Any, folder: Path) -> None:
        scope = self._client.scope
        listed = {file["path"]: file.to_dict() for file in self._client.jobs.files(self.id)}
        found = [(name, listed[name]) for name in names]
        fetch(scope.http, scope.path("jobs", self.id, "files"), found, folder, None)

    @property
    def is_over(self) -> bool:
        return self.get_status() in FINAL

    def __repr__(self) -> str:
        return f"Run(Experiment: {self.experiment.name}, Id: {self.id})"


ScriptRun = Run
_OfflineRun = in_job.OfflineRun
_SubmittedRun = in_job.JobRun


def _fits(tags: Mapping[str, str], wanted: Any) -> bool:
    if not wanted:
        return True
    if isinstance(wanted, str):
        return wanted in tags
    return all(tags.get(key) == value for key, value in dict(wanted).items())
