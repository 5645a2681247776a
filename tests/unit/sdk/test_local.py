from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lazur.errors import MissingExtra, ServerUnreachable
from lazur.sdk import local


def write_server(home: Path, pid: int, url: str = "http://127.0.0.1:1") -> None:
    text = json.dumps({"url": url, "pid": pid, "started": "now", "version": "1"})
    (home / "server.json").write_text(text)


class TestRunning:
    def test_believes_a_process_that_lives(self, home: Path) -> None:
        write_server(home, os.getpid())
        found = local.running(home)
        assert found is not None
        assert found.pid == os.getpid()

    def test_does_not_send_a_token_to_the_port_of_a_server_that_died(self, home: Path) -> None:
        (home / "token").write_text("secret")
        child = subprocess.Popen([sys.executable, "-c", ""])
        child.wait()
        write_server(home, child.pid)
        assert local.address(home) is None

    @pytest.mark.parametrize(
        "text", ["", "{}", "[]", '{"url": 1, "pid": "x"}', '{"pid": 1}', "\xff"]
    )
    def test_a_torn_file_is_no_server(self, home: Path, text: str) -> None:
        (home / "server.json").write_text(text, "latin-1")
        assert local.running(home) is None


class TestEnsure:
    def test_names_the_extra_that_a_server_needs(
        self, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(local, "_NEEDED", ("no_such_package",))
        with pytest.raises(MissingExtra, match="no_such_package") as caught:
            local.ensure(home)
        assert "lazur[server]" in (caught.value.hint or "")
        assert "lazur login --server" in (caught.value.hint or "")

    def test_says_why_a_server_does_not_start(self, home: Path) -> None:
        (home / "config.toml").write_text("not toml")
        with pytest.raises(ServerUnreachable, match=r"exit code \d+") as caught:
            local.ensure(home)
        assert "config.toml" in str(caught.value)
        assert "server.out" in (caught.value.hint or "")
