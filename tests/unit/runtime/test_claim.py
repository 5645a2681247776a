from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from lazur.runtime import claim


class TestTake:
    def test_the_first_has_it(self, tmp_path: Path) -> None:
        assert claim.take(str(tmp_path))
        assert not claim.take(str(tmp_path))
        found = json.loads((tmp_path / "claim").read_text())
        assert found == {
            "pid": os.getpid(),
            "started": claim.started(os.getpid()),
            "boot": claim.boot(),
        }
        assert [p.name for p in tmp_path.iterdir()] == ["claim"]

    def test_a_fenced_attempt_is_nobodys(self, tmp_path: Path) -> None:
        (tmp_path / "claim").write_text('{"fenced":true}')
        assert not claim.take(str(tmp_path))

    def test_it_works_where_there_are_no_hard_links(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> None:
            raise PermissionError(1, "no links here")

        monkeypatch.setattr(os, "link", refuse)
        assert claim.take(str(tmp_path))
        assert not claim.take(str(tmp_path))
        assert json.loads((tmp_path / "claim").read_text())["pid"] == os.getpid()


class TestStarted:
    def test_a_process_that_is_not_there_has_no_start(self) -> None:
        assert claim.started(2**22 + 1) is None

    @pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc here")
    def test_it_is_read_behind_whatever_the_program_is_called(self, tmp_path: Path) -> None:
        program = tmp_path / "a) R 1 (b"
        program.write_text("#!/bin/sh\nread x\n")
        program.chmod(0o755)
        reader, writer = os.pipe()
        pid = os.posix_spawn(
            program, [str(program)], {}, file_actions=[(os.POSIX_SPAWN_DUP2, reader, 0)]
        )
        try:
            assert (claim.started(pid) or 0) >= (claim.started(os.getpid()) or 0)
        finally:
            os.close(writer)
            os.close(reader)
            os.waitpid(pid, 0)
