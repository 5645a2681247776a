"""Ids that name a workspace."""

from __future__ import annotations

from typing import Any

import pytest

from lazur.errors import Invalid
from lazur.spec import rooms
from lazur.spec.rooms import Room

MLS = "providers/Microsoft.MachineLearningServices"
HERE = Room("here", "sub", "grp", "11-22")


def arm(workspace: str = "here", subscription: str = "sub", group: str = "grp") -> str:
    return f"/subscriptions/{subscription}/resourceGroups/{group}/{MLS}/workspaces/{workspace}"


OTHERS = [
    f"{arm('other')}/computes/cpu",
    f"azureml:{arm('other')}/data/d/versions/1",
    f"{arm(subscription='s2')}/environments/e/labels/latest",
    f"azureml:/{arm(group='g2')}/components/c/versions/1",
    "azureml://subscriptions/sub/resourcegroups/grp/workspaces/other/datastores/d/paths/a/b",
    "azureml://locations/west/workspaces/33-44/data/d/versions/1",
]
OWN = [
    f"{arm()}/computes/cpu",
    f"{arm('HERE', 'SUB', 'Grp')}/data/d/versions/1",
    "azureml://subscriptions/sub/resourcegroups/grp/workspaces/here/datastores/d/paths/a/b",
    "azureml://locations/west/workspaces/11-22/data/d/versions/1",
    "azureml://locations/west/workspaces/here/data/d/versions/1",
    "azureml://registries/r/models/m/versions/1",
    "azureml:d:1",
    "/subscriptions/s2/resourceGroups/g2/providers/Microsoft.Network/virtualNetworks/v",
    "https://example.org/subscriptions/x",
    "",
]


class TestCheck:
    @pytest.mark.parametrize("text", OTHERS)
    def test_an_id_of_another_workspace_is_refused(self, text: str) -> None:
        with pytest.raises(Invalid, match="of the workspace"):
            rooms.check({"a": [{"uri": text}]}, HERE)

    @pytest.mark.parametrize("text", OWN)
    def test_ones_own_is_taken(self, text: str) -> None:
        rooms.check({"a": {"path": text}, "n": 1}, HERE)

    def test_both_are_named_and_where_it_stands(self) -> None:
        with pytest.raises(Invalid) as refused:
            rooms.check({"jobs": {"a": {"compute": f"{arm('other')}/computes/cpu"}}}, HERE)
        assert refused.value.message == (
            "jobs.a.compute names computes/cpu of the workspace 'other' (subscription 'sub', "
            "resource group 'grp'); this is the workspace 'here' (subscription 'sub', resource "
            "group 'grp')."
        )
        assert refused.value.details["field"] == "jobs.a.compute"

    @pytest.mark.parametrize(
        "value",
        [
            {"tags": {"from": OTHERS[0]}},
            {"properties": {"from": OTHERS[0]}},
            {"description": OTHERS[0]},
            {"environmentVariables": {"ID": OTHERS[0]}},
            {"inputs": {"word": OTHERS[0]}},
            {"inputs": {"word": {"value": OTHERS[0]}}},
        ],
    )
    def test_peoples_words_are_about_anything(self, value: dict[str, Any]) -> None:
        rooms.check(value, HERE)

    def test_a_registry_uses_nothing_of_workspaces(self) -> None:
        with pytest.raises(Invalid, match="this is the registry 'r'"):
            rooms.check({"code": f"{arm()}/codes/c/versions/1"}, Room("", registry="r"))
        rooms.check({"code": "azureml://registries/r/codes/c/versions/1"}, Room("", registry="r"))

    def test_outside_of_azure_there_is_no_subscription(self) -> None:
        here = Room("here")
        rooms.check({"compute": f"{arm('here', 'any', 'group')}/computes/cpu"}, here)
        with pytest.raises(Invalid, match="this is the workspace 'here'"):
            rooms.check({"compute": f"{arm('other')}/computes/cpu"}, here)
