"""When there is a fast lane at all, and an upstream behind it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from lazur.errors import MissingExtra
from lazur.server.mlflow import lane
from lazur.server.mlflow.upstream import Upstream
from lazur.server.proxy import Outgoing
from lazur.server.settings import Settings
from lazur.store.mlflow import schema
from lazur.testing.fakes import Engine, FakeBuilder
from tests.site import Clock, open_site


class TestVersion:
    def test_the_installed_mlflow_is_the_one_that_the_lane_is_for(self) -> None:
        assert lane.fits()

    def test_with_another_one_it_steps_aside_and_says_so(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(schema, "TESTED", "3.0.0")
        assert not lane.fits()
        assert "the fast lane is for 3.0.0" in caplog.text

    def test_without_any_clients_are_told_so_and_what_to_install(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
    ) -> None:
        monkeypatch.setattr(schema, "installed", lambda: None)
        assert not lane.fits()
        assert "MLflow is not installed" in caplog.text
        builder = FakeBuilder(str(tmp_path / "envs"))
        site = open_site(tmp_path, f"sqlite:///{tmp_path}/lazur.db", Engine(Clock()), builder)
        upstream = Upstream(site, Settings(home=tmp_path))
        asked = Outgoing("GET", "/version", [], b"")
        with pytest.raises(MissingExtra, match=r"lazur\[server\]"):
            asyncio.run(upstream.fetch(asked, "ws-1"))
        site.db.close()
