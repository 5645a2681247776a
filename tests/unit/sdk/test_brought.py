from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from lazur.sdk import brought
from lazur.sdk.runs import Run, Runs


class Known:
    """A server on which these runs are."""

    def __init__(self, *ids: str) -> None:
        self.ids = ids
        self.asked: list[str] = []

    def list(self, **asked: Any) -> list[Run]:
        assert asked["view"] == "all"
        self.asked.append(asked["filter"])
        return [Run({"id": run}) for run in self.ids if f"'{run}'" in asked["filter"]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "0001.zip"
    made.write_bytes(b"zip")
    return made


def is_there(known: Known, file: Path) -> bool:
    return brought.is_there(cast("Runs", known), file)


class TestFiles:
    def test_one_that_was_never_brought_is_not_there(self, file: Path) -> None:
        known = Known("a")
        assert not is_there(known, file)
        assert known.asked == []

    def test_one_is_there_while_all_of_its_runs_are(self, file: Path) -> None:
        brought.note(file, ["a", "b"])
        assert is_there(Known("a", "b", "c"), file)
        assert not is_there(Known("a"), file)

    def test_many_are_asked_for_in_pieces(self, file: Path) -> None:
        ids = [f"r{n}" for n in range(120)]
        brought.note(file, ids)
        known = Known(*ids)
        assert is_there(known, file)
        assert len(known.asked) == 3

    def test_another_file_of_the_name_is_another(self, file: Path) -> None:
        brought.note(file, ["a"])
        file.write_bytes(b"another zip")
        assert not is_there(Known("a"), file)

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"size": 3}', '{"size": 3, "runs": [1]}'])
    def test_a_note_of_another_form_says_nothing(self, file: Path, text: str) -> None:
        (file.parent / ".0001.zip.brought").write_text(text)
        assert not is_there(Known("a"), file)

    def test_a_folder_that_cannot_be_written_is_no_trouble(self, tmp_path: Path) -> None:
        brought.note(tmp_path / "none" / "0001.zip", ["a"])
