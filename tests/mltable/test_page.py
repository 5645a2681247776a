"""The page about tables, held to what is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from lazur import mltable
from lazur.mltable import _blocks, _blueprint, _filter, _steps

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "mltable.md").read_text()
FENCES = re.findall(r"^```(\w+).*?\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


class TestPage:
    @pytest.mark.parametrize("text", [text for kind, text in FENCES if kind == "yml"])
    def test_files_that_are_shown_are_understood(self, text: str) -> None:
        assert _blueprint.read(text, "/x", "MLTable").paths

    @pytest.mark.parametrize("text", [text for kind, text in FENCES if kind == "python"])
    def test_names_that_are_shown_exist(self, text: str) -> None:
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Attribute):
                owner = node.value.id if isinstance(node.value, ast.Name) else ""
                assert hasattr(mltable if owner == "mltable" else mltable.MLTable, node.attr) or (
                    owner == "DataType" and hasattr(mltable.DataType, node.attr)
                )

    @pytest.mark.parametrize("names", [_blueprint.READERS, _steps.STEPS, _blocks.ENCODINGS])
    def test_everything_is_explained(self, names: dict[str, object]) -> None:
        assert [name for name in names if f"`{name}`" not in PAGE] == []

    def test_every_method_of_a_filter_is_named(self) -> None:
        aliases = {"starts_with", "ends_with", "to_lower", "to_upper"}
        assert [name for name in set(_filter.METHODS) - aliases if f"`{name}`" not in PAGE] == []
