from __future__ import annotations

from pathlib import Path

import pytest

from lazur.errors import LazurError, NotFound
from lazur.services.results import files
from lazur.store.mlflow import sql
from tests.site import Server, TestSite, call, submit


@pytest.fixture
def artifacts(site: TestSite) -> Path:
    submit(site, name="j", outputs={"model": None, "table": {"type": "uri_file"}})
    Server(site).settle()
    folder = site.home.artifacts("default", "j")
    for path in ("user_logs/std_log.txt", "outputs/a.txt", "model/MLmodel", "plot.png"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(path)
    return folder


def paths(site: TestSite, prefix: str = "") -> list[str]:
    return [file["path"] for file in call(site, files.find, "default", "j", prefix)["value"]]


@pytest.mark.usefixtures("artifacts")
class TestFind:
    def test_everything_in_the_artifacts_is_there(self, site: TestSite) -> None:
        assert paths(site) == [
            "model/MLmodel",
            "outputs/a.txt",
            "plot.png",
            "user_logs/std_log.txt",
        ]

    def test_a_prefix_narrows(self, site: TestSite) -> None:
        assert paths(site, "model/") == ["model/MLmodel"]

    def test_named_outputs_have_a_folder_each(self, site: TestSite) -> None:
        output = site.home.datastore("default", "workspaceblobstore") / "azureml/j/model"
        output.mkdir(parents=True, exist_ok=True)
        (output / "weights").write_text("1")
        assert paths(site, "named-outputs/") == ["named-outputs/model/weights"]


@pytest.mark.usefixtures("artifacts")
class TestModels:
    """MLflow 3 keeps a model beside its run."""

    def log(self, site: TestSite, name: str, model: str, created: int = 1) -> None:
        with site.db.read() as db:
            ((uri, experiment),) = sql.rows(db, "SELECT artifact_uri, experiment_id FROM runs")
        inside = f"{experiment}/models/{model}/artifacts"
        root = uri.partition("/ExperimentRun")[0]
        with site.db.write() as db:
            sql.execute(
                db,
                """INSERT INTO logged_models (model_id, experiment_id, name, artifact_location,
                     creation_timestamp_ms, last_updated_timestamp_ms, status, lifecycle_stage,
                     source_run_id)
                   VALUES (:id, :experiment, :name, :place, :created, 1, 2, 'active', 'j')""",
                {
                    "id": model,
                    "experiment": experiment,
                    "name": name,
                    "place": f"{root}/{inside}",
                    "created": created,
                },
            )
        folder = site.home.datastore("default", "workspaceartifactstore") / inside
        folder.mkdir(parents=True)
        (folder / "MLmodel").write_text(model)

    def read(self, site: TestSite, path: str) -> str:
        return call(site, files.place, "default", "j", path).full.read_text()

    def test_it_is_among_the_jobs_files(self, site: TestSite) -> None:
        self.log(site, "net", "m-1")
        assert "net/MLmodel" in paths(site)
        assert self.read(site, "net/MLmodel") == "m-1"

    def test_of_one_name_it_is_the_last(self, site: TestSite) -> None:
        self.log(site, "net", "m-2", created=2)
        self.log(site, "net", "m-1", created=1)
        assert paths(site, "net/") == ["net/MLmodel"]
        assert self.read(site, "net/MLmodel") == "m-2"

    def test_the_runs_own_files_come_first(self, site: TestSite) -> None:
        self.log(site, "model", "m-1")
        assert paths(site, "model/") == ["model/MLmodel"]
        assert self.read(site, "model/MLmodel") == "model/MLmodel"

    def test_no_path_leads_outside(self, site: TestSite) -> None:
        self.log(site, "net", "m-1")
        with pytest.raises(LazurError):
            call(site, files.place, "default", "j", "net/../../m-1/artifacts/MLmodel").open()


@pytest.mark.usefixtures("artifacts")
class TestPlace:
    @pytest.mark.parametrize("path", ["user_logs/std_log.txt", "model/MLmodel", "plot.png"])
    def test_what_is_listed_can_be_read(self, site: TestSite, path: str) -> None:
        place = call(site, files.place, "default", "j", path)
        assert place.full.read_text() == path

    @pytest.mark.parametrize("path", ["", "named-outputs/nothing/a", "named-outputs/model"])
    def test_what_can_never_be_is_not_found(self, site: TestSite, path: str) -> None:
        with pytest.raises(NotFound):
            call(site, files.place, "default", "j", path)

    @pytest.mark.parametrize("path", ["../k/secret", "/etc/passwd", "model/../../x"])
    def test_no_path_leads_outside(self, site: TestSite, path: str) -> None:
        with pytest.raises(LazurError):
            call(site, files.place, "default", "j", path).open()
