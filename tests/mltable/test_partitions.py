"""Columns from paths."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from lazur import mltable
from lazur.mltable._errors import MLTableError, Where
from lazur.mltable._partitions import Format


class TestFormat:
    @pytest.mark.parametrize(
        "text, path, wanted",
        [
            ("/puYear={year}/puMonth={month}", "x/puYear=2015/puMonth=1/p.parquet", ["2015", "1"]),
            ("{kind}/{name}.txt", "/a/b/cats/cat1.txt", ["cats", "cat1"]),
            (
                "/{Department}/{Day:yyyy/MM/dd}/data.csv",
                "/Accounts/2019/01/02/data.csv",
                ["Accounts", datetime(2019, 1, 2)],  # noqa: DTZ001
            ),
            (
                "{Day:yyyy/MM/dd/HH}/{file}.jsonl",
                "wasbs://c@a.blob.core.windows.net/m/2023/7/04/13/x.y.jsonl",
                [datetime(2023, 7, 4, 13), "x.y"],  # noqa: DTZ001
            ),
            ("/{a}-{b}/", "/d/1-2/x.csv", ["1", "2"]),
            (
                "{name}_{day:yyyyMMdd}.csv",
                "/d/my_sales_20200102.csv",
                ["my_sales", datetime(2020, 1, 2)],  # noqa: DTZ001
            ),
            ("/y={y}", "/y=1/x/y=2.csv", ["1"]),
            ("{t:yyyyMMdd-HHmmss}.csv", "/x/20200102-030405.csv", [datetime(2020, 1, 2, 3, 4, 5)]),  # noqa: DTZ001
        ],
    )
    def test_values(self, text: str, path: str, wanted: list[object]) -> None:
        columns = Format(text, Where("f")).columns(path)
        assert [value for _, value, _ in columns] == wanted

    @pytest.mark.parametrize(
        "text, says",
        [("plain", "names no column"), ("{a}/{a}", "names 'a' twice"), ("{a:dd}", "no 'yyyy'")],
    )
    def test_wrong_formats(self, text: str, says: str) -> None:
        with pytest.raises(MLTableError, match=says):
            Format(text, Where("f"))

    def test_a_path_that_does_not_fit(self) -> None:
        with pytest.raises(MLTableError, match=r"f: The path /x/a.csv does not fit"):
            Format("/y={y}/", Where("f")).columns("/x/a.csv")
        with pytest.raises(MLTableError, match="month must be in"):
            Format("{d:yyyy/MM/dd}", Where("f")).columns("/2020/13/01")

    def test_no_path_takes_long(self) -> None:
        fields = "-".join(f"{{f{number}}}" for number in range(12))
        with pytest.raises(MLTableError, match="does not fit"):
            Format(f"{fields}/x", Where("f")).columns(f"/{'-' * 250}/y")


class TestTable:
    def test_whole_numbers_are_numbers_where_types_are_inferred(
        self, write: Callable[..., Path]
    ) -> None:
        for year in (2019, 2020):
            write(f"y={year}/m=01/a.csv", "n\n5\n")
        root = str(write("x", "").parent)
        table = mltable.from_delimited_files([{"pattern": f"{root}/y=*/*/*.csv"}])
        table = table.extract_columns_from_partition_format("/y={year}/m={month}/")
        assert table.filter("year > 2019").to_arrow().to_pylist() == [
            {"year": 2020, "month": "01", "n": 5}
        ]

    def test_the_columns_come_first_and_are_keys(self, people: mltable.MLTable) -> None:
        table = people.extract_columns_from_partition_format("{file}.csv").filter(
            "file == 'people'"
        )
        assert table.partition_keys == ["file"]
        assert table.to_arrow().schema.names[:2] == ["file", "id"]
        assert table.to_arrow().num_rows == 3
