"""Models: an asset like others, and one that is registered by the thousand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lazur.sdk.assets import Assets
from lazur.sdk.publishing import Watch, publish
from lazur.sdk.source import Source
from lazur.sdk.views import View


class Models(Assets):
    def register_many(
        self,
        path: str | Path | None = None,
        *,
        files: str | None = None,
        name: str | None = None,
        models: Sequence[Mapping[str, Any]] | None = None,
        metrics_of: str | None = None,
        dry_run: bool = False,
        registry: str | None = None,
        **common: Any,
    ) -> View:
        """A model for each file of the folder `path` (here, or where a job has written) that
        `files` fits: `{Shop}/{Product}.json`; `name` is what each is called:
        `sales-{Shop}-{Product}`. All or none. What the placeholders stand for is among its tags.
        Or `models`: a list of mappings with name and path. `common`: type, description, tags,
        properties of all. `metrics_of`: a parallel job whose figures they get. `registry`: there,
        and not in the workspace. The answer says how many are `registered` and how many
        `unchanged`."""
        given: dict[str, Any] = {
            "path": None if path is None else str(path),
            "files": files,
            "name": name,
            "models": models,
            "metrics_of": metrics_of,
            **common,
        }
        spec = {key: value for key, value in given.items() if value is not None}
        spec |= {"dry_run": True} if dry_run else {}
        return self.submit_many(Source(spec, Path.cwd()), registry=registry)

    def submit_many(
        self, source: Source, watch: Watch | None = None, *, registry: str | None = None
    ) -> View:
        path = self._scope.path("register", "models")
        if registry is not None:
            path = f"/api/v1/registries/{quote(registry, safe='')}/register/models"
        return View(publish(self._scope, "model", source, path, watch))
