from __future__ import annotations

from typing import Any

import pytest

from lazur.server.arm.address import Place
from lazur.server.arm.ids import Ids
from lazur.server.arm.translate import computes

IDS = Ids(Place("s", "g", workspace="w"))


def body(kind: str, inner: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"properties": {"computeType": kind, "properties": inner}, **more}


class TestFromArm:
    def test_a_cluster_is_what_its_yaml_would_be(self) -> None:
        inner = {
            "vmSize": "Standard_D2",
            "vmPriority": "LowPriority",
            "scaleSettings": {
                "minNodeCount": 0,
                "maxNodeCount": 4,
                "nodeIdleTimeBeforeScaleDown": "PT2M",
            },
            "remoteLoginPortPublicAccess": "Disabled",
            "osType": "Linux",
        }
        assert computes.from_arm("c", body("AmlCompute", inner, tags={"a": "b"})) == {
            "name": "c",
            "type": "amlcompute",
            "tags": {"a": "b"},
            "size": "Standard_D2",
            "tier": "low_priority",
            "min_instances": 0,
            "max_instances": 4,
            "idle_time_before_scale_down": 120,
            "ssh_public_access_enabled": False,
        }

    def test_an_instance_has_no_scale(self) -> None:
        inner = {
            "vmSize": "x",
            "idleTimeBeforeShutdown": "PT30M",
            "scaleSettings": {"maxNodeCount": 1},
        }
        assert computes.from_arm("i", body("ComputeInstance", inner)) == {
            "name": "i",
            "type": "computeinstance",
            "size": "x",
            "idle_time_before_shutdown": "PT30M",
        }

    def test_what_says_nothing_has_a_name(self) -> None:
        assert computes.from_arm("c", {}) == {"name": "c"}


class TestToArm:
    @pytest.mark.parametrize(
        "asked, word", [(None, "NotSpecified"), (True, "Enabled"), (False, "Disabled")]
    )
    def test_a_cluster_comes_back(self, asked: bool | None, word: str) -> None:
        view: dict[str, Any] = {
            "name": "c",
            "type": "amlcompute",
            "max_instances": 4,
            "min_instances": 1,
            "tier": "low_priority",
            "idle_time_before_scale_down": 300,
            "size": "x",
            "jobs": {"Running": 2},
            "creation_context": {"created_at": "then"},
        }
        view |= {} if asked is None else {"ssh_public_access_enabled": asked}
        made = computes.to_arm(view, IDS)
        assert made["id"].endswith("/workspaces/w/computes/c")
        inner = made["properties"]["properties"]
        assert inner["scaleSettings"] == {
            "minNodeCount": 1,
            "maxNodeCount": 4,
            "nodeIdleTimeBeforeScaleDown": "PT5M",
        }
        assert inner["remoteLoginPortPublicAccess"] == word
        assert inner["currentNodeCount"] == 2
        again = computes.from_arm("c", made)
        kept = ("name", "type", "max_instances", "min_instances", "tier", "size")
        assert {key: again[key] for key in kept} == {key: view[key] for key in kept}

    def test_an_instance_says_whether_it_runs(self) -> None:
        view = {"name": "i", "type": "computeinstance", "state": "Stopped"}
        inner = computes.to_arm(view, IDS)["properties"]
        assert inner["computeType"] == "ComputeInstance"
        assert inner["properties"]["state"] == "Stopped"

    def test_the_servers_own_is_a_cluster_of_one(self) -> None:
        made = computes.to_arm({"name": "local", "type": "local"}, IDS)["properties"]
        assert made["computeType"] == "AmlCompute"
        assert made["properties"]["scaleSettings"]["maxNodeCount"] == 1
