"""From data to a model and what used it: what came of what, and who is affected."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.conftest import Ran
from tests.journeys.tracking import Scientist
from tests.unit.engine.test_mermaid import check as check_mermaid
from tests.unit.engine.test_openlineage import check as check_event

pytestmark = pytest.mark.slow

TRAIN = """\
    import mlflow, pathlib, sys
    from mlflow.models import Model
    rows = pathlib.Path(sys.argv[1], "rows.csv").read_text().split()
    pathlib.Path("model").mkdir()
    pathlib.Path("model/MLmodel").write_text("flavors: {python_function: {loader_module: x}}")
    with mlflow.start_run() as run:
        mlflow.log_metric("rows", len(rows))
        mlflow.log_artifacts("model", "model")
        client = mlflow.MlflowClient()
        client.create_registered_model("by_script_NAME")
        client.create_model_version(
            "by_script_NAME", f"runs:/{run.info.run_id}/model", run.info.run_id
        )
"""


@pytest.fixture
def chain(scientist: Scientist) -> tuple[Scientist, str, str]:
    """(scientist, the job that trained, the one that used its model)."""
    person = scientist.person
    person.write("rows/rows.csv", "1\n2\n")
    person.ok("data", "create", "-n", "rows", "--type", "uri_folder", "--path", "rows")
    rows = {"type": "uri_folder", "path": "azureml:rows@latest"}
    suffix = person.folder.name.replace("-", "_")
    name = scientist.train(
        TRAIN.replace("NAME", suffix),
        command="python script.py ${{inputs.rows}}",
        inputs={"rows": rows},
    )
    path = f"azureml://jobs/{name}/outputs/artifacts/paths/model"
    create = ("model", "create", "-n", "by_hand", "--type", "mlflow_model", "--path", path)
    person.ok(*create)
    second = scientist.train(
        "print('used')",
        inputs={"model": {"type": "mlflow_model", "path": f"azureml:by_script_{suffix}:1"}},
        outputs={"scores": {"type": "uri_folder", "name": f"scores_{suffix}"}},
    )
    return scientist, name, second


class TestChain:
    def test_up_and_down_show_all_of_it(self, chain: tuple[Scientist, str, str]) -> None:
        scientist, name, second = chain
        person = scientist.person
        suffix = person.folder.name.replace("-", "_")
        model = f"model:by_script_{suffix}:1"
        data = person.ok("data", "show", "-n", "rows")["version"]
        expected = {
            f"data:rows:{data}": -2,
            f"job:{name}": -1,
            model: 0,
            f"job:{second}": 1,
            f"data:scores_{suffix}:1": 2,
        }
        graph = person.ok("lineage", "show", model, "-o", "json")
        found = {node["id"]: node["distance"] for node in graph["nodes"]}
        assert {key: found.get(key) for key in expected} == expected
        kinds = {node["kind"]: node["distance"] for node in graph["nodes"]}
        assert kinds["tree"] == -2
        assert kinds["build"] == -2
        roles = {(edge["source"], edge["target"]): edge["role"] for edge in graph["edges"]}
        assert roles[f"data:rows:{data}", f"job:{name}"] == "inputs.rows"
        below = _ids(person.ok("lineage", "show", f"job:{name}", "--down", "-o", "json"))
        assert {model, "model:by_hand:1", f"job:{second}"} <= below
        affected = person.ok("lineage", "impact", f"data:rows:{data}", "-o", "json")
        names = {node["id"] for node in affected["affected"]}
        assert {f"job:{name}", model, f"job:{second}", f"data:scores_{suffix}:1"} <= names
        assert [one["name"] for one in affected["people"]] == [_me(person)]
        self._forms(person, model)

    def _forms(self, person: Any, model: str) -> None:
        """A tree to read, a table, a drawing, and events."""
        tree: Ran = person("lineage", "show", model)
        assert "came of\n  └─ job:" in tree.out
        assert "  (inputs.rows)" in tree.out
        assert person("lineage", "show", model, "-o", "table").out.startswith("Id")
        check_mermaid(person("lineage", "show", model, "--format", "mermaid").out)
        events = person.ok("lineage", "show", model, "--format", "openlineage")
        assert len(events) == 2
        for event in events:
            check_event(event)
        told = person("lineage", "impact", model).out
        assert "Whom to tell:" in told
        missing = person("lineage", "show", "model:nobody:1")
        assert missing.code == 3
        assert "There is no model 'nobody'" in missing.err
        both = person("lineage", "show", model, "--up", "--down")
        assert both.code == 1


def _ids(graph: dict[str, Any]) -> set[str]:
    return {node["id"] for node in graph["nodes"]}


def _me(person: Any) -> str:
    return str(json.loads(person("me", "-o", "json").out)["name"])
