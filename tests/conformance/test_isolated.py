"""A stranger repeats what quick cases ask; `make mlflow-conformance ARGS=--isolation` has all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conformance import isolation, suite
from tests.conformance.differences import excepted

QUICK = (
    "runs.metrics",
    "experiments",
    "models",
    "artifacts.raw",
    "datasets.life",
    "prompts.life",
    "registry.versions",
    "traces.by_client",
    "gateway",
    "mcp",
    "reviews",
    "webhooks.life",
)

_strangers_token = isolation.strangers_token


@pytest.mark.slow
class TestStranger:
    def test_finds_and_touches_nothing(self, tmp_path: Path) -> None:
        found = isolation.isolated(tmp_path, suite.cases(QUICK))
        assert not found.failed(whole=False), "\n".join(found.told(whole=False))
        assert len(found.succeeded) > 140
        assert found.accepted, "he may do nothing at all: then nothing was tried"

    def test_one_who_may_come_in_would_be_noticed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Else the test above would see nothing where there is something to see."""
        monkeypatch.setattr(isolation, "_STRANGERS", isolation.BASE)
        monkeypatch.setattr(isolation, "strangers_token", _owners)
        monkeypatch.setattr(isolation, "_DRAWN", re.compile(""))  # nor takes names before
        found = isolation.isolated(
            tmp_path, suite.cases(("experiments", "artifacts.raw", "registry.versions"))
        )
        told = "\n".join(found.breaches)
        for noticed in (
            "stranger changed or removed a row of owner's",
            "stranger wrote a row of owner's",
            "stranger is shown owner's",
            "stranger is answered what owner is",
            "stranger may write, naming",
            "touched the file",
        ):
            assert noticed in told


class TestExcuses:
    def test_are_for_routes_that_are_there(self) -> None:
        there = isolation.served()
        assert [pattern for pattern in isolation.NEVER if not excepted(there, pattern)] == []
        assert isolation.FREE.keys() <= there


def _owners(url: str, owners: str) -> str:
    _strangers_token(url, owners)
    return owners
