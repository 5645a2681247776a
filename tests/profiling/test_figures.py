"""Profiles against what pandas and NumPy find in the same data."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import csv as pa_csv
from pyarrow import parquet

from lazur.profiling import counts, spool
from lazur.profiling.columns import BINS, QUANTILES
from lazur.profiling.counts import Counts, hashes
from lazur.profiling.spool import Budget, Spool
from tests.profiling.conftest import Look, column

NOTHING: Any = None
WORDS: Any = np.array(["a", "bé", "", "longer text", "x y"], dtype=object)


def frame(seed: int, rows: int) -> pd.DataFrame:
    made = np.random.default_rng(seed)
    gaps = made.random(rows) < 0.1
    return pd.DataFrame(
        {
            "whole": pd.array(made.integers(-1000, 1000, rows), "Int64"),
            "large": made.integers(-(1 << 62), 1 << 62, rows),
            "small": made.integers(0, 200, rows).astype(np.uint8),
            "float": np.where(gaps, np.nan, made.normal(1e6, 3.0, rows)),
            "wide": made.standard_cauchy(rows),
            "text": pd.array(np.where(gaps, NOTHING, made.choice(WORDS, rows))),
            "truth": made.random(rows) < 0.3,
            "time": pd.Timestamp("2020-01-01")
            + pd.to_timedelta(made.integers(0, 10**12, rows), "us"),
        }
    ).assign(whole=lambda found: found["whole"].mask(gaps))


def agree(found: dict[str, Any], expected: pd.DataFrame) -> None:
    assert found["rows"] == len(expected)
    assert [entry["name"] for entry in found["columns"]] == list(expected.columns)
    for name in expected.columns:
        _compare(column(found, name), expected[name])


def _compare(found: dict[str, Any], values: Any) -> None:
    assert found["count"] == values.count()
    assert found["nulls"] == values.isna().sum()
    assert found["distinct"] == {"count": values.nunique(), "exact": True}
    often = values.value_counts()
    for entry, times in zip(found["top"], often[often > 1], strict=False):
        assert entry["count"] == times
    if found["kind"] == "number":
        _compare_numbers(found, values.dropna())
    elif found["kind"] == "text":
        lengths = values.dropna().str.len()
        assert found["length"]["min"] == lengths.min()
        assert found["length"]["max"] == lengths.max()
        assert found["length"]["mean"] == pytest.approx(lengths.mean())
    elif found["kind"] == "boolean":
        assert found["true"] == values.sum()
    elif found["kind"] == "time":
        assert found["min"] == values.min().isoformat()
        assert found["max"] == values.max().isoformat()
        middle: Any = values.quantile(0.5)
        moment = datetime.fromisoformat(found["quantiles"]["0.5"])
        assert abs(moment - middle.to_pydatetime()).total_seconds() < 1e-5
        assert sum(found["histogram"]["counts"]) == values.count()


def _compare_numbers(found: dict[str, Any], values: Any) -> None:
    assert found["min"] == values.min()
    assert found["max"] == values.max()
    assert found["zeros"] == (values == 0).sum()
    assert found["negative"] == (values < 0).sum()
    plain = values.to_numpy(float)
    assert found["mean"] == pytest.approx(plain.mean(), rel=1e-12, abs=1e-9)
    assert found["std"] == pytest.approx(plain.std(ddof=1), rel=1e-9)
    expected = np.quantile(plain, QUANTILES)
    assert list(found["quantiles"].values()) == pytest.approx(list(expected), rel=1e-12)
    heights, edges = np.histogram(plain, BINS)
    assert found["histogram"]["counts"] == list(heights)
    assert found["histogram"]["edges"] == pytest.approx(list(edges))


class TestRandomTables:
    @pytest.mark.parametrize("seed", range(3))
    def test_parquet(self, look: Look, tmp_path: Path, seed: int) -> None:
        expected = frame(seed, 5_000 * (seed + 1))
        table = pa.Table.from_pandas(expected)
        parquet.write_table(table, tmp_path / "a.parquet", row_group_size=1_777)
        agree(look(tmp_path / "a.parquet"), expected)

    def test_csv(self, look: Look, tmp_path: Path) -> None:
        expected = frame(9, 20_000).drop(columns=["text"])
        pa_csv.write_csv(pa.Table.from_pandas(expected), tmp_path / "a.csv")
        agree(look(tmp_path / "a.csv"), expected)

    def test_many_files(self, look: Look, tmp_path: Path) -> None:
        expected = frame(4, 3_000)
        (tmp_path / "data").mkdir()
        for part in range(3):
            some = expected.iloc[part * 1_000 : (part + 1) * 1_000]
            some.to_parquet(tmp_path / "data" / f"{part}.parquet")
        agree(look(tmp_path / "data", kind="uri_folder"), expected)


class TestOddColumns:
    def told(self, look: Look, path: Path, **columns: Any) -> dict[str, Any]:
        parquet.write_table(pa.table(columns), path / "odd.parquet")
        return look(path / "odd.parquet")

    def test_no_rows(self, look: Look, tmp_path: Path) -> None:
        found = self.told(look, tmp_path, n=pa.array([], pa.int64()))
        assert found["rows"] == 0
        assert column(found, "n")["distinct"]["count"] == 0

    def test_nothing_but_nulls(self, look: Look, tmp_path: Path) -> None:
        found = self.told(look, tmp_path, n=pa.nulls(5), f=pa.nulls(5, pa.float64()))
        assert [entry["nulls"] for entry in found["columns"]] == [5, 5]

    def test_what_is_no_number(self, look: Look, tmp_path: Path) -> None:
        values = [math.nan, math.inf, -math.inf, -0.0, 0.0, 2.0, None]
        found = column(self.told(look, tmp_path, f=pa.array(values)), "f")
        assert (found["nans"], found["infinite"], found["nulls"]) == (1, 2, 1)
        assert (found["min"], found["max"], found["mean"]) == (0.0, 2.0, pytest.approx(2 / 3))
        assert found["distinct"]["count"] == 4  # both zeros are one

    def test_decimals_bytes_lists_and_records(self, look: Look, tmp_path: Path) -> None:
        found = self.told(
            look,
            tmp_path,
            decimal=pa.array([Decimal("1.50"), Decimal("2.25")]),
            bytes=pa.array([b"\x00\xff", b"x"]),
            list=pa.array([[1, 2, 3], []]),
            record=pa.array([{"a": 1}, {"a": 2}]),
            label=pa.array(["x", "x"]).dictionary_encode(),
            day=pa.array([datetime(2020, 1, 2, tzinfo=UTC).date()] * 2),
            unsigned=pa.array([(1 << 64) - 1, 0], pa.uint64()),
        )
        assert column(found, "decimal")["mean"] == 1.875
        assert column(found, "bytes")["top"] == []
        assert column(found, "list")["length"] == {"min": 0, "max": 3, "mean": 1.5}
        assert column(found, "record")["count"] == 2
        assert column(found, "label")["top"] == [{"value": "x", "count": 2}]
        assert column(found, "day")["min"] == "2020-01-02"
        assert column(found, "unsigned")["max"] == float((1 << 64) - 1)

    def test_a_column_that_becomes_wider(self, look: Look, tmp_path: Path) -> None:
        """Whole numbers in a file, fractions in the next."""
        (tmp_path / "data").mkdir()
        parquet.write_table(pa.table({"n": [1, 2, 3]}), tmp_path / "data" / "0.parquet")
        parquet.write_table(pa.table({"n": [0.5]}), tmp_path / "data" / "1.parquet")
        found = column(look(tmp_path / "data", kind="uri_folder"), "n")
        assert (found["type"], found["count"], found["mean"]) == ("double", 4, 1.625)
        assert found["quantiles"]["0.5"] == 1.5
        assert found["distinct"]["count"] == 4

    def test_numbers_and_text_in_one_column(self, look: Look, tmp_path: Path) -> None:
        (tmp_path / "data").mkdir()
        parquet.write_table(pa.table({"n": [1, 2]}), tmp_path / "data" / "0.parquet")
        parquet.write_table(pa.table({"n": ["x", "1"]}), tmp_path / "data" / "1.parquet")
        found = column(look(tmp_path / "data", kind="uri_folder"), "n")
        assert (found["kind"], found["count"], found["mixed"]) == ("text", 4, True)
        assert found["top"] == [{"value": "1", "count": 2}]

    def test_a_column_that_some_files_lack(self, look: Look, tmp_path: Path) -> None:
        (tmp_path / "data").mkdir()
        parquet.write_table(pa.table({"n": [1, 2]}), tmp_path / "data" / "0.parquet")
        parquet.write_table(pa.table({"m": [3]}), tmp_path / "data" / "1.parquet")
        found = look(tmp_path / "data", kind="uri_folder")
        assert column(found, "n")["nulls"] == 1
        assert column(found, "m")["nulls"] == 2

    def test_line_breaks_in_values(self, look: Look, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text('n,t\n1,"a\nb"\n2,"c"\n')
        found = look(tmp_path / "a.csv")
        assert found["rows"] == 2
        assert column(found, "t")["length"]["max"] == 3

    def test_utf_16(self, look: Look, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("n,t\n1,ä\n", encoding="utf-16")
        assert column(look(tmp_path / "a.csv"), "t")["count"] == 1


class TestLargeColumns:
    """What a column of many values does, at a smaller scale."""

    @pytest.mark.parametrize("kind", ["float", "int"])
    def test_quantiles_without_sorting_it_all(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
    ) -> None:
        monkeypatch.setattr(spool, "_IN_MEMORY", 50)
        monkeypatch.setattr(spool, "_CHUNK", 1_000)
        made = np.random.default_rng(7)
        values = made.normal(0, 1e5, 20_000) if kind == "float" else made.integers(-99, 99, 20_000)
        kept = Spool(tmp_path / "x", Budget(1 << 30))
        for part in np.array_split(values, 7):
            kept.add(part)
        shares = [0, 0.001, *QUANTILES, 0.999, 1]
        assert kept.quantiles(shares) == pytest.approx(list(np.quantile(values, shares)))

    def test_the_disk_is_bounded(self, tmp_path: Path) -> None:
        kept = Spool(tmp_path / "x", Budget(80))
        kept.add(np.arange(100))
        assert (kept.count, kept.left_out) == (10, 90)
        assert (tmp_path / "x").stat().st_size == 80
        assert kept.quantiles([1.0]) == [9.0]

    @pytest.mark.parametrize("kind", ["text", "numbers"])
    def test_distinct_values_beyond_memory_are_estimated(
        self, monkeypatch: pytest.MonkeyPatch, kind: str
    ) -> None:
        monkeypatch.setattr(counts, "_PENDING", 5_000)
        found = Counts(most=10_000)
        numbers = np.random.default_rng(3).integers(0, 300_000, 400_000)
        values = pa.array(numbers)
        for start in range(0, len(values), 10_000):
            part = values.slice(start, 10_000)
            found.add(part.cast(pa.string()) if kind == "text" else part)
        found.add(pa.array(["often"] * 5_000 if kind == "text" else [-1] * 5_000))
        expected = len(np.unique(numbers)) + 1
        assert not found.exact
        assert found.distinct() == pytest.approx(expected, rel=0.05)
        assert found.top(1)[0][1] == 5_000

    def test_equal_values_have_equal_hashes(self) -> None:
        texts = ["", "a", "b", "ab", "ba", "a\0", "\0", "é" * 1000]
        one = hashes(pa.array(texts))
        other = hashes(pa.array(["x", *texts], pa.large_string()).slice(1))
        assert list(one) == list(other)
        assert len(set(one.tolist())) == len(texts)
