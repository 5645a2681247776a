"""Assets in workspaces and registries: sharing, the trash, and what is needed by others."""

from __future__ import annotations

from typing import Any

import pytest

from lazur.errors import Conflict, Forbidden, Invalid, NotFound, Unsupported
from lazur.services.assets import assets, sharing
from lazur.services.base import workspaces
from lazur.services.base.access import Grant, Principal
from lazur.services.base.roles import BUILT_IN
from lazur.services.resources import registries
from lazur.services.resources.shelves import Registry
from lazur.services.results import asset_trash
from lazur.store.pages import Query
from tests.site import TestSite, call, put_tree, submit

SHARED = Registry("shared")


@pytest.fixture
def shared(site: TestSite) -> Registry:
    call(site, registries.create, {"name": "shared"})
    return SHARED


def environment(site: TestSite, version: int = 1, **more: Any) -> dict[str, Any]:
    spec = {"name": "e", "image": f"python:3.{10 + version}", **more}
    return call(site, assets.create, "default", "environments", spec)


def names(site: TestSite, shelf: Any, kind: str = "environments") -> list[str]:
    found = call(site, assets.find, shelf, kind, Query())["value"]
    return [f"{row['name']}:{row['version']}" for row in found]


class TestRegistries:
    def test_hold_assets_like_workspaces(self, site: TestSite, shared: Registry) -> None:
        made = call(site, assets.create, shared, "environments", {"name": "e", "image": "x:1"})
        assert made["id"] == "azureml://registries/shared/environments/e/versions/1"
        assert names(site, shared) == ["e:1"]
        assert names(site, "default") == []
        again = call(site, assets.create, shared, "environments", {"name": "e", "image": "x:1"})
        assert again["version"] == "1"

    def test_jobs_use_what_is_in_them(self, site: TestSite, shared: Registry) -> None:
        tree = put_tree(site, {"a.txt": b"a"})
        data = {"name": "d", "path": f"tree:{tree}", "type": "uri_folder"}
        call(site, assets.create, shared, "data", data)
        call(site, assets.create, shared, "environments", {"name": "e", "image": "python:3.11"})
        at = "azureml://registries/shared"
        inputs = {"x": {"type": "uri_folder", "path": f"{at}/data/d/labels/latest"}}
        submit(site, environment=f"{at}/environments/e/versions/1", inputs=inputs)
        for wrong in (f"{at}/environments/e/versions/9", "azureml://registries/no/environments/e"):
            with pytest.raises(NotFound):
                submit(site, environment=wrong)

    def test_whoever_has_no_right_there_is_told_of_none(
        self, site: TestSite, shared: Registry
    ) -> None:
        lia = Principal.of("lia", "user", "Owner", "default")
        with pytest.raises(NotFound, match="no registry 'shared'"):
            call(site, assets.find, shared, "environments", Query(), who=lia)
        with pytest.raises(NotFound, match="no environment 'e'"):
            call(site, assets.get, shared, "environments", "e", "1", who=lia)
        listed = call(site, registries.find, Query(), who=lia)["value"]
        assert [row["name"] for row in listed] == ["azureml"]

    def test_a_registry_user_reads_and_writes_there(
        self, site: TestSite, shared: Registry
    ) -> None:
        role = BUILT_IN["AzureML Registry User"]
        lia = Principal("lia", "user", (Grant(role, registry="shared"),))
        call(site, assets.create, shared, "environments", {"name": "e", "image": "x:1"}, who=lia)
        assert call(site, registries.get, "SHARED", who=lia)["name"] == "shared"
        with pytest.raises(Forbidden):
            call(site, registries.delete, "shared", who=lia)
        with pytest.raises(NotFound):
            call(site, assets.find, "default", "environments", Query(), who=lia)

    def test_the_built_in_one_is_everybodys_and_nobodys(self, site: TestSite) -> None:
        built_in = Registry("azureml")
        nobody = Principal("eve", "user", ())
        found = call(site, assets.find, built_in, "environments", Query(), who=nobody)["value"]
        assert "sklearn-1.5" in [row["name"] for row in found]
        assert call(site, assets.get, built_in, "environments", "sklearn-1.5", "@latest")
        assert names(site, built_in, "models") == []
        with pytest.raises(Invalid, match="comes with Lazur"):
            call(site, assets.create, built_in, "environments", {"name": "e", "image": "x:1"})
        with pytest.raises(Conflict):
            call(site, registries.create, {"name": "AzureML"})

    def test_azures_yaml_is_taken(self, site: TestSite) -> None:
        spec = {
            "name": "DocRegistry",
            "tags": {"a": "b"},
            "location": "EastUS",
            "replication_locations": [{"location": "EastUS"}],
        }
        made = call(site, registries.create, spec)
        assert made["replication_locations"]
        assert [text.split()[0] for text in made["warnings"]] == ["`replication_locations`"]
        (warning,) = call(site, registries.create, {"name": "x", "locatoin": "E"})["warnings"]
        assert "locatoin" in warning

    def test_what_a_workspace_only_seems_to_promise_is_named(self, site: TestSite) -> None:
        spec = {
            "$schema": "https://azuremlschemas.azureedge.net/latest/workspace.schema.json",
            "name": "closed",
            "location": "eastus",
            "customer_managed_key": {"key_uri": "https://vault/keys/k"},
            "managed_network": {"isolation_mode": "allow_only_approved_outbound"},
            "public_network_access": "Disabled",
        }
        made = call(site, workspaces.create, spec)
        told = {text.split()[0].strip("`") for text in made["warnings"]}
        assert told == {"customer_managed_key", "managed_network", "public_network_access"}
        assert call(site, workspaces.get, "closed")["managed_network"] == spec["managed_network"]

    def test_a_file_of_another_kind_makes_no_workspace(self, site: TestSite) -> None:
        with pytest.raises(Invalid, match="expected the kind 'workspace'"):
            call(site, workspaces.create, {"name": "x", "type": "command", "command": "true"})

    def test_a_workspace_may_have_the_same_name(self, site: TestSite, shared: Registry) -> None:
        call(site, workspaces.create, {"name": "shared"})
        call(site, assets.create, shared, "environments", {"name": "e", "image": "x:1"})
        assert names(site, "shared") == []
        found = call(site, workspaces.find, Query())["value"]
        assert [row["name"] for row in found] == ["default", "shared"]


class TestBack:
    def test_a_deleted_registry_is_back_when_it_is_made_again(self, site: TestSite) -> None:
        call(site, registries.create, {"name": "shared"})
        tree = put_tree(site, {"m": b"m"})
        spec = {"name": "m", "path": f"tree:{tree}"}
        call(site, assets.create, Registry("shared"), "models", spec)
        call(site, registries.delete, "shared")
        made = call(site, registries.create, {"name": "shared"})
        assert "had been deleted" in made["warnings"][0]
        assert call(site, assets.find, Registry("shared"), "models", Query())["value"]
        with pytest.raises(Conflict, match="exists already"):
            call(site, registries.create, {"name": "shared"})

    def test_what_is_odd_is_said(self, site: TestSite) -> None:
        spec = {"name": "c", "type": "spark", "entry": {"file": "a.py"}}
        made = call(site, assets.create, "default", "components", spec)
        assert "there are no spark jobs yet" in made["warnings"][0]


class TestShare:
    def test_the_same_content_stands_there(self, site: TestSite, shared: Registry) -> None:
        tree = put_tree(site, {"m.txt": b"m"})
        spec = {"name": "m", "path": f"tree:{tree}", "type": "custom_model", "tags": {"a": "b"}}
        call(site, assets.create, "default", "models", spec)
        asked = {"registry": "shared"}
        made = call(site, sharing.share, "default", "models", "m", "1", asked)
        assert made["id"] == "azureml://registries/shared/models/m/versions/1"
        assert (made["path"], made["tags"]) == (f"tree:{tree}", {"a": "b"})
        assert call(site, sharing.share, "default", "models", "m", "@latest", asked) == made
        other = {**asked, "name": "n", "version": "7"}
        assert call(site, sharing.share, "default", "models", "m", "1", other)["version"] == "7"

    def test_what_only_one_workspace_can_read_is_not(
        self, site: TestSite, shared: Registry
    ) -> None:
        at = "azureml://datastores/elsewhere/paths/x"
        call(site, assets.create, "default", "data", {"name": "d", "path": at})
        with pytest.raises(Unsupported, match="lies in this workspace"):
            call(site, sharing.share, "default", "data", "d", "1", {"registry": "shared"})

    def test_a_component_takes_no_environment_of_the_workspace_along(
        self, site: TestSite, shared: Registry
    ) -> None:
        environment(site)
        spec = {"name": "c", "command": "true", "environment": "azureml:e:1", "type": "command"}
        call(site, assets.create, "default", "components", spec)
        with pytest.raises(Invalid, match="workspace's own"):
            call(site, sharing.share, "default", "components", "c", "1", {"registry": "shared"})

    def test_it_takes_both_rights(self, site: TestSite, shared: Registry) -> None:
        environment(site)
        lia = Principal.of("lia", "user", "Owner", "default")
        asked = {"registry": "shared"}
        with pytest.raises(NotFound):
            call(site, sharing.share, "default", "environments", "e", "1", asked, who=lia)


class TestTrash:
    def test_there_and_back(self, site: TestSite) -> None:
        for version in (1, 2):
            environment(site, version)
        call(site, asset_trash.delete, "default", "environments", "e", "2")
        assert names(site, "default") == ["e:1"]
        with pytest.raises(NotFound):
            call(site, assets.get, "default", "environments", "e", "2")
        assert call(site, assets.get, "default", "environments", "e", "@latest")["version"] == "1"
        (gone,) = call(site, asset_trash.find, "default", "environments")["value"]
        assert (gone["version"], gone["deleted_by"]) == ("2", "ann")
        call(site, asset_trash.restore, "default", "environments", "e", "2")
        assert names(site, "default") == ["e:2"]

    def test_all_versions_at_once(self, site: TestSite) -> None:
        for version in (1, 2):
            environment(site, version)
        found = call(site, asset_trash.delete, "default", "environments", "e")["value"]
        assert [row["version"] for row in found] == ["1", "2"]
        assert names(site, "default") == []
        with pytest.raises(NotFound):
            call(site, asset_trash.delete, "default", "environments", "e")
        call(site, asset_trash.restore, "default", "environments", "e")
        assert names(site, "default") == ["e:2"]

    def test_a_version_in_the_trash_is_not_made_anew(self, site: TestSite) -> None:
        environment(site, version=1)
        call(site, asset_trash.delete, "default", "environments", "e")
        spec = {"name": "e", "image": "other:1", "version": "1"}
        with pytest.raises(Conflict, match="lies in the trash") as error:
            call(site, assets.create, "default", "environments", spec)
        assert "lazur environment restore -n e -v 1" in str(error.value.hint)
        assert environment(site, 2)["version"] == "2"

    def test_purging_is_for_good(self, site: TestSite) -> None:
        for version in (1, 2):
            environment(site, version)
        call(site, asset_trash.delete, "default", "environments", "e", "1")
        told = call(site, asset_trash.purge, "default", "environments", {"dry_run": True})
        assert [row["version"] for row in told["purged"]] == ["1"]
        assert call(site, asset_trash.find, "default", "environments")["value"]
        call(site, asset_trash.purge, "default", "environments", {"names": ["e"]})
        assert not call(site, asset_trash.find, "default", "environments")["value"]
        with pytest.raises(NotFound):
            call(site, asset_trash.restore, "default", "environments", "e", "1")
        assert environment(site, 3)["version"] == "3"  # numbers are not given again

    def test_only_what_has_lain_there_long_enough(self, site: TestSite) -> None:
        environment(site)
        call(site, asset_trash.delete, "default", "environments", "e")
        asked = {"older_than_days": 14}
        assert not call(site, asset_trash.purge, "default", "environments", asked)["purged"]
        now = site.now()
        site.now = lambda: now + 15 * 86400
        assert call(site, asset_trash.purge, "default", "environments", asked)["purged"]

    def test_what_a_component_needs_stays(self, site: TestSite) -> None:
        environment(site)
        spec = {"name": "c", "command": "true", "environment": "azureml:e:1", "type": "command"}
        call(site, assets.create, "default", "components", spec)
        with pytest.raises(Conflict, match="needed by component c:1") as error:
            call(site, asset_trash.delete, "default", "environments", "e")
        assert error.value.details["needed_by"] == ["components/c:1"]
        call(site, asset_trash.delete, "default", "components", "c")
        call(site, asset_trash.delete, "default", "environments", "e")

    @pytest.mark.parametrize(
        "asked",
        [{"names": []}, {"names": "e"}, {"days": 1}, {"older_than_days": -1}, {"dry_run": 1}],
    )
    def test_odd_wishes_are_refused(self, site: TestSite, asked: dict[str, Any]) -> None:
        with pytest.raises(Invalid):
            call(site, asset_trash.purge, "default", "environments", asked)

    def test_a_writer_of_a_workspace_deletes_and_a_reader_does_not(self, site: TestSite) -> None:
        environment(site)
        reader = Principal.of("rea", "user", "Reader")
        with pytest.raises(Forbidden):
            call(site, asset_trash.delete, "default", "environments", "e", who=reader)
        scientist = Principal.of("sci", "user", "AzureML Data Scientist")
        call(site, asset_trash.delete, "default", "environments", "e", who=scientist)


class TestStage:
    def test_a_models_stage_changes_and_is_no_content(self, site: TestSite) -> None:
        tree = put_tree(site, {"m.txt": b"m"})
        spec = {"name": "m", "path": f"tree:{tree}", "stage": "Development"}
        call(site, assets.create, "default", "models", spec)
        change = {"stage": "Production"}
        changed = call(site, assets.update, "default", "models", "m", "1", change)
        assert changed["stage"] == "Production"
        same = call(site, assets.create, "default", "models", {**spec, "version": "1"})
        assert same["stage"] == "Production"
        environment(site)
        with pytest.raises(Invalid):
            call(site, assets.update, "default", "environments", "e", "1", change)
