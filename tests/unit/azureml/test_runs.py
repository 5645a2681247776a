from __future__ import annotations

import io
from pathlib import Path

import pytest

from lazur.azureml.core import Run
from lazur.azureml.core.run import _OfflineRun
from lazur.azureml.exceptions import RunEnvironmentException


@pytest.fixture(autouse=True)
def outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    monkeypatch.chdir(tmp_path)


class TestOffline:
    def test_what_is_logged_is_printed_and_kept(self, capsys: pytest.CaptureFixture[str]) -> None:
        run = Run.get_context()
        run.log("loss", 3)
        run.log("loss", 2)
        run.log("kind", "linear")

        assert run.id.startswith("OfflineRun_")
        assert run.get_metrics() == {"loss": [3.0, 2.0], "kind": "linear"}
        assert "Attempted to log scalar metric loss:\n3.0" in capsys.readouterr().out

    def test_rows_and_tables_come_back_as_they_went(self) -> None:
        run = Run.get_context()
        run.log_row("point", x=1, y="low")
        run.log_row("point", x=2, y="high")
        run.log_table("sine", {"x": [0, 1]})
        run.log_list("squares", [1, 4])

        assert run.get_metrics() == {
            "point": {"x": [1.0, 2.0], "y": ["low", "high"]},
            "sine": {"x": [0.0, 1.0]},
            "squares": [1.0, 4.0],
        }

    def test_a_name_keeps_its_characters(self) -> None:
        run = Run.get_context()
        run.log("Accuracy (%)", 91)

        assert run.get_metrics() == {"Accuracy (%)": 91.0}
        assert run.get_metrics("Accuracy (%)") == {"Accuracy (%)": 91.0}
        assert run.get_tags() == {}

    def test_scripts_tell_it_by_its_class(self) -> None:
        run = Run.get_context()
        assert type(run) is _OfflineRun
        assert isinstance(run, Run)

    def test_may_be_refused(self) -> None:
        with pytest.raises(RunEnvironmentException, match="allow_offline"):
            Run.get_context(allow_offline=False)

    def test_it_has_no_workspace(self) -> None:
        with pytest.raises(RunEnvironmentException, match="does not run in a job"):
            _ = Run.get_context().experiment


class TestFiles:
    def test_go_into_outputs(self, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_text("a")
        run = Run.get_context()
        run.upload_file("model/a.txt", "a.txt")
        run.upload_file("b.txt", io.BytesIO(b"b"))
        run.upload_folder("outputs/all", ".")

        assert (tmp_path / "outputs" / "model" / "a.txt").read_text() == "a"
        assert (tmp_path / "outputs" / "b.txt").read_text() == "b"
        assert "outputs/all/a.txt" in run.get_file_names()

    def test_are_had_back(self, tmp_path: Path) -> None:
        run = Run.get_context()
        run.upload_file("b.txt", io.BytesIO(b"b"))
        run.download_file("outputs/b.txt", "there/c.txt")

        assert (tmp_path / "there" / "c.txt").read_text() == "b"

    def test_never_leave_the_working_directory(self) -> None:
        with pytest.raises(ValueError, match="leads out"):
            Run.get_context().upload_file("../../../x", "a.txt")

    def test_pictures_are_kept(self, tmp_path: Path) -> None:
        (tmp_path / "a.png").write_bytes(b"picture")
        Run.get_context().log_image("roc/auc", path="a.png")

        assert (tmp_path / "outputs" / "images" / "roc_auc.png").read_bytes() == b"picture"


class TestInAJob:
    def test_inputs_keep_what_the_script_adds(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("MLFLOW_RUN_ID", "MLFLOW_TRACKING_URI", "AZUREML_RUN_ID", "LAZUR_SERVER"):
            monkeypatch.setenv(name, "http://here")
        monkeypatch.setenv("AZURE_ML_INPUT_wine", "/data")
        run = Run.get_context()
        run.input_datasets["more"] = 1

        assert run.input_datasets == {"wine": "/data", "more": 1}
