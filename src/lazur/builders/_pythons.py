"""Which Python an environment gets: the one asked for, fetched where the network allows, or the
closest present."""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from lazur.builders import _uv

FETCH_TIMEOUT = "10"
"""Seconds without an answer until the network counts as absent."""


@dataclass(frozen=True)
class Python:
    version: str
    path: str

    @property
    def parsed(self) -> Version:
        return Version(self.version)


@dataclass(frozen=True)
class Choice:
    python: Python | None
    exact: bool
    """It is what was asked for, not a stand-in."""


def known(env: Mapping[str, str], extra: Path) -> list[Python]:
    """Those whose version their place tells: ours, pyenv's, and fetched ones. Nothing is started,
    which matters: asking every Python of a machine takes a second when it was never done."""
    folders = [*_pyenv(env).glob("versions/3.*"), *extra.glob("cpython-3.*")]
    named = [(_told(folder.name), folder / "bin" / "python3") for folder in folders]
    own = Path(sys.base_prefix, "bin", "python{}.{}".format(*sys.version_info[:2]))
    named.append((platform.python_version(), own))
    found = [Python(version, str(path)) for version, path in named if version and path.exists()]
    return sorted(found, key=lambda python: python.parsed, reverse=True)


def present(env: Mapping[str, str], cwd: Path, extra: Path) -> list[Python]:
    """The CPythons of this machine, newest first, one per version. `extra`: where fetched ones
    lie."""
    asked = {**env, "PATH": os.pathsep.join(_places(env)), "UV_PYTHON_INSTALL_DIR": str(extra)}
    answer = _uv.capture(
        ["python", "list", "--only-installed", "--no-python-downloads", "--output-format", "json"],
        env=asked,
        cwd=cwd,
    )
    found: dict[str, Python] = {}
    for entry in json.loads(answer or "[]"):
        if _usable(entry):
            found.setdefault(entry["version"], Python(entry["version"], entry["path"]))
    return sorted(found.values(), key=lambda python: python.parsed, reverse=True)


def choose(wanted: str | None, pythons: list[Python]) -> Choice:
    """The best of those present. `wanted`: `3.10`, `3.9.18`, bounds `<3.11,>=3.8`, or None for
    any."""
    if not pythons:
        return Choice(None, exact=False)
    if wanted is None:
        return Choice(_nearest(Version(platform.python_version()), pythons), exact=True)
    bounds = _bounds(wanted)
    fitting = [python for python in pythons if bounds.contains(python.version, prereleases=True)]
    if fitting:
        return Choice(_preferred(fitting), exact=True)
    return Choice(_nearest(_target(wanted), pythons), exact=False)


def serves(wanted: str, python: Python) -> bool:
    """Whether only the last number differs: `3.8.18` does where `3.8.5` is asked for."""
    target = _target(wanted)
    return target.release[:2] == python.parsed.release[:2] and not any(c in wanted for c in "<>!~")


def request(wanted: str) -> str:
    """As `uv python install` takes it."""
    return wanted.replace(" ", "")


def _places(env: Mapping[str, str]) -> Iterable[str]:
    """PATH without pyenv's shims, which answer for Pythons that are not switched on, and pyenv's
    own folders."""
    root = _pyenv(env)
    shims = str(root / "shims")
    own = [str(Path(sys.base_prefix, "bin"))]
    listed = [part for part in env.get("PATH", "").split(os.pathsep) if part and part != shims]
    usual = ["/usr/local/bin", "/usr/bin", "/bin"]
    versions = (str(path) for path in sorted(root.glob("versions/3.*/bin"), reverse=True))
    return dict.fromkeys([*own, *listed, *usual, *versions])


def _pyenv(env: Mapping[str, str]) -> Path:
    return Path(os.environ.get("PYENV_ROOT") or Path(env.get("HOME", ""), ".pyenv"))


def _told(name: str) -> str | None:
    """`3.10.13`, `cpython-3.10.13-linux-x86_64-gnu`; None for pre-releases and other builds."""
    found = re.fullmatch(r"(?:cpython-)?(3\.\d+\.\d+)(?:-[a-z][\w-]*)?", name)
    return found[1] if found else None


def _usable(entry: Mapping[str, object]) -> bool:
    if entry.get("implementation") != "cpython" or entry.get("variant", "default") != "default":
        return False
    try:
        return Version(str(entry["version"])).release >= (3, 6) and bool(entry.get("path"))
    except InvalidVersion:
        return False


def _bounds(wanted: str) -> SpecifierSet:
    if wanted[:1].isdigit():
        return SpecifierSet(f"=={wanted}" if wanted.count(".") > 1 else f"=={wanted}.*")
    try:
        return SpecifierSet(wanted)
    except InvalidSpecifier:
        return SpecifierSet("<0")


def _target(wanted: str) -> Version:
    """One version that stands for the wish."""
    digits = "".join(c if c.isdigit() or c == "." else " " for c in wanted).split()
    versions = [Version(text.strip(".")) for text in digits if text.strip(".")]
    return max(versions) if versions else Version(platform.python_version())


def _preferred(fitting: list[Python]) -> Python:
    """Our own version when it fits, for most packages have wheels for it; else the newest."""
    own = Version(platform.python_version()).release[:2]
    return next((python for python in fitting if python.parsed.release[:2] == own), fitting[0])


def _nearest(target: Version, pythons: list[Python]) -> Python:
    """By minor version, the newer one of two equally far."""

    def distance(python: Python) -> tuple[int, int]:
        step = python.parsed.minor - target.minor
        return abs(step), 0 if step >= 0 else 1

    return min(pythons, key=distance)
