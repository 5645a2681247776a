"""What follows the reading, and tables as frames."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lazur import mltable
from lazur.mltable import DataType

Write = Callable[..., Path]


@pytest.fixture
def numbers(write: Write) -> mltable.MLTable:
    """Twelve files with a thousand rows each."""
    folder = write("numbers/_SUCCESS", "").parent
    for file in range(12):
        rows = list(range(file * 1000, file * 1000 + 1000))
        table = pa.table({"n": rows, "even": [n % 2 == 0 for n in rows]})
        pq.write_table(table, folder / f"{file:02}.parquet")
    return mltable.from_parquet_files([{"folder": str(folder)}])


def values(table: mltable.MLTable, column: str = "n") -> list[Any]:
    return table.to_arrow()[column].to_pylist()


class TestRows:
    def test_take_and_skip_cross_files(self, numbers: mltable.MLTable) -> None:
        assert values(numbers.skip(1500).take(700)) == list(range(1500, 2200))
        assert values(numbers.take(5).skip(2)) == [2, 3, 4]
        assert values(numbers.skip(20_000)) == []

    def test_take_reads_no_further(self, numbers: mltable.MLTable, write: Write) -> None:
        write("numbers/05.parquet", b"broken")
        assert len(values(numbers.take(5000))) == 5000
        with pytest.raises(mltable.MLTableError, match=r"05.parquet cannot be read as Parquet"):
            values(numbers)

    @pytest.mark.parametrize("count", [0, -1, "x", 1.5, True])
    def test_counts_are_whole(self, numbers: mltable.MLTable, count: Any) -> None:
        with pytest.raises(mltable.MLTableError, match=r"take: .* whole number of at least 1"):
            numbers.take(count)
        with pytest.raises(mltable.MLTableError, match="take"):
            numbers.show(count)

    def test_a_sample_is_the_same_for_the_same_seed(self, numbers: mltable.MLTable) -> None:
        first = values(numbers.take_random_sample(0.3, seed=7))
        assert first == values(numbers.take_random_sample(0.3, seed=7))
        assert first != values(numbers.take_random_sample(0.3, seed=8))
        assert 3300 < len(first) < 3900
        assert values(numbers.take_random_sample(1.0, seed=1)) == list(range(12_000))

    def test_a_sample_without_a_seed_stays_what_it_is(self, numbers: mltable.MLTable) -> None:
        sample = numbers.take_random_sample(0.5)
        assert values(sample) == values(sample)

    @pytest.mark.parametrize("seed", [None, 0, 42])
    def test_the_halves_of_a_split_are_each_others_rest(
        self, numbers: mltable.MLTable, seed: int | None
    ) -> None:
        left, right = numbers.random_split(0.8, seed)
        assert sorted(values(left) + values(right)) == list(range(12_000))
        assert 9300 < len(values(left)) < 9900

    @pytest.mark.parametrize("share", [0, -0.1, 1.1, "x", None])
    def test_shares(self, numbers: mltable.MLTable, share: Any) -> None:
        with pytest.raises(mltable.MLTableError, match="probability"):
            numbers.take_random_sample(share)
        with pytest.raises(mltable.MLTableError, match="percent"):
            numbers.random_split(share)

    def test_partitions_are_files(self, numbers: mltable.MLTable) -> None:
        assert numbers.get_partition_count() == 12
        chosen = numbers.select_partitions([3, 1])
        assert values(chosen) == [*range(3000, 4000), *range(1000, 2000)]
        assert chosen.get_partition_count() == 2
        with pytest.raises(mltable.MLTableError, match="no partition 12"):
            values(numbers.select_partitions([12]))


class TestColumns:
    def test_keep_and_drop(self, people: mltable.MLTable) -> None:
        assert people.keep_columns(["name", "id"]).to_arrow().schema.names == ["id", "name"]
        assert people.drop_columns(("born", "member")).to_arrow().schema.names == [
            "id",
            "name",
            "height",
        ]
        assert people.keep_columns([]) == people
        assert people.drop_columns("id").to_arrow().num_columns == 4

    def test_none_can_be_left(self, people: mltable.MLTable) -> None:
        names = people.to_arrow().schema.names
        assert people.drop_columns(names).to_arrow().num_columns == 0

    @pytest.mark.parametrize("verb", ["keep_columns", "drop_columns"])
    def test_what_is_not_there_or_there_twice_is_told(
        self, people: mltable.MLTable, verb: str
    ) -> None:
        with pytest.warns(RuntimeWarning, match=r"no column zip.* are id, name"):
            getattr(people, verb)(["id", "zip"]).to_arrow()
        with pytest.raises(mltable.MLTableError, match="Named twice: id"):
            getattr(people, verb)(["id", "id"])

    def test_only_the_columns_that_are_needed_are_read(self, numbers: mltable.MLTable) -> None:
        table = numbers.filter("even == True").take(2).keep_columns("n")
        assert table.to_arrow().to_pylist() == [{"n": 0}, {"n": 2}]


class TestConvert:
    @pytest.mark.parametrize(
        "values, to, wanted",
        [
            (["1", " 2 ", "+3", None, "x"], DataType.to_int(), [1, 2, 3, None, None]),
            (["3.7", "1e3", "-2.9"], DataType.to_int(), [3, 1000, -2]),
            (["1.5", "-2e3", "x"], DataType.to_float(), [1.5, -2000.0, None]),
            ([1.9, -1.9, float("nan")], DataType.to_int(), [1, -1, None]),
            ([1, None], DataType.to_string(), ["1", None]),
            ([True], DataType.to_string(), ["True"]),
            (
                [datetime(2020, 1, 2), datetime(2020, 1, 2, 3, 4, 5, 250_000)],  # noqa: DTZ001
                DataType.to_string(),
                ["2020-01-02T00:00:00+00:00", "2020-01-02T03:04:05.250000+00:00"],
            ),
            (["true", "0", "?", None], DataType.to_bool(), [True, False, None, None]),
            (
                ["y", "n", "?", None],
                DataType.to_bool(["y"], ["n"], mismatch_as="false"),
                [True, False, False, None],
            ),
            ([0, 1], DataType.to_bool(), [False, True]),
            (["9" * 30], DataType.to_int(), [None]),
        ],
    )
    @pytest.mark.filterwarnings("ignore:.* are null now")
    def test_values(
        self, write: Write, values: list[Any], to: DataType, wanted: list[Any]
    ) -> None:
        path = write("a.parquet", b"")
        pq.write_table(pa.table({"a": values}), path)
        table = mltable.from_parquet_files([{"file": str(path)}])
        assert table.convert_column_types({"a": to}).to_arrow()["a"].to_pylist() == wanted

    @pytest.mark.parametrize(
        "text, formats, constant, wanted",
        [
            ("31/12/2021 11:30:00 PM", "%d/%m/%Y %I:%M:%S %p", None, "2021-12-31 23:30:00"),
            ("2021-12-31", ["%d/%m/%Y", "%Y-%m-%d"], None, "2021-12-31 00:00:00"),
            ("30/02/2021", "%d/%m/%Y", None, "NaT"),
            ("23:15:00", "%Y-%m-%d %H:%M:%S", "2020-01-01 ", "2020-01-01 23:15:00"),
            ("03 Aug 2021", "%d %b %Y", None, "2021-08-03 00:00:00"),
            ("2021-08-03 01:02:03.25", "%Y-%m-%d %H:%M:%S.%f", None, "2021-08-03 01:02:03.250000"),
            ("2021-08-03 01:00:00+0200", "%Y-%m-%d %H:%M:%S%z", None, "2021-08-02 23:00:00"),
            ("1066-10-14", "%Y-%m-%d", None, "NaT"),
        ],
    )
    @pytest.mark.filterwarnings("ignore:.* are null now")
    def test_times(
        self, write: Write, text: str, formats: Any, constant: str | None, wanted: str
    ) -> None:
        path = str(write("a.csv", f"a,b\n{text},1\n,2\n"))
        table = mltable.from_delimited_files([{"file": path}], infer_column_types=False)
        made = table.convert_column_types({"a": DataType.to_datetime(formats, constant)})
        frame = made.to_pandas_dataframe()
        assert str(frame["a"].dtype) == "datetime64[ns]"
        assert str(frame["a"][0]) == wanted
        assert str(frame["a"][1]) == "NaT"

    def test_a_mismatch_is_null_with_a_warning(self, people: mltable.MLTable) -> None:
        kind = DataType.to_bool(["Ann"], ["Bo"], mismatch_as="error")
        with pytest.warns(RuntimeWarning, match=r"of column 'name' .* no boolean .* 'Cy'"):
            found = people.convert_column_types({"name": kind}).to_arrow()
        assert found["name"].to_pylist() == [True, None, None]

    @pytest.mark.parametrize(
        "types, says",
        [
            ({}, "maps names"),
            ({"a": "float"}, "no `mltable.DataType`"),
            ({("a", "b"): DataType.to_int(), "b": DataType.to_float()}, "'b' is converted twice"),
        ],
    )
    def test_wrong_arguments(self, people: mltable.MLTable, types: Any, says: str) -> None:
        with pytest.raises(mltable.MLTableError, match=says):
            people.convert_column_types(types)

    def test_wrong_types(self) -> None:
        with pytest.raises(ValueError, match="must both be None or non-empty list"):
            DataType.to_bool(true_values=["1"])
        with pytest.raises(ValueError, match="`mismatch_as` can only be"):
            DataType.to_bool(["1"], ["0"], mismatch_as="maybe")
        with pytest.raises(ValueError, match="at least one element"):
            DataType.to_datetime([])

    def test_streams_can_be_opened(self, write: Write) -> None:
        image = write("cat.jpg", b"meow")
        path = write("a.jsonl", f'{{"image_url": "{image}", "label": "cat"}}\n{{"label": "no"}}\n')
        table = mltable.from_json_lines_files([{"file": str(path)}])
        frame = table.convert_column_types({"image_url": DataType.to_stream()}).show()
        assert frame["image_url"][0] == str(image)
        with frame["image_url"][0].open() as stream:
            assert stream.read() == b"meow"
        assert frame["image_url"][1] is None
        with pickle.loads(pickle.dumps(frame["image_url"][0])).open() as stream:
            assert stream.read() == b"meow"


class TestFrames:
    def test_polars_and_arrow(self, people: mltable.MLTable) -> None:
        assert people.to_polars()["id"].to_list() == [1, 2, 3]
        assert people.to_arrow().schema.field("born").type == pa.timestamp("ns")

    def test_batches_stream(self, numbers: mltable.MLTable, write: Write) -> None:
        write("numbers/11.parquet", b"broken")
        stream = numbers.to_batches()
        assert next(stream)["n"][0].as_py() == 0

    def test_files_with_other_columns_and_types_are_one_table(self, write: Write) -> None:
        one, two = write("1.parquet", b""), write("2.parquet", b"")
        pq.write_table(pa.table({"a": [1], "b": ["x"], "d": pa.array([1], pa.date32())}), one)
        pq.write_table(pa.table({"a": [1.5], "b": [3], "c": [True]}), two)
        table = mltable.from_parquet_files([{"pattern": str(one.parent / "*.parquet")}])
        assert table.drop_columns("d").to_arrow().to_pylist() == [
            {"a": 1.0, "b": "x", "c": None},
            {"a": 1.5, "b": "3", "c": True},
        ]

    def test_paths(self, write: Write) -> None:
        images = [write(f"pets/{name}.jpg", b"1") for name in ("cats/1", "cats/2", "dogs/1")]
        table = mltable.from_paths([{"folder": str(images[0].parent.parent)}])
        frame = table.extract_columns_from_partition_format("{kind}/{name}.jpg").show()
        assert list(frame["kind"]) == ["cats", "cats", "dogs"]
        assert [str(path) for path in frame["Path"]] == list(map(str, images))
        with frame["Path"][0].open() as stream:
            assert stream.read() == b"1"
