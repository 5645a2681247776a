"""Versions of assets: what is kept of what was asked for."""

from __future__ import annotations

from typing import Any

from lazur.services import assets, registries, sharing
from lazur.services.shelves import Registry
from lazur.services.versions import digest
from lazur.store import tables
from tests.site import TestSite, call, put_tree


def create(site: TestSite, kind: str, shelf: Any = "default", **spec: Any) -> dict[str, Any]:
    return call(site, assets.create, shelf, kind, spec)


def get(site: TestSite, kind: str, name: str, version: str = "1") -> dict[str, Any]:
    return call(site, assets.get, "default", kind, name, version, write=False)


def content(site: TestSite) -> str:
    return f"tree:{put_tree(site, {'weights': b'1'})}"


class TestModelsWithoutAType:
    def test_are_custom_models(self, site: TestSite) -> None:
        assert create(site, "models", name="m", path=content(site))["type"] == "custom_model"
        assert get(site, "models", "m")["type"] == "custom_model"

    def test_are_what_others_are_made_of(self, site: TestSite) -> None:
        create(site, "models", name="m", path=content(site))
        made = create(site, "models", name="n", path="azureml:m:1")
        assert (made["path"], made["type"]) == (content(site), "custom_model")

    def test_also_out_of_a_registry(self, site: TestSite) -> None:
        call(site, registries.create, {"name": "shared"})
        create(site, "models", name="m", path=content(site))
        call(site, sharing.share, "default", "models", "m", "1", {"registry": "shared"})
        path = "azureml://registries/shared/models/m/versions/1"
        assert create(site, "models", name="n", path=path)["type"] == "custom_model"
        made = create(site, "models", Registry("shared"), name="n", path=path)
        assert made["type"] == "custom_model"

    def test_of_an_earlier_server_are_the_same_again(self, site: TestSite) -> None:
        create(site, "models", name="m", path=content(site))
        earlier = {"path": content(site)}
        with site.db.write() as db:
            db.execute(tables.assets.update().values(spec=earlier, digest=digest(earlier)))
        assert get(site, "models", "m")["type"] == "custom_model"
        for asked in ({}, {"version": "1"}, {"type": "custom_model"}):
            assert create(site, "models", name="m", path=content(site), **asked)["version"] == "1"
