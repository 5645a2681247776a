"""Azure's ids of what a job refers to."""

from __future__ import annotations

import pytest

from lazur.errors import Invalid
from lazur.server.arm.translate import cases
from lazur.server.arm.translate.references import asset_id, path_uri, resource_id, written
from tests.unit.server.arm.translate.strategies import IDS

WS = IDS.workspace()
SHA = "ab" * 32
PLACE = "workspaces/default/datastores/workspaceblobstore/paths/"


class TestWritten:
    @pytest.mark.parametrize(
        "theirs, ours",
        [
            (f"{WS}/data/d/versions/1", "azureml:d:1"),
            (f"azureml:{WS}/codes/c/versions/1", "azureml:c:1"),
            (f"{WS.lower()}/environments/e/labels/latest", "azureml:e@latest"),
            (f"{WS}/computes/cpu", "azureml:cpu"),
            (f"{WS}/codes/{SHA}/versions/1", f"tree:{SHA}"),
            (f"{WS}/codes/{SHA}~a~b/versions/1", f"tree:{SHA}/a/b"),
            (f"{WS}/data/tree/versions/{SHA}", f"tree:{SHA}"),
            (
                f"{IDS.registry('r')}/models/m/versions/2",
                "azureml://registries/r/models/m/versions/2",
            ),
            (
                "azureml://registries/r/environments/e/labels/latest",
                "azureml://registries/r/environments/e/labels/latest",
            ),
            ("azureml://registries/r/models/m", "azureml://registries/r/models/m"),
            (
                "azureml://subscriptions/s/resourcegroups/g/workspaces/w/datastores/d/paths/a/b",
                "azureml://datastores/d/paths/a/b",
            ),
            ("azureml://locations/l/workspaces/w/data/d/versions/2", "azureml:d:2"),
            ("https://example.org/x", "https://example.org/x"),
            ("serverless", "serverless"),
            ("", None),
            (None, None),
        ],
    )
    def test_ids_are_short_names(self, theirs: str | None, ours: str | None) -> None:
        assert written(theirs) == ours


class TestIds:
    def test_names_are_ids_of_this_workspace(self) -> None:
        assert asset_id("azureml:e:1", "environments", IDS) == f"{WS}/environments/e/versions/1"
        assert asset_id("azureml:e", "environments", IDS) == f"{WS}/environments/e/labels/latest"
        assert asset_id(f"tree:{SHA}", "codes", IDS) == f"{WS}/codes/{SHA}/versions/1"
        assert resource_id("azureml:cpu", "computes", IDS) == f"{WS}/computes/cpu"

    @pytest.mark.parametrize("tree", [f"tree:{SHA}", f"tree:{SHA}/a/b.csv"])
    def test_content_without_a_name_lies_in_a_datastore(self, tree: str) -> None:
        found = path_uri(tree, "uri_file", IDS)
        assert found is not None
        assert found.startswith(f"azureml://subscriptions/0000/resourcegroups/lazur/{PLACE}")
        assert written(found) == tree
        assert written(f"azureml://{PLACE.partition('default/')[2]}.tree/{SHA}") == f"tree:{SHA}"
        there = found.replace("workspaceblobstore", "other")
        assert str(written(there)).startswith("azureml://datastores/other/paths/.tree/")

    def test_what_is_no_name_stays(self) -> None:
        assert asset_id("./here", "codes", IDS) == "./here"
        assert asset_id("azureml:", "codes", IDS) == "azureml:"
        assert asset_id(None, "codes", IDS) is None
        assert path_uri(None, "uri_file", IDS) is None
        assert resource_id(None, "computes", IDS) is None
        assert resource_id("${{parent.inputs.c}}", "computes", IDS) == "${{parent.inputs.c}}"


class TestCases:
    def test_lengths_of_time(self) -> None:
        for text, number in (("PT1H", 3600), ("P1DT2M3.5S", 86_523), ("P2W", 1_209_600)):
            assert cases.seconds(text) == number
        assert cases.seconds(7) == 7
        assert cases.seconds(None) is None
        assert cases.duration(3723) == "PT1H2M3S"
        assert cases.duration(0) == "PT0S"
        assert cases.duration(None) is None

    @pytest.mark.parametrize("text", [f"PT{'9' * 5000}S", "PT", "P", "1H"])
    def test_what_is_no_length_of_time(self, text: str) -> None:
        with pytest.raises(Invalid, match="no length of time"):
            cases.seconds(text)
