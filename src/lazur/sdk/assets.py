"""Data, models and components: versions under a name."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lazur.errors import Invalid, NotFound
from lazur.sdk.entities import Entity
from lazur.sdk.publishing import Watch, publish
from lazur.sdk.scope import Scope, pages
from lazur.sdk.source import Source
from lazur.sdk.views import ASSET_CHANGES, Asset, View

_COPYING = 202
_KINDS = {
    "environments": "environment",
    "data": "data",
    "models": "model",
    "components": "component",
}


class Assets:
    """`noun` is the plural that the API's paths have."""

    _view: type[Asset] = Asset

    def __init__(self, scope: Scope, noun: str) -> None:
        self._scope = scope
        self._noun = noun

    def create_or_update(
        self, entity: Entity | Asset, *, registry: str | None = None, **changes: Any
    ) -> Asset:
        """Register a version; without `version` the next number. An asset that the server gave is
        updated."""
        if isinstance(entity, Asset):
            current = {key: entity[key] for key in ASSET_CHANGES if key in entity}
            changed = {**current, **changes}
            return self.update(entity.name, entity.version, registry=registry, **changed)
        if not isinstance(entity, Entity):
            kind = _KINDS[self._noun]
            raise Invalid(
                f"This is a {type(entity).__name__}, and no {kind}.",
                hint=f"lazur.load_{kind}(path) reads one from YAML.",
            )
        folder = Path(entity.base_path) if entity.base_path is not None else Path.cwd()
        return self.submit(Source({**entity.to_spec(), **changes}, folder), registry=registry)

    def submit(
        self, source: Source, watch: Watch | None = None, *, registry: str | None = None
    ) -> Asset:
        path = self._path(registry=registry)
        return self._view(publish(self._scope, _KINDS[self._noun], source, path, watch))

    def get(
        self,
        name: str,
        version: str | None = None,
        label: str | None = None,
        *,
        registry: str | None = None,
    ) -> Asset:
        """One version; without `version` and `label`, the latest."""
        return self._view(
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
        query = {"archived": archived, **filters}
        for item in pages(self._scope.http, path, query, max_results):
            yield self._view(item)

    def update(
        self,
        name: str,
        version: str | None = None,
        label: str | None = None,
        *,
        registry: str | None = None,
        **changes: Any,
    ) -> Asset:
        """`changes`: description, tags, properties, labels (all that this version is to have); a
        model's stage. What an asset holds never changes."""
        path = self._version(name, version, label, registry)
        return self._view(self._scope.http.request("PATCH", path, json=changes).json())

    def archive(
        self,
        name: str,
        version: str | None = None,
        label: str | None = None,
        *,
        registry: str | None = None,
    ) -> None:
        """One version; without `version` and `label`, the whole name."""
        path = self._one_or_all(name, version, label, registry)
        self._scope.http.request("PATCH", path, json={"archived": True})

    def restore(
        self,
        name: str,
        version: str | None = None,
        label: str | None = None,
        *,
        registry: str | None = None,
    ) -> None:
        """Out of the trash, or, where it is not in it, from the archive."""
        path = self._one_or_all(name, version, label, registry)
        try:
            self._scope.http.request("POST", f"{path}/restore")
        except NotFound:
            self._scope.http.request("PATCH", path, json={"archived": False})

    def delete(
        self,
        name: str,
        version: str | None = None,
        label: str | None = None,
        *,
        registry: str | None = None,
    ) -> View:
        """Into the trash: one version; without `version` and `label`, all of them."""
        path = self._one_or_all(name, version, label, registry)
        return View(self._scope.http.request("DELETE", path).json())

    def download(
        self,
        name: str,
        version: str | None = None,
        label: str | None = None,
        *,
        download_path: str | os.PathLike[str] = ".",
        registry: str | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Path:
        """Its files, into a folder of its name below `download_path`."""
        from lazur.sdk.downloads import fetch  # noqa: PLC0415 - few commands need it

        files = f"{self._version(name, version, label, registry)}/files"
        listed = self._scope.http.request("GET", files).json()["value"]
        folder = Path(download_path) / name
        found = [(entry["path"], entry) for entry in listed]
        fetch(self._scope.http, files, found, folder, progress)
        return folder

    def trash(self, *, registry: str | None = None) -> Iterator[View]:
        for item in pages(self._scope.http, self._path(trash=True, registry=registry)):
            yield View(item)

    def purge(
        self,
        *names: str,
        older_than_days: float | None = None,
        dry_run: bool = False,
        force: bool = False,
        registry: str | None = None,
    ) -> View:
        """Free what is in the trash, for good: these names, or all. Jobs and assets may have come
        of it: then it is kept without `force`."""
        asked: dict[str, Any] = {"dry_run": dry_run}
        if force:
            asked["force"] = True
        if names:
            asked["names"] = list(names)
        if older_than_days is not None:
            asked["older_than_days"] = older_than_days
        path = self._path(trash=True, registry=registry)
        return View(self._scope.http.request("POST", f"{path}/purge", json=asked).json())

    def share(
        self,
        name: str,
        version: str | None = None,
        label: str | None = None,
        *,
        registry: str,
        share_with_name: str | None = None,
        share_with_version: str | None = None,
    ) -> Asset:
        """Into a registry, under the same name and version unless others are given. What lies in
        a store elsewhere is copied, which may take as long as that takes."""
        given = {"name": share_with_name, "version": share_with_version}
        asked = {"registry": registry, **{key: value for key, value in given.items() if value}}
        path = f"{self._version(name, version, label, None)}/share"
        while True:
            answer = self._scope.http.request("POST", path, json=asked)
            if answer.status != _COPYING:
                return self._view(answer.json())

    def _one_or_all(
        self, name: str, version: str | None, label: str | None, registry: str | None
    ) -> str:
        whole = version is None and label is None
        if whole:
            return self._path(name, registry=registry)
        return self._version(name, version, label, registry)

    def _version(
        self, name: str, version: str | None, label: str | None, registry: str | None
    ) -> str:
        if version is not None and label is not None:
            raise Invalid("Give a version or a label, not both.")
        wanted = (
            f"@{label}" if label is not None else version if version is not None else "@latest"
        )
        return self._path(name, "versions", wanted, registry=registry)

    def _path(self, *parts: str, registry: str | None = None, trash: bool = False) -> str:
        inside = (*(["trash"] if trash else []), self._noun, *parts)
        if registry is None:
            return self._scope.path(*inside)
        shown = [quote(part, safe="@") for part in (registry, *inside)]
        return "/".join(["/api/v1/registries", *shown])
