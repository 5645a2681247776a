"""What an `advance` reaches can ask neither the clock nor chance nor the machine: the same view
has the same answer, whoever asks."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[3] / "src"
KINDS = sorted((SOURCE / "lazur" / "kinds" / "jobs").glob("*.py"))
PURE = set(
    "__future__ abc bisect collections dataclasses difflib enum functools graphlib hashlib json "
    "itertools math pydantic pydantic_core random re shlex statistics typing unicodedata "
    "urllib.parse".split()
)
"""Of `random` only generators that are given a seed."""
ACTS = {"open", "print", "input", "exec", "eval", "__import__", "compile", "breakpoint"}


def module(name: str) -> Path | None:
    place = SOURCE / name.replace(".", "/")
    return next((p for p in (place.with_suffix(".py"), place / "__init__.py") if p.exists()), None)


def imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """(module, name in it)"""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((str(node.module), alias.name) for alias in node.names)


def reached() -> dict[Path, ast.Module]:
    found: dict[Path, ast.Module] = {}
    waiting = list(KINDS)
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found[path] = ast.parse(path.read_text())
        for name, part in imported(found[path]):
            waiting += [p for p in (module(name), module(f"{name}.{part}")) if p is not None]
    return found


REACHED = reached()


def test_it_is_not_little() -> None:
    names = {path.stem for path in REACHED}
    assert {"deciding", "sweep", "early_stopping", "sampling", "command", "parallel"} <= names


@pytest.mark.parametrize("path", REACHED, ids=lambda path: str(path.relative_to(SOURCE)))
class TestReached:
    def test_it_imports_nothing_that_could_tell_two_moments_apart(self, path: Path) -> None:
        for name, part in imported(REACHED[path]):
            if name.startswith("lazur"):
                continue
            assert name in PURE or name.split(".")[0] in PURE - {"urllib"}, name
            assert name != "random" or part == "Random"

    def test_chance_has_a_seed(self, path: Path) -> None:
        for node in ast.walk(REACHED[path]):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id != "Random" or node.args, "a generator without a seed"

    def test_it_does_nothing_and_remembers_nothing(self, path: Path) -> None:
        for node in ast.walk(REACHED[path]):
            assert not isinstance(node, ast.Global), "a module's variable is written"
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ACTS, node.func.id
