"""The files of assets, wherever they lie."""

from __future__ import annotations

from typing import Any

import pytest

from lazur.errors import LazurError, NotFound, Unsupported
from lazur.services.assets import asset_files, assets
from lazur.services.base.access import Principal
from lazur.services.resources import registries
from lazur.services.resources.shelves import Registry
from tests.site import TestSite, call, put_tree


def listed(site: TestSite, name: str, kind: str = "data", shelf: Any = "default") -> list[str]:
    found = call(site, asset_files.find, shelf, kind, name, "@latest")["value"]
    return [f"{file['path']} {file['size']}" for file in found]


def read(site: TestSite, name: str, path: str, kind: str = "data") -> bytes:
    file, size = call(site, asset_files.opened, "default", kind, name, "@latest", path)
    with file:
        data = file.read()
    assert len(data) == size
    return data


class TestTree:
    def test_a_folder(self, site: TestSite) -> None:
        tree = put_tree(site, {"a/b.txt": b"bb", "c.txt": b"c"})
        call(site, assets.create, "default", "data", {"name": "d", "path": f"tree:{tree}"})
        assert listed(site, "d") == ["a/b.txt 2", "c.txt 1"]
        assert read(site, "d", "a/b.txt") == b"bb"

    def test_a_folder_inside_another(self, site: TestSite) -> None:
        tree = put_tree(site, {"a/b.txt": b"bb", "c.txt": b"c"})
        call(site, assets.create, "default", "data", {"name": "d", "path": f"tree:{tree}/a"})
        assert listed(site, "d") == ["b.txt 2"]
        assert read(site, "d", "b.txt") == b"bb"
        with pytest.raises(NotFound):
            read(site, "d", "c.txt")

    def test_of_a_registry(self, site: TestSite) -> None:
        call(site, registries.create, {"name": "shared"})
        tree = put_tree(site, {"m.txt": b"m"})
        shelf = Registry("shared")
        call(site, assets.create, shelf, "models", {"name": "m", "path": f"tree:{tree}"})
        assert listed(site, "m", "models", shelf) == ["m.txt 1"]

    def test_a_build_context(self, site: TestSite) -> None:
        tree = put_tree(site, {"Dockerfile": b"FROM python:3.11\n"})
        spec = {"name": "e", "build": {"path": f"tree:{tree}"}}
        call(site, assets.create, "default", "environments", spec)
        assert listed(site, "e", "environments") == ["Dockerfile 17"]


class TestDatastore:
    @pytest.fixture
    def store(self, site: TestSite) -> Any:
        folder = site.home.datastore("default", "workspaceblobstore")
        (folder / "x" / "y").mkdir(parents=True)
        (folder / "x" / "y" / "z.txt").write_bytes(b"zz")
        (folder / "x" / "one.csv").write_bytes(b"1")
        return folder

    def test_a_folder(self, site: TestSite, store: Any) -> None:
        at = "azureml://datastores/workspaceblobstore/paths/x"
        call(site, assets.create, "default", "data", {"name": "d", "path": at})
        assert listed(site, "d") == ["one.csv 1", "y/z.txt 2"]
        assert read(site, "d", "y/z.txt") == b"zz"

    def test_one_file(self, site: TestSite, store: Any) -> None:
        at = "azureml://datastores/workspaceblobstore/paths/x/one.csv"
        spec = {"name": "d", "path": at, "type": "uri_file"}
        call(site, assets.create, "default", "data", spec)
        assert listed(site, "d") == ["one.csv 1"]
        assert read(site, "d", "one.csv") == b"1"

    @pytest.mark.parametrize("path", ["../one.csv", "/etc/passwd", "y/../../x/one.csv", "", "."])
    def test_no_path_leads_out(self, site: TestSite, store: Any, path: str) -> None:
        at = "azureml://datastores/workspaceblobstore/paths/x/y"
        call(site, assets.create, "default", "data", {"name": "d", "path": at})
        with pytest.raises(LazurError):
            read(site, "d", path)

    def test_no_link_leads_out(self, site: TestSite, store: Any) -> None:
        (store / "x" / "y" / "link").symlink_to(store / "x" / "one.csv")
        at = "azureml://datastores/workspaceblobstore/paths/x/y"
        call(site, assets.create, "default", "data", {"name": "d", "path": at})
        assert listed(site, "d") == ["z.txt 2"]
        with pytest.raises(NotFound):
            read(site, "d", "link")


class TestElsewhere:
    @pytest.mark.parametrize("path", ["https://example.com/a.csv", "s3://b/a.csv"])
    def test_it_is_said(self, site: TestSite, path: str) -> None:
        spec = {"name": "d", "path": path, "type": "uri_file"}
        call(site, assets.create, "default", "data", spec)
        with pytest.raises(Unsupported, match="not on this server"):
            listed(site, "d")

    def test_without_files(self, site: TestSite) -> None:
        call(site, assets.create, "default", "environments", {"name": "e", "image": "x:1"})
        with pytest.raises(NotFound, match="has no files"):
            listed(site, "e", "environments")

    def test_it_takes_the_right_to_read(self, site: TestSite) -> None:
        tree = put_tree(site, {"a": b"a"})
        call(site, assets.create, "default", "data", {"name": "d", "path": f"tree:{tree}"})
        lia = Principal.of("lia", "user", "Owner", "other")
        with pytest.raises(NotFound):
            call(site, asset_files.find, "default", "data", "d", "1", who=lia)
