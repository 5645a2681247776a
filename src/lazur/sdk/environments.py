"""Environments, and what is built from them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from lazur.errors import BuildFailed
from lazur.sdk.assets import Assets
from lazur.sdk.logs import Out, copy_bytes
from lazur.sdk.scope import Scope
from lazur.sdk.views import View

BUILT = frozenset({"ready", "failed", "canceled"})


class Environments(Assets):
    def __init__(self, scope: Scope) -> None:
        super().__init__(scope, "environments")
        self._own = scope

    def build(self, name: str, version: str | None = None, label: str | None = None) -> View:
        """Begin to build it, before any job needs it; what comes back has the build's `key` and
        `status`."""
        path = f"{self._version(name, version, label, None)}/build"
        return View(self._own.http.request("POST", path).json())

    def builds(self, *, max_results: int | None = None, **filters: Any) -> Iterator[View]:
        for item in self._own.pages(self._own.path("builds"), filters, max_results):
            yield View(item)

    def get_build(self, key: str) -> View:
        return View(self._own.http.request("GET", self._own.path("builds", key)).json())

    def cancel_build(self, key: str) -> View:
        return View(self._own.http.request("POST", self._own.path("builds", key, "cancel")).json())

    def stream_build(self, key: str, *, out: Out = None) -> View:
        """Print the build's log until it ends. Raises BuildFailed with the cause if it failed."""
        copy_bytes(
            self._own,
            self._own.path("builds", key, "log"),
            out,
            lambda: self.get_build(key).status in BUILT,
        )
        build = self.get_build(key)
        while build.status not in BUILT:
            time.sleep(0.05)
            build = self.get_build(key)
        if build.status != "ready":
            error = dict(build.get("error") or {})
            message = error.pop("message", None) or f"The build of {key} ended as {build.status}."
            raise BuildFailed(message, hint=error.pop("hint", None), **error)
        return build

    def prune(
        self,
        *,
        older_than_days: float | None = None,
        max_bytes: int | None = None,
        dry_run: bool = False,
    ) -> View:
        """Remove built environments that nothing uses. Registered environments stay; a job that
        needs one again has it built again."""
        asked = {"older_than_days": older_than_days, "max_bytes": max_bytes, "dry_run": dry_run}
        given = {key: value for key, value in asked.items() if value is not None}
        return View(self._own.http.request("POST", "/api/v1/builds/prune", json=given).json())
