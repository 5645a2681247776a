"""Data, models and components: versions under a name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lazur.errors import Invalid, Unsupported
from lazur.sdk.entities import Entity
from lazur.sdk.publishing import Watch, publish
from lazur.sdk.scope import Scope, pages
from lazur.sdk.source import Source
from lazur.sdk.views import ASSET_CHANGES, Asset

_KINDS = {
    "environments": "environment",
    "data": "data",
    "models": "model",
    "components": "component",
}


class Assets:
    """`noun` is the plural that the API's paths have."""

    def __init__(self, scope: Scope, noun: str) -> None:
        self._scope = scope
        self._noun = noun

    def create_or_update(self, entity: Entity | Asset, **changes: Any) -> Asset:
        """Register a version; without `version` the next number. An asset that the server gave is
        updated."""
        if isinstance(entity, Asset):
            current = {key: entity[key] for key in ASSET_CHANGES if key in entity}
            return self.update(entity.name, entity.version, **{**current, **changes})
        folder = Path(entity.base_path) if entity.base_path is not None else Path.cwd()
        return self.submit(Source({**entity.to_spec(), **changes}, folder))

    def submit(self, source: Source, watch: Watch | None = None) -> Asset:
        return Asset(publish(self._scope, _KINDS[self._noun], source, self._path(), watch))

    def get(
        self,
        name: str,
        version: str | None = None,
        label: str | None = None,
        *,
        registry: str | None = None,
    ) -> Asset:
        """One version; without `version` and `label`, the latest."""
        return Asset(
            self._scope.http.request("GET", self._version(name, version, label, registry)).json()
        )

    def list(
        self,
        name: str | None = None,
        *,
        max_results: int | None = None,
        list_view_type: str = "ActiveOnly",
        registry: str | None = None,
        **filters: Any,
    ) -> Iterator[Asset]:
        """All names with their latest version, or all versions of one name; newest first."""
        archived = {"activeonly": "false", "archivedonly": "true", "all": "all"}.get(
            list_view_type.lower()
        )
        if archived is None:
            raise Invalid(f"{list_view_type!r} is none of ActiveOnly, ArchivedOnly, All.")
        path = (
            self._path(name, "versions", registry=registry)
            if name
            else self._path(registry=registry)
        )
        query = {"archived": None if registry else archived, **filters}
        for item in pages(self._scope.http, path, query, max_results):
            yield Asset(item)

    def update(
        self, name: str, version: str | None = None, label: str | None = None, **changes: Any
    ) -> Asset:
        """`changes`: description, tags, properties. What an asset holds never changes."""
        path = self._version(name, version, label, None)
        return Asset(self._scope.http.request("PATCH", path, json=changes).json())

    def archive(self, name: str, version: str | None = None, label: str | None = None) -> None:
        """One version; without `version` and `label`, the whole name."""
        self._archive(name, version, label, archived=True)

    def restore(self, name: str, version: str | None = None, label: str | None = None) -> None:
        self._archive(name, version, label, archived=False)

    def _archive(
        self, name: str, version: str | None, label: str | None, *, archived: bool
    ) -> None:
        whole = version is None and label is None
        path = self._path(name) if whole else self._version(name, version, label, None)
        self._scope.http.request("PATCH", path, json={"archived": archived})

    def _version(
        self, name: str, version: str | None, label: str | None, registry: str | None
    ) -> str:
        if version is not None and label is not None:
            raise Invalid("Give a version or a label, not both.")
        wanted = (
            f"@{label}" if label is not None else version if version is not None else "@latest"
        )
        return self._path(name, "versions", wanted, registry=registry)

    def _path(self, *parts: str, registry: str | None = None) -> str:
        if registry is None:
            return self._scope.path(self._noun, *parts)
        if self._noun != "environments":
            raise Unsupported(f"Registries hold environments only so far, no {self._noun}.")
        shown = [quote(part, safe="@") for part in (registry, self._noun, *parts)]
        return "/".join(["/api/v1/registries", *shown])
