from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lazur.v1.core import Dataset, Datastore, staging
from lazur.v1.core.places import DataReference
from lazur.v1.data.datapath import DataPath


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
