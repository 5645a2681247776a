"""Break a rule in one place after another, and see whether a test notices.

    python -m tools.mutants kinds/pipelines/deciding.py tests/unit/kinds/pipelines
    python -m tools.mutants kinds/jobs/sweep.py tests/unit/kinds/test_sweep.py --lines 40-60

Run by hand where rules are touched: it takes minutes. Exit 1 names the mutants that lived: each is
a line that says something which no test asks for, or two ways to write the same.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib.machinery
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import pydantic
import pytest

SOURCE = Path(__file__).resolve().parent.parent / "src" / "lazur"
_READY = (hypothesis, pydantic)
"""Loaded once, in the process that all others are copies of."""
_PATIENCE = 10
"""Seconds for one test, after which the mutant counts as noticed: it runs for ever."""
_OTHER: dict[type[ast.AST], Any] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
}
_TESTS = ast.Compare | ast.BoolOp | ast.UnaryOp
"""Conditions that have variants of their own."""


@dataclass(frozen=True)
class Mutant:
    line: int
    before: str
    after: str
    source: str


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rule", help="a file below src/lazur")
    parser.add_argument("tests", nargs="+")
    parser.add_argument("--lines", default="1-99999")
    parser.add_argument("-k", default="")
    asked = parser.parse_args()
    first, last = map(int, asked.lines.split("-"))
    source = (SOURCE / asked.rule).read_text()
    words = ["-x", "-q", "--no-header", "-p", "no:cacheprovider", "-p", "no:xdist", *asked.tests]
    words += [
        f"--timeout={_PATIENCE}",
        "-W",
        "ignore:Module already imported",
        *(["-k", asked.k] if asked.k else []),
    ]
    found = [m for m in mutants(source) if first <= m.line <= last]
    if _is_noticed(asked.rule, source, words):
        print("the tests fail as it is")
        return 2
    lived = 0
    for mutant in found:
        if not _is_noticed(asked.rule, mutant.source, words):
            lived += 1
            told = f"{mutant.before}\n    lives as: {mutant.after}"
            print(f"{asked.rule}:{mutant.line}: {told}", flush=True)
    print(f"{len(found) - lived} of {len(found)} noticed")
    return 1 if lived else 0


def mutants(source: str) -> Iterator[Mutant]:
    tree = ast.parse(source)
    passed = {inner for node in ast.walk(tree) for one in _decorators(node) for inner in one}
    passed |= {inner for node in tree.body if _is_for_types(node) for inner in ast.walk(node)}
    for place, node in enumerate(ast.walk(tree)):
        if node in passed:
            continue
        for variant in range(len(list(_variants(node)))):
            made = copy.deepcopy(tree)
            mine = next(n for at, n in enumerate(ast.walk(made)) if at == place)
            before = ast.unparse(mine)
            other = list(_variants(mine))[variant]
            _replace(made, mine, other)
            at = node.target if isinstance(node, ast.comprehension) else node
            line = getattr(at, "lineno", 0)
            yield Mutant(line, before, ast.unparse(other), ast.unparse(made))


def _decorators(node: ast.AST) -> Iterator[Iterator[ast.AST]]:
    for one in getattr(node, "decorator_list", []):
        yield ast.walk(one)


def _is_for_types(node: ast.AST) -> bool:
    """What no program runs."""
    match node:
        case ast.If(ast.Name("TYPE_CHECKING")) | ast.Assign([ast.Name("TYPE_CHECKING")]):
            return True
        case _:
            return False


def _variants(node: ast.AST) -> Iterator[ast.AST]:
    """What could stand in its place and mean something else."""
    match node:
        case ast.Compare(left, [op], [right]) if type(op) in _OTHER:
            yield ast.Compare(left, [_OTHER[type(op)]()], [right])
        case ast.BoolOp(op, values):
            yield ast.BoolOp(_OTHER[type(op)](), values)
            for left_out in values:
                rest = [value for value in values if value is not left_out]
                yield rest[0] if len(rest) == 1 else ast.BoolOp(op, rest)
        case ast.UnaryOp(ast.Not(), operand):
            yield operand
        case ast.BinOp(left, op, right) if type(op) in _OTHER:
            yield ast.BinOp(left, _OTHER[type(op)](), right)
        case ast.If(test, body, orelse) if not isinstance(test, _TESTS):
            yield ast.If(ast.UnaryOp(ast.Not(), test), body, orelse)
        case ast.IfExp(test, body, orelse) if not isinstance(test, _TESTS):
            yield ast.IfExp(ast.UnaryOp(ast.Not(), test), body, orelse)
        case ast.comprehension(target, iterated, ifs, is_async) if ifs:
            for left_out in ifs:
                rest = [one for one in ifs if one is not left_out]
                yield ast.comprehension(target, iterated, rest, is_async)
        case ast.Constant(bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(int() | float() as value):
            yield ast.Constant(value + 1)
        case ast.AugAssign() | ast.Expr(ast.Call()):
            yield ast.Pass()
        case _:
            pass


def _replace(tree: ast.Module, old: ast.AST, new: ast.AST) -> None:
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, field, new)
            elif isinstance(value, list):
                value[:] = [new if one is old else one for one in value]


def _is_noticed(rule: str, source: str, words: list[str]) -> bool:
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0
    try:
        os._exit(_tested(rule, source, words))
    finally:
        os._exit(1)


def _tested(rule: str, source: str, words: list[str]) -> int:
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = folder
        file = Path(folder) / "mutant.py"
        file.write_text(source)
        name = "lazur." + rule.removesuffix(".py").replace("/", ".")
        sys.meta_path.insert(0, _Finder(name, file))
        return int(pytest.main(words))


class _Finder:
    """Finds the mutant instead of its module."""

    def __init__(self, name: str, file: Path) -> None:
        self._name, self._file = name, file

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._name:
            return None
        return importlib.util.spec_from_file_location(fullname, self._file)


if __name__ == "__main__":
    raise SystemExit(main())
