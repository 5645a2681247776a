"""Registries of a server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from lazur.sdk.http import Http
from lazur.sdk.scope import pages
from lazur.sdk.views import Registry

_PATH = "/api/v1/registries"


class Registries:
    def __init__(self, http: Http) -> None:
        self._http = http

    def list(self, *, max_results: int | None = None) -> Iterator[Registry]:
        for item in pages(self._http, _PATH, limit=max_results):
            yield Registry(item)

    def get(self, name: str) -> Registry:
        return Registry(self._http.request("GET", _path(name)).json())

    def create(self, name: str, **fields: Any) -> Registry:
        """`fields`: display_name, description, tags, and what Azure's YAML has, which is kept."""
        return Registry(self._http.request("POST", _PATH, json={"name": name, **fields}).json())

    def update(self, name: str, **fields: Any) -> Registry:
        return Registry(self._http.request("PATCH", _path(name), json=fields).json())

    def delete(self, name: str) -> None:
        self._http.request("DELETE", _path(name))


def _path(name: str) -> str:
    return f"{_PATH}/{quote(name, safe='')}"
