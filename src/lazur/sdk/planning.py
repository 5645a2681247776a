"""What submitting a job would do: asked of the server, with what would have to travel there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lazur.errors import LazurError, SpecError
from lazur.sdk.ids import by_name
from lazur.sdk.scope import Scope
from lazur.sdk.source import Source
from lazur.sdk.views import View

_ASK_AT_ONCE = 10_000


def plan(scope: Scope, source: Source) -> View:
    """`steps`, `environments`, and `upload` with `files` and `bytes`. Nothing is sent."""
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
            path = scope.path("jobs", "plan")
            answer = scope.http.request("POST", path, json=found.spec).json()
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


def _size(blob: Any) -> int:
    return len(blob) if isinstance(blob, bytes) else Path(blob).stat().st_size
