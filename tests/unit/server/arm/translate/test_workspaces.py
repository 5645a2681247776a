from __future__ import annotations

from typing import Any

import pytest

from lazur.errors import Unsupported
from lazur.server.arm.address import Place
from lazur.server.arm.ids import Ids
from lazur.server.arm.translate import registries, workspaces

IDS = Ids(Place("s", "g", workspace="w"))


class TestWorkspaces:
    def test_a_view_names_where_the_services_are(self) -> None:
        view = {"name": "w", "tags": {"a": "b"}, "description": "about"}
        made = workspaces.to_arm(view, IDS, "https://h:1", tenant="t", number="n")
        assert made["id"].endswith("/workspaces/w")
        assert made["properties"]["discoveryUrl"] == "https://h:1/discovery"
        assert made["properties"]["mlFlowTrackingUri"] == "https://h:1/mlflow/workspaces/w"
        assert made["tags"] == {"a": "b"}

    def test_a_body_is_its_notes(self) -> None:
        body = {"tags": {"a": "b"}, "properties": {"friendlyName": "W", "description": "d"}}
        assert workspaces.from_arm("w", body) == {
            "name": "w",
            "display_name": "W",
            "description": "d",
            "tags": {"a": "b"},
        }

    def test_of_a_template_the_parameters_are_read(self) -> None:
        values = {
            "workspaceName": "w",
            "friendlyName": "W",
            "description": "",
            "tagValues": {"a": 1},
            "kind": "Default",
        }
        assert workspaces.from_template(values) == {
            "name": "w",
            "display_name": "W",
            "tags": {"a": "1"},
        }

    @pytest.mark.parametrize(
        "asked",
        [
            {"publicNetworkAccess": "Disabled"},
            {"managedNetwork": {"isolationMode": "AllowInternetOutbound"}},
            {"managedNetwork": {"isolation_mode": "AllowOnlyApprovedOutbound"}},
            {"networkAcls": {"defaultAction": "Deny"}},
            {"encryption": {"status": "Enabled"}},
            {"encryption_status": "Enabled"},
            {"hbiWorkspace": True},
            {"confidential_data": "true"},
        ],
    )
    def test_what_is_not_kept_is_not_promised(self, asked: dict[str, Any]) -> None:
        with pytest.raises(Unsupported, match="is not served"):
            workspaces.from_arm("w", {"properties": asked})
        with pytest.raises(Unsupported, match="is not served"):
            workspaces.notes({"properties": asked}, {"public_network_access": None})
        with pytest.raises(Unsupported, match="is not served"):
            workspaces.from_template({"workspaceName": "w", **asked})
        with pytest.raises(Unsupported, match="is not served"):
            registries.from_arm("r", {"properties": asked})

    def test_what_asks_for_nothing_is_taken(self) -> None:
        asked = {
            "publicNetworkAccess": "Enabled",
            "managedNetwork": {"isolationMode": "Disabled"},
            "encryption_status": "Disabled",
            "confidential_data": "false",
            "networkAcls": {"defaultAction": "Allow"},
        }
        assert workspaces.from_template({"workspaceName": "w", **asked}) == {"name": "w"}
        said = {"properties": {"publicNetworkAccess": "Disabled"}}
        assert workspaces.notes(said, {"public_network_access": "Disabled"}) == {}

    def test_other_templates_and_kinds_are_refused(self) -> None:
        with pytest.raises(Unsupported, match="templates"):
            workspaces.from_template({})
        for kind in ("Hub", "FeatureStore"):
            with pytest.raises(Unsupported, match=kind):
                workspaces.from_arm("w", {"kind": kind})
