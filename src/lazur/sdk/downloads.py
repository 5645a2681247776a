"""Fetching what a job wrote."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from lazur.engine.states import FINAL
from lazur.errors import Invalid, NotFound, Unsupported
from lazur.sdk.http import LOST, Http
from lazur.sdk.scope import Scope
from lazur.sdk.views import Job

Progress = Callable[[int, int], None]

_NAMED = "named-outputs/"
_HERE = frozenset(
    {
        "workspaceblobstore",
        "workspaceartifactstore",
        "workspacefilestore",
        "workspaceworkingdirectory",
    }
)
"""Datastores that lie with the server."""
_TRIES = 5
_AT_ONCE = 4


def listed(scope: Scope, name: str, prefix: str = "") -> list[dict[str, Any]]:
    return scope.http.request(
        "GET", scope.path("jobs", name, "files"), query={"prefix": prefix}
    ).json()["value"]


def download(
    scope: Scope,
    job: Job,
    folder: Path,
    output: str | None,
    *,
    everything: bool,
    progress: Progress | None,
) -> None:
    """`named-outputs/<output>/…` and `artifacts/…`, as Azure's client lays them out."""
    if job.status not in FINAL:
        raise Invalid(
            f"Job {job.name} has not ended yet ({job.status}).",
            hint=f"Wait for it with `lazur job stream -n {job.name}`, then download.",
        )
    found = list(_wanted(scope, job, output, everything=everything))
    fetch(scope.http, scope.path("jobs", job.name, "files"), found, folder, progress)


def fetch(
    http: Http,
    files: str,
    found: Sequence[tuple[str, Mapping[str, Any]]],
    folder: Path,
    progress: Progress | None,
) -> None:
    """Files below the address `files`, each to its place in the folder: (place, entry)."""
    done, total = 0, sum(entry["size"] for _, entry in found)
    if progress:
        progress(0, total)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        targets = [(entry, _inside(folder, place)) for place, entry in found]
        for size in pool.map(lambda t: _fetch(http, files, *t), targets):
            done += size
            if progress:
                progress(done, total)


def _wanted(
    scope: Scope, job: Job, output: str | None, *, everything: bool
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Places below the download's folder, with the entries that belong there."""
    named: Mapping[str, Any] = job.get("outputs") or {}
    if output is not None and output not in named:
        has = ", ".join(named) or "none"
        raise NotFound(f"Job {job.name} has no output {output!r}.", hint=f"It has: {has}.")
    if everything or output not in {None, "default"}:
        prefix = _NAMED if everything else f"{_NAMED}{output}/"
        entries = listed(scope, job.name, prefix)
        if output is not None and not entries:
            _refuse_elsewhere(job, output, named[output])
        for entry in entries:
            yield entry["path"], entry
    if everything or output in {None, "default"}:
        for entry in listed(scope, job.name):
            if not entry["path"].startswith(_NAMED):
                yield f"artifacts/{entry['path']}", entry


def _refuse_elsewhere(job: Job, output: str, body: Any) -> None:
    """Files in stores of others are not the server's to send."""
    # What it brings takes long to import, and most scripts download nothing.
    from lazur.spec import references  # noqa: PLC0415

    path = str(body.get("path") or "") if isinstance(body, Mapping) else ""
    found = references.parse(path) if path else None
    if isinstance(found, references.DatastorePath) and found.datastore not in _HERE:
        raise Unsupported(
            f"Output {output} of job {job.name} is in the datastore {found.datastore!r}, outside "
            f"of the server: {path}",
            hint="Read it as an input of a job, or with that store's own tools.",
        )


def _inside(folder: Path, place: str) -> Path:
    """Where a file goes. The server's word is not enough to write outside of the folder."""
    path = PurePosixPath(place)
    if path.is_absolute() or ".." in path.parts or "\\" in place or "\0" in place:
        raise Invalid(f"The server sent an unsafe path: {place!r}.")
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.parent.resolve().is_relative_to(folder.resolve()):
        raise Invalid(f"{target} would leave {folder} through a link.")
    return target


def _fetch(http: Http, files: str, entry: Mapping[str, Any], target: Path) -> int:
    modified = _time(entry.get("modified"))
    if _is_there(target, entry["size"], modified):
        return entry["size"]
    partial = target.with_name(f".{target.name}.partial")
    with partial.open("wb") as file:
        for attempt in range(_TRIES):
            try:
                _receive(http, f"{files}/{quote(entry['path'])}", file)
                break
            except LOST:
                if attempt == _TRIES - 1:
                    raise
    if modified is not None:
        os.utime(partial, (modified, modified))
    partial.replace(target)
    return entry["size"]


def _receive(http: Http, url: str, file: Any) -> None:
    """From where the file ends, so that a connection that breaks costs nothing twice."""
    with http.stream("GET", url, query={"offset": file.tell()}) as stream:
        for chunk in stream.chunks(1 << 20):
            file.write(chunk)


def _is_there(target: Path, size: int, modified: float | None) -> bool:
    try:
        present = target.lstat()
    except FileNotFoundError:
        return False
    return (
        modified is not None
        and present.st_size == size
        and abs(present.st_mtime - modified) < 0.002
    )


def _time(value: Any) -> float | None:
    return datetime.fromisoformat(value).timestamp() if isinstance(value, str) else value
