"""Real servers for all tests of this folder: one that runs jobs, one that only answers."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from lazur.testing.server import Server
from tests.security.wire import Wire, serving

CANARIES = {
    "LAZUR_TEST_CANARY": "canary-own-variable",
    "AWS_SECRET_ACCESS_KEY": "canary-cloud-key",
    "DATABASE_PASSWORD": "canary-database",
    "PGPASSWORD": "canary-postgresql",
    "GITHUB_TOKEN": "canary-forge",
}
"""In the environment of both servers; none may ever come out."""


@pytest.fixture(scope="session")
def servers() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="lazur-s-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def running(servers: Path) -> Iterator[Server]:
    """API and loops: jobs run."""
    with started(servers / "running") as server:
        yield server


@pytest.fixture(scope="session")
def answering(servers: Path) -> Iterator[Server]:
    """API without loops: whatever is submitted stays where it is."""
    with started(servers / "answering", role="api") as server:
        yield server


@pytest.fixture
def owner(running: Server) -> Iterator[Wire]:
    with Wire(running, running.token) as wire:
        yield wire


@pytest.fixture
def caller(answering: Server) -> Iterator[Wire]:
    """The owner of the server that only answers."""
    with Wire(answering, answering.token) as wire:
        yield wire


def started(folder: Path, **settings: str) -> AbstractContextManager[Server]:
    folder.mkdir()
    made = Server(folder / "home", port="0", **settings)
    made.environ |= CANARIES
    return serving(made)
