"""`pip install` inside a job: there in every environment, and never changes the environment.

Environments are shared, so the runtime sends what a job installs into the job's own folder
(`PIP_PREFIX`). pip itself is the wheel that every Python carries for `ensurepip`, used where it
lies: nothing is installed for it.
"""

from __future__ import annotations

from pathlib import Path

from lazur.builders._pythons import Python

_SHIM = """#!/bin/sh
exec "$(dirname "$0")/python" -m pip "$@"
"""


def offer(prefix: Path, python: Python) -> None:
    """Make `pip` and `python -m pip` work in the environment, unless it has a pip of its own.
    Where the Python has no wheel of pip (some distributions cut it out), there is none."""
    if (prefix / "bin" / "pip").exists():
        return
    wheel = _bundled(python)
    packages = next((prefix / "lib").glob("python3*/site-packages"), None)
    if wheel is None or packages is None:
        return
    (packages / "lazur_pip.pth").write_text(f"{wheel}\n")
    for name in ("pip", "pip3"):
        shim = prefix / "bin" / name
        shim.write_text(_SHIM)
        shim.chmod(0o755)


def _bundled(python: Python) -> Path | None:
    """In the Python itself, or beside it, where Debian has it."""
    prefix = Path(python.path).resolve().parent.parent
    minor = ".".join(python.version.split(".")[:2])
    folders = (
        prefix / "lib" / f"python{minor}" / "ensurepip" / "_bundled",
        prefix / "share" / "python-wheels",
    )
    found = (wheel for folder in folders for wheel in sorted(folder.glob("pip-*.whl")))
    return next(found, None)
