"""Data: an asset like others, and one that can be looked into."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lazur.errors import Unavailable
from lazur.sdk.assets import Assets
from lazur.sdk.publishing import Watch, publish
from lazur.sdk.source import Source
from lazur.sdk.views import Job, View

_WAIT = 20
_LONGER = 10.0
"""Seconds that an answer may be late."""
Progress = Callable[[dict[str, Any]], None]


class DataAssets(Assets):
    def preview(
        self,
        name: str,
        version: str | None = None,
        label: str | None = None,
        *,
        rows: int = 20,
        registry: str | None = None,
        timeout: float | None = None,
    ) -> View:
        """Its first rows: `columns`, `rows` and `more`; of images and other files what can be
        said of them."""
        path = f"{self._version(name, version, label, registry)}/preview"
        return View(self._looked(path, {"rows": rows}, timeout, None))

    def profile(
        self,
        name: str,
        version: str | None = None,
        label: str | None = None,
        *,
        registry: str | None = None,
        timeout: float | None = None,
        progress: Progress | None = None,
    ) -> View:
        """What is in each of its `columns`, and how many `rows` there are. Waits until it is
        computed, for `timeout` seconds at most."""
        path = f"{self._version(name, version, label, registry)}/profile"
        return View(self._looked(path, {}, timeout, progress))

    def import_data(
        self, data_import: Source | Mapping[str, Any], watch: Watch | None = None
    ) -> Job:
        """Copy data from a database or a file system: a job does it, and is what comes back. What
        it leaves is registered as a version of the data. `data_import` is as its YAML."""
        given = data_import
        source = given if isinstance(given, Source) else Source(dict(given), Path.cwd())
        path = self._scope.path("data-imports")
        return Job(publish(self._scope, "data-import", source, path, watch))

    def _looked(
        self, path: str, query: dict[str, Any], timeout: float | None, progress: Progress | None
    ) -> dict[str, Any]:
        end = None if timeout is None else time.monotonic() + timeout
        wait = 1.0
        while True:
            left = _WAIT if end is None else max(0.0, end - time.monotonic())
            asked = {**query, "wait": min(wait if progress else _WAIT, left)}
            found = self._scope.http.request(
                "GET", path, query=asked, timeout=_WAIT + _LONGER
            ).json()
            if found["status"] == "ready":
                return found
            if end is not None and time.monotonic() >= end:
                raise Unavailable(
                    f"It is still being computed after {timeout:g} seconds.",
                    hint="It goes on; ask again.",
                )
            if progress:
                progress(found.get("progress") or {})
