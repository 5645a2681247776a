"""Filters: what they mean, and that nothing of them is run."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lazur import mltable
from lazur.mltable import _filter
from lazur.mltable._errors import MLTableError, Where

ROWS = {
    "n": [1, 2, 3, None],
    "x": [0.5, -1.5, 2.5, None],
    "FBI Code": ["11", "02", "11", None],
    "name": ["Ann", "bob", "Cy", None],
    "ok": [True, False, True, None],
    "Date": [datetime(2020, 1, day) for day in (1, 2, 3)] + [None],  # noqa: DTZ001
    "day": pa.array([0, 1, 2, None], pa.date32()),
}


@pytest.fixture
def table(write: Callable[..., Path]) -> mltable.MLTable:
    path = write("a.parquet", b"")
    pq.write_table(pa.table(ROWS), path)
    return mltable.from_parquet_files([{"file": str(path)}])


class TestFilter:
    @pytest.mark.parametrize(
        "expression, rows",
        [
            ('col("n") > 1', [2, 3]),
            ("n > 1 and n <= 2", [2]),
            ("1 < n < 3", [2]),
            ("not n == 1", [2, 3]),
            ("not not n == 1", [1]),
            ("(n == 1 or n == 3) and ok", [1, 3]),
            ("n == 1 or n == 2 and False", [1]),
            ("col('FBI Code') == \"11\"", [1, 3]),
            ("n in [1, 3]", [1, 3]),
            ("n not in (1, 3)", [2, None]),
            ("name.startswith('A')", [1]),
            ("name.lower().contains('B')", []),
            ("name.lower().contains('b')", [2]),
            ("name.length() == 3", [1, 2]),
            ("name.isin(['Cy'])", [3]),
            ("Date >= datetime(2020, 1, 2, 0)", [2, 3]),
            ("Date == '2020-01-02'", [2]),
            ("day < datetime(1970, 1, 2)", [1]),
            ("x * 2 + 1 > n", [1, 3]),
            ("-x > 0", [2]),
            ("n % 2 == 1 and n / 2 > 1", [3]),
            ("n is None", [None]),
            ("n == None or n == 1", [1, None]),
            ("name is not null", [1, 2, 3]),
            ("name.is_null()", [None]),
            ("True", [1, 2, 3, None]),
            ("ok == true", [1, 3]),
            ("n != 1", [2, 3]),
            ("ok == 1", [1, 3]),
            ("n == '1'", []),
            ("n != 'None'", [1, 2, 3]),
        ],
    )
    def test_expressions(
        self, table: mltable.MLTable, expression: str, rows: list[int | None]
    ) -> None:
        assert table.filter(expression).to_arrow()["n"].to_pylist() == rows

    @pytest.mark.parametrize(
        "expression, says",
        [
            ("", "A filter is an expression"),
            ("FBI Code == '11'", "more than one expression, at column 5"),
            ("n >", "a value was expected, at column 4"),
            ("n ; 3", "';' has no meaning, at column 3"),
            ("__import__('os').system('true')", r"'__import__\(…\)' is not known"),
            ("name.__class__", "no method '__class__'"),
            ("n.startswith(name)", "only plain values"),
            ("col(1) == 1", r"'col\(…\)' is not known"),
            ("n in 3 4", "more than one expression"),
            ("datetime(2020, 13, 1) < Date", "datetime: month must be in"),
            ("(" * 60 + "1" + ")" * 60, "nested more than 50 deep"),
            ("n == 'open", "has no meaning"),
            ("not", "a value was expected"),
        ],
    )
    def test_what_is_no_filter_is_told_at_once(
        self, table: mltable.MLTable, expression: str, says: str
    ) -> None:
        with pytest.raises(MLTableError, match=says):
            table.filter(expression)

    @pytest.mark.parametrize(
        "expression, says",
        [
            ("zip == 1", "no column 'zip'; there are n, x"),
            ("name > 1", "string and int64 cannot be compared by '>'"),
            ("n + 1", "gives int64 for each row"),
            ("n and ok", "are for true and false, not for int64"),
            ("Date > 'soon'", "'soon' is no time"),
            ("n in name", "'in' needs a list"),
        ],
    )
    def test_what_does_not_fit_the_columns_is_told_when_read(
        self, table: mltable.MLTable, expression: str, says: str
    ) -> None:
        with pytest.raises(MLTableError, match=says):
            table.filter(expression).to_arrow()

    @given(st.text(alphabet="()[]'\"ndr ot.,=<>!12+-%&|~colab\\", max_size=40))
    def test_any_text_is_a_tree_or_an_error(self, text: str) -> None:
        with contextlib.suppress(MLTableError):
            _filter.columns(_filter.parse(text, Where("filter")))
