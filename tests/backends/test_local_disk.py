from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lazur.backends.local import Local
from lazur.testing.backends import BackendTools


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
class TestFullDisk(BackendTools):
    """R10: a full disk delays how a job ended, and does not lose it."""

    @pytest.fixture
    def backend(self) -> Local:
        return Local({})

    @pytest.fixture
    def node(self, tmp_path: Path) -> Iterator[Path]:
        mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "lazur-test", str(tmp_path)]
        if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
            pytest.skip("no tmpfs can be mounted here")
        yield tmp_path
        subprocess.run(["umount", "-l", str(tmp_path)], check=True)

    def use_up(self, path: Path) -> None:
        with path.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    def test_the_end_is_written_when_there_is_room_again(self, backend: Local, node: Path) -> None:
        handle = backend.submit(
            self.make_plan(node, f"echo up; until [ -e {node}/full ]; do sleep 0.02; done; exit 5")
        )
        self.wait_for_log(backend, handle, "up")
        fill = node / "fill"
        with pytest.raises(OSError, match="No space"):
            self.use_up(fill)
        (node / "full").symlink_to("/")
        end = time.monotonic() + 1
        while time.monotonic() < end:
            assert backend.poll(handle).state in ("running", "finalizing")
            time.sleep(0.1)
        fill.unlink()
        exit_ = self.wait(backend, handle).exit
        assert exit_ is not None
        assert (exit_.reason, exit_.code) == ("exit", 5)
        assert "could be written" in exit_.warnings[0]
