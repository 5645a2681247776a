"""`Run`: a job as v1's scripts look at it; `Run.get_context()` is the job's own view."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lazur.azureml._lazur import job_run
from lazur.azureml._lazur import runs as in_job
from lazur.azureml._lazur.logging import metrics as as_logged
from lazur.azureml._lazur.logging import plain, single
from lazur.azureml._lazur.models import fits
from lazur.azureml._lazur.offline import SET_BY_OTHERS, OfflineRun
from lazur.azureml.exceptions import ActivityFailedException
from lazur.engine.states import FINAL
from lazur.errors import JobFailed, NotFound
from lazur.sdk.downloads import fetch
from lazur.sdk.jobs import raise_if_failed
from lazur.v1.core.logged import LoggedRun, tracked
from lazur.v1.core.model import Model
from lazur.v1.told import ignored

if TYPE_CHECKING:
    from lazur.v1.core.experiment import Experiment
    from lazur.v1.core.workspace import Workspace


_INPUT = re.compile(r"\$\{\{\s*inputs\.(\w+)\s*\}\}")
_LOGS = ("user_logs/", "system_logs/", "logs/")


class Run:
    """A submitted job, or the run that `Experiment.start_logging` began."""

    def __init__(self, experiment: Experiment, run_id: str, **_: Any) -> None:
        self.experiment = experiment
        self.id = self.number = run_id
        self.name = run_id

    get_context = staticmethod(job_run.get_context)
    get_submitted_run = staticmethod(job_run.get_context)

    @staticmethod
    def get(workspace: Workspace, run_id: str) -> Any:
        try:
            return of_job(workspace, workspace.client.jobs.get(run_id))
        except NotFound:
            return logged(workspace, run_id)

    @staticmethod
    def list(
        experiment: Experiment,
        type: Any = None,  # noqa: A002 - v1's word
        tags: Any = None,
        properties: Any = None,
        status: str | None = None,
        include_children: bool = False,
    ) -> Any:
        """The newest first: those that are no part of another, unless all are asked for."""
        ignored("Run.list", {"type": type})
        workspace = experiment.workspace
        listed = workspace.client.jobs.list(experiment_name=experiment.name)
        jobs = {job.name: job for job in listed if _fits(job, tags, properties, status)}
        wire = tracked(workspace)
        known = in_job.known_experiment(wire, experiment.name)
        found = in_job.searched(wire, known) if known else iter(())
        for run in in_job.chosen(found, tags, properties, status):
            job = in_job.job_of(run)
            if job in jobs:
                yield of_job(workspace, jobs[job])
            elif job is None and (include_children or not in_job.is_part(run)):
                yield LoggedRun(experiment, wire, run["info"]["run_id"])

    def wait_for_completion(
        self,
        show_output: bool = False,
        wait_post_processing: bool = False,
        raise_on_error: bool = True,
    ) -> dict[str, Any]:
        jobs = self._client.jobs
        if show_output:
            print(f"RunId: {self.id}\nWeb View: {self.get_portal_url()}\n", flush=True)
            with suppress(JobFailed):
                jobs.stream(self.id, out=sys.stdout.buffer)
        job = jobs.wait(self.id)
        if raise_on_error:
            try:
                raise_if_failed(job)
            except JobFailed as error:
                raise ActivityFailedException(str(error)) from error
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
            "runDefinition": {**job.to_dict(), **_definition(job.to_dict())},
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

    def get_all_logs(self, destination: str | None = None) -> Any:
        folder = Path(destination or tempfile.mkdtemp(prefix="logs-"))
        names = [name for name in self.get_file_names() if name.startswith(_LOGS)]
        self._fetch(names, folder)
        return [str(folder / name) for name in names]

    def download_file(self, name: str, output_file_path: str | None = None, **_: Any) -> None:
        name = self._called(name)
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
        start, names = prefix or "", self.get_file_names()
        if not any(name.startswith(start) for name in names):
            start = f"outputs/{start}"
        wanted = [name for name in names if name.startswith(start)]
        folder = Path(output_directory or ".")
        if append_prefix and not output_paths:
            self._fetch(wanted, folder)
            return
        cut = start.rfind("/") + 1
        for index, name in enumerate(wanted):
            given = output_paths[index] if output_paths else folder / name[cut:]
            self.download_file(name, str(given))

    def get_portal_url(self) -> str:
        return self._job().studio_url or self._client.url

    def get_children(
        self,
        recursive: bool = False,
        tags: Any = None,
        properties: Any = None,
        type: Any = None,  # noqa: A002 - v1's word
        status: str | None = None,
        **_: Any,
    ) -> Any:
        ignored("Run.get_children", {"type": type})
        for job in self._client.jobs.list(parent_job_name=self.id):
            child = self._child(job.name)
            if _fits(job, tags, properties, status):
                yield child
            if recursive:
                yield from child.get_children(True, tags, properties, None, status)

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
        own = {k: v for k, v in tracked.items() if not k.startswith(SET_BY_OTHERS)}
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

    def remove_tags(self, tags: Any) -> None:
        kept = {key: value for key, value in self._job().tags.items() if key not in tags}
        self._client.jobs.update(self.id, tags=kept)

    def add_properties(self, properties: Mapping[str, Any]) -> None:
        told = {str(k): str(v) for k, v in properties.items()}
        self._client.jobs.update(self.id, properties={**self._job().properties, **told})

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
        path = self._called(model_path or model_name)
        place = f"azureml://jobs/{self.id}/outputs/artifacts/paths/{path}"
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
        wire = tracked(self.experiment.workspace)
        return in_job.TrackedRun(wire, self._client.runs.get(self.id).id)

    def _job(self) -> Any:
        return self._client.jobs.get(self.id)

    def _child(self, name: str) -> Run:
        return Run(self.experiment, name)

    def _called(self, name: str) -> str:
        """A file or a folder by its name: what a script uploads is below ./outputs."""
        known, plain_name = self.get_file_names(), name.strip("/")
        for one in (plain_name, f"outputs/{plain_name}"):
            if any(path == one or path.startswith(f"{one}/") for path in known):
                return one
        raise NotFound(f"The run {self.id} has no file {name}.", hint="See get_file_names().")

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
_OfflineRun = OfflineRun
_SubmittedRun = job_run.JobRun


def _definition(job: Mapping[str, Any]) -> dict[str, Any]:
    """Script and arguments, as v1 tells them, of a job that has such."""
    lines = str(job.get("command") or "").splitlines() or [""]
    inputs = job.get("inputs") or {}

    def value(match: re.Match[str]) -> str:
        found = inputs.get(match[1])
        told = found.get("path") if isinstance(found, Mapping) else found
        return match[0] if told is None else str(told)

    try:
        words = [_INPUT.sub(value, word) for word in shlex.split(lines[-1])]
    except ValueError:  # no line of ours
        return {}
    if words[:1] != ["python"]:
        return {}
    return {"script": words[1] if words[1:] else "", "arguments": words[2:]}


def get_run(experiment: Experiment, run_id: str, **_: Any) -> Any:
    return Run.get(experiment.workspace, run_id)


def of_job(workspace: Workspace, job: Any) -> Run:
    """By what sort of job it is."""
    experiment = workspace.experiment(job.experiment_name or "Default")
    return KINDS.get(str(job.get("type")), Run)(experiment, job.name)


def logged(workspace: Workspace, run_id: str) -> LoggedRun:
    """One that no job has."""
    found = workspace.client.runs.get(run_id)
    experiment = workspace.experiment(found.experiment_name or "Default")
    return LoggedRun(experiment, tracked(workspace), found.id)


KINDS: dict[str, type[Run]] = {}
"""Runs of other jobs, which their modules say."""


def _fits(job: Any, tags: Any, properties: Any, status: str | None) -> bool:
    return (
        fits(dict(job.tags), in_job.pairs(tags))
        and fits(dict(job.properties), in_job.pairs(properties))
        and status in (None, job.status)
    )
