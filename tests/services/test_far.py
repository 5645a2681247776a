"""Files in datastores elsewhere, as people list and fetch them; here a folder plays the store."""

from __future__ import annotations

from pathlib import Path

import pytest

from lazur.datastores.local import Local
from lazur.errors import Invalid, LazurError, NotFound
from lazur.services.content import far
from lazur.services.content.far import Far


@pytest.fixture
def store(tmp_path: Path) -> Local:
    made = Local({"path": str(tmp_path)})
    for path in ("out/a.csv", "out/b/c.csv", "other"):
        made.put(path, iter([b"0123456789"]), 10)
    return made


class TestFar:
    def test_files_of_a_folder_by_their_paths_in_it(self, store: Local) -> None:
        assert [file["path"] for file in Far(store, "out").listed()] == ["a.csv", "b/c.csv"]

    def test_from_anywhere_in_a_file(self, store: Local) -> None:
        file, size = Far(store, "out").opened("b/c.csv")
        with file:
            assert size == 10
            assert (file.seek(7), file.read()) == (7, b"789")
            assert (file.seek(1), file.read(2)) == (1, b"12")

    @pytest.mark.parametrize("path", ["../other", "/other", "a.csv/../../other"])
    def test_nothing_outside_of_it(self, store: Local, path: str) -> None:
        with pytest.raises(Invalid):
            Far(store, "out").opened(path)

    def test_of_one_file_that_alone(self, store: Local) -> None:
        found = Far(store, "out/a.csv", file=True)
        assert [file["path"] for file in found.listed()] == ["a.csv"]
        found.opened("a.csv")[0].close()
        with pytest.raises(NotFound):
            found.opened("b/c.csv")

    def test_one_that_was_never_written_is_none(self, store: Local) -> None:
        assert Far(store, "out/absent", file=True).listed() == []


class TestFiles:
    def test_of_several_by_prefix(self, store: Local) -> None:
        fars = [("named-outputs/x", Far(store, "out")), ("named-outputs/y", Far(store, "absent"))]
        found = [file["path"] for file in far.files(fars, "named-outputs/x/b")]
        assert found == ["named-outputs/x/b/c.csv"]

    def test_a_store_that_is_away_is_told_to_who_asks_for_it(self, tmp_path: Path) -> None:
        away = [("named-outputs/x", Far(Local({"path": str(tmp_path / "away")}), "out"))]
        assert list(far.files(away, "")) == []
        with pytest.raises(LazurError):
            list(far.files(away, "named-outputs/x/"))
