from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from lazur.errors import BackendError, Conflict
from lazur.testing.vaults import Make, VaultContract
from lazur.vaults.file import File


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


class TestContract(VaultContract):
    @pytest.fixture
    def make(self, folder: Path) -> Make:
        return lambda: File({"folder": str(folder)})


class TestFile:
    def test_the_key_is_made_once_and_the_users_alone(self, folder: Path) -> None:
        File({"folder": str(folder)}).key_id()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "root").stat().st_mode) == 0o600
        assert [path.name for path in folder.iterdir()] == ["root"]

    def test_two_installs_have_two_keys(self, tmp_path: Path) -> None:
        assert (
            File({"folder": str(tmp_path / "a")}).key_id()
            != File({"folder": str(tmp_path / "b")}).key_id()
        )

    def test_of_many_that_start_at_once_one_makes_it(self, folder: Path) -> None:
        together = Barrier(8)

        def start(_: int) -> str:
            together.wait(10)
            return File({"folder": str(folder)}).wrap(b"k" * 32).key_id

        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(start, range(8)))) == 1

    def test_a_key_that_others_can_read_is_not_used(self, folder: Path) -> None:
        vault = File({"folder": str(folder)})
        vault.key_id()
        (folder / "root").chmod(0o640)
        with pytest.raises(BackendError, match="read by others"):
            vault.wrap(b"k" * 32)

    def test_a_broken_key_is_told_and_not_shown(self, folder: Path) -> None:
        vault = File({"folder": str(folder)})
        vault.key_id()
        (folder / "root").write_text("canary")
        with pytest.raises(BackendError, match="not a root key") as caught:
            vault.key_id()
        assert "canary" not in str(caught.value)

    def test_what_a_forgotten_key_wrapped_is_lost_and_said_so(self, folder: Path) -> None:
        vault = File({"folder": str(folder)})
        wrapped = vault.wrap(b"k" * 32)
        vault.rotate()
        vault.forget(wrapped.key_id)
        vault.forget(wrapped.key_id)
        with pytest.raises(BackendError, match="is gone"):
            vault.unwrap(wrapped)

    def test_the_key_in_use_is_not_forgotten(self, folder: Path) -> None:
        vault = File({"folder": str(folder)})
        with pytest.raises(Conflict):
            vault.forget(vault.key_id())

    def test_a_lost_key_is_not_made_anew_in_silence(self, folder: Path) -> None:
        vault = File({"folder": str(folder)})
        vault.rotate()
        (folder / "root").unlink()
        with pytest.raises(BackendError, match="is gone; older ones"):
            vault.key_id()

    @pytest.mark.parametrize("name", ["file:../../x", "file:", "file:a/b", "environment:aa"])
    def test_an_id_is_no_path(self, folder: Path, name: str) -> None:
        (folder.parent / "x").write_text("A" * 43 + "=")
        assert not File({"folder": str(folder)}).knows(name)
        File({"folder": str(folder)}).forget(name)
        assert (folder.parent / "x").exists()
