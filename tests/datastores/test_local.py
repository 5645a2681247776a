from __future__ import annotations

from pathlib import Path

import pytest

from lazur.datastores.local import Local
from lazur.engine.contracts import Datastore
from lazur.errors import Invalid, NotFound
from lazur.testing.datastores import DatastoreContract


class TestContract(DatastoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Datastore:
        return Local({"path": str(tmp_path)})


class TestLocal:
    @pytest.mark.parametrize("path", ["", "relative/path", "~/x"])
    def test_its_path_is_absolute(self, path: str) -> None:
        with pytest.raises(Invalid, match="absolute"):
            Local({"path": path})

    def test_links_lead_nowhere(self, tmp_path: Path) -> None:
        (tmp_path / "outside").mkdir()
        (tmp_path / "outside/secret").write_text("x")
        (tmp_path / "store").mkdir()
        (tmp_path / "store/link").symlink_to(tmp_path / "outside")
        store = Local({"path": str(tmp_path / "store")})
        assert list(store.list()) == []
        with pytest.raises(NotFound):
            store.open("link/secret")
        with pytest.raises(NotFound):
            store.put("link/new", iter([b"x"]), 1)

    def test_drafts_are_no_files_and_leftovers_go(self, tmp_path: Path) -> None:
        store = Local({"path": str(tmp_path)})
        store.put("a", iter([b"x"]), 1)
        (tmp_path / ".lazur-drafts/left").write_text("of a writer that was killed")
        assert [item.path for item in store.list()] == ["a"]
        for use in (store.info, store.open, store.delete):
            with pytest.raises(NotFound):
                use(".lazur-drafts/left")
        assert store.sweep(2e10) == 1
        assert not (tmp_path / ".lazur-drafts/left").exists()

    def test_a_folder_that_is_gone_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(NotFound, match="is not there"):
            Local({"path": str(tmp_path / "gone")}).check()
