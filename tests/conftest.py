"""Fixtures for every test. No test sees the home folder or the settings of whoever runs it."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from lazur.store import schema
from lazur.store.db import Database
from lazur.store.mlflow import schema as mlflow_schema
from lazur.testing.ports import unused_port
from tests import compiled
from tests.effort import examples
from tests.postgresql import Server, missing

settings.register_profile(
    "tests",
    max_examples=examples(100),
    deadline=None,
    derandomize="EXPLORE" not in os.environ,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("tests")
"""A run is about the change that it belongs to: it has the same examples each time, however busy
the machine is. With EXPLORE=1 they are new ones, to look for what nobody thought of."""

_FOREIGN = ("LAZUR_", "AZUREML_", "AZURE_", "MLFLOW_")
_XDG = ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")


@pytest.fixture(scope="session", autouse=True)
def _persons() -> Iterator[Path]:
    """Home folders of the people that the tests play. Short: Unix sockets will lie in them."""
    folder = Path(tempfile.mkdtemp(prefix="lazur-"))
    with pytest.MonkeyPatch.context() as patch:
        for name in [n for n in os.environ if n.startswith(_FOREIGN) or n in _XDG]:
            patch.delenv(name)
        _become(patch, folder / "session")
        compiled.share(patch)
        yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def _person(_persons: Path) -> Iterator[None]:
    """A new home folder for each test: whatever it forgets, the real one stays as it was."""
    with pytest.MonkeyPatch.context() as patch:
        _become(patch, _persons / uuid.uuid4().hex[:12])
        yield


def _become(patch: pytest.MonkeyPatch, person: Path) -> None:
    person.mkdir(mode=0o700)
    patch.setenv("HOME", str(person))
    patch.setenv("LAZUR_HOME", str(person / ".lazur"))


@pytest.fixture
def home() -> Path:
    """An empty LAZUR_HOME, as a server makes it: mode 0700."""
    folder = Path(os.environ["LAZUR_HOME"])
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def free_port() -> int:
    """A loopback port that nobody held a moment ago; port 0 is better where a program can say
    which one it got."""
    return unused_port()


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Server]:
    """One server per test process. Ask for `postgresql` instead, which is a database in it."""
    if reason := missing():
        pytest.skip(reason)
    with Server.start() as server:
        yield server


@pytest.fixture
def postgresql(postgresql_server: Server) -> Iterator[str]:
    """URL of a fresh database on a real PostgreSQL server."""
    with postgresql_server.database() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs_postgresql)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a fresh, empty database: the test runs once on each engine."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'lazur.db'}"
    return request.getfixturevalue("postgresql")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs_postgresql)])
def ready_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """As `database_url`, with all tables of today and nothing in them: a copy of what was made
    once, since making them takes longer than most tests."""
    if request.param == "sqlite":
        made = shutil.copy(request.getfixturevalue("ready_file"), tmp_path / "lazur.db")
        yield f"sqlite:///{made}"
        return
    with request.getfixturevalue("ready_server").database("ready") as url:
        yield url


@pytest.fixture(scope="session")
def ready_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ready")
    _fill(f"sqlite:///{folder / 'made.db'}")
    with contextlib.closing(sqlite3.connect(folder / "made.db")) as made:
        made.execute("VACUUM INTO ?", (str(folder / "ready.db"),))
    return folder / "ready.db"


@pytest.fixture(scope="session")
def ready_server(postgresql_server: Server) -> Server:
    postgresql_server.add_template("ready", _fill)
    return postgresql_server


def _fill(url: str) -> None:
    db = Database(url)
    schema.bring_up(db)
    mlflow_schema.bring_up(db)
    db.close()
