"""A person at a terminal: folders with YAML, the real command line, real servers and jobs."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli, Ran, stop
from tests.journeys.tracking import Scientist, look_in


@dataclass(frozen=True)
class Person:
    """In `folder`, with a server in `home`. `settings` are set in every command's environment,
    and so in that of the server which the first one starts."""

    home: Path
    folder: Path
    settings: dict[str, str]

    def __call__(self, *words: str) -> Ran:
        return Cli(self.home, self.folder)(*words, **self.settings)

    def ok(self, *words: str) -> Any:
        return self(*words).json()

    def text(self, *words: str) -> str:
        """One bare word, as scripts ask for it."""
        ran = self(*words, "-o", "tsv")
        assert ran.code == 0, ran.err
        return ran.out.strip()

    def write(self, path: str, text: str) -> str:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text))
        return path

    def run(self, file: str, *words: str) -> str:
        """Name of the job, which has completed."""
        name = self.text("job", "create", "-f", file, *words, "--query", "name")
        ran = self("job", "stream", "-n", name)
        assert ran.code == 0, ran.err
        return name

    def log(self, name: str) -> str:
        return self("job", "stream", "-n", name).out

    def download(self, name: str) -> dict[str, str]:
        folder = self.folder / "results" / name
        ran = self("job", "download", "-n", name, "--all", "-p", str(folder))
        assert ran.code == 0, ran.err
        found = (path for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix(): path.read_text() for path in found}

    def start(self, *words: str) -> Any:
        return Cli(self.home, self.folder).start(*words)

    @property
    def server(self) -> int:
        return json.loads((self.home / "server.json").read_text())["pid"]

    def stop(self) -> None:
        stop(self.home)


@pytest.fixture(scope="session")
def shared_home(_persons: Path) -> Iterator[Path]:
    home = _persons / "journeys" / ".lazur"
    home.parent.mkdir()
    yield home
    stop(home)


@pytest.fixture
def person(shared_home: Path, tmp_path: Path) -> Person:
    """In an empty folder, with the server that most journeys share."""
    return Person(shared_home, tmp_path, {})


@pytest.fixture
def newcomer(home: Path, tmp_path: Path) -> Iterator[Person]:
    """With a home of their own, where no server has ever run."""
    person = Person(home, tmp_path, {})
    yield person
    person.stop()


@pytest.fixture
def scientist(person: Person, monkeypatch: pytest.MonkeyPatch) -> Scientist:
    return look_in(person, monkeypatch)
