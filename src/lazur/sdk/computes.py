"""Computes: where jobs run, with what is free there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from lazur.errors import Invalid, SpecError
from lazur.sdk.entities import Entity
from lazur.sdk.poller import Poller
from lazur.sdk.scope import Scope
from lazur.sdk.source import Source, read
from lazur.sdk.views import Compute

Written = Mapping[str, Any] | str | os.PathLike[str]
"""The fields, or the YAML file that they are in."""


T = TypeVar("T")


class Computes:
    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def list(
        self, *, compute_type: str | None = None, max_results: int | None = None
    ) -> Iterator[Compute]:
        for item in self._scope.pages(self._scope.path("computes"), {}, max_results):
            if compute_type is None or item["type"].lower() == compute_type.lower():
                yield Compute(item)

    def get(self, name: str) -> Compute:
        return Compute(self._ask("GET", name))

    def create_or_update(self, compute: Written | Entity) -> Compute:
        """All of it is replaced."""
        if isinstance(compute, Entity):
            compute = compute.to_spec()
        if isinstance(compute, str | os.PathLike):
            return Compute(self.submit(read(compute)))
        return Compute(self.submit(Source(dict(compute), Path.cwd())))

    def update(self, name: str, **fields: Any) -> Compute:
        """Only what is given."""
        return Compute(self.change(name, fields))

    def delete(self, name: str) -> None:
        """Only when no job waits or runs there."""
        self._scope.http.request("DELETE", self._scope.path("computes", name))

    def stop(self, name: str) -> Compute:
        """Of an instance: its running jobs go on, the others wait."""
        return Compute(self._ask("POST", name, "stop"))

    def start(self, name: str) -> Compute:
        return Compute(self._ask("POST", name, "start"))

    def begin_create_or_update(self, compute: Written | Entity) -> Poller[Compute]:
        return _done(self.create_or_update(compute))

    def begin_delete(self, name: str) -> Poller[None]:
        return _done(self.delete(name))

    def begin_stop(self, name: str) -> Poller[Compute]:
        return _done(self.stop(name))

    def begin_start(self, name: str) -> Poller[Compute]:
        return _done(self.start(name))

    def submit(self, source: Source) -> dict[str, Any]:
        name = str(source.spec.get("name") or "")
        if not name:
            raise Invalid("The compute has no name.", hint="Write `name:`, or give --name.")
        try:
            return self._ask("PUT", name, json=source.spec)
        except SpecError as error:
            raise source.placed(error, "compute") from None

    def change(self, name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        return self._ask("PATCH", name, json=dict(fields))

    def _ask(self, method: str, name: str, *more: str, **body: Any) -> dict[str, Any]:
        path = self._scope.path("computes", name, *more)
        return self._scope.http.request(method, path, **body).json()


def _done(found: T) -> Poller[T]:
    """Azure's client waits for computes; here they are there at once."""
    return Poller(found, lambda: found)
