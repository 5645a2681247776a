from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lazur.azureml._lazur import workspace_wire
from lazur.azureml._lazur.tables import InputPath, given
from lazur.azureml._lazur.told import Ignored
from lazur.azureml.core import Dataset
from lazur.azureml.data.dataset_factory import DataType, TabularDatasetFactory
from lazur.azureml.data.dataset_type_definitions import PromoteHeadersBehavior
from lazur.azureml.exceptions import UserErrorException


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
        with pytest.raises(UserErrorException, match=r"to_parquet_files is not .*with pandas"):
            found.to_parquet_files()

    def test_go_where_the_script_wants_them(self, folder: Path, tmp_path: Path) -> None:
        found = InputPath(str(folder))

        assert found.to_path() == ["/_SUCCESS", "/a.csv", "/b.csv"]
        found.download(str(tmp_path / "there"), overwrite=True)
        assert (tmp_path / "there" / "b.csv").is_file()
        with found.mount() as mounted:
            assert mounted.mount_point == str(folder)

    def test_are_read_as_their_dataset_says(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "a.csv").write_text("n;t\n1;x\n")
        monkeypatch.setenv("AZURE_ML_INPUT_wine", str(tmp_path))
        monkeypatch.setenv("LAZUR_V1_READ_wine", '{"separator": ";"}')

        frame = given("AZURE_ML_INPUT_")["wine"].to_pandas_dataframe()
        assert frame.to_dict("list") == {"n": [1], "t": ["x"]}


class TestDatasets:
    def test_of_files_that_are_here(self, folder: Path) -> None:
        found = Dataset.Tabular.from_delimited_files(str(folder / "*.csv"))
        assert list(found.to_pandas_dataframe().n) == [1, 2, 3]
        several = [str(folder / "b.csv"), str(folder / "a.csv")]
        found = Dataset.Tabular.from_delimited_files(several)
        assert list(found.to_pandas_dataframe().n) == [3, 1, 2]
        assert Dataset.File.from_files(str(folder / "a.csv")).to_path() == ["/a.csv"]

    def test_of_a_pattern_are_what_fits(self, folder: Path) -> None:
        (folder / "deep").mkdir()
        (folder / "deep" / "c.csv").write_text("n,t\n4,w\n")
        (folder / "deep" / "readme.txt").write_text("text")

        def names(path: str) -> list[str]:
            return Dataset.File.from_files(str(folder / path)).to_path()

        assert names("*.csv") == ["/a.csv", "/b.csv"]
        assert names("**/*.csv") == ["/a.csv", "/b.csv", "/deep/c.csv"]
        assert names("deep/**") == ["/c.csv", "/readme.txt"]
        assert names("*/c.csv") == ["/deep/c.csv"]

    def test_are_copied_with_their_folders(self, folder: Path, tmp_path: Path) -> None:
        (folder / "deep").mkdir()
        (folder / "deep" / "a.csv").write_text("n,t\n4,w\n")
        found = Dataset.File.from_files(str(folder / "**" / "a.csv"))
        made = found.download(str(tmp_path / "there"))

        assert [Path(path).read_text() for path in made] == ["n,t\n1,x\n2,y\n", "n,t\n4,w\n"]
        with found.mount() as mounted:
            assert (Path(mounted.mount_point) / "deep" / "a.csv").is_file()

    def test_are_read_as_is_said(self, tmp_path: Path) -> None:
        file = tmp_path / "a.csv"
        file.write_bytes("n;t\n01;é\n".encode("latin-1"))
        how: dict[str, Any] = {"separator": ";", "encoding": "latin1"}

        read = Dataset.Tabular.from_delimited_files
        plain = read(str(file), infer_column_types=False, **how).to_pandas_dataframe()
        assert plain.to_dict("list") == {"n": ["01"], "t": ["é"]}
        none = PromoteHeadersBehavior.NO_HEADERS
        bare = read(str(file), header=none, **how).to_pandas_dataframe()
        assert bare.to_dict("list") == {"Column1": ["n", "01"], "Column2": ["t", "é"]}
        types = {"n": DataType.to_string(), "t": DataType.to_datetime("%d")}
        typed = read(str(file), set_column_types=types, **how).to_pandas_dataframe()
        assert list(typed.n) == ["01"]
        assert typed.t.isna().all()

    def test_say_what_they_leave_out(self, folder: Path) -> None:
        with pytest.warns(Ignored, match="partition_format is ignored"):
            Dataset.Tabular.from_delimited_files(str(folder), partition_format="{x}")

    def test_lines_of_json_may_be_called_json(self, tmp_path: Path) -> None:
        (tmp_path / "a.json").write_text('{"n": 1}\n{"n": 2}\n')
        found = Dataset.Tabular.from_json_lines_files(str(tmp_path / "a.json"))
        assert list(found.to_pandas_dataframe().n) == [1, 2]

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
            room.download("/x", str(tmp_path))
