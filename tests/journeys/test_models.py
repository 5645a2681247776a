"""One registry of models: MLflow's client and `lazur model`, each with what the other made."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from tests.journeys.tracking import Scientist

pytestmark = pytest.mark.slow

MLMODEL = """\
flavors:
  python_function: {loader_module: model, python_version: 3.11.0}
mlflow_version: 3.1.0
"""


class TestRegistry:
    def test_what_a_script_registers_is_used_by_label_in_the_next_job(
        self, scientist: Scientist
    ) -> None:
        trained = scientist.train(
            """\
            import mlflow, pathlib
            folder = pathlib.Path("model")
            folder.mkdir()
            (folder / "MLmodel").write_text("flavors: {python_function: {loader_module: x}}")
            with mlflow.start_run() as run:
                mlflow.log_artifacts("model", "model")
                place = f"runs:/{run.info.run_id}/model"
                mlflow.register_model(place, "theirs", tags={"by": "job"})
            """
        )
        lazur = scientist.person
        made = lazur.ok("model", "show", "-n", "theirs", "-v", "1")
        assert (made["type"], made["job_name"]) == ("mlflow_model", trained)
        assert made["tags"] == {"by": "job"}
        lazur.ok("model", "update", "-n", "theirs", "-v", "1", "--set", "labels=champion")
        alias = scientist.client.get_model_version_by_alias("theirs", "champion")
        assert alias.version == "1"
        model = {"type": "mlflow_model", "path": "azureml:theirs@champion"}
        script = "import os, sys; print('holds', os.listdir(sys.argv[1]))"
        command = "python script.py ${{inputs.model}}"
        used = scientist.train(script, inputs={"model": model}, command=command)
        assert "holds ['MLmodel']" in lazur.log(used)

    def test_what_the_command_line_registers_is_loaded_by_mlflow(
        self, scientist: Scientist, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lazur, client = scientist.person, scientist.client
        monkeypatch.setenv("MLFLOW_TRACKING_URI", client.tracking_uri)
        lazur.write("saved/MLmodel", MLMODEL)
        lazur.write("saved/weights/w.txt", "42")
        create = ("model", "create", "-n", "ours", "--type", "mlflow_model", "--path", "saved")
        lazur.ok(*create, "--stage", "Staging", "--description", "by lazur")
        found = client.get_model_version("ours", "1")
        assert (found.current_stage, found.description) == ("Staging", "by lazur")
        artifacts = importlib.import_module("mlflow.artifacts")
        folder = Path(artifacts.download_artifacts("models:/ours/1", dst_path=str(tmp_path)))
        assert (folder / "weights" / "w.txt").read_text() == "42"
        client.set_registered_model_alias("ours", "champion", "1")
        client.set_model_version_tag("ours", "1", "seen", "yes")
        shown = lazur.ok("model", "show", "-n", "ours", "--label", "champion")
        assert shown["tags"] == {"seen": "yes"}
        client.delete_model_version("ours", "1")
        assert lazur.ok("model", "trash")[0]["name"] == "ours"
        lazur("model", "restore", "-n", "ours")
        assert client.get_model_version("ours", "1").tags == {"seen": "yes"}
