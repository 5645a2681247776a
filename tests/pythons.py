"""Interpreters of other versions, for tests of what must run on them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path


def find(version: str) -> str | None:
    """A real interpreter of that version on this machine, if there is one."""
    if sys.version.startswith(f"{version}."):
        return sys.executable
    if pyenv := shutil.which("pyenv"):
        for found in Path(pyenv).parents[1].glob(f"versions/{version}.*/bin/python"):
            return str(found)
    return on_path(version)


def on_path(version: str) -> str | None:
    """One that builders of environments find, too."""
    found = shutil.which(f"python{version}")
    return found if found and _runs(found) else None


def _runs(python: str) -> bool:
    """A version manager's shim is there for versions that it does not have."""
    return subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0
