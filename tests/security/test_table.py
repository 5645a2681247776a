"""The page about security says what is true."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "contributing" / "security.md").read_text()
ROWS = {
    cells[1]: cells
    for line in PAGE.splitlines()
    if (cells := [cell.strip() for cell in line.split("|")])[1:2] and re.match(r"S\d", cells[1])
}
NAMED = sorted(set(re.findall(r"`([\w/]+\.py(?:::\w+)?)`", "".join(r[3] for r in ROWS.values()))))


class TestTable:
    def test_every_check_has_one_line(self) -> None:
        listed = re.findall(r"^\| (S\d+) \|", PAGE, re.MULTILINE)
        assert listed == [f"S{number}" for number in range(1, 63)]

    @pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
    def test_it_names_tests_or_says_what_will_bring_them(self, row: list[str]) -> None:
        _, _, guard, tests, without, _ = row
        assert guard
        if tests.startswith("not yet: "):
            assert without == "–"
        else:
            assert "`" in tests
            assert len(without) > 5

    @pytest.mark.parametrize("name", NAMED)
    def test_each_named_test_is_there(self, name: str) -> None:
        path, _, test = name.partition("::")
        assert (ROOT / "tests" / path).is_file()
        assert not test or test in defined(ROOT / "tests" / path)

    def test_each_test_of_this_folder_is_named(self) -> None:
        """What proves something is found from the page."""
        for path in sorted((ROOT / "tests" / "security").glob("test_*.py")):
            for group in [] if path == Path(__file__) else groups(path):
                found = {group, *methods(path)[group]}
                assert any(f"security/{path.name}::{name}`" in PAGE for name in found), group


@cache
def defined(path: Path) -> frozenset[str]:
    """Names of classes and of tests in a file."""
    kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(n.name for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, kinds))


def groups(path: Path) -> list[str]:
    return list(methods(path))


@cache
def methods(path: Path) -> dict[str, list[str]]:
    return {
        group.name: [n.name for n in group.body if isinstance(n, ast.FunctionDef)]
        for group in ast.parse(path.read_text()).body
        if isinstance(group, ast.ClassDef) and group.name.startswith("Test")
    }
