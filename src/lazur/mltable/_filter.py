"""Filters as people write them, `col("a") > 3 and name.startswith("x")`, to a tree. Nothing of a
filter is ever run as Python.

or:       and ("or" and)*
and:      not ("and" not)*
not:      "not" not | comparison
comparison: sum (("==" | "!=" | "<" | "<=" | ">" | ">=" | ["not"] "in" | "is" ["not"]) sum)*
sum:      product (("+" | "-") product)*      product: unary (("*" | "/" | "%") unary)*
unary:    "-" unary | call                    call: value ("." NAME "(" … ")" | "[" text "]")*
value:    number | text | True | False | None | NAME | col("…") | datetime(…) | "(" or ")" | list
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, List, NoReturn, Optional, Tuple, Union

from ._errors import MLTableError, Where

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?)
    |(?P<text>[rR]?(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'))
    |(?P<name>[^\W\d]\w*)
    |(?P<sign>==|!=|<=|>=|&&|\|\||[-+*/%<>()\[\],.&|~!]))""",
    re.VERBOSE,
)
_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
_DEPTH = 50
METHODS = {
    "startswith": 1,
    "starts_with": 1,
    "endswith": 1,
    "ends_with": 1,
    "contains": 1,
    "lower": 0,
    "upper": 0,
    "to_lower": 0,
    "to_upper": 0,
    "strip": 0,
    "length": 0,
    "is_null": 0,
    "isin": 1,
}
"""What can be asked of a column, and with how many arguments."""


@dataclass(frozen=True)
class Constant:
    value: Any


@dataclass(frozen=True)
class Column:
    name: str


@dataclass(frozen=True)
class Operation:
    """`sign` is an operator, or `.name` for a method; `not` and `neg` have one argument."""

    sign: str
    arguments: Tuple[Any, ...]


def parse(text: str, where: Where) -> Any:
    """The filter's tree, or an error that points at the place."""
    if not isinstance(text, str) or not text.strip():
        raise MLTableError("A filter is an expression, such as 'col(\"a\") > 3'.", where)
    parser = _Parser(text, where)
    tree = parser.either()
    if parser.kind:
        parser.fail("there is more than one expression")
    return tree


def columns(tree: Any) -> List[str]:
    """The columns that a filter looks at."""
    if isinstance(tree, Column):
        return [tree.name]
    if isinstance(tree, Operation):
        return [name for argument in tree.arguments for name in columns(argument)]
    return []


class _Parser:
    def __init__(self, text: str, where: Where) -> None:
        self._source, self._where = text, where
        self._at = self._end = 0
        self._depth = 0
        self.kind = self._token = ""
        self._advance()

    def fail(self, why: str) -> NoReturn:
        raise MLTableError(
            f"Not a valid expression in filter: {why}, at column {self._at + 1} of"
            f' {self._source!r}. Columns whose names have spaces are written col("a b").',
            self._where,
        )

    def either(self) -> Any:
        self._depth += 1
        if self._depth > _DEPTH:
            self.fail(f"it is nested more than {_DEPTH} deep")
        tree = self._chain(("or", "||", "|"), "or", self._all)
        self._depth -= 1
        return tree

    def _all(self) -> Any:
        return self._chain(("and", "&&", "&"), "and", self._not)

    def _not(self) -> Any:
        count = 0
        while self._take("not", "~", "!"):
            count += 1
        tree = self._comparison()
        return Operation("not", (tree,)) if count % 2 else tree

    def _comparison(self) -> Any:
        left = self._sum()
        found: List[Any] = []
        while True:
            sign = self._comparer()
            if sign is None:
                break
            right = self._sum()
            found.append(Operation(sign, (left, right)))
            left = right
        tree = left if not found else found[0]
        for following in found[1:]:
            tree = Operation("and", (tree, following))
        return tree

    def _comparer(self) -> Optional[str]:
        sign = self._take(*_COMPARISONS, "in", "is", "not")
        if sign == "not":
            if not self._take("in"):
                self.fail("'in' was expected after 'not'")
            return "not in"
        if sign == "is":
            return "!=" if self._take("not") else "=="
        return sign

    def _sum(self) -> Any:
        return self._chain(("+", "-"), None, self._product)

    def _product(self) -> Any:
        return self._chain(("*", "/", "%"), None, self._unary)

    def _unary(self) -> Any:
        count = 0
        while self._take("-"):
            count += 1
        tree = self._call()
        if count % 2 == 0:
            return tree
        if isinstance(tree, Constant) and isinstance(tree.value, (int, float)):
            return Constant(-tree.value)
        return Operation("neg", (tree,))

    def _call(self) -> Any:
        tree = self._value()
        while self._take("."):
            name = self._word()
            if name not in METHODS:
                self.fail(f"there is no method '{name}'; there are {', '.join(METHODS)}")
            self._expect("(")
            given = self._list(")")
            if len(given) != METHODS[name]:
                self.fail(f"'{name}' takes {METHODS[name]} arguments, not {len(given)}")
            self._values(given)
            tree = Operation(f".{name}", (tree, *given))
        return tree

    def _value(self) -> Any:
        kind, token = self.kind, self._token
        if kind in ("number", "text"):
            self._advance()
            return Constant(_number(token) if kind == "number" else _unquoted(token))
        if kind == "name":
            return self._named(self._word())
        if self._take("("):
            tree = self.either()
            if self._take(","):
                return Constant(self._values([tree, *self._list(")")]))
            self._expect(")")
            return tree
        if self._take("["):
            return Constant(self._values(self._list("]")))
        return self.fail("a value was expected")

    def _named(self, name: str) -> Any:
        words = {"true": True, "false": False, "none": None, "null": None}
        if name.lower() in words and not self._peek("("):
            return Constant(words[name.lower()])
        if name in ("and", "or", "not", "in", "is"):
            return self.fail(f"'{name}' stands where a value was expected")
        if not self._take("("):
            return Column(name)
        values = self._values(self._list(")"))
        if name == "col" and len(values) == 1 and isinstance(values[0], str):
            return Column(values[0])
        if name == "datetime" and values:
            try:
                return Constant(datetime(*values))  # noqa: DTZ001 - columns have no zone
            except (TypeError, ValueError) as error:
                return self.fail(f"datetime: {error}")
        return self.fail(f"'{name}(…)' is not known; there are col(\"…\") and datetime(…)")

    def _list(self, end: str) -> List[Any]:
        found: List[Any] = []
        while not self._take(end):
            found.append(self.either())
            if not self._take(","):
                self._expect(end)
                break
        return found

    def _values(self, trees: List[Any]) -> List[Any]:
        if not all(isinstance(tree, Constant) for tree in trees):
            self.fail("only plain values can stand here, no columns")
        return [tree.value for tree in trees]

    def _chain(self, signs: Tuple[str, ...], as_sign: Optional[str], inner: Any) -> Any:
        tree = inner()
        while True:
            sign = self._take(*signs)
            if sign is None:
                return tree
            tree = Operation(as_sign or sign, (tree, inner()))

    def _word(self) -> str:
        if self.kind != "name":
            self.fail("a name was expected")
        token = self._token
        self._advance()
        return token

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            self.fail(f"'{sign}' was expected")

    def _peek(self, sign: str) -> bool:
        return self.kind in ("sign", "name") and self._token == sign

    def _take(self, *signs: str) -> Optional[str]:
        if self.kind not in ("sign", "name") or self._token not in signs:
            return None
        token = self._token
        self._advance()
        return token

    def _advance(self) -> None:
        self._at = self._end
        rest = self._source[self._end :]
        if not rest.strip():
            self.kind = self._token = ""
            return
        found = _TOKEN.match(self._source, self._end)
        if found is None:
            self._at += len(rest) - len(rest.lstrip())
            self.fail(f"{rest.lstrip()[0]!r} has no meaning")
        self.kind = found.lastgroup or ""
        self._token = found.group(self.kind)
        self._at, self._end = found.start(self.kind), found.end()


def _number(token: str) -> Union[int, float]:
    return int(token) if token.isdigit() else float(token)


def _unquoted(token: str) -> str:
    if token[0] in "rR":
        return token[2:-1]
    return re.sub(r"\\(.)", lambda found: _escaped(found.group(1)), token[1:-1], flags=re.DOTALL)


def _escaped(sign: str) -> str:
    return {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"'}.get(sign, f"\\{sign}")
