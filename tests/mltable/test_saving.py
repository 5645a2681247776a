"""Saving tables, and loading what was saved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from lazur import mltable
from lazur.mltable import DataType

Write = Callable[..., Path]


class TestSave:
    def test_a_saved_table_is_the_same(self, people: mltable.MLTable, tmp_path: Path) -> None:
        table = (
            people.filter("id > 1")
            .convert_column_types({"id": DataType.to_float(), ("name",): DataType.to_string()})
            .extract_columns_from_partition_format("{file}.csv")
            .take_random_sample(0.9, seed=3)
            .skip(0)
            .take(5)
        )
        made = table.save(str(tmp_path / "saved"))
        again = mltable.load(str(tmp_path / "saved"))
        assert again == made == table
        assert again.to_arrow() == table.to_arrow()
        assert again.paths == [{"file": "../people.csv"}]

    def test_a_split_can_be_saved(self, people: mltable.MLTable, tmp_path: Path) -> None:
        left, right = people.random_split(0.5, seed=9)
        left.save(str(tmp_path / "l"))
        right.save(str(tmp_path / "r"))
        rows = [mltable.load(str(tmp_path / side)).to_arrow().num_rows for side in "lr"]
        assert sum(rows) == 3

    def test_formats_of_times_are_a_list(self, people: mltable.MLTable, tmp_path: Path) -> None:
        table = people.convert_column_types({"born": DataType.to_datetime("%Y-%m-%d")})
        table.save(str(tmp_path))
        said = yaml.safe_load((tmp_path / "MLTable").read_text())["transformations"][1]
        assert said["convert_column_types"][0]["column_type"] == {
            "datetime": {"formats": ["%Y-%m-%d"]}
        }

    def test_here_is_the_default(
        self, people: mltable.MLTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        people.save()
        assert mltable.load(".").paths == [{"file": "./people.csv"}]

    def test_the_data_comes_along(self, write: Write, tmp_path: Path) -> None:
        write("in/a=1/x.csv", "n\n1\n")
        write("in/a=2/x.csv", "n\n2\n")
        write("other/x.csv", "n\n3\n")
        write("x.csv", "n\n4\n")
        paths = [
            {"pattern": str(tmp_path / "in" / "*" / "x.csv")},
            {"folder": str(tmp_path / "other")},
            {"file": str(tmp_path / "x.csv")},
            {"file": str(tmp_path / "other" / "x.csv")},
        ]
        table = mltable.from_delimited_files(paths, include_path_column=True)
        table.save(str(tmp_path / "out"), colocated=True)
        for name in ("in", "other"):
            (tmp_path / name).rename(tmp_path / f"gone-{name}")
        again = mltable.load(str(tmp_path / "out"))
        assert again.paths == [
            {"pattern": "./in/*/x.csv"},
            {"folder": "./other"},
            {"file": "./x.csv"},
            {"file": "./x_1.csv"},
        ]
        assert again.to_arrow()["n"].to_pylist() == [1, 2, 3, 4, 3]
        assert all(
            path.startswith(f"{tmp_path}/out/") for path in again.to_arrow()["Path"].to_pylist()
        )

    @pytest.mark.parametrize("overwrite", [False, "fail"])
    def test_nothing_is_overwritten_unasked(
        self, people: mltable.MLTable, tmp_path: Path, overwrite: bool | str
    ) -> None:
        people.save(str(tmp_path / "s"), colocated=True)
        (tmp_path / "s" / "MLTable").unlink()
        with pytest.raises(mltable.MLTableError, match=r"people.csv is there already"):
            people.save(str(tmp_path / "s"), overwrite=overwrite, colocated=True)
        assert not (tmp_path / "s" / "MLTable").exists()

    def test_data_that_is_there_can_be_kept(
        self, people: mltable.MLTable, tmp_path: Path, write: Write
    ) -> None:
        write("s/people.csv", "id\n7\n")
        people.save(str(tmp_path / "s"), overwrite="skip", colocated=True)
        assert mltable.load(str(tmp_path / "s")).to_arrow().to_pylist() == [{"id": 7}]

    def test_nothing_is_left_of_a_save_that_fails(
        self, people: mltable.MLTable, tmp_path: Path, write: Write
    ) -> None:
        paths = [*people.paths, {"file": str(tmp_path / "nowhere.csv")}]
        with pytest.raises(mltable.MLTableError, match=r"no file .*nowhere.csv"):
            mltable.from_paths(paths).save(str(tmp_path / "s"), colocated=True)
        assert not list((tmp_path / "s").iterdir())

    def test_a_file_is_no_folder(self, people: mltable.MLTable, write: Write) -> None:
        with pytest.raises(mltable.MLTableError, match="is a file"):
            people.save(str(write("x", "")))

    def test_progress_is_shown(
        self, people: mltable.MLTable, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        people.save(str(tmp_path / "s"), colocated=True, show_progress=True)
        assert "people.csv -> " in capsys.readouterr().out
