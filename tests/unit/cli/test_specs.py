from __future__ import annotations

from pathlib import Path

import pytest
from knack.util import CLIError

from lazur.cli import specs
from lazur.errors import Invalid


class TestSource:
    def test_set_wins_over_flags_and_flags_over_the_file(self, tmp_path: Path) -> None:
        file = tmp_path / "a.yml"
        file.write_text("name: file\nversion: 1\ndescription: file\n")
        found = specs.source(
            str(file), [["name=set"]], {"name": "flag", "version": "2", "x": None}
        )
        assert found.spec == {"name": "set", "version": "2", "description": "file"}
        assert found.folder == tmp_path

    def test_flags_alone_are_enough(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.chdir(tmp_path)
        found = specs.source(None, None, {"name": "flag"})
        assert (found.spec, found.folder) == ({"name": "flag"}, tmp_path)


class TestChanges:
    def test_a_field_that_is_touched_travels_whole(self) -> None:
        current = {"tags": {"a": "1"}, "description": "old"}
        assert specs.changes([["tags.b=2"]], current, description=None) == {
            "tags": {"a": "1", "b": 2}
        }
        assert current == {"tags": {"a": "1"}, "description": "old"}

    def test_nothing_is_an_error(self) -> None:
        with pytest.raises(CLIError):
            specs.changes(None, {})

    def test_what_is_no_assignment_is_an_error(self) -> None:
        with pytest.raises(Invalid):
            specs.changes([["tags"]], {})


class TestPairs:
    def test_reads_key_and_value(self) -> None:
        assert specs.pairs(["a=1", "b=x=y"]) == {"a": "1", "b": "x=y"}
        assert specs.pairs(None) is None

    def test_refuses_a_word(self) -> None:
        with pytest.raises(CLIError, match="key=value"):
            specs.pairs(["word"])


class TestHere:
    def test_a_path_is_relative_to_where_we_are(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert specs.here("data/x.csv") == str(tmp_path / "data" / "x.csv")

    @pytest.mark.parametrize(
        "text", ["https://example.org/x", "azureml:x:1", "azureml://datastores/d/paths/p"]
    )
    def test_an_address_stays(self, text: str) -> None:
        assert specs.here(text) == text
