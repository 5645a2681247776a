"""What submitting a job would do: asked of the server, with what would have to travel there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lazur.errors import LazurError, SpecError, TooLarge
from lazur.sdk.ids import by_name
from lazur.sdk.scope import Scope
from lazur.sdk.source import Source
from lazur.sdk.views import View

_ASK_AT_ONCE = 10_000
_MOST_TOLD = 1 << 20
"""Bytes of lists of files. Of folders beyond that it is not said which of their files changed."""


def plan(scope: Scope, source: Source) -> View:
    """`steps`, `environments`, and `upload` with `files` and `bytes`. No file is sent, only the
    lists of those that the server has not."""
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
            lists = [found.blobs[digest] for digest in missing if digest in found.trees]
            trees = _told([data for data in lists if isinstance(data, bytes)])
            answer = _ask(scope, found.spec, trees)
    except SpecError as error:
        raise source.placed(error, "job", others) from None
    except LazurError as error:
        raise source.located(error) from None
    return View({**answer, "upload": {"files": len(files), "bytes": size}})


def _missing(scope: Scope, digests: list[str]) -> list[str]:
    found: list[str] = []
    for at in range(0, len(digests), _ASK_AT_ONCE):
        asked = {"sha256": digests[at : at + _ASK_AT_ONCE]}
        answer = scope.http.request("POST", scope.path("blobs", "missing"), json=asked).json()
        found += answer["missing"]
    return found


def _ask(scope: Scope, spec: dict[str, Any], trees: list[str]) -> dict[str, Any]:
    path = scope.path("jobs", "plan")
    try:
        return scope.http.request("POST", path, json={"job": spec, "trees": trees}).json()
    except TooLarge:
        # Servers may be set to take less; the lists are a help, no more.
        return scope.http.request("POST", path, json={"job": spec}).json()


def _told(manifests: list[bytes]) -> list[str]:
    told: list[str] = []
    room = _MOST_TOLD
    for data in sorted(manifests, key=len):
        room -= len(data)
        if room < 0:
            break
        told.append(data.decode())
    return told


def _size(blob: Any) -> int:
    return len(blob) if isinstance(blob, bytes) else Path(blob).stat().st_size
