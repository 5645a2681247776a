from __future__ import annotations

import ast
from pathlib import Path

import pytest

from bench import peers
from bench._peers import PEERS, Peer


class TestPeers:
    @pytest.mark.parametrize("peer", PEERS, ids=lambda peer: f"{peer.package}-{peer.step}")
    def test_each_is_pinned_and_brings_a_chain_and_a_fan_out(self, peer: Peer) -> None:
        assert all("==" in package for package in (peer.package, *peer.also))
        for name in ("chain.py", "fan.py"):
            ast.parse(peer.files[name])

    def test_one_that_cannot_be_installed_says_why_and_is_tried_again(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr(peers, "_VENVS", tmp_path / "peers")
        monkeypatch.setenv("UV_OFFLINE", "1")
        monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
        absent = Peer("lazur-has-no-such-peer==1.0", "nothing", "true", {})
        for _ in range(2):
            assert "lazur-has-no-such-peer" in (peers.install(absent) or "")
