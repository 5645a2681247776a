"""Jobs: submit, watch, fetch."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict, Unpack

from lazur.engine.states import FINAL
from lazur.errors import Invalid, JobFailed
from lazur.sdk import downloads, planning
from lazur.sdk.commands import Command, expect
from lazur.sdk.entities import Entity, Spec, Submittable
from lazur.sdk.events import events
from lazur.sdk.follow import follow_log
from lazur.sdk.lines import Style
from lazur.sdk.logs import Out
from lazur.sdk.poller import Poller
from lazur.sdk.publishing import Watch, publish
from lazur.sdk.scope import Scope
from lazur.sdk.source import Source
from lazur.sdk.views import JOB_CHANGES, Job, Trial, View

_LOG = logging.getLogger("lazur")
_TRIAL_FIELDS = ("number", "score", "duration", "status")

_AT_ONCE = 1000


class WhichBatches(TypedDict, total=False):
    status: str | None
    """done, failed or retrying."""
    contains: str | None
    """Some text of the key or the error."""
    order_by: str | None
    """A field such as `-seconds`, or `metrics.<name>`."""
    max_results: int | None


class Jobs:
    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def create_or_update(self, job: Submittable | Job, **changes: Any) -> Job:
        """Submit a job; of one that the server gave, keep what may change (display name, tags,
        …). What the server warns of is logged."""
        if isinstance(job, Job):
            current = {key: job[key] for key in JOB_CHANGES if key in job}
            return self.update(job.name, **{**current, **changes})
        if not isinstance(job, Submittable):
            expect(job, Command)
        made = self.submit(Source({**job.to_spec(), **changes}, _folder(job)))
        for warning in made.warnings or ():
            _LOG.warning(warning)
        return made

    def submit(self, source: Source, watch: Watch | None = None) -> Job:
        """As `create_or_update`, of a spec that was read from a file; problems are shown where
        they stand in it."""
        return Job(publish(self._scope, "job", _in_experiment(source), self._path(), watch))

    def validate(self, job: Submittable | Source) -> View:
        """All checks of a submit, and nothing submitted. What comes back has `warnings`."""
        source = job if isinstance(job, Source) else Source(job.to_spec(), _folder(job))
        return View(publish(self._scope, "job", source, self._path("validate"), None))

    def plan(self, job: Submittable | Source) -> View:
        """What submitting it would do: `steps`, each with what it `will` do and `why`, what would
        have to be uploaded, and which environments be built. Nothing is written, and no file
        sent: of folders that the server has not it is told the lists of files."""
        source = job if isinstance(job, Source) else Source(job.to_spec(), _folder(job))
        return planning.plan(self._scope, _in_experiment(source))

    def get(self, name: str) -> Job:
        return Job(self._scope.http.request("GET", self._path(name)).json())

    def list(
        self,
        *,
        max_results: int | None = None,
        parent_job_name: str | None = None,
        list_view_type: str = "ActiveOnly",
        order_by: str | None = None,
        **filters: Any,
    ) -> Iterator[Job]:
        """Newest first. `list_view_type`: ActiveOnly, ArchivedOnly or All. `filters` are those of
        the API, such as `status="Failed"`, `experiment_name="mnist"`, `name_contains="pep"`."""
        archived = {"activeonly": "false", "archivedonly": "true", "all": "all"}.get(
            list_view_type.lower()
        )
        if archived is None:
            raise Invalid(f"{list_view_type!r} is none of ActiveOnly, ArchivedOnly, All.")
        query = {"archived": archived, "parent": parent_job_name, "order_by": order_by, **filters}
        for item in self._scope.pages(self._path(), query, max_results):
            yield Job(item)

    def stream(
        self,
        name: str,
        *,
        out: Out = None,
        on_change: Callable[[Job], None] | None = None,
        logs: bool = False,
        style: Style | None = None,
    ) -> Job:
        """Print the job's log as it is written, from its first line, until the job is over; of one
        that is over, the whole. Of a pipeline, a line for each change of a step; with `logs` the
        steps' logs too, each line with the step's name in front. Goes on where it was when the
        server restarts. Raises JobFailed, with the cause, if the job failed."""
        job = follow_log(self._scope, name, out, on_change, logs=logs, style=style)
        raise_if_failed(job)
        return job

    def events(self, name: str) -> Iterator[Job]:
        """The job now, at every change, and last when it is over."""
        return (Job(view) for view in events(self._scope, name))

    def wait(self, name: str) -> Job:
        """Block until the job is over, silently; look at `status` for how it ended."""
        job = self.get(name)
        for job in self.events(name):
            if job.status in FINAL:
                break
        return job

    def replay(self, name: str) -> View:
        """What the job ran, as its node was told: `plan`, and the names of `secret_variables` that
        are not in it. For running it once more by hand, on the server's machine."""
        return View(self._scope.http.request("GET", self._path(name, "replay")).json())

    def retry(self, name: str) -> Job:
        """Submit a job that is over once more. Of one with steps, those that had ended well are
        not done again."""
        return Job(self._scope.http.request("POST", self._path(name, "retry")).json())

    def cancel(self, name: str) -> Job:
        return Job(self._scope.http.request("POST", self._path(name, "cancel")).json())

    def begin_cancel(self, name: str) -> Poller[Job]:
        """As in Azure's client. What the poller waits for is the job's end."""
        return Poller(self.cancel(name), lambda: self.wait(name))

    def update(self, name: str, **changes: Any) -> Job:
        """`changes`: display_name, description, tags, properties, experiment_name, archived."""
        return Job(self._scope.http.request("PATCH", self._path(name), json=changes).json())

    def archive(self, name: str) -> None:
        self.update(name, archived=True)

    def restore(self, name: str) -> None:
        self.update(name, archived=False)

    def show_services(self, name: str, node_index: int = 0) -> dict[str, View]:
        """Addresses that belong to the job: its page, and what it serves itself."""
        services: Mapping[str, Any] = self.get(name).get("services") or {}
        return {key: View(value) for key, value in services.items()}

    def tensorboard(self, *names: str) -> View:
        """TensorBoard on what jobs wrote, and are writing: `endpoint` is its page, which is
        `empty` as long as there are no event files."""
        body = {"jobs": list(names)}
        return View(
            self._scope.http.request("POST", self._scope.path("tensorboards"), json=body).json()
        )

    def mini_batches(self, name: str, **which: Unpack[WhichBatches]) -> Iterator[View]:
        """Of a parallel job, those that have ended: key, seconds, tries, metrics, log."""
        most = which.pop("max_results", None)
        query: dict[str, Any] = {**which, "limit": min(most or _AT_ONCE, _AT_ONCE)}
        for item in self._scope.pages(self._path(name, "mini-batches"), query, most):
            yield View(item)

    def mini_batch_figures(self, name: str, **which: Unpack[WhichBatches]) -> Iterator[bytes]:
        """All of them as one CSV, in pieces: a column for each part of the key and each metric."""
        path = self._path(name, "mini-batches.csv")
        with self._scope.http.stream("GET", path, query={**which}) as stream:
            yield from stream.chunks()

    def trials(self, name: str, *, order_by: str | None = None) -> list[Trial]:
        """Of a sweep: number, values, score, which is the best. `order_by`: `number`, `score`,
        `duration`; with `-` in front downwards."""
        answer = self._scope.http.request("GET", self._path(name, "trials")).json()
        found = [Trial(trial) for trial in answer["value"]]
        field = (order_by or "number").removeprefix("-")
        if field not in _TRIAL_FIELDS:
            raise Invalid(f"order_by is {field!r}.", hint=f"Possible: {', '.join(_TRIAL_FIELDS)}.")
        known = [trial for trial in found if trial[field] is not None]
        known.sort(key=lambda trial: trial[field], reverse=str(order_by).startswith("-"))
        return [*known, *(trial for trial in found if trial[field] is None)]

    def extend(self, name: str, **limits: int | None) -> Job:
        """A new sweep that goes on with one that is over. `limits` are those that change, such as
        `max_total_trials=40`."""
        body = {key: value for key, value in limits.items() if value is not None}
        return Job(self._scope.http.request("POST", self._path(name, "extend"), json=body).json())

    def files(self, name: str, prefix: str = "") -> list[View]:
        """What the job has written so far: `path`, `size`, `modified`."""
        return [View(f) for f in downloads.listed(self._scope, name, prefix)]

    def download(
        self,
        name: str,
        *,
        download_path: str | os.PathLike[str] = ".",
        output_name: str | None = None,
        all: bool = False,  # noqa: A002 - Azure's word
        progress: Callable[[int, int], None] | None = None,
    ) -> Path:
        """Fetch the job's files: a named output into `named-outputs/<output>`, else `./outputs`
        and the logs into `artifacts`, with `all` both. Files that are there already with the right
        size and time are left."""
        job = self.get(name)
        folder = Path(download_path)
        downloads.download(
            self._scope, job, folder, output_name, everything=all, progress=progress
        )
        return folder

    def _path(self, *parts: str) -> str:
        return self._scope.path("jobs", *parts)


def raise_if_failed(job: Job) -> None:
    if job.status != "Failed":
        return
    error: Spec = dict(job.get("error") or {})
    message = error.pop("message", None) or "it gave no reason."
    hint = error.pop("hint", None)
    raise JobFailed(f"Job {job.name} failed: {message}", hint=hint, name=job.name, **error)


def _folder(entity: Entity) -> Path:
    return Path(entity.base_path) if entity.base_path is not None else Path.cwd()


def _in_experiment(source: Source) -> Source:
    """A job that names no experiment belongs to that of the folder it is submitted from, as with
    Azure's client."""
    folder = Path.cwd().name
    if source.spec.get("experiment_name") or not folder.isprintable() or folder != folder.strip():
        return source
    return replace(source, spec={**source.spec, "experiment_name": folder or "Default"})
