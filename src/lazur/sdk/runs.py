"""Runs: what jobs and scripts tracked. Everywhere, a run is named by its id or by its job's
name."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from lazur.errors import Invalid, NotFound, Unavailable
from lazur.sdk.http import LOST
from lazur.sdk.scope import Scope
from lazur.sdk.views import View

Progress = Callable[[int, int], None]

_CHUNK = 1 << 20
_TRIES = 3
_LONG = 3600.0
"""Seconds that the server may be silent while it looks through a large file."""


class Run(View):
    id: str
    name: str
    status: str
    job: str | None
    experiment_name: str
    params: dict[str, str]
    metrics: dict[str, Any]
    tags: dict[str, str]

    def __repr__(self) -> str:
        return f"Run(id={self.id!r}, name={self.name!r}, status={self.status!r})"


class Runs:
    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def list(
        self,
        *,
        filter: str | None = None,  # noqa: A002 - MLflow's word
        order_by: str | None = None,
        experiment_name: str | None = None,
        view: str = "active",
        max_results: int | None = None,
    ) -> Iterator[Run]:
        """Newest first, or by `order_by`, such as `metrics.auc DESC`. `filter` is MLflow's:
        `metrics.auc > 0.9 and params.lr = '0.1'`. `view`: active, deleted (the trash) or all."""
        query = {
            "filter": filter,
            "order_by": order_by,
            "experiment_name": experiment_name,
            "view": view,
        }
        for item in self._scope.pages(self._path(), query, max_results):
            yield Run(item)

    def get(self, name: str) -> Run:
        return Run(self._scope.http.request("GET", self._path(name)).json())

    def metrics(self, name: str) -> list[View]:
        """Each metric's `name`, `last`, `min`, `max` and number of `points`."""
        found = self._scope.http.request("GET", self._path(name, "metrics")).json()
        return [View(item) for item in found["value"]]

    def history(self, name: str, metric: str) -> Iterator[View]:
        """Every point of a metric, by step: `step`, `timestamp` in milliseconds, `value`."""
        query = {"metric": metric, "limit": 10_000}
        return (View(p) for p in self._scope.pages(self._path(name, "metrics"), query))

    def curves(
        self, *names: str, metrics: Sequence[str], buckets: int = 500, x: str = "step"
    ) -> list[View]:
        """Metrics of several runs at once, however long they are: for each `run` and `metric` the
        exact `min`, `max`, `last`, and `buckets` that divide the way evenly, with the exact `min`,
        `max`, `mean`, `last` of each. `x`: step, time or relative."""
        wanted = {"runs": names, "metrics": metrics, "buckets": buckets, "x": x}
        return [View(item) for item in self._post("curves", wanted)["value"]]

    def compare(self, *names: str) -> View:
        """What differs between runs: see `sections` and, of jobs, `code`."""
        return View(self._post("compare", {"runs": names}))

    def delete(self, *names: str, experiment_name: str | None = None) -> list[Run]:
        """Into the trash, where `restore` finds them until `purge`. A live job's run is refused.
        Answers with the runs."""
        return self._moved("delete", names, experiment_name)

    def restore(self, *names: str, experiment_name: str | None = None) -> list[Run]:
        return self._moved("restore", names, experiment_name)

    def purge(
        self,
        *names: str,
        experiment_name: str | None = None,
        older_than_days: float | None = None,
        dry_run: bool = False,
    ) -> View:
        """Free what is in the trash, for ever: all of it, or these. The answer says how much
        (`rows`, `files`, `bytes`), and what was `kept` because something needs it."""
        wanted = _which(names, experiment_name)
        wanted |= {"older_than_days": older_than_days, "dry_run": dry_run}
        return View(self._post("purge", wanted))

    def export(
        self,
        *names: str,
        path: str | os.PathLike[str],
        children: bool = True,
        progress: Progress | None = None,
    ) -> Path:
        """These runs, with their child runs, in one file, for `import_` elsewhere."""
        wanted = {"runs": names, **({} if children else {"children": False})}
        target = Path(path)
        partial = target.with_name(f".{target.name}.partial")
        try:
            for attempt in range(_TRIES):
                try:
                    self._receive(wanted, partial, progress)
                    break
                except LOST:
                    if attempt == _TRIES - 1:
                        raise
            _check_whole(partial)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
        return target

    def import_(
        self,
        path: str | os.PathLike[str],
        *,
        experiment_name: str | None = None,
        progress: Progress | None = None,
    ) -> list[Run]:
        """Bring in what `export` wrote. Runs get new ids; those that were brought in before are
        found (`imported` is False)."""
        file = Path(path)
        if not file.is_file():
            raise NotFound(f"There is no file {file}.")
        query = {"experiment_name": experiment_name}
        answer = self._scope.http.request(
            "POST",
            self._path("import"),
            query=query,
            body=lambda: _chunks(file, progress),
            headers={"Content-Type": "application/zip"},
            timeout=_LONG,
        )
        return [Run(run) for run in answer.json()["runs"]]

    def _receive(self, wanted: dict[str, Any], partial: Path, progress: Progress | None) -> None:
        done = 0
        path = self._path("export")
        with (
            partial.open("wb") as file,
            self._scope.http.stream("POST", path, json=wanted) as stream,
        ):
            for chunk in stream.chunks(_CHUNK):
                file.write(chunk)
                done += len(chunk)
                if progress:
                    progress(done, 0)

    def _moved(self, verb: str, names: tuple[str, ...], experiment: str | None) -> list[Run]:
        return [Run(run) for run in self._post(verb, _which(names, experiment))["runs"]]

    def _post(self, verb: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._scope.http.request("POST", self._path(verb), json=body).json()

    def _path(self, *parts: str) -> str:
        return self._scope.path("runs", *parts)


def _which(names: tuple[str, ...], experiment: str | None) -> dict[str, Any]:
    if names and experiment:
        raise Invalid("Give either names or an experiment, not both.")
    return {"runs": list(names)} if names else {"experiment_name": experiment}


def _chunks(file: Path, progress: Progress | None) -> Iterator[bytes]:
    done, total = 0, file.stat().st_size
    with file.open("rb") as opened:
        while chunk := opened.read(_CHUNK):
            yield chunk
            done += len(chunk)
            if progress:
                progress(done, total)


def _check_whole(file: Path) -> None:
    """The manifest is written last."""
    import zipfile  # noqa: PLC0415 - every command imports this module, one needs that

    try:
        with zipfile.ZipFile(file) as found:
            found.getinfo("manifest.json")
    except (zipfile.BadZipFile, KeyError) as error:
        raise Unavailable(
            "The server broke off before the file was whole.",
            hint="Try again; the server's log says more.",
        ) from error
