from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from lazur.azureml._lazur import runs
from lazur.azureml._lazur.told import Ignored
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

    def test_scripts_ask_by_the_attribute(self) -> None:
        assert not hasattr(Run.get_context(), "experiment")

    def test_columns_are_of_any_kind(self) -> None:
        """Such as NumPy's and pandas'."""

        class Array:
            def tolist(self) -> list[int]:
                return [1, 2]

        run = Run.get_context()
        run.log_table("t", {"array": Array(), "range": range(2), "one": 7, "text": "ab"})
        run.log_list("l", Array())

        assert run.get_metrics() == {
            "t": {"array": [1.0, 2.0], "range": [0.0, 1.0], "one": 7.0, "text": "ab"},
            "l": [1.0, 2.0],
        }

    def test_what_a_number_cannot_be_made_of_is_a_text(self) -> None:
        class Tensor:
            def __float__(self) -> float:
                raise RuntimeError("a Tensor with 2 elements cannot be converted to Scalar")

            def __str__(self) -> str:
                return "two"

        run = Run.get_context()
        run.log("large", 10**400)
        run.log("tensor", Tensor())

        assert run.get_metrics("tensor") == {"tensor": "two"}
        assert run.get_metrics("large") == {"large": str(10**400)}

    def test_children_are_as_many_as_are_asked_for(self) -> None:
        run = Run.get_context()
        assert len(run.create_children(2)) == 2
        assert len(run.create_children(tag_key="fold", tag_values=[1, 2, 3])) == 3


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

    def test_of_one_name_are_all_kept(self, tmp_path: Path) -> None:
        run = Run.get_context()
        for text in ("a", "b"):
            (tmp_path / "p.png").write_text(text)
            run.log_image("epoch.png", path="p.png")

        images = tmp_path / "outputs" / "images"
        assert {p.name: p.read_text() for p in images.iterdir()} == {
            "epoch.png": "a",
            "epoch_2.png": "b",
        }

    def test_what_is_there_already_stays(self, tmp_path: Path) -> None:
        image = tmp_path / "outputs" / "images" / "roc.png"
        image.parent.mkdir(parents=True)
        image.write_text("picture")
        run = Run.get_context()
        run.log_image("roc", path="outputs/images/roc.png")
        run.upload_file("outputs/images/roc.png", "./outputs/images/roc.png")

        assert image.read_text() == "picture"

    def test_go_into_outputs_wherever_the_script_has_gone(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AZUREML_CR_EXECUTION_WORKING_DIR_PATH", str(tmp_path))
        (tmp_path / "src").mkdir()
        monkeypatch.chdir("src")
        Run.get_context().upload_file("a.txt", io.BytesIO(b"a"))

        assert (tmp_path / "outputs" / "a.txt").is_file()
        assert Run.get_context().get_file_names() == ["outputs/a.txt"]

    def test_are_had_back_by_what_they_begin_with(self, tmp_path: Path) -> None:
        run = Run.get_context()
        for name in ("model/a.txt", "model/b/c.txt", "other.txt"):
            run.upload_file(name, io.BytesIO(b""))
        run.download_files("model", "all")
        run.download_files("outputs/model/", "cut", append_prefix=False)

        for folder in ("all/model", "cut"):
            assert (tmp_path / folder / "a.txt").is_file()
            assert (tmp_path / folder / "b" / "c.txt").is_file()

    def test_documents_may_hold_arrays(self, tmp_path: Path) -> None:
        class Array:
            def tolist(self) -> list[int]:
                return [1, 2]

        Run.get_context().log_confusion_matrix("cm", {"matrix": Array()})
        assert (tmp_path / "outputs" / "cm.json").read_text() == '{"matrix": [1, 2]}'

    def test_have_no_other_datastore(self) -> None:
        with pytest.warns(Ignored, match=r"Run\.upload_file: datastore_name") as told:
            Run.get_context().upload_file("a.txt", io.BytesIO(b""), datastore_name="mine")
        assert told[0].filename == __file__


class _Told:
    """A server that notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []

    def post(self, path: str, body: Any) -> Any:
        self.asked.append((path, body))
        return {"runs": [], "run": {"info": {"run_id": "made"}}}

    def get(self, path: str, /, **query: str) -> Any:
        return {"run": {"info": {"run_id": "own", "experiment_id": "1"}, "data": {}}}


class TestTracked:
    def test_a_list_is_sent_at_once(self) -> None:
        wire = _Told()
        runs.TrackedRun(wire, "own").log_list("loss", range(2500))  # type: ignore[arg-type]

        assert [path for path, _ in wire.asked] == ["runs/log-batch"] * 3
        steps = [one["step"] for _, body in wire.asked for one in body["metrics"]]
        assert steps == list(range(2500))

    def test_texts_are_told_at_once(self) -> None:
        wire = _Told()
        runs.TrackedRun(wire, "own").log_list("kinds", ["a", "b"])  # type: ignore[arg-type]

        [(_, body)] = wire.asked
        assert (body["key"], body["value"]) == ("lazur.text.kinds", '["a", "b"]')

    @pytest.mark.parametrize("error, status", [(None, "FINISHED"), (ValueError(), "FAILED")])
    def test_one_that_was_begun_ends_with_its_block(
        self, error: Exception | None, status: str
    ) -> None:
        wire = _Told()
        run = runs.TrackedRun(wire, "own").child_run()  # type: ignore[arg-type]
        try:
            with run:
                if error:
                    raise error
        except ValueError:
            pass

        assert wire.asked[-1][1]["status"] == status

    def test_names_are_those_of_mlflow(self) -> None:
        wire = _Told()
        runs.TrackedRun(wire, "own").log("/a//b/ (%)", 1)  # type: ignore[arg-type]

        tag, metric = (body for _, body in wire.asked)
        assert metric["key"] == "_a__b_ _"
        assert tag == {"run_id": "own", "key": "lazur.name._a__b_ _", "value": "/a//b/ (%)"}


class TestInAJob:
    def test_it_is_the_same_wherever_it_is_asked_for(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It counts the steps of what is logged. MLflow takes its variable away when a run
        begins."""
        monkeypatch.setenv("MLFLOW_RUN_ID", "run-1")
        monkeypatch.setenv("AZUREML_RUN_ID", "job-1")
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://here")
        run = Run.get_context()
        monkeypatch.delenv("MLFLOW_RUN_ID")

        assert Run.get_context(allow_offline=False) is run

    def test_inputs_keep_what_the_script_adds(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("MLFLOW_RUN_ID", "MLFLOW_TRACKING_URI", "AZUREML_RUN_ID", "LAZUR_SERVER"):
            monkeypatch.setenv(name, "http://here")
        monkeypatch.setenv("AZURE_ML_INPUT_wine", "/data")
        run = Run.get_context()
        run.input_datasets["more"] = 1

        assert run.input_datasets == {"wine": "/data", "more": 1}
