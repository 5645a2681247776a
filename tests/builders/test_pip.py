"""`pip` in an environment that did not ask for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lazur.builders import _pip
from lazur.builders._pythons import Python


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """An environment without pip."""
    made = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", made], check=True)
    return made


class TestOffer:
    def test_pip_works_and_installs_nothing_into_the_environment(self, prefix: Path) -> None:
        _pip.offer(prefix, this_python())
        for argv in ([prefix / "bin" / "pip"], [prefix / "bin" / "python", "-m", "pip"]):
            told = subprocess.run([*argv, "--version"], check=True, capture_output=True, text=True)
            assert ".whl/pip " in told.stdout
        assert not list(prefix.glob("lib/python3*/site-packages/pip"))

    def test_an_own_pip_is_left_alone(self, prefix: Path) -> None:
        own = prefix / "bin" / "pip"
        own.write_text("mine")
        _pip.offer(prefix, this_python())
        assert own.read_text() == "mine"
        assert not list(prefix.glob("lib/python3*/site-packages/lazur_pip.pth"))

    def test_a_python_without_the_wheel_has_no_pip(self, prefix: Path, tmp_path: Path) -> None:
        _pip.offer(prefix, Python("3.11.0", str(tmp_path / "bin" / "python3.11")))
        assert not (prefix / "bin" / "pip").exists()


def this_python() -> Python:
    version = ".".join(map(str, sys.version_info[:3]))
    return Python(version, str(Path(sys.base_prefix) / "bin" / "python3"))
