"""Experiments: what runs are put together under. Named by their names, or their ids in MLflow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lazur.errors import NotFound
from lazur.sdk.scope import Scope
from lazur.sdk.views import View


class Experiment(View):
    id: str
    name: str
    description: str | None
    tags: dict[str, str]
    archived: bool
    runs: int
    running: int
    last_activity_at: str | None

    def __repr__(self) -> str:
        return f"Experiment(name={self.name!r}, runs={self.runs})"


class Experiments:
    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def list(
        self, *, view: str = "active", max_results: int | None = None
    ) -> Iterator[Experiment]:
        """The newest first. `view`: active, archived or all."""
        for item in self._scope.pages(self._path(), {"view": view}, max_results):
            yield Experiment(item)

    def get(self, name: str) -> Experiment:
        return Experiment(self._scope.http.request("GET", self._one(name)).json())

    def create(self, name: str, **fields: Any) -> Experiment:
        """`fields`: description, tags."""
        made = self._scope.http.request("POST", self._path(), json={"name": name, **fields})
        return Experiment(made.json())

    def update(self, name: str, **fields: Any) -> Experiment:
        """`fields`: description, tags; a tag that is None is removed."""
        made = self._scope.http.request("PATCH", self._one(name), json=fields)
        return Experiment(made.json())

    def archive(self, name: str) -> Experiment:
        """Into the trash, with its runs."""
        return Experiment(self._scope.http.request("POST", self._one(name, "archive")).json())

    def restore(self, name: str) -> Experiment:
        """With the runs that went with it."""
        return Experiment(self._scope.http.request("POST", self._one(name, "restore")).json())

    def _one(self, name: str, *verb: str) -> str:
        return self._path(self._id(name) if "/" in name else name, *verb)

    def _id(self, name: str) -> str:
        """What has a slash in its name is no part of a path."""
        query = {"view": "all", "name": name}
        for item in self._scope.pages(self._path(), query, 1):
            return str(item["id"])
        raise NotFound(f"There is no experiment {name!r}.", hint="See: lazur experiment list")

    def _path(self, *parts: str) -> str:
        return self._scope.path("experiments", *parts)
