"""Bodies that leave out what they may: nothing is made up in its place."""

from __future__ import annotations

from typing import Any

import pytest

from lazur.server.arm.address import Place
from lazur.server.arm.ids import Ids
from lazur.server.arm.translate import environments, models, registries
from lazur.server.arm.translate.assets import NOUNS, spec
from lazur.server.arm.translate.places import Here

HERE = Here("https://h:1", Ids(Place("s", "g", workspace="w")))


class TestSparse:
    def test_an_empty_body_is_an_empty_spec(self) -> None:
        assert environments.from_arm({}, HERE) == {}
        assert models.from_arm({}, HERE) == {"type": "custom_model"}
        assert registries.from_arm("r", {}) == {"name": "r"}

    def test_a_build_may_have_no_context_and_routes_may_be_none(self) -> None:
        body = {"build": {"dockerfilePath": "D"}, "inferenceConfig": {}, "osType": "Linux"}
        assert environments.from_arm(body, HERE) == {
            "build": {"dockerfile_path": "D"},
            "os_type": "linux",
        }

    def test_a_registry_says_what_it_is_given(self) -> None:
        body = {"tags": {"a": "b"}, "properties": {"regionDetails": [{}, {"location": "x"}]}}
        assert registries.from_arm("r", body) == {
            "name": "r",
            "tags": {"a": "b"},
            "replication_locations": [{"location": "x"}],
        }

    @pytest.mark.parametrize("description", ["", None, "words"])
    def test_a_description_of_nothing_is_none(self, description: Any) -> None:
        body = {"name": "d", "properties": {"dataUri": "https://x/y", "description": description}}
        made = spec(NOUNS["data"], body, HERE)
        assert made.get("description") == (description or None)

    @pytest.mark.parametrize(
        "kind, text, value",
        [("boolean", "true", True), ("boolean", "yes", "yes"), ("integer", "3", 3)],
    )
    def test_defaults_that_came_as_text_are_values(self, kind: str, text: str, value: Any) -> None:
        component = {"inputs": {"x": {"type": kind, "default": text}}, "type": "command"}
        body = {"properties": {"componentSpec": component}}
        made = spec(NOUNS["components"], body, HERE)
        assert made["inputs"]["x"]["default"] == value

    def test_a_workspace_may_have_a_host_of_its_own(self) -> None:
        here = Here("https://h", Ids(Place("s", "g", workspace="w")), by_host=True)
        assert here.account_name == "w"
        assert HERE.account_name.endswith("#")
