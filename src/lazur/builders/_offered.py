"""What every environment has beside what was asked for: `mltable`, and `azureml` of old scripts.

Ours are copied into the environment, beside `site-packages` and not into it, and a `.pth` line
puts them behind everything that is installed: whoever installs Microsoft's packages, in the
environment or in a job, gets those. Nothing is imported at the start of a process; a folder more
is looked into for what no other has.

The folder is named after what is in it: an environment that was built by another version of Lazur
gets this one's beside its own when it is next looked for, and jobs that run keep theirs.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

_OURS = Path(__file__).resolve().parent.parent
_LEFT_OUT = {"azureml": ("__init__.py",)}
"""There it is a namespace, whose parts may be Microsoft's."""
_NAMES = ("azureml", "mltable")
_LINES = ("lazur_packages.pth", "lazur_mltable.pth")
"""The file that puts the folder on the path, and its old name."""


def offer(prefix: Path) -> None:
    """Make ours importable in the environment. Twice is once."""
    packages = next((prefix / "lib").glob("python3*/site-packages"), None)
    if packages is None:
        return
    folder = _folder(prefix)
    if folder.is_dir():
        return
    made = Path(tempfile.mkdtemp(prefix=".lazur-packages-", dir=folder.parent))
    made.chmod(folder.parent.stat().st_mode & 0o777)  # jobs may be other people's processes
    try:
        _copy(made)
        _write(packages / _LINES[0], f"{folder}\n")
        (packages / _LINES[1]).unlink(missing_ok=True)
        made.rename(folder)  # last: without the folder, all is done again
    except OSError:
        if not folder.is_dir():  # else somebody was faster
            raise
    finally:
        shutil.rmtree(made, ignore_errors=True)


def is_offered(prefix: Path) -> bool:
    return _folder(prefix).is_dir()


def is_microsofts(prefix: Path) -> bool:
    """Whether `azureml.core` there is Microsoft's, which speaks with Azure alone."""
    return any((prefix / "lib").glob("python3*/site-packages/azureml/core/__init__.py"))


def _folder(prefix: Path) -> Path:
    return prefix / "lib" / f"lazur-packages-{_digest()}"


def _copy(made: Path) -> None:
    for name in _NAMES:
        left_out = shutil.ignore_patterns("__pycache__")
        shutil.copytree(_OURS / name, made / name, ignore=left_out)
        for file in _LEFT_OUT.get(name, ()):
            (made / name / file).unlink()


def _write(path: Path, text: str) -> None:
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_text(text)
    aside.replace(path)


@cache
def _digest() -> str:
    found = hashlib.sha256()
    for name in _NAMES:
        for file in sorted((_OURS / name).rglob("*.py")):
            found.update(f"{file.relative_to(_OURS)}\0".encode())
            found.update(hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()[:12]
