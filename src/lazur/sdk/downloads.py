"""Fetching what a job wrote."""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO
from urllib.parse import quote

from lazur.engine.states import FINAL
from lazur.errors import Invalid, NotFound, Unsupported
from lazur.sdk.hashes import read
from lazur.sdk.http import LOST, Http
from lazur.sdk.scope import Scope
from lazur.sdk.sending import Counter, Part, Progress
from lazur.sdk.views import Job

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
    counter = Counter(sum(entry["size"] for _, entry in found), progress)
    if progress and found:
        progress(0, counter.total)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        targets = [(entry, _inside(folder, place), counter.part()) for place, entry in found]
        for _ in pool.map(lambda t: _fetch(http, files, *t), targets):
            """The first error of one ends it."""


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
    if not path:
        raise NotFound(
            f"Output {output!r} of job {job.name} was not made: the job is {job.status}.",
            hint=f"Why, says: lazur job show -n {job.name} -o table",
        )
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


def _fetch(http: Http, files: str, entry: Mapping[str, Any], target: Path, part: Part) -> None:
    modified = _time(entry.get("modified"))
    if not _is_there(target, entry, modified):
        partial = target.with_name(f".{_mark(entry)}.partial")
        with _alone(partial) as file:
            if not _is_there(target, entry, modified):  # somebody else has just done it
                _receive(http, f"{files}/{quote(entry['path'])}", entry, file, part)
                if modified is not None:
                    os.utime(partial, (modified, modified))
                partial.replace(target)
    part.at(entry["size"])


def _mark(entry: Mapping[str, Any]) -> str:
    """Names this version of this file: what another one left is not gone on with."""
    said = [entry.get(key) for key in ("path", "size", "modified", "sha256")]
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


@contextmanager
def _alone(partial: Path) -> Generator[BinaryIO]:
    """The draft of a download, which goes on where an earlier one ended, and waits for one that
    goes on now."""
    while True:
        with open(partial, "ab", opener=_opened) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if _same(file, partial):
                yield file
                return


def _opened(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)


def _receive(http: Http, url: str, entry: Mapping[str, Any], file: BinaryIO, part: Part) -> None:
    """From where the file ends, so that a connection that breaks costs nothing twice. Nothing is
    gone on with that is known by no more than its size, or is not what it was to be."""
    known = entry.get("modified") or entry.get("sha256")
    if not known or file.tell() > entry["size"]:
        file.truncate(0)
    begun = file.tell() > 0
    _read(http, url, file, part)
    file.flush()
    if begun and not _is(Path(file.name), entry):
        file.truncate(0)
        _read(http, url, file, part)
        file.flush()


def _read(http: Http, url: str, file: BinaryIO, part: Part) -> None:
    tries = _TRIES
    while True:
        before = file.seek(0, os.SEEK_END)
        part.at(before)
        try:
            with http.stream("GET", url, query={"offset": before}) as stream:
                file.writelines(
                    part.counted((chunk, len(chunk))) for chunk in stream.chunks(1 << 20)
                )
                return
        except LOST:
            tries = _TRIES if file.tell() > before else tries - 1
            if not tries:
                raise


def _same(file: BinaryIO, path: Path) -> bool:
    try:
        return path.stat().st_ino == os.fstat(file.fileno()).st_ino
    except FileNotFoundError:
        return False


def _is(path: Path, entry: Mapping[str, Any]) -> bool:
    digest = entry.get("sha256")
    return path.stat().st_size == entry["size"] and digest in {None, read(str(path))[0]}


def _is_there(target: Path, entry: Mapping[str, Any], modified: float | None) -> bool:
    try:
        present = target.lstat()
    except FileNotFoundError:
        return False
    if present.st_size != entry["size"] or not stat.S_ISREG(present.st_mode):
        return False
    if modified is None:
        return entry.get("sha256") is not None and _is(target, entry)
    return abs(present.st_mtime - modified) < 0.002


def _time(value: Any) -> float | None:
    return datetime.fromisoformat(value).timestamp() if isinstance(value, str) else value
