"""Azure's published examples, unchanged, from a checkout of Azure/azureml-examples that somebody
has: `make published EXAMPLES=FOLDER`. None of them is copied here. What their own scripts make
before (a compute, a data asset) the tests make too; what they read from the network is given with
`--set`, as on `az ml`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import stop
from tests.journeys.conftest import Person


@dataclass(frozen=True)
class Examples:
    """`cli` of a checkout. Nothing is written into it."""

    cli: Path
    home: Path
    results: Path

    def at(self, folder: str) -> Person:
        """In that folder of `cli`. Skips where the checkout has no such."""
        if not (self.cli / folder).is_dir():
            pytest.skip(f"the checkout that EXAMPLES names has no cli/{folder}")
        return Person(self.home, self.cli / folder, {})

    def results_of(self, person: Person, name: str) -> dict[str, Path]:
        """All that a job stored, by path below its folder."""
        folder = self.results / name
        ran = person("job", "download", "-n", name, "--all", "-p", str(folder))
        assert ran.code == 0, ran.err
        found = (path for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix(): path for path in found}


def steps(person: Person, name: str) -> dict[str, Any]:
    """Each step of a job that has ended, by its name: `status`, `job` (its own name), ..."""
    return {step["name"]: step for step in person.ok("job", "show", "-n", name)["steps"]}


@pytest.fixture(scope="session")
def published_home(_persons: Path) -> Iterator[Path]:
    """A server on which is what the examples' setup script makes."""
    home = _persons / "published" / ".lazur"
    home.parent.mkdir()
    someone = Person(home, home.parent, {})
    for name in ("cpu-cluster", "gpu-cluster"):
        someone.ok("compute", "create", "-n", name, "--type", "amlcompute", "--max-instances", "2")
    yield home
    stop(home)


@pytest.fixture
def examples(request: pytest.FixtureRequest, tmp_path: Path) -> Examples:
    checkout = os.environ.get("EXAMPLES")
    if not checkout:
        pytest.skip("needs a checkout of Azure/azureml-examples: make published EXAMPLES=FOLDER")
    cli = Path(checkout).expanduser().resolve() / "cli"
    if not cli.is_dir():
        pytest.fail(
            f"EXAMPLES={checkout} has no folder cli: is it a checkout of azureml-examples?"
        )
    return Examples(cli, request.getfixturevalue("published_home"), tmp_path)
