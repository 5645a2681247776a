"""Workspaces and registries of a server: places that hold other things."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from lazur.errors import SpecError
from lazur.sdk.http import Http
from lazur.sdk.scope import pages
from lazur.sdk.source import Source
from lazur.sdk.views import Registry, View, Workspace

V = TypeVar("V", bound=View)


class Rooms(Generic[V]):
    _noun: str

    def __init__(self, http: Http, path: str, view: type[V]) -> None:
        self._http = http
        self._path = path
        self._view = view

    def list(self, *, max_results: int | None = None) -> Iterator[V]:
        for item in pages(self._http, self._path, limit=max_results):
            yield self._view(item)

    def get(self, name: str) -> V:
        return self._view(self._http.request("GET", self._one(name)).json())

    def create(self, name: str, **fields: Any) -> V:
        """`fields`: display_name, description, tags. What else Azure's YAML has is kept."""
        return self._view(self.submit(Source({"name": name, **fields}, Path.cwd())))

    def submit(self, source: Source) -> dict[str, Any]:
        try:
            return self._http.request("POST", self._path, json=source.spec).json()
        except SpecError as error:
            raise source.placed(error, self._noun) from None

    def update(self, name: str, **fields: Any) -> V:
        return self._view(self._http.request("PATCH", self._one(name), json=fields).json())

    def delete(self, name: str) -> None:
        self._http.request("DELETE", self._one(name))

    def _one(self, name: str) -> str:
        return f"{self._path}/{quote(name, safe='')}"


class Workspaces(Rooms[Workspace]):
    _noun = "workspace"

    def __init__(self, http: Http) -> None:
        super().__init__(http, "/api/v1/workspaces", Workspace)

    def deleted(self, *, max_results: int | None = None) -> Iterator[Workspace]:
        """Those in the trash."""
        for item in pages(self._http, self._path, {"deleted": "true"}, limit=max_results):
            yield self._view(item)

    def recover(self, name: str) -> Workspace:
        """Out of the trash."""
        return self._view(self._http.request("POST", f"{self._one(name)}/recover").json())

    def purge(self, name: str) -> None:
        """For good, from where it is or out of the trash. The server does it on its own time."""
        self._http.request("DELETE", self._one(name), query={"permanently": "true"})


class Registries(Rooms[Registry]):
    _noun = "registry"

    def __init__(self, http: Http) -> None:
        super().__init__(http, "/api/v1/registries", Registry)
