"""Clients that people still have: what they see here is what they see at upstream's server."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance import sides
from tests.conformance.sides import Side

pytestmark = [pytest.mark.slow, pytest.mark.network]

SCRIPT = Path(__file__).with_name("older.py")
VERSIONS = ("2.9.2", "2.22.2")
_UV = [sys.executable, "-m", "uv"]


class TestOlderClients:
    @pytest.mark.parametrize("version", VERSIONS)
    def test_a_training_script_sees_the_same_on_both_sides(
        self, version: str, tmp_path: Path
    ) -> None:
        python = environment(version, tmp_path / "venv")
        with (
            sides.upstream(tmp_path / "upstream") as upstream,
            sides.ours(tmp_path / "ours") as ours,
        ):
            wanted = run(python, upstream)
            assert run(python, ours) == wanted
        told = json.loads(wanted)
        assert told["status"] == "FINISHED"
        assert told["found"] == 1
        assert told["loaded"][0] == told["loaded"][2]


def environment(version: str, folder: Path) -> Path:
    subprocess.run([*_UV, "venv", "--quiet", str(folder)], check=True)
    python = folder / "bin" / "python"
    wanted = [f"mlflow=={version}", "scikit-learn<1.6", "setuptools<81"]
    done = subprocess.run(
        [*_UV, "pip", "install", "--quiet", "--python", str(python), *wanted],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        pytest.skip(f"MLflow {version} cannot be installed here: {done.stderr[-300:]}")
    return python


def run(python: Path, side: Side) -> str:
    environ = {k: v for k, v in side.environ().items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [str(python), "-W", "ignore", str(SCRIPT)],
        env=environ,
        cwd=side.folder,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.strip().splitlines()[-1]
