from __future__ import annotations

import pytest

from lazur.errors import Invalid
from lazur.sdk.ids import by_name


class TestByName:
    def test_ids_are_names_where_something_is_named(self) -> None:
        spec = {
            "inputs": {
                "table": {"path": "/workspaces/lab/data/wine/versions/3"},
                "text": "/workspaces/lab/data/wine/versions/3",
            },
            "jobs": {"fit": {"component": "/workspaces/lab/components/fit/versions/2"}},
            "environment": "/workspaces/lab/environments/e/versions/1.0",
            "code": "src",
        }
        assert by_name(spec, "lab") == {
            "inputs": {
                "table": {"path": "azureml:wine:3"},
                "text": "/workspaces/lab/data/wine/versions/3",
            },
            "jobs": {"fit": {"component": "azureml:fit:2"}},
            "environment": "azureml:e:1.0",
            "code": "src",
        }

    def test_those_of_another_workspace_are_told(self) -> None:
        spec = {"inputs": {"table": {"path": "/workspaces/other/data/wine/versions/3"}}}
        with pytest.raises(Invalid, match="lies in the workspace 'other'") as caught:
            by_name(spec, "lab")
        assert "registry" in (caught.value.hint or "")
