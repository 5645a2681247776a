"""The `MLTable` file: what it says, and what is told about one that is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from lazur import mltable

Write = Callable[..., Path]

FULL = """\
$schema: https://example.invalid/MLTable.schema.json
type: mltable
owner: somebody
paths:
  - file: ./people.csv
transformations:
  - read_delimited:
      delimiter: ","
      encoding: ascii
      header: all_files_same_headers
      empty_as_string: false
      of_tomorrow: 1
  - keep_columns: [id, born]
  - convert_column_types:
      - columns: born
        column_type:
          datetime:
            formats: ["%Y-%m-%d"]
  - filter: 'col("id") > 1'
  - take: 1
traits:
  timestamp_column: born
  index_columns: id
metadata:
  note: of 2020
"""


class TestLoad:
    def test_everything_is_read_and_kept(self, write: Write, people: mltable.MLTable) -> None:
        table = mltable.load(str(write("MLTable", FULL).parent))
        assert table.traits.timestamp_column == "born"
        assert table.traits.index_columns == ["id"]
        assert table.metadata["note"] == "of 2020"
        assert table.paths == [{"file": "./people.csv"}]
        again = yaml.safe_load(str(table))
        assert again.pop("traits") == {"timestamp_column": "born", "index_columns": ["id"]}
        wanted = yaml.safe_load(FULL)
        del wanted["traits"]
        assert again == wanted
        assert table.to_pandas_dataframe().to_dict("list")["id"] == [2]

    def test_the_file_itself_and_a_relative_path_work(
        self, write: Write, people: mltable.MLTable, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = write("MLTable", FULL).parent
        monkeypatch.chdir(folder.parent)
        for path in (f"./{folder.name}/", f"{folder.name}/MLTable", folder, f"file://{folder}"):
            assert mltable.load(path).to_arrow().num_rows == 1  # type: ignore[arg-type]

    def test_a_transformation_may_be_a_word(self, write: Write) -> None:
        write("a.csv", "a\n1\n")
        write("MLTable", "paths:\n- file: a.csv\ntransformations:\n- read_delimited\n")
        table = mltable.load(str(write("b.csv", "").parent))
        assert table.to_arrow().to_pylist() == [{"a": 1}]

    def test_a_folder_without_the_file_says_what_to_give(self, tmp_path: Path) -> None:
        with pytest.raises(mltable.MLTableError, match=r"no file .*/MLTable. Give the folder"):
            mltable.load(str(tmp_path))

    def test_a_resolver_is_asked_for_every_path(self, write: Write) -> None:
        write("MLTable", "paths:\n- file: /elsewhere/x.csv\ntransformations: [read_delimited]\n")
        folder = str(write("x.csv", "a\n1\n").parent)
        asked: list[str] = []

        def guard(path: str) -> str:
            asked.append(path)
            if not path.startswith(folder):
                raise PermissionError(path)
            return path

        table = mltable.load(folder, resolver=guard)
        with pytest.raises(PermissionError, match=r"/elsewhere/x\.csv"):
            table.to_arrow()
        assert asked[0] == f"{folder}/MLTable"


class TestErrors:
    @pytest.mark.parametrize(
        "text, place, says",
        [
            ("- a\n", "MLTable", "is a mapping"),
            ("type: uri_file\npaths: []\n", "MLTable:1: type", "not 'mltable'"),
            ("type: mltable\n", "paths", "needs `paths`"),
            ("paths:\n- file: a\n- dir: b\n", "MLTable:3: paths[1]", "file, folder and pattern"),
            ("paths: [\n", "MLTable:2", "no YAML"),
            ("a: &a [*a]\npaths: 3\n", "MLTable:2: paths", "needs `paths`"),
            (
                "paths:\n- file: a\ntransformations:\n- read_delimited:\n    header: some\n",
                "MLTable:4: transformations[0].read_delimited",
                "`header` is one of no_header",
            ),
            (
                "paths:\n- file: a\ntransformations:\n- take: 3\n- explode: 1\n",
                "MLTable:5: transformations[1].explode",
                "no transformation 'explode'; there are read_delimited",
            ),
            (
                "paths:\n- file: a\ntransformations:\n- read_parquet\n- read_delimited\n",
                "MLTable:5: transformations[1]",
                "one transformation only",
            ),
            (
                "paths:\n- file: a\ntransformations:\n- read_parquet\n- take: -1\n",
                "MLTable:5: transformations[1].take",
                "at least 1, not -1",
            ),
            (
                "paths:\n- file: a\ntraits:\n  timestamp_column: [a]\n",
                "MLTable:3: traits.timestamp_column",
                "one column's name",
            ),
            ("paths:\n- file: a\nmetadata: 3\n", "MLTable:3: metadata", "is a mapping"),
        ],
    )
    def test_file_line_and_field_are_told(
        self, write: Write, text: str, place: str, says: str
    ) -> None:
        folder = str(write("MLTable", text).parent)
        with pytest.raises(mltable.MLTableError) as caught:
            mltable.load(folder)
        assert f"{folder}/MLTable" in str(caught.value)
        assert place in str(caught.value)
        assert says in str(caught.value)

    def test_an_error_of_the_data_names_the_step_that_met_it(self, write: Write) -> None:
        write("a.csv", "a\n1\n")
        text = "paths:\n- file: a.csv\ntransformations:\n- read_delimited\n- filter: b > 1\n"
        table = mltable.load(str(write("MLTable", text).parent))
        with pytest.raises(mltable.MLTableError, match=r"MLTable:5: .*no column 'b'.* are a"):
            table.to_arrow()

    def test_text_that_is_not_utf_8_is_told(self, write: Write) -> None:
        with pytest.raises(mltable.MLTableError, match="no text in UTF-8"):
            mltable.load(str(write("MLTable", b"\xff\xfe\x00").parent))

    def test_an_alias_bomb_is_no_problem(self, write: Write) -> None:
        lines = ["a0: &a0 [x, x]"]
        lines += [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
        text = "\n".join(["paths:", "- file: a.csv", *lines])
        assert mltable.load(str(write("MLTable", text).parent)).paths


class TestTraits:
    def test_they_can_be_set(self, people: mltable.MLTable) -> None:
        people.traits.timestamp_column = "born"
        people.traits.index_columns = ["id"]
        said = yaml.safe_load(str(people))["traits"]
        assert said == {"timestamp_column": "born", "index_columns": ["id"]}

    def test_their_columns_stay(self, people: mltable.MLTable) -> None:
        people.traits.timestamp_column = "born"
        with pytest.raises(mltable.MLTableError, match="'born' is in the traits"):
            people.drop_columns("born")
        with pytest.raises(mltable.MLTableError, match="'born' is in the traits"):
            people.keep_columns(["id"])

    def test_validate_finds_those_that_are_not_there(self, people: mltable.MLTable) -> None:
        people.validate()
        people.traits.index_columns = ["nothing"]
        with pytest.raises(mltable.MLTableError, match="The traits name nothing"):
            people.validate()
