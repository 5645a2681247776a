from __future__ import annotations

from typing import Any

import pytest

from lazur.spec.folders import folder_of


class TestFolderOf:
    @pytest.mark.parametrize("kind", [None, "uri_folder", "UriFolder", "path"])
    def test_all_below_a_folder_is_the_folder(self, kind: str | None) -> None:
        assert folder_of({"type": kind, "path": "./data/**"}) == "./data"
        assert folder_of({"path": "azureml://datastores/d/paths/x/**"}) == (
            "azureml://datastores/d/paths/x"
        )

    @pytest.mark.parametrize(
        "body",
        [
            {"path": "./data"},
            {"path": "./data/*"},
            {"path": "./data/**/*.csv"},
            {"path": "./data**"},
            {"path": "/**"},
            {"path": None},
            {"path": 3},
            {},
            {"type": "uri_file", "path": "./data/**"},
            {"type": "mltable", "path": "./data/**"},
            "./data/**",
            None,
        ],
    )
    def test_anything_else_is_what_it_is(self, body: Any) -> None:
        assert folder_of(body) is None
