"""Schedules: jobs and data imports that are run by the clock, upon events and upon requests."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from lazur.errors import BlobsMissing, Invalid, LazurError, SpecError
from lazur.sdk.entities import Entity, plain
from lazur.sdk.ids import by_name
from lazur.sdk.poller import Poller
from lazur.sdk.publishing import Watch
from lazur.sdk.scope import Scope
from lazur.sdk.source import Source, read
from lazur.sdk.views import SCHEDULE_CHANGES, Schedule, View
from lazur.sdk.walk import lies_in
from lazur.spec.diagnostics import Diagnostic

if TYPE_CHECKING:
    from lazur.sdk.localize import Localized

Written = Mapping[str, Any] | str | os.PathLike[str]
"""The fields, or the YAML file that they are in."""
T = TypeVar("T")
_JOB, _IMPORT = "create_job", "import_data"


class Schedules:
    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def list(
        self, *, list_view_type: str = "EnabledOnly", max_results: int | None = None
    ) -> Iterator[Schedule]:
        """`list_view_type`: EnabledOnly, DisabledOnly or All."""
        state = {"enabledonly": "enabled", "disabledonly": "disabled", "all": "all"}.get(
            list_view_type.lower()
        )
        if state is None:
            raise Invalid(f"{list_view_type!r} is none of EnabledOnly, DisabledOnly, All.")
        for item in self._scope.pages(self._path(), {"state": state}, max_results):
            yield Schedule(item)

    def get(self, name: str) -> Schedule:
        return Schedule(self._ask("GET", name))

    def create_or_update(self, schedule: Written | Entity) -> Schedule:
        """All of it is replaced; of one that the server gave, what may be assigned to. A job may
        be a file, `azureml:<job>`, a mapping or what `lazur.command` made."""
        if isinstance(schedule, Schedule):
            told = schedule.to_dict()
            return self.update(schedule.name, **{k: plain(told[k]) for k in SCHEDULE_CHANGES})
        if isinstance(schedule, Entity):
            return Schedule(self.submit(_source(schedule)))
        if isinstance(schedule, str | os.PathLike):
            return Schedule(self.submit(read(schedule)))
        return Schedule(self.submit(Source(dict(schedule), Path.cwd())))

    def update(self, name: str, **fields: Any) -> Schedule:
        """Only what is given; `trigger` and what it runs are replaced whole."""
        return Schedule(self.change(name, fields))

    def delete(self, name: str) -> None:
        """The jobs that came of it stay."""
        self._scope.http.request("DELETE", self._path(name))

    def enable(self, name: str) -> Schedule:
        return Schedule(self._ask("POST", name, "enable"))

    def disable(self, name: str) -> Schedule:
        return Schedule(self._ask("POST", name, "disable"))

    def trigger(
        self,
        name: str,
        *,
        schedule_time: str | datetime | None = None,
        inputs: Mapping[str, Any] | None = None,
    ) -> View:
        """Fire it now; `job_name` is its job. `schedule_time` is the time that the job is told."""
        at = schedule_time.isoformat() if isinstance(schedule_time, datetime) else schedule_time
        body = {"schedule_time": at, "inputs": dict(inputs or {})}
        return View(self._ask("POST", name, "trigger", json=body))

    def runs(self, name: str, *, max_results: int | None = None) -> Iterator[View]:
        """What became of its ticks, the newest first."""
        for item in self._scope.pages(self._path(name, "runs"), {}, max_results):
            yield View(item)

    def history(self, name: str) -> Iterator[View]:
        """Everything that happened to it, oldest first."""
        for item in self._ask("GET", name, "history")["value"]:
            yield View(item)

    def regenerate_key(self, name: str) -> View:
        """A webhook's new `key` and its `url`. The key is told once; the one before is good for
        nothing from now on."""
        return View(self._ask("POST", name, "key"))

    def begin_create_or_update(self, schedule: Written | Entity) -> Poller[Schedule]:
        return _done(self.create_or_update(schedule))

    def begin_delete(self, name: str) -> Poller[None]:
        return _done(self.delete(name))

    def begin_enable(self, name: str) -> Poller[Schedule]:
        return _done(self.enable(name))

    def begin_disable(self, name: str) -> Poller[Schedule]:
        return _done(self.disable(name))

    def submit(self, source: Source, watch: Watch | None = None) -> dict[str, Any]:
        """As `create_or_update`, of a spec that was read from a file; problems are shown where
        they stand in it."""
        name = str(source.spec.get("name") or "")
        if not name:
            raise Invalid("The schedule has no name.", hint="Write `name:`, or give --name.")
        return self._send("PUT", name, source, watch)

    def change(
        self, name: str, fields: Mapping[str, Any] | Source, watch: Watch | None = None
    ) -> dict[str, Any]:
        source = fields if isinstance(fields, Source) else Source(dict(fields), Path.cwd())
        return self._send("PATCH", name, source, watch)

    def _send(self, method: str, name: str, source: Source, watch: Watch | None) -> dict[str, Any]:
        # Reading folders needs modules that most commands never load.
        from lazur.sdk.upload import upload  # noqa: PLC0415

        watch = watch or Watch()
        with ExitStack() as stack:
            work = _Work(self._scope, source)
            try:
                work.run(stack)
                self._say(watch, [*source.notes(), *work.notes])
                while True:
                    try:
                        return self._ask(method, name, json=work.spec)
                    except BlobsMissing as error:
                        missing = error.details["missing"]
                        assert work.sent is not None
                        upload(
                            self._scope.http,
                            self._scope.workspace,
                            work.sent,
                            missing,
                            watch.progress,
                        )
            except SpecError as error:
                raise work.placed(error) from None
            except LazurError as error:
                raise source.located(error) from None

    def _say(self, watch: Watch, notes: Any) -> None:
        for note in notes:
            if watch.notice:
                watch.notice(note)

    def _path(self, *parts: str) -> str:
        return self._scope.path("schedules", *parts)

    def _ask(self, method: str, name: str, *more: str, **body: Any) -> dict[str, Any]:
        return self._scope.http.request(method, self._path(name, *more), **body).json()


@dataclass
class _Work:
    """A schedule with the job's file in the place of its name, and content in that of folders."""

    scope: Scope
    source: Source
    spec: dict[str, Any] = field(default_factory=dict[str, Any])
    sent: Localized | None = None
    notes: list[str] = field(default_factory=list[str])
    inner: Source | None = None
    """The job's file, or the import's."""

    def run(self, stack: ExitStack) -> None:
        self.spec = dict(self.source.spec)
        if _JOB in self.spec:
            self.spec[_JOB] = self._job(stack, self.spec[_JOB])
        if isinstance(text := self.spec.get(_IMPORT), str):
            self.inner = self._read(text)
            self.spec[_IMPORT] = self.inner.spec

    def placed(self, error: SpecError) -> SpecError:
        """What is wrong in the job's own file is shown there."""
        found = [Diagnostic.from_dict(d) for d in error.details.get("diagnostics", [])]
        mine = (f"{_JOB}.", f"{_IMPORT}.")
        if self.inner is None or not found or not all(d.path.startswith(mine) for d in found):
            return self.source.placed(error, "schedule")
        told = [{**d.to_dict(), "path": d.path.partition(".")[2]} for d in found]
        error.details = {**error.details, "diagnostics": told}
        return self.inner.placed(error, "job" if _JOB in self.spec else "data-import")

    def _job(self, stack: ExitStack, written: Any) -> Any:
        if isinstance(written, Entity):
            return self._own(stack, "job", written.to_spec(), _JOB, written.base_path)
        if isinstance(written, str):
            return self._named(stack, written)
        if not isinstance(written, Mapping):
            return written
        made = dict(cast("Mapping[str, Any]", written))
        if "job" not in made:
            return self._own(stack, "job", made, _JOB)
        job = made.pop("job")
        made = self._own(stack, "component", made, _JOB)
        return {**made, **self._base(stack, job)}

    def _base(self, stack: ExitStack, job: Any) -> dict[str, Any]:
        if isinstance(job, Entity):
            made = self._own(stack, "job", job.to_spec(), f"{_JOB}.job", job.base_path)
            return {"job": made}
        if isinstance(job, str):
            found = self._named(stack, job)
            return found if isinstance(found, dict) else {"job": found}
        return {"job": self._own(stack, "job", dict(job), f"{_JOB}.job")}

    def _named(self, stack: ExitStack, text: str) -> Any:
        from lazur.spec import references  # noqa: PLC0415 - with pydantic, as above

        if not text.startswith("file:") and not references.is_local(text):
            return text
        self.inner = self._read(text)
        try:
            return {"job": self._localized(stack, "job", self.inner.spec, self.inner.folder)}
        except SpecError as error:
            raise self.inner.placed(error, "job") from None

    def _own(
        self,
        stack: ExitStack,
        kind: str,
        spec: dict[str, Any],
        where: str,
        base: str | os.PathLike[str] | None = None,
    ) -> dict[str, Any]:
        """What stands in the schedule's own file, or is code's."""
        try:
            return self._localized(stack, kind, spec, Path(base or self.source.folder))
        except SpecError as error:
            for found in error.details.get("diagnostics", []):
                found["path"] = f"{where}.{found.get('path', '')}".rstrip(".")
            raise

    def _read(self, text: str) -> Source:
        path, within = self.source.folder / text.removeprefix("file:"), self.source.within
        if within is not None and not lies_in(path, within):
            raise Invalid(f"{text!r} leads out of the folder {within}.")
        return replace(read(path), within=within)

    def _localized(
        self, stack: ExitStack, kind: str, spec: dict[str, Any], folder: Path
    ) -> dict[str, Any]:
        from lazur.sdk.localize import localize  # noqa: PLC0415 - as above

        cache = self.scope.home / "cache" / "hashes"
        sent = stack.enter_context(
            localize(
                kind,
                by_name(spec, self.scope.workspace),
                folder,
                cache=cache,
                within=self.source.within,
            )
        )
        self.notes += sent.notes
        if self.sent is None:
            self.sent = sent
        else:
            self.sent.blobs.update(sent.blobs)
            self.sent.trees |= sent.trees
        return sent.spec


def _source(schedule: Entity) -> Source:
    """Jobs of code stay what they are, since they know where their paths begin."""
    given: Any = getattr(schedule, _JOB, None)
    spec = schedule.to_spec() | ({_JOB: given} if isinstance(given, Entity) else {})
    return Source(spec, Path(schedule.base_path or Path.cwd()))


def _done(found: T) -> Poller[T]:
    """Azure's client waits for schedules; here they are there at once."""
    return Poller(found, lambda: found)
