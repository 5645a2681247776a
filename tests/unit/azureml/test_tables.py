from __future__ import annotations

from pathlib import Path

import pytest

from lazur.azureml._lazur import workspace_wire
from lazur.azureml._lazur.tables import InputPath, given
from lazur.azureml.core import Dataset
from lazur.azureml.data.dataset_factory import TabularDatasetFactory


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.csv").write_text("n,t\n1,x\n2,y\n")
    (tmp_path / "b.csv").write_text("n,t\n3,z\n")
    (tmp_path / "_SUCCESS").write_text("")
    return tmp_path


class TestInputs:
    def test_are_paths_that_can_be_read(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AZURE_ML_INPUT_wine", str(folder))
        found = given("AZURE_ML_INPUT_")["wine"]

        assert Path(found) == folder
        assert list(found.to_pandas_dataframe().n) == [1, 2, 3]

    def test_columns_and_rows_are_chosen(self, folder: Path) -> None:
        found = InputPath(str(folder))

        assert list(found.drop_columns("t").to_pandas_dataframe()) == ["n"]
        assert list(found.keep_columns(["t"]).take(1).to_pandas_dataframe().t) == ["x"]
        first, rest = found.random_split(0.34, seed=1)
        assert sorted([*first.to_pandas_dataframe().n, *rest.to_pandas_dataframe().n]) == [1, 2, 3]
        with pytest.raises(AttributeError, match="nonsense"):
            found.nonsense  # noqa: B018


class TestDatasets:
    def test_of_files_that_are_here(self, folder: Path) -> None:
        found = Dataset.Tabular.from_delimited_files(str(folder / "*.csv"))
        assert list(found.to_pandas_dataframe().n) == [1, 2, 3]
        several = [str(folder / "b.csv"), str(folder / "a.csv")]
        found = Dataset.Tabular.from_delimited_files(several)
        assert list(found.to_pandas_dataframe().n) == [3, 1, 2]
        assert Dataset.File.from_files(str(folder / "a.csv")).to_path() == ["/a.csv"]

    def test_of_an_address(self, folder: Path) -> None:
        found = TabularDatasetFactory.from_delimited_files((folder / "b.csv").as_uri())
        assert list(found.to_pandas_dataframe().t) == ["z"]


class TestDownloads:
    @pytest.mark.parametrize("path", ["../a", "/a", "a/../../b", "a//b", ""])
    def test_a_server_cannot_write_elsewhere(self, path: str, tmp_path: Path) -> None:
        class Lying:
            def get(self, place: str, **query: str) -> object:
                return {"value": [{"path": path, "size": 1}], "next": None}

        room = workspace_wire.Room.__new__(workspace_wire.Room)
        room.wire = Lying()  # type: ignore[assignment]
        with pytest.raises(ValueError, match="no path of a file"):
            room.download("/x", str(tmp_path), {})
