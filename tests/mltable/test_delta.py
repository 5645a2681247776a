"""Delta Lake, from its log."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lazur import mltable

Write = Callable[..., Path]
SCHEMA = {
    "type": "struct",
    "fields": [
        {"name": name, "type": kind, "nullable": True, "metadata": {}}
        for name, kind in (("n", "long"), ("day", "date"), ("new", "string"))
    ],
}
START = [
    {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}},
    {"metaData": {"id": "1", "schemaString": json.dumps(SCHEMA), "partitionColumns": ["day"]}},
]


@pytest.fixture
def delta(write: Write, tmp_path: Path) -> str:
    """Three versions: one file, another one with a later column, the first one removed."""
    for name, table in (
        ("day=2020-01-01/a b.parquet", pa.table({"n": [1, 2]})),
        ("b.parquet", pa.table({"n": [3], "new": ["x"]})),
    ):
        pq.write_table(table, write(f"t/{name}", b""))
    first = added("day=2020-01-01/a%20b.parquet", "2020-01-01")
    commit(write, 0, [*START, first])
    commit(write, 1, [added("b.parquet", None)])
    commit(write, 2, [{"remove": {"path": "day=2020-01-01/a%20b.parquet"}}])
    return str(tmp_path / "t")


def added(path: str, day: str | None) -> dict[str, Any]:
    return {"add": {"path": path, "partitionValues": {"day": day}, "dataChange": True}}


def commit(write: Write, version: int, actions: list[dict[str, Any]]) -> None:
    stamp = {"commitInfo": {"timestamp": 1_600_000_000_000 + version * 1000}}
    lines = "\n".join(json.dumps(action) for action in [stamp, *actions])
    write(f"t/_delta_log/{version:020}.json", lines)


class TestDelta:
    @pytest.mark.parametrize("version, rows", [(0, [1, 2]), (1, [3, 1, 2]), (2, [3]), (None, [3])])
    def test_versions(self, delta: str, version: int | None, rows: list[int]) -> None:
        table = mltable.from_delta_lake(delta, version_as_of=version)
        assert table.to_arrow()["n"].to_pylist() == rows

    @pytest.mark.parametrize(
        "time, rows",
        [
            ("2020-09-13T12:26:40Z", [1, 2]),
            ("2020-09-13T14:26:41+02:00", [3, 1, 2]),
            ("2999-08-26T00:00:00Z", [3]),
        ],
    )
    def test_times(self, delta: str, time: str, rows: list[int]) -> None:
        table = mltable.from_delta_lake(delta, timestamp_as_of=time)
        assert table.to_arrow()["n"].to_pylist() == rows

    def test_partitions_and_later_columns_are_there(self, delta: str) -> None:
        found = mltable.from_delta_lake(delta, version_as_of=1).to_arrow()
        assert found.schema.names == ["n", "day", "new"]
        assert found["new"].to_pylist() == ["x", None, None]
        assert [str(day) for day in found["day"].to_pylist()] == [
            "None",
            "2020-01-01",
            "2020-01-01",
        ]

    def test_a_checkpoint_stands_for_what_came_before(self, delta: str, write: Write) -> None:
        log = Path(delta) / "_delta_log"
        add = {"path": "b.parquet", "partitionValues": [("day", None)]}
        kind = pa.struct(
            [("path", pa.string()), ("partitionValues", pa.map_(pa.string(), pa.string()))]
        )
        about = [
            START[1]["metaData"] | {"partitionColumns": ["day"]},
            None,
        ]
        table = pa.table({"metaData": about, "add": pa.array([None, add], kind)})
        pq.write_table(table, log / f"{2:020}.checkpoint.parquet")
        (log / f"{0:020}.json").unlink()
        assert mltable.from_delta_lake(delta).to_arrow()["n"].to_pylist() == [3]
        with pytest.raises(mltable.MLTableError, match=r"Version 1 .* is gone"):
            mltable.from_delta_lake(delta, version_as_of=1).to_arrow()

    def test_what_is_wrong_is_told(self, delta: str, write: Write, tmp_path: Path) -> None:
        with pytest.raises(mltable.MLTableError, match="no version 9; the newest is 2"):
            mltable.from_delta_lake(delta, version_as_of=9).to_arrow()
        with pytest.raises(mltable.MLTableError, match="no version as old as 1999"):
            mltable.from_delta_lake(delta, timestamp_as_of="1999-01-01").to_arrow()
        with pytest.raises(mltable.MLTableError, match="no Delta table"):
            mltable.from_delta_lake(str(tmp_path)).to_arrow()
        with pytest.raises(mltable.MLTableError, match="not both"):
            mltable.from_delta_lake(delta, "2020-01-01", 1)
        with pytest.raises(mltable.MLTableError, match="is a time such as"):
            mltable.from_delta_lake(delta, "yesterday")

    def test_a_table_without_rows_has_columns(self, delta: str, write: Write) -> None:
        commit(write, 3, [{"remove": {"path": "b.parquet"}}])
        assert list(mltable.from_delta_lake(delta).show().columns) == ["n", "day", "new"]

    def test_newer_features_are_left_to_the_package(
        self, delta: str, write: Write, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        commit(write, 3, [{"protocol": {"minReaderVersion": 3, "minWriterVersion": 7}}])
        monkeypatch.setitem(__import__("sys").modules, "deltalake", None)
        with pytest.raises(mltable.MissingPackage, match="pip install deltalake"):
            mltable.from_delta_lake(delta).to_arrow()
