from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lazur.blobs.local import Local
from lazur.engine.contracts import Blobs
from lazur.errors import BackendError
from lazur.registry import find
from lazur.testing.blobs import BlobsContract, digest_of


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


class TestLocal(BlobsContract):
    @pytest.fixture
    def blobs(self, root: Path) -> Local:
        return Local(root)

    def test_it_is_found_by_name(self) -> None:
        assert find("blobs", "local", Blobs) is Local

    def test_a_blob_is_a_read_only_file_under_its_hash(self, blobs: Local, root: Path) -> None:
        digest = digest_of(b"x")
        blobs.put(digest, iter([b"x"]))
        blobs.put_many([(digest_of(b"y"), b"y")])
        for data in (b"x", b"y"):
            path = root / digest_of(data)[:2] / digest_of(data)
            assert stat.S_IMODE(path.stat().st_mode) == 0o444
            assert blobs.path(digest_of(data)) == str(path)

    def test_its_folders_are_closed_to_others(self, blobs: Local, root: Path) -> None:
        blobs.put(digest_of(b"x"), iter([b"x"]))
        for folder in (root, root / "tmp", root / digest_of(b"x")[:2]):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700

    def test_nothing_is_left_beside_the_blobs(self, blobs: Local, root: Path) -> None:
        blobs.put(digest_of(b"x"), iter([b"x"]))
        blobs.put_many([(digest_of(b"y"), b"y")])
        with pytest.raises(Exception, match="hash to"):
            blobs.put(digest_of(b"z"), iter([b"not z"]))
        assert list((root / "tmp").iterdir()) == []

    def test_a_full_disk_is_said_to_be_full(self, blobs: Local) -> None:
        def chunks() -> Iterator[bytes]:
            yield b"x"
            raise OSError(28, "No space left on device")

        with pytest.raises(BackendError, match="full"):
            blobs.put(digest_of(b"xy"), chunks())

    def test_a_killed_writer_leaves_a_stray_that_is_swept(self, blobs: Local, root: Path) -> None:
        code = (
            "import os, signal\n"
            "from lazur.blobs.local import Local\n"
            "def chunks():\n"
            "    yield b'x'\n"
            "    os.kill(os.getpid(), signal.SIGKILL)\n"
            f"Local({str(root)!r}).put({digest_of(b'xy')!r}, chunks())\n"
        )
        subprocess.run([sys.executable, "-c", code], check=False)
        (stray,) = (root / "tmp").iterdir()
        assert not blobs.has(digest_of(b"xy"))
        modified = stray.stat().st_mtime
        assert blobs.sweep(older_than=modified - 1) == 0
        assert stray.exists()
        assert blobs.sweep(older_than=modified + 1) == 1
        assert not stray.exists()

    def test_sweeping_removes_abandoned_batches_and_no_blobs(
        self, blobs: Local, root: Path
    ) -> None:
        batch = root / "tmp" / "batch"
        batch.mkdir()
        (batch / "file").touch()
        blobs.put(digest_of(b"x"), iter([b"x"]))
        assert blobs.sweep(older_than=batch.stat().st_mtime + 1) == 1
        assert not batch.exists()
        assert blobs.has(digest_of(b"x"))

    @pytest.mark.parametrize("many", [False, True])
    def test_a_blob_is_synced_before_it_has_a_name_and_the_name_before_it_returns(
        self, blobs: Local, monkeypatch: pytest.MonkeyPatch, many: bool
    ) -> None:
        synced: list[int] = []
        folders: dict[int, int] = {}
        real_sync, real_rename = os.fsync, os.rename

        def sync(fd: int) -> None:
            synced.append(os.fstat(fd).st_ino)
            real_sync(fd)

        def rename(old: str, new: str) -> None:
            assert Path(old).stat().st_ino in synced
            real_rename(old, new)
            folders[Path(new).parent.stat().st_ino] = len(synced)

        monkeypatch.setattr(os, "fsync", sync)
        monkeypatch.setattr(os, "rename", rename)
        contents = [bytes([n]) for n in range(3)]
        if many:
            blobs.put_many([(digest_of(data), data) for data in contents])
        else:
            for data in contents:
                blobs.put(digest_of(data), iter([data]))
        assert len(folders) == 3
        for folder, at in folders.items():
            assert folder in synced[at:]
