"""What the tools of `make check` cannot see of how the repository hangs together."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from lazur import registry
from tools import hygiene, lock

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "lazur"
ROOMS = ("backends", "builders", "blobs", "vaults", "datastores")
LIGHT = (
    "errors.py",
    "dsl.py",
    "egress.py",
    "outbound.py",
    "registry.py",
    "safe.py",
    "shell.py",
    "spec",
    "engine",
    "kinds",
    "sdk",
    "cli",
    "mltable",
    "parallel.py",
    "azureml",
    "sweep.py",
    "v1",
)
"""What `pip install lazur` must be able to import, without any extra."""
PARTS = ("dependencies", "server", "postgresql", "tensorboard", "testing")
NEWER = {"_sha2"}
"""Modules of the standard library that came after the Python which runs the tests."""
MODULES = {
    "yaml": "pyyaml",
    "pydantic_core": "pydantic",
    "argon2": "argon2-cffi",
    "jwt": "pyjwt",
}
"""Modules that are not called like their package, or that belong to it."""
ELSEWHERE = {"azure_fetch.py", "azure_wire.py"}
"""These run in a Python of the user's, with what is there."""


class TestRuntime:
    @pytest.mark.parametrize(
        "path", sorted((SOURCE / "runtime").rglob("*.py")), ids=lambda p: p.name
    )
    def test_it_imports_the_standard_library_alone(self, path: Path) -> None:
        """It travels to nodes that have a Python and nothing else."""
        allowed = (
            sys.stdlib_module_names | NEWER | {p.stem for p in (SOURCE / "runtime").glob("*.py")}
        )
        for name in _imported(path):
            top = name.split(".")[0]
            assert top in allowed or name.startswith("lazur.runtime"), name


class TestRooms:
    @pytest.mark.parametrize("room", ROOMS)
    def test_plugs_do_not_import_each_other(self, room: str) -> None:
        plugs = set(registry.built_in(room))
        for plug in plugs:
            others = {f"lazur.{room}.{other}" for other in plugs - {plug}}
            for path in _files(SOURCE / room / plug):
                assert not others & set(_imported(path)), path


class TestDependencies:
    @pytest.mark.parametrize("part", LIGHT)
    def test_the_light_install_has_all_that_the_client_imports(self, part: str) -> None:
        allowed = _declared("dependencies")
        for path in _files(SOURCE / part.removesuffix(".py")):
            assert not _foreign(path) - allowed, path

    def test_every_import_is_declared(self) -> None:
        allowed = _declared(*PARTS)
        undeclared = {name for path in SOURCE.rglob("*.py") for name in _foreign(path) - allowed}
        assert not undeclared

    def test_what_is_declared_is_used(self) -> None:
        used = {name for path in SOURCE.rglob("*.py") for name in _foreign(path)}
        by_command_or_name = {"uv", "psycopg", "psycopg2-binary", "httptools", "aiohttp"}
        assert _declared(*PARTS) - used <= by_command_or_name

    def test_the_locks_fit(self) -> None:
        assert lock.recorded(lock.DEV) == lock.recorded(lock.UV) == lock.digest()

    @pytest.mark.parametrize("path", [lock.DEV, lock.UV], ids=lambda p: p.name)
    def test_locks_are_pinned_hashed_and_name_no_index(self, path: Path) -> None:
        lines = [
            line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")
        ]
        starts = [line for line in lines if not line.startswith(" ")]
        assert starts
        assert all("==" in line and line.endswith("\\") for line in starts)
        assert all(line.startswith("    --hash=sha256:") for line in lines if line.startswith(" "))
        assert "://" not in path.read_text()


class TestHygiene:
    @pytest.fixture
    def checkout(self, tmp_path: Path) -> Path:
        subprocess.run(["git", "init", "-q", tmp_path], check=True)
        (tmp_path / "a.txt").write_text("nothing wrong\n")
        subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
        return tmp_path

    def test_a_clean_checkout_has_no_problems(self, checkout: Path) -> None:
        assert list(hygiene.problems(checkout)) == []

    @pytest.mark.parametrize("text", ["see {parent}/x", "from pypi" + ".org", "<" * 7 + " HEAD"])
    def test_each_thing_is_found(self, checkout: Path, text: str) -> None:
        (checkout / "a.txt").write_text("\n" + text.format(parent=checkout.parent) + "\n")
        assert [problem.partition(": ")[0] for problem in hygiene.problems(checkout)] == [
            "a.txt:2"
        ]


class TestLicence:
    def test_it_is_apache(self) -> None:
        assert "Apache License" in (ROOT / "LICENSE").read_text()


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(path.rglob("*.py"))
    return [path.with_suffix(".py")] if path.with_suffix(".py").exists() else []


def _imported(path: Path) -> Iterator[str]:
    """Every module that `path` imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _foreign(path: Path) -> set[str]:
    """Packages outside of the standard library and of Lazur."""
    tops = {name.split(".")[0] for name in _imported(path)}
    if "runtime" in path.parts or path.name in ELSEWHERE:
        return set()
    foreign = tops - sys.stdlib_module_names - {"lazur"}
    return {canonicalize_name(MODULES.get(name, name)) for name in foreign}


def _declared(*parts: str) -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lists = {"dependencies": project["dependencies"], **project["optional-dependencies"]}
    return {canonicalize_name(Requirement(text).name) for part in parts for text in lists[part]}
