"""What submitting a job would do: asked of the server, with what would have to travel there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from lazur.errors import LazurError, SpecError, TooLarge
from lazur.sdk.ids import by_name
from lazur.sdk.scope import Scope
from lazur.sdk.source import Source
from lazur.sdk.views import View

if TYPE_CHECKING:
    from lazur.sdk.localize import Localized

_ASK_AT_ONCE = 10_000
_MOST_TOLD = 4 << 20
"""Bytes of lists of files. Of folders beyond that it is not said which of their files changed."""
_LARGEST_FILE = 64 << 10
"""Of a folder that an environment is built from. No Dockerfile is larger."""


def plan(scope: Scope, source: Source) -> View:
    """`steps`, `environments`, and `upload` with `files` and `bytes`. Of what the server has not
    it is told the lists of files, and what builds an environment; nothing of that is kept."""
    # Reading folders needs modules that most commands never load.
    from lazur.sdk.localize import localize  # noqa: PLC0415

    hashes = scope.home / "cache" / "hashes"
    others: Mapping[str, Any] = {}
    try:
        spec = by_name(source.spec, scope.workspace)
        with localize("job", spec, source.folder, cache=hashes, within=source.within) as found:
            others = found.documents
            missing = _missing(scope, list(found.blobs))
            files = [digest for digest in missing if digest not in found.trees]
            size = sum(_size(found.blobs[digest]) for digest in files)
            answer = _ask(scope, found, set(missing))
    except SpecError as error:
        raise source.placed(error, "job", others) from None
    except LazurError as error:
        raise source.located(error) from None
    return View({**answer, "upload": {"files": len(files), "bytes": size}})


def _ask(scope: Scope, found: Localized, missing: set[str]) -> dict[str, Any]:
    path = scope.path("jobs", "plan")
    lists = (found.blobs[digest] for digest in found.trees & missing)
    told = {
        "trees": _some(data for data in lists if isinstance(data, bytes)),
        "files": _some(_building(found, missing)),
    }
    try:
        return scope.http.request("POST", path, json={"job": found.spec, **told}).json()
    except TooLarge:
        # A server may take less than others; what is told beside the job is a help, no more.
        return scope.http.request("POST", path, json={"job": found.spec}).json()


def _building(found: Localized, missing: set[str]) -> Iterator[bytes]:
    """The small files of folders that environments are built from."""
    from lazur.engine.tree import Manifest  # noqa: PLC0415

    for digest in set(_contexts(found.spec)) & found.trees:
        data = found.blobs[digest]
        for file in Manifest.decode(data).files if isinstance(data, bytes) else ():
            if file.digest in missing and file.size <= _LARGEST_FILE:
                blob = found.blobs[file.digest]
                yield blob if isinstance(blob, bytes) else Path(blob).read_bytes()


def _contexts(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        inside = cast("dict[str, Any]", part)
        match inside.get("build"):
            case {"path": str(path)}:
                yield path.removeprefix("tree:").partition("/")[0]
            case _:
                pass
        for one in inside.values():
            yield from _contexts(one)
    elif isinstance(part, list):
        for one in cast("list[Any]", part):
            yield from _contexts(one)


def _some(contents: Iterator[bytes]) -> list[str]:
    """The smallest first, as many as there is room for."""
    told: list[str] = []
    room = _MOST_TOLD
    for data in sorted(set(contents), key=len):
        room -= len(data)
        if room < 0:
            break
        try:
            told.append(data.decode())
        except UnicodeDecodeError:
            continue
    return told


def _missing(scope: Scope, digests: list[str]) -> list[str]:
    found: list[str] = []
    for at in range(0, len(digests), _ASK_AT_ONCE):
        asked = {"sha256": digests[at : at + _ASK_AT_ONCE]}
        answer = scope.http.request("POST", scope.path("blobs", "missing"), json=asked).json()
        found += answer["missing"]
    return found


def _size(blob: Any) -> int:
    return len(blob) if isinstance(blob, bytes) else Path(blob).stat().st_size
