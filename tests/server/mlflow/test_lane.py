"""When there is a fast lane at all."""

from __future__ import annotations

import pytest

from lazur.server.mlflow import lane
from lazur.store.mlflow import schema


class TestVersion:
    def test_the_installed_mlflow_is_the_one_that_the_lane_is_for(self) -> None:
        assert lane.fits()

    def test_with_another_one_it_steps_aside_and_says_so(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(schema, "TESTED", "3.0.0")
        assert not lane.fits()
        assert "the fast lane is for 3.0.0" in caplog.text
