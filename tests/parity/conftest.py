"""A real server, and Azure's own client beside it with nothing but the variables that `lazur azure
env` prints."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli, stop
from tests.parity import clients

SECONDS = 600
_IMPORTS = (
    "import os",
    "from azure.ai.ml import MLClient",
    "from azure.identity import DefaultAzureCredential",
)
_KEPT = ("PATH", "LANG", "TMPDIR")


@dataclass(frozen=True)
class Cloud:
    """What an unmodified script meets."""

    cli: Cli
    variables: dict[str, str]

    def run(self, release: str, noun: str, folder: Path) -> Told:
        """All cases of a noun, in the client's own virtual environment."""
        python = clients.python(release)
        if python is None:
            pytest.skip(f"azure-ai-ml {release} is not installed: make azure-clients")
        done = subprocess.run(
            [python, "-m", "tests.parity.run", noun],
            cwd=folder,
            env=self.environ(folder, PYTHONPATH=str(clients.ROOT)),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        lines = [json.loads(x) for x in done.stdout.splitlines() if x.startswith('{"')]
        assert done.returncode == 0, done.stderr[-4000:]
        return Told(lines[:-1], lines[-1]["foreign"], done.stderr)

    def script(
        self, folder: Path, *lines: str, release: str = clients.NEWEST, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """A person's own script."""
        python = clients.python(release)
        if python is None:
            pytest.skip("azure-ai-ml is not installed: make azure-clients")
        return subprocess.run(
            [python, "-c", "\n".join([*_IMPORTS, *lines])],
            cwd=folder,
            env=self.environ(folder, **more),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def environ(self, folder: Path, **more: str) -> dict[str, str]:
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        return {**kept, "HOME": str(folder), **self.variables, **more}


@dataclass(frozen=True)
class Told:
    cases: list[dict[str, Any]]
    foreign: list[str]
    errors: str


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    folder = tmp_path_factory.mktemp("cloud")
    cli = Cli(folder / "home", folder)
    (folder / "home").mkdir(mode=0o700)
    (folder / "home" / "config.toml").write_text('egress_allow = ["127.0.0.1"]\n')
    try:
        yield Cloud(cli, cli.ok("azure", "env", "--json"))
    finally:
        stop(cli.home)


def cases() -> list[str]:
    """Nouns that there are cases of."""
    folder = Path(__file__).parent / "cases"
    return sorted(p.stem for p in folder.glob("*.py") if p.stem not in {"operations", "__init__"})
