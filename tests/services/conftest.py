from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lazur.testing.fakes import Engine, FakeBuilder
from tests.site import Clock, TestSite, open_site


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine(clock: Clock) -> Engine:
    return Engine(clock)


@pytest.fixture
def builder(tmp_path: Path) -> FakeBuilder:
    return FakeBuilder(str(tmp_path / "envs"))


@pytest.fixture
def site(
    home: Path, ready_database_url: str, engine: Engine, builder: FakeBuilder
) -> Iterator[TestSite]:
    made = open_site(home, ready_database_url, engine, builder)
    yield made
    made.db.close()
