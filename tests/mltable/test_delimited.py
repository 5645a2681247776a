"""Delimited files, with every option."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lazur import mltable
from lazur.mltable import DataType, MLTableFileEncoding, MLTableHeaders, _blocks

Write = Callable[..., Path]


class TestTypes:
    def test_they_are_inferred(self, people: mltable.MLTable) -> None:
        frame = people.to_pandas_dataframe()
        kinds = {name: str(kind) for name, kind in frame.dtypes.items()}
        assert kinds["id"] == "int64"
        assert kinds["born"] == "datetime64[ns]"
        assert kinds["height"] == "float64"
        assert people.to_arrow().to_pylist()[1]["name"] is None
        assert people.to_arrow()["member"].to_pylist() == [True, False, None]

    def test_they_are_not_where_that_is_not_wanted(self, write: Write) -> None:
        paths = [{"file": str(write("a.csv", "a,b\n1,true\n"))}]
        table = mltable.from_delimited_files(paths, infer_column_types=False)
        assert table.to_arrow().to_pylist() == [{"a": "1", "b": "true"}]

    @pytest.mark.parametrize(
        "overrides",
        [
            {"a": "float", "b": DataType.to_string()},
            {("a",): DataType.to_float(), ("b",): "string"},
        ],
    )
    def test_they_can_be_said(self, write: Write, overrides: dict[Any, Any]) -> None:
        paths = [{"file": str(write("a.csv", "a,b\n1,2\n"))}]
        infer = {"sample_size": 1, "column_type_overrides": overrides}
        table = mltable.from_delimited_files(paths, infer_column_types=infer)
        assert table.to_arrow().to_pylist() == [{"a": 1.0, "b": "2"}]
        again = table.save(str(write("saved/x", "").parent))
        assert mltable.load(again.save(str(write("s2/x", "").parent))._blueprint.base) == again

    @pytest.mark.parametrize(
        "infer, says",
        [
            (5, "must be a bool or a dictionary"),
            ({"some": 1}, "may only contain"),
            ({"sample_size": 0}, "positive integer"),
            ({"column_type_overrides": {"a": "date"}}, "no type of a column"),
            ({"column_type_overrides": {"a": "stream_info"}}, "stream are not supported"),
            ({"column_type_overrides": "5"}, "maps names of columns"),
        ],
    )
    def test_what_is_wrong_with_them_is_told(self, infer: Any, says: str) -> None:
        with pytest.raises(mltable.MLTableError, match=says):
            mltable.from_delimited_files([{"file": "a.csv"}], infer_column_types=infer)

    def test_what_does_not_fit_later_is_null_with_a_warning(self, write: Write) -> None:
        rows = "\n".join(str(number) for number in range(300))
        path = write("a.csv", f"a\n{rows}\nn/a\n")
        table = mltable.from_delimited_files([{"file": str(path)}])
        with pytest.warns(RuntimeWarning, match="1 of the first 301 values of column 'a'.*'n/a'"):
            frame = table.to_pandas_dataframe()
        assert frame["a"].isna().sum() == 1
        assert frame["a"][299] == 299

    def test_there_is_one_warning_for_a_column_of_a_file(
        self, write: Write, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rows = "\n".join("7" for _ in range(300)) + "\nx" * 300
        monkeypatch.setattr(_blocks.blocks, "__defaults__", (50,))
        table = mltable.from_delimited_files([{"file": str(write("a.csv", f"a\n{rows}\n"))}])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            assert table.to_arrow()["a"].null_count == 300
        assert len(caught) == 1

    def test_a_guess_of_booleans_loses_no_number(self, write: Write) -> None:
        rows = "\n".join("01" * 150)
        table = mltable.from_delimited_files([{"file": str(write("a.csv", f"a\n{rows}\n7\n"))}])
        assert table.to_pandas_dataframe()["a"].tolist()[-2:] == [1, 7]

    def test_the_first_rows_of_several_files_count(self, write: Write) -> None:
        paths = [
            {"file": str(write(f"{value}.csv", f"a\n{value}\n"))} for value in ("1", "2.5", "x")
        ]
        assert mltable.from_delimited_files(paths[:2]).to_arrow()["a"].to_pylist() == [1.0, 2.5]
        assert mltable.from_delimited_files(paths).to_arrow()["a"].to_pylist() == ["1", "2.5", "x"]

    def test_a_guess_of_whole_numbers_loses_no_fraction(self, write: Write) -> None:
        rows = "\n".join(str(number) for number in range(300))
        table = mltable.from_delimited_files([{"file": str(write("a.csv", f"a\n{rows}\n1.5\n"))}])
        assert table.to_pandas_dataframe()["a"].iloc[-1] == 1.5

    @pytest.mark.parametrize(
        "value, kind",
        [
            ("007", "int64"),
            (" 7 ", "int64"),
            ("9" * 19, "int64" if int("9" * 19) < 2**63 else "double"),
            ("1e3", "double"),
            ("-.5", "double"),
            ("TRUE", "bool"),
            ("2020-01-02T03:04:05Z", "timestamp[ns]"),
            ("01/31/2020 13:00", "timestamp[ns]"),
            ("31/01/2020", "timestamp[ns]"),
            ("2020", "int64"),
            ("nan", "double"),
            ("t", "bool"),
            ("0", "bool"),
            ("13/01/20", "timestamp[ns]"),
            ("13.01.2020", "string"),
            ("2020-01-13 10:00", "string"),
            ("0x10", "string"),
        ],
    )
    def test_each_kind_of_value(self, write: Write, value: str, kind: str) -> None:
        path = write("a.csv", f"a,b\n{value},x\n")
        found = mltable.from_delimited_files([{"file": str(path)}]).to_arrow()
        assert str(found.schema.field("a").type) == kind
        assert found["a"].null_count == 0


class TestHeaders:
    @pytest.mark.parametrize(
        "header, rows",
        [
            ("all_files_same_headers", [{"a": 1, "b": 2}, {"a": 3, "b": 4}]),
            (MLTableHeaders.all_files_same_headers, [{"a": 1, "b": 2}, {"a": 3, "b": 4}]),
            (
                "all_files_different_headers",
                [{"a": 1, "b": 2, "c": None}, {"a": None, "b": 3, "c": 4}],
            ),
        ],
    )
    def test_files_with_headers(self, write: Write, header: Any, rows: list[Any]) -> None:
        paths = [{"file": str(write("1.csv", "a,b\n1,2\n"))}]
        paths += [{"file": str(write("2.csv", "b,c\n3,4\n"))}]
        assert mltable.from_delimited_files(paths, header).to_arrow().to_pylist() == rows

    def test_only_the_first_file_has_one(self, write: Write) -> None:
        paths = [{"file": str(write("1.csv", "a,b\n1,2\n"))}]
        paths += [{"file": str(write("2.csv", "3,4\n"))}]
        table = mltable.from_delimited_files(paths, header="from_first_file")
        assert table.to_arrow().to_pylist() == [{"a": 1, "b": 2}, {"a": 3, "b": 4}]

    def test_no_file_has_one(self, write: Write) -> None:
        paths = [{"file": str(write("1.csv", "1,x\n"))}, {"file": str(write("2.csv", "2,y\n"))}]
        table = mltable.from_delimited_files(paths, header="no_header")
        assert table.to_arrow().to_pylist() == [
            {"Column1": 1, "Column2": "x"},
            {"Column1": 2, "Column2": "y"},
        ]

    def test_names_that_are_missing_or_there_twice(self, write: Write) -> None:
        table = mltable.from_delimited_files([{"file": str(write("1.csv", "a,,a\n1,2,3\n"))}])
        assert table.to_arrow().to_pylist() == [{"a": 1, "Column2": 2, "a_1": 3}]

    def test_a_file_with_nothing_but_a_header_has_columns(self, write: Write) -> None:
        table = mltable.from_delimited_files([{"file": str(write("1.csv", "a,b\n"))}])
        assert list(table.to_pandas_dataframe().columns) == ["a", "b"]

    def test_an_empty_file_adds_nothing(self, write: Write) -> None:
        paths = [{"file": str(write("0.csv", ""))}, {"file": str(write("1.csv", "a\n1\n"))}]
        assert mltable.from_delimited_files(paths).to_arrow().to_pylist() == [{"a": 1}]
        assert mltable.from_delimited_files(paths[:1]).to_pandas_dataframe().empty


class TestText:
    @pytest.mark.parametrize("encoding", sorted(_blocks.ENCODINGS))
    def test_every_encoding(self, write: Write, encoding: str) -> None:
        word = "abc" if encoding == "ascii" else "Łü" if encoding.startswith("utf") else "éü"
        data = f"a,b\n1,{word}\n".encode(_blocks.ENCODINGS[encoding])
        paths = [{"file": str(write("a.csv", data))}]
        for given in (encoding, MLTableFileEncoding[encoding]):
            table = mltable.from_delimited_files(paths, encoding=given)
            assert table.to_arrow().to_pylist() == [{"a": 1, "b": word}]

    def test_a_wrong_encoding_is_told(self, write: Write) -> None:
        path = write("a.csv", "a\né\n".encode("latin1"))
        table = mltable.from_delimited_files([{"file": str(path)}])
        with pytest.raises(mltable.MLTableError, match=r"not encoded in utf8.*windows1252"):
            table.to_arrow()
        table = mltable.from_delimited_files([{"file": str(path)}], encoding="utf16")
        with pytest.raises(mltable.MLTableError, match="not encoded in utf16"):
            table.to_arrow()

    @pytest.mark.parametrize(
        "delimiter, sign", [("\t", "\t"), ("\\t", "\t"), (";", ";"), ("¦", "¦")]
    )
    def test_delimiters(self, write: Write, delimiter: str, sign: str) -> None:
        path = write("a.csv", f'a{sign}b\n1{sign}"x{sign}y"\n')
        table = mltable.from_delimited_files([{"file": str(path)}], delimiter=delimiter)
        assert table.to_arrow().to_pylist() == [{"a": 1, "b": f"x{sign}y"}]

    def test_empty_values(self, write: Write) -> None:
        paths = [{"file": str(write("a.csv", 'a,b,c\n1,,""\n,x,y\n'))}]
        plain = mltable.from_delimited_files(paths).to_arrow().to_pylist()
        assert plain == [{"a": True, "b": None, "c": ""}, {"a": None, "b": "x", "c": "y"}]
        kept = mltable.from_delimited_files(paths, empty_as_string=True).to_arrow().to_pylist()
        assert kept == [{"a": "1", "b": "", "c": ""}, {"a": "", "b": "x", "c": "y"}]

    @pytest.mark.parametrize("multi", [False, True])
    def test_the_last_value_may_be_empty_and_have_no_line_break(
        self, write: Write, multi: bool
    ) -> None:
        paths = [{"file": str(write("a.csv", 'a,b,c\n5,x,y\n6,"x,y",'))}]
        table = mltable.from_delimited_files(paths, support_multi_line=multi)
        assert table.to_arrow().to_pylist()[1] == {"a": 6, "b": "x,y", "c": None}

    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    def test_line_breaks_in_quotes(self, write: Write, end: str) -> None:
        text = end.join(["A,B,C", "A1,B1,C1", 'A2,"B', '2",C2', ""])
        paths = [{"file": str(write("a.csv", text))}]
        multi = mltable.from_delimited_files(paths, support_multi_line=True).to_arrow().to_pylist()
        assert multi[1] == {"A": "A2", "B": f"B{end}2", "C": "C2"}
        plain = mltable.from_delimited_files(paths).to_arrow().to_pylist()
        assert plain == [
            {"A": "A1", "B": "B1", "C": "C1"},
            {"A": "A2", "B": '"B', "C": None},
            {"A": '2"', "B": "C2", "C": None},
        ]

    @pytest.mark.parametrize("multi", [False, True])
    def test_rows_that_are_too_short_or_too_long(self, write: Write, multi: bool) -> None:
        path = write("a.csv", 'a,b\n1,x\n2\n\n3,"y",z\n4,w\n')
        table = mltable.from_delimited_files([{"file": str(path)}], support_multi_line=multi)
        assert table.to_arrow().to_pylist() == [
            {"a": 1, "b": "x", "Column3": None},
            {"a": 2, "b": None, "Column3": None},
            {"a": 3, "b": "y", "Column3": "z"},
            {"a": 4, "b": "w", "Column3": None},
        ]

    @pytest.mark.parametrize("multi", [False, True])
    def test_a_long_row_far_below_adds_a_column(self, write: Write, multi: bool) -> None:
        rows = [f"{number},x" for number in range(300)]
        path = write("a.csv", "\n".join(["a,b", *rows, "7,y,8.5"]))
        table = mltable.from_delimited_files([{"file": str(path)}], support_multi_line=multi)
        found = table.to_arrow()
        assert found.num_rows == 301
        assert found["Column3"].to_pylist()[-1] == 8.5

    def test_old_line_ends(self, write: Write) -> None:
        table = mltable.from_delimited_files([{"file": str(write("a.csv", "a,b\r1,x\r2,y\r"))}])
        assert table.to_arrow()["a"].to_pylist() == [1, 2]

    @pytest.mark.parametrize("multi", [False, True])
    def test_blocks_of_any_size_give_the_same(
        self, write: Write, multi: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lines = [f'{number},"x, ""{number}""",{number / 8}' for number in range(2000)]
        paths = [{"file": str(write("a.csv", "\n".join(["a,b,c", *lines])))}]
        whole = mltable.from_delimited_files(paths, support_multi_line=multi).to_arrow()
        monkeypatch.setattr(_blocks.blocks, "__defaults__", (700,))
        monkeypatch.setattr(_blocks.pieces, "__defaults__", (700,))
        assert mltable.from_delimited_files(paths, support_multi_line=multi).to_arrow() == whole
        assert whole.num_rows == 2000
        assert whole["b"][7].as_py() == 'x, "7"'

    def test_a_line_longer_than_a_part(self, write: Write) -> None:
        long = "x" * (3 << 20)
        table = mltable.from_delimited_files([{"file": str(write("a.csv", f"a,b\n1,{long}\n"))}])
        assert len(table.to_arrow()["b"][0].as_py()) == len(long)

    def test_the_path_column(self, write: Write) -> None:
        path = write("a.csv", "a\n1\n2\n")
        table = mltable.from_delimited_files([{"file": str(path)}], include_path_column=True)
        assert table.to_arrow().to_pylist()[1] == {"Path": str(path), "a": 2}

    @pytest.mark.parametrize(
        "options, says",
        [
            ({"delimiter": "::"}, "one character"),
            ({"header": 1}, "`header` is one of"),
            ({"encoding": "klingon"}, "`encoding` is one of"),
            ({"support_multi_line": "yes"}, "true or false, not 'yes'"),
        ],
    )
    def test_wrong_options(self, options: dict[str, Any], says: str) -> None:
        with pytest.raises(mltable.MLTableError, match=says):
            mltable.from_delimited_files([{"file": "a.csv"}], **options)
