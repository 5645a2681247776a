"""JSON lines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lazur import mltable
from lazur.mltable import _blocks

Write = Callable[..., Path]


class TestJsonLines:
    def test_values_keep_their_kinds(self, write: Write) -> None:
        lines = '{"a":1,"d":"2020-01-01T00:00:00","o":{"x":[1,2],"t":"2020-01-01"},"b":true}\n'
        table = mltable.from_json_lines_files([{"file": str(write("a.jsonl", lines * 2))}])
        assert table.to_arrow().to_pylist()[1] == {
            "a": 1,
            "d": "2020-01-01T00:00:00",
            "o": {"x": [1, 2], "t": "2020-01-01"},
            "b": True,
        }

    def test_columns_may_come_and_go(self, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
        lines = [f'{{"a": {n}}}' for n in range(50)] + [f'{{"b": "{n}"}}' for n in range(50)]
        monkeypatch.setattr(_blocks.blocks, "__defaults__", (200,))
        table = mltable.from_json_lines_files([{"file": str(write("a", "\n".join(lines)))}])
        found = table.to_arrow()
        assert found.schema.names == ["a", "b"]
        assert found["a"].null_count == found["b"].null_count == 50

    def test_mixed_kinds_are_text(self, write: Write) -> None:
        path = write("a.jsonl", '{"a": 1}\n{"a": "x"}\n{"a": {"b": 2}}\n{"a": null}\n')
        table = mltable.from_json_lines_files([{"file": str(path)}])
        assert table.to_arrow()["a"].to_pylist() == ["1", "x", '{"b": 2}', None]

    def test_mixed_whole_and_broken_numbers_are_floats(self, write: Write) -> None:
        paths = [{"file": str(write("1", '{"a": 1}\n'))}, {"file": str(write("2", '{"a": 1.5}'))}]
        table = mltable.from_json_lines_files(paths)
        assert table.to_pandas_dataframe()["a"].tolist() == [1.0, 1.5]

    def test_invalid_lines(self, write: Write) -> None:
        paths = [{"file": str(write("a", '{"a": 1}\n\nnope\n[3]\n{"a": 2}\n'))}]
        with pytest.raises(mltable.MLTableError, match=r"/a:3: this line cannot be read"):
            mltable.from_json_lines_files(paths).to_arrow()
        dropped = mltable.from_json_lines_files(paths, invalid_lines="drop")
        assert dropped.to_arrow()["a"].to_pylist() == [1, 2]

    def test_encodings_and_the_path_column(self, write: Write) -> None:
        path = write("a", '{"a": "é"}\n'.encode("utf-16"))
        table = mltable.from_json_lines_files(
            [{"file": str(path)}], encoding="utf16", include_path_column=True
        )
        assert table.to_arrow().to_pylist() == [{"Path": str(path), "a": "é"}]

    def test_an_empty_file(self, write: Write) -> None:
        table = mltable.from_json_lines_files([{"file": str(write("a", ""))}])
        assert table.to_pandas_dataframe().empty

    @pytest.mark.parametrize(
        "options, says",
        [
            ({"invalid_lines": "skip"}, "error or drop"),
            ({"encoding": "x"}, "`encoding` is one of"),
        ],
    )
    def test_wrong_options(self, options: dict[str, str], says: str) -> None:
        with pytest.raises(mltable.MLTableError, match=says):
            mltable.from_json_lines_files([{"file": "a"}], **options)  # type: ignore[arg-type]
