"""Computes: where jobs run, with what is free there."""

from __future__ import annotations

from collections.abc import Iterator

from lazur.sdk.scope import Scope
from lazur.sdk.views import Compute


class Computes:
    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def list(self, *, max_results: int | None = None) -> Iterator[Compute]:
        for item in self._scope.pages(self._scope.path("computes"), {}, max_results):
            yield Compute(item)

    def get(self, name: str) -> Compute:
        return Compute(self._scope.http.request("GET", self._scope.path("computes", name)).json())
