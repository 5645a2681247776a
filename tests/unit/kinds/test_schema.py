from __future__ import annotations

from typing import Any

import pytest

from lazur.errors import NotFound
from lazur.kinds.catalog import KINDS
from lazur.kinds.schema import DRAFT, json_schema


def resolved(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    return schema["$defs"][node["$ref"].split("/")[-1]] if "$ref" in node else node


@pytest.mark.parametrize("kind", KINDS)
class TestEveryKind:
    def test_it_is_a_draft_for_editors(self, kind: str) -> None:
        schema = json_schema(kind)
        assert schema["$schema"] == DRAFT
        assert schema["title"] == KINDS[kind].title
        assert schema["additionalProperties"] is True
        assert "$schema" in schema["properties"]

    def test_no_union_excludes_what_fits_two_members(self, kind: str) -> None:
        assert "oneOf" not in str(json_schema(kind))
        assert "discriminator" not in str(json_schema(kind))

    def test_references_lead_somewhere(self, kind: str) -> None:
        schema = json_schema(kind)
        text = str(schema)
        for part in text.split("'#/$defs/")[1:]:
            assert part.split("'")[0] in schema["$defs"]


class TestCommandJob:
    def test_fields_carry_their_docstrings(self) -> None:
        schema = json_schema("command-job")
        assert "bash" in schema["properties"]["command"]["description"]
        assert (
            "machine" in schema["properties"]["compute"]["description"]
            or schema["properties"]["compute"]["description"]
        )
        assert schema["required"] == ["command", "environment"]

    def test_words_are_listed(self) -> None:
        schema = json_schema("command-job")
        assert "ro_mount" in schema["$defs"]["DataInput"]["properties"]["mode"]["enum"]

    def test_inputs_may_be_anything_that_is_accepted(self) -> None:
        schema = json_schema("command-job")
        members = schema["properties"]["inputs"]["additionalProperties"]["anyOf"]
        titles = {resolved(schema, m).get("title") for m in members}
        assert {"DataInput", "ModelInput", "MLTableInput", "LiteralInput"} <= titles


def test_an_unknown_kind_is_not_found() -> None:
    with pytest.raises(NotFound):
        json_schema("command")
