from __future__ import annotations

from typing import Any

import pytest

from lazur.errors import Invalid
from lazur.server.arm.address import Place
from lazur.server.arm.ids import Ids
from lazur.server.arm.translate import connections

IDS = Ids(Place("s", "g", workspace="w"))


def body(**properties: Any) -> dict[str, Any]:
    return {"properties": properties}


class TestFromArm:
    def test_it_is_what_its_yaml_would_be(self) -> None:
        asked = body(
            category="Git",
            authType="PAT",
            target="https://example.org/a",
            credentials={"pat": "secret"},
            isSharedToAll=True,
            metadata={"team": "blue"},
        )
        assert connections.from_arm("c", asked) == {
            "name": "c",
            "type": "git",
            "target": "https://example.org/a",
            "is_shared": True,
            "credentials": {"type": "pat", "pat": "secret"},
            "metadata": {"team": "blue"},
        }

    @pytest.mark.parametrize(
        "category, metadata, kind",
        [
            ("CognitiveService", {"Kind": "Content Safety"}, "azure_content_safety"),
            ("CognitiveService", {"Kind": "speech"}, "azure_speech_services"),
            ("cognitive_search", {}, "azure_ai_search"),
            ("CustomKeys", {}, "custom"),
            ("ADLSGen2", {}, "azure_data_lake_gen2"),
        ],
    )
    def test_azures_names_of_types_are_known(
        self, category: str, metadata: dict[str, str], kind: str
    ) -> None:
        assert (
            connections.from_arm("c", body(category=category, metadata=metadata))["type"] == kind
        )

    def test_what_azure_keeps_in_metadata_has_fields_of_its_own(self) -> None:
        asked = body(category="AzureBlob", metadata={"AccountName": "a", "ContainerName": "b"})
        found = connections.from_arm("c", asked)
        assert (found["account_name"], found["container_name"]) == ("a", "b")
        assert "metadata" not in found
        asked = body(category="AzureOpenAI", target="https://x", metadata={"ResourceId": "r"})
        found = connections.from_arm("c", asked)
        assert (found["azure_endpoint"], found["open_ai_resource_id"]) == ("https://x", "r")

    def test_what_is_not_known_is_told_with_what_is(self) -> None:
        with pytest.raises(Invalid, match="Nonsense"):
            connections.from_arm("c", body(category="Nonsense"))
        with pytest.raises(Invalid, match="OAuth2"):
            connections.from_arm("c", body(category="Git", authType="OAuth2"))


class TestToArm:
    def test_secrets_are_fields_without_values(self) -> None:
        view = {"name": "c", "type": "s3", "target": "t", "credentials": {"type": "access_key"}}
        properties = connections.to_arm(view, IDS)["properties"]
        assert properties["authType"] == "AccessKey"
        assert properties["credentials"] == {"accessKeyId": None, "secretAccessKey": None}

    @pytest.mark.parametrize("kind", ["aad", "none"])
    def test_some_have_none(self, kind: str) -> None:
        view = {"name": "c", "type": "git", "credentials": {"type": kind}}
        assert "credentials" not in connections.to_arm(view, IDS)["properties"]

    @pytest.mark.parametrize(
        "view",
        [
            {"type": "azure_blob", "url": "u", "account_name": "a", "container_name": "b"},
            {"type": "azure_open_ai", "azure_endpoint": "u", "open_ai_resource_id": "r"},
            {"type": "azure_speech_services", "endpoint": "u"},
            {"type": "custom", "target": "u", "metadata": {"a": "b"}},
        ],
    )
    def test_what_comes_back_is_what_was_written(self, view: dict[str, Any]) -> None:
        written = {"name": "c", **view}
        again = connections.from_arm("c", connections.to_arm(written, IDS))
        assert again == {**written, "is_shared": True}

    def test_secrets_that_are_asked_for_have_azures_names(self) -> None:
        held = {"sas_token": "s", "type": "sas_token"}
        assert connections.secrets(held, "sas_token") == {"sas": "s"}
        assert connections.secrets({}, "unheard-of") == {}
