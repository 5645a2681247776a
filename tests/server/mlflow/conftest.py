"""One pair of servers for all differential tests of a database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.server.mlflow.differential import Pair, open_pair


@pytest.fixture(
    scope="session",
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs_postgresql)],
)
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    """Shared: a test that makes an experiment of its own is undisturbed by the others."""
    folder = tmp_path_factory.mktemp("pair")
    with ExitStack() as stack:
        ours, theirs = _urls(request, folder, stack)
        yield stack.enter_context(open_pair(folder, ours, theirs))


def _urls(request: pytest.FixtureRequest, folder: Path, stack: ExitStack) -> tuple[str, str]:
    if request.param == "sqlite":
        return f"sqlite:///{folder / 'ours.db'}", f"sqlite:///{folder / 'theirs.db'}"
    server = request.getfixturevalue("postgresql_server")
    return stack.enter_context(server.database()), stack.enter_context(server.database())
