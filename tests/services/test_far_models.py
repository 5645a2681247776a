"""Models whose files lie in an object store: what these say is read when they are registered."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from lazur.errors import Invalid
from lazur.services.assets import assets
from lazur.services.base.stores import Storage
from lazur.services.jobs import jobs
from lazur.store.mlflow import metrics
from tests.services.far_site import ROOM, move_out, put, run
from tests.services.test_sweeps import SWEEP
from tests.site import Clock, Server, TestSite, call

MLMODEL = b"""
flavors:
  python_function: {loader_module: mlflow.sklearn, python_version: 3.11.4}
signature:
  inputs: '[{"type": "double", "name": "x", "required": true}]'
"""
AWAY = {"endpoint": "http://127.0.0.1:1"}
MODEL = {"name": "m", "type": "mlflow_model"}
PLACE = "azureml://datastores/workspaceblobstore/paths/models/m"


@pytest.fixture
def clock() -> Clock:
    """Stores have times of their own: the site's clock begins there."""
    return Clock(time.time())


@pytest.fixture
def far(site: TestSite, tmp_path: Path) -> TestSite:
    return move_out(site, tmp_path / "bucket")


class TestRegistered:
    def test_its_files_are_read_where_they_lie(self, far: TestSite) -> None:
        put(far, "models/m/MLmodel", MLMODEL)
        put(far, "models/m/requirements.txt", b"scikit-learn==1.5\n")
        made = call(far, assets.create, ROOM, "models", {**MODEL, "path": PLACE})
        assert made["flavors"]["python_function"]["loader_module"] == "mlflow.sklearn"
        assert made["mlflow"]["signature"]["inputs"][0]["name"] == "x"
        assert made["mlflow"]["requirements"] == ["scikit-learn==1.5"]

    def test_what_is_none_is_refused(self, far: TestSite) -> None:
        put(far, "models/m/other", b"x")
        with pytest.raises(Invalid, match="no file MLmodel"):
            call(far, assets.create, ROOM, "models", {**MODEL, "path": PLACE})

    def test_a_large_one_is_not_read(self, far: TestSite) -> None:
        put(far, "models/m/MLmodel", b"#" * (2 << 20))
        with pytest.raises(Invalid, match="larger than"):
            call(far, assets.create, ROOM, "models", {**MODEL, "path": PLACE})

    def test_a_triton_model_is_checked(self, far: TestSite) -> None:
        put(far, "models/m/model.onnx", b"x")
        spec = {**MODEL, "type": "triton_model", "path": PLACE}
        with pytest.raises(Invalid, match="one file"):
            call(far, assets.create, ROOM, "models", spec)
        put(far, "models/m/dense/1/model.onnx", b"x")
        assert call(far, assets.create, ROOM, "models", spec)["version"] == "1"

    def test_a_store_that_is_away_is_a_warning_and_no_other_content_later(
        self, far: TestSite
    ) -> None:
        put(far, "models/m/MLmodel", MLMODEL)
        there = far.storage
        far.storage = Storage("s3://away", "s3", {"bucket_name": "away", **AWAY}, "lazur")
        spec = {**MODEL, "path": PLACE, "version": "1"}
        made = call(far, assets.create, ROOM, "models", spec)
        assert "could not be read" in made["warnings"][0]
        far.storage = there
        assert call(far, assets.create, ROOM, "models", spec)["version"] == "1"


class TestOutputs:
    def test_an_output_becomes_a_model_that_knows_itself(self, far: TestSite) -> None:
        outputs = {"model": {"type": "mlflow_model", "name": "m"}}
        name = run(far, outputs, {"model/MLmodel": MLMODEL})
        made = call(far, assets.get, ROOM, "models", "m", "1")
        assert made["job_name"] == name
        assert "python_function" in made["flavors"]
        path = f"azureml://jobs/{name}/outputs/model"
        again = call(far, assets.create, ROOM, "models", {**MODEL, "name": "n", "path": path})
        assert again["flavors"] == made["flavors"]

    def test_so_does_that_of_a_sweeps_best_trial(self, far: TestSite) -> None:
        outputs = {"model": {"type": "mlflow_model", "name": "best"}}
        limits = {"max_total_trials": 2, "max_concurrent_trials": 2}
        call(far, jobs.submit, ROOM, {**SWEEP, "outputs": outputs, "limits": limits, "name": "s"})
        server = Server(far)
        server.settle()
        for name, value in (("s_0", 0.9), ("s_1", 0.1)):
            put(far, f"azureml/{name}/model/MLmodel", MLMODEL)
            far.engine.run(f"{ROOM}/{name}/1")
            with far.db.write() as db:
                metrics.log(db, name, ("m", value, 1000, 0, False))
            far.engine.end(f"{ROOM}/{name}/1")
            server.settle()
        server.jobs.deliveries.stop()
        made = call(far, assets.get, ROOM, "models", "best", "1")
        assert "/s_0/" in made["path"]
        assert made["mlflow"]["signature"]["inputs"][0]["name"] == "x"

    def test_one_that_is_no_model_is_told(self, far: TestSite) -> None:
        name = run(far, {"model": {"type": "mlflow_model", "name": "m"}}, {"model/x": b"x"})
        shown = call(far, jobs.get, ROOM, name)
        assert shown["status"] == "Completed"
        assert "no file MLmodel" in str(shown["warnings"])
