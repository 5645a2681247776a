"""Sending a spec: what it names on this machine travels as content, and only what the server
lacks."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lazur.errors import BlobsMissing, LazurError, SpecError
from lazur.sdk.ids import by_name
from lazur.sdk.scope import Scope
from lazur.sdk.source import Source


@dataclass(frozen=True)
class Watch:
    """How somebody looks on: `notice` takes sentences, `progress` bytes done and bytes in all."""

    notice: Callable[[str], None] | None = None
    progress: Callable[[int, int], None] | None = None


def publish(
    scope: Scope, kind: str, source: Source, path: str, watch: Watch | None
) -> dict[str, Any]:
    """POST the spec, upload what the server says is missing, and POST again: unchanged content is
    one request."""
    # Reading folders needs modules that most commands never load.
    from lazur.sdk.localize import localize  # noqa: PLC0415
    from lazur.sdk.upload import upload  # noqa: PLC0415

    watch = watch or Watch()
    others: Mapping[str, Any] = {}
    key = {"Idempotency-Key": os.urandom(16).hex()}
    try:
        with localize(
            kind,
            by_name(source.spec, scope.workspace),
            source.folder,
            cache=scope.home / "cache" / "hashes",
            within=source.within,
        ) as sent:
            others = sent.documents
            for note in [*source.notes(), *sent.notes]:
                if watch.notice:
                    watch.notice(note)
            while True:
                try:
                    return scope.http.request("POST", path, json=sent.spec, headers=key).json()
                except BlobsMissing as error:
                    missing = error.details["missing"]
                    upload(scope.http, scope.workspace, sent, missing, watch.progress)
    except SpecError as error:
        raise source.placed(error, kind, others) from None
    except LazurError as error:
        raise source.located(error) from None
