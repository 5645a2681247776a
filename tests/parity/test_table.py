"""docs/azure-compatibility.md says what the cases show. That they do is seen by running them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.parity.table import PAGE

_ROW = re.compile(r"^\| `([\w.]+)` \| (works|partial|not yet) \|", re.MULTILINE)
_PARTIAL = re.compile(r"^\| `([\w.]+)` \| partial \| (.*) \|$", re.MULTILINE)
CASES = Path(__file__).parent / "cases"


class TestTable:
    def test_what_a_case_shows_is_in_the_table_and_nothing_else(self) -> None:
        listed = dict(_ROW.findall(PAGE.read_text()))
        claimed = {name for name, word in listed.items() if word != "not yet"}
        assert claimed == set(_shown()), "run: python -m tests.parity.table --write"

    def test_what_is_lacking_is_told(self) -> None:
        partial = _PARTIAL.findall(PAGE.read_text())
        assert {name for name, told in partial if told} == {
            name for name, lacks in _shown().items() if lacks
        }


def _shown() -> dict[str, bool]:
    """Operations of all cases, and whether one of them lacks something. The cases themselves are
    not imported: the client is elsewhere."""
    found: dict[str, bool] = {}
    for path in CASES.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.FunctionDef):
                continue
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call) and _name(decorator.func) == "operation":
                    first = decorator.args[0]
                    assert isinstance(first, ast.Constant)
                    lacks = any(word.arg == "lacks" for word in decorator.keywords)
                    found[str(first.value)] = found.get(str(first.value), False) or lacks
    return found


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""
