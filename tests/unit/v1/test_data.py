from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lazur import mltable
from lazur.errors import Unsupported
from lazur.sdk.views import Asset
from lazur.v1.core import Dataset, Datastore, ScriptRunConfig, staging
from lazur.v1.core.places import DataReference
from lazur.v1.core.submission import spec
from lazur.v1.data import TabularDataset
from lazur.v1.data.datapath import DataPath
from lazur.v1.told import Ignored


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Datastore]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(staging, "_placed", [])
    monkeypatch.setattr(staging, "_folders", folders := [])
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text(f"n\n{name}\n")
    yield Datastore(None, "raw")  # type: ignore[arg-type]
    for folder in folders:
        folder.cleanup()


class TestUploads:
    def test_a_file_that_is_named_again_is_this_one(
        self, store: Datastore, tmp_path: Path
    ) -> None:
        store.upload_files(["a.csv"], target_path="train/", overwrite=True)
        found = Dataset.Tabular.from_delimited_files(path=(store, "train/a.csv"))

        assert found.port.path == str(tmp_path / "a.csv")
        assert found.port.is_file
        assert list(found.to_pandas_dataframe().n) == ["a"]

    def test_several_files_are_a_folder(self, store: Datastore) -> None:
        store.upload_files(["a.csv", "b.csv"], target_path="train")
        found = Dataset.File.from_files(DataPath(store, "train/**"))

        assert sorted(path.name for path in Path(found.port.path).iterdir()) == ["a.csv", "b.csv"]

    def test_folders_are_found_by_what_is_in_them(self, store: Datastore, tmp_path: Path) -> None:
        store.upload(str(tmp_path), target_path="all")

        assert DataReference(store, "x", "all").port.path == str(tmp_path)
        assert DataReference(store, "x", "all/b.csv").port.is_file

    def test_what_was_not_uploaded_is_in_the_datastore(self, store: Datastore) -> None:
        found = Dataset.File.from_files((store, "train/*"))
        assert found.port.path == "azureml://datastores/raw/paths/train/"

    def test_nothing_leads_out(self, store: Datastore) -> None:
        with pytest.raises(ValueError, match="leads out"):
            store.upload_files(["a.csv"], target_path="../..")


class TestTables:
    def test_rows_and_columns_are_chosen(self, store: Datastore) -> None:
        found = Dataset.Tabular.from_delimited_files("a.csv")

        assert len(found.take(0).to_pandas_dataframe()) == 0
        assert list(found.drop_columns("n").to_pandas_dataframe()) == []

    def test_are_read_as_is_said(self, store: Datastore, tmp_path: Path) -> None:
        (tmp_path / "s.csv").write_text("n;t\n1;x\n")
        found = Dataset.Tabular.from_delimited_files("s.csv", separator=";", validate=False)

        assert found.to_pandas_dataframe().to_dict("list") == {"n": [1], "t": ["x"]}
        found.to_mltable(tmp_path / "table")
        table = mltable.load(str(tmp_path / "table")).to_pandas_dataframe()
        assert table.to_dict("list") == {"n": [1], "t": ["x"]}

    def test_in_the_words_of_the_job_that_takes_them(
        self, store: Datastore, tmp_path: Path
    ) -> None:
        (tmp_path / "src").mkdir()
        (tmp_path / "src" / "train.py").write_text("")
        found = Dataset.Tabular.from_delimited_files("a.csv", separator=";").as_named_input("t")
        made = spec(ScriptRunConfig("src", "train.py", [found]), tmp_path)

        assert made["environment_variables"] == {"LAZUR_V1_READ_t": '{"separator": ";"}'}

    def test_a_part_is_a_file_for_a_job(self, store: Datastore) -> None:
        Path("many.csv").write_text("n\n1\n2\n3\n4\n")
        table = Dataset.Tabular.from_delimited_files("many.csv")
        first, rest = table.take_sample(1.0, seed=1).random_split(0.5, seed=1)
        given = [part.as_named_input("part").port for part in (first, rest)]

        assert all(port.is_file for port in given)
        rows = [line for port in given for line in Path(port.path).read_text().split()]
        assert sorted(rows) == ["1", "2", "3", "4", "n", "n"]

    def test_files_are_mounted(self, store: Datastore) -> None:
        found = Dataset.File.from_files(["a.csv", "b.csv"])
        assert found.to_path() == ["/a.csv", "/b.csv"]
        with found.mount() as mounted:
            assert (Path(mounted.mount_point) / "b.csv").is_file()
        assert not Path(mounted.mount_point).exists()


class TestPatterns:
    def test_what_fits_has_a_folder(self, store: Datastore, tmp_path: Path) -> None:
        (tmp_path / "note.txt").write_text("")
        found = Dataset.File.from_files("*.csv")

        assert sorted(path.name for path in Path(found.port.path).iterdir()) == ["a.csv", "b.csv"]

    def test_a_folder_that_looks_like_one_is_itself(
        self, store: Datastore, tmp_path: Path
    ) -> None:
        (tmp_path / "run[1]").mkdir()
        assert Dataset.File.from_files("run[1]").port.path == str(tmp_path / "run[1]")

    def test_in_a_datastore_are_told(self, store: Datastore) -> None:
        with pytest.warns(Ignored, match=r"the pattern \*\.csv is ignored: a job gets"):
            found = Dataset.File.from_files((store, "train/*.csv"))
        assert found.port.path == "azureml://datastores/raw/paths/train/"

    def test_several_files_are_a_folder(self, store: Datastore, tmp_path: Path) -> None:
        store.upload_files(["a.csv"], target_path="train")
        found = Dataset.File.from_files([(store, "train/a.csv"), "b.csv"])

        assert sorted(path.name for path in Path(found.port.path).iterdir()) == ["a.csv", "b.csv"]
        with pytest.raises(Unsupported, match="several paths in datastores"):
            Dataset.File.from_files([(store, "x/a.csv"), (store, "x/b.csv")])

    def test_downloads_go_where_the_script_says(self, store: Datastore, tmp_path: Path) -> None:
        made = Dataset.File.from_files("a.csv").download("there", overwrite=True)
        assert [Path(path) for path in made] == [Path("there/a.csv")]
        assert (tmp_path / "there" / "a.csv").is_file()


class _Shelf:
    """Data that a script registers."""

    def __init__(self) -> None:
        self.client = self.data = self
        self.made: dict[str, Asset] = {}

    def create_or_update(self, entity: Any) -> Asset:
        spec = entity.to_spec()
        self.made[spec["name"]] = Asset({"version": "1", **spec})
        return self.made[spec["name"]]

    def get(self, name: str, version: str | None) -> Asset:
        return self.made[name]

    def list(self) -> list[Asset]:
        return list(self.made.values())


class TestRegistered:
    def test_names_may_have_spaces(self, store: Datastore) -> None:
        shelf: Any = _Shelf()
        table = Dataset.Tabular.from_delimited_files("a.csv", separator=";")
        made = table.register(shelf, "Heart Failure (2020)")

        assert list(shelf.made) == ["Heart_Failure_2020_"]
        assert made.name == "Heart Failure (2020)"
        assert made.version == 1
        assert list(Dataset.get_all(shelf)) == ["Heart Failure (2020)"]

    def test_they_are_read_as_they_were(self, store: Datastore) -> None:
        shelf: Any = _Shelf()
        table = Dataset.Tabular.from_delimited_files("a.csv", separator=";")
        table.register(shelf, "Heart Failure")
        again = Dataset.get_by_name(shelf, "Heart Failure")

        assert isinstance(again, TabularDataset)
        assert again.told == {"separator": ";"}
