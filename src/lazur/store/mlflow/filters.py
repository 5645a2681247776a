"""MLflow's language of filters and orders: the part of it that people and clients write.

Upstream reads it with a general SQL tokenizer, whose corners nobody wants back. What is written
here is read as upstream reads it; everything else raises `Unread`, and is upstream's to judge.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["attribute", "metric", "param", "tag", "dataset"]
Value = str | int | float | tuple[str, ...] | None


class Unread(Exception):
    """Not in the part of the language that is read here, or wrong."""


@dataclass(frozen=True)
class Clause:
    kind: Kind
    key: str
    operator: str
    """One of `= != < <= > >= LIKE ILIKE IN "NOT IN" "IS NULL" "IS NOT NULL"`."""
    value: Value


@dataclass(frozen=True)
class Order:
    kind: Kind
    key: str
    ascending: bool


def runs(text: str) -> list[Clause]:
    """What a search of runs asks for, all of it at once."""
    return _clauses(text, _run_clause)


def experiments(text: str) -> list[Clause]:
    return _clauses(text, _experiment_clause)


def run_order(text: str) -> Order:
    kind, key, ascending = _order(text)
    _expect(kind != "dataset" and (kind != "attribute" or key in _RUN_ORDERS))
    return Order(kind, _renamed(kind, key), ascending)


def experiment_order(text: str) -> Order:
    kind, key, ascending = _order(text)
    _expect(kind == "attribute" and key in _EXPERIMENT_NUMBERS | _EXPERIMENT_TEXTS)
    _expect("." not in text or text.startswith("attribute."))
    return Order(kind, key, ascending)


_KINDS: dict[str, Kind] = {
    **dict.fromkeys(("attribute", "attributes", "attr", "run"), "attribute"),
    **dict.fromkeys(("metric", "metrics"), "metric"),
    **dict.fromkeys(("param", "params", "parameter", "parameters"), "param"),
    **dict.fromkeys(("tag", "tags"), "tag"),
    **dict.fromkeys(("dataset", "datasets"), "dataset"),
}
_STARTED = {"created", "Created"}
_ALIASES = {
    **dict.fromkeys(_STARTED, "start_time"),
    **dict.fromkeys(("run name", "Run name", "Run Name"), "run_name"),
}
_RUN_NUMBERS = {"start_time", "end_time"}
_RUN_TEXTS = {"run_id", "run_name", "status", "user_id", "artifact_uri"}
_RUN_ORDERS = _RUN_NUMBERS | _RUN_TEXTS | _STARTED
_EXPERIMENT_NUMBERS = {"creation_time", "last_update_time"}
_EXPERIMENT_TEXTS = {"name", "experiment_id"}
_DATASET_KEYS = {"name", "digest", "context"}

_MOST = 200
"""Clauses. SQLite takes some hundreds of conditions, and each filter is kept as a statement."""
_COMPARE = {"=", "!=", "<", "<=", ">", ">="}
_MATCH = {"=", "!=", "LIKE", "ILIKE"}
_PRESENT = {"IS NULL", "IS NOT NULL"}
_AMONG = {"IN", "NOT IN"}

_WORD = r"(?!(?:case|in|values|using|from|as)\b)[A-Za-z_][A-Za-z0-9_]*"
"""Upstream's tokenizer takes some for SQL wherever they stand."""
_KEY = rf"""{_WORD}(?:\.{_WORD})*|`[^`'"\\\n]+`|"[^"`'\\\n]+\""""
_CLAUSE = re.compile(
    rf"""(?:(?P<kind>{_WORD})\.)?(?P<key>{_KEY})
    (?:\s+(?P<present>IS\s+NULL|IS\s+NOT[ ]NULL)
    |\s*(?:(?P<compare>!=|<=|>=|=|<|>)\s*|\s(?P<words>LIKE|ILIKE|NOT\s+IN|IN)\s+)
     (?:(?P<number>-?[0-9]+(?:\.[0-9]+)?(?:E-?[0-9]+)?)
     |(?P<text>'[^'\\]*'|"[^"'`\\\n]*")
     |(?P<list>\(\s*'[^'\\\n]*'(?:\s*,\s*'[^'\\\n]*')*\s*+,?\s*+\))))
    (?=\s|$)""",
    re.VERBOSE | re.IGNORECASE,
)
_AND = re.compile(r"\s+AND\s+", re.IGNORECASE)
_ORDER = re.compile(
    rf"(?:(?P<kind>{_WORD})\.)?(?P<key>{_KEY})(?:\s+(?P<way>ASC|DESC))?", re.IGNORECASE
)
_ITEMS = re.compile(r"'([^']*)'")


def _clauses(text: str, read: Callable[[re.Match[str]], Clause]) -> list[Clause]:
    """Clauses and ANDs by turns, and nothing around them."""
    if not text:
        return []
    _expect("\0" not in text)  # databases cannot keep it
    made: list[Clause] = []
    position = 0
    while True:
        found = _CLAUSE.match(text, position)
        if found is None:
            raise Unread
        _expect(len(made) < _MOST)
        made.append(read(found))
        if found.end() == len(text):
            return made
        link = _AND.match(text, found.end())
        if link is None:
            raise Unread
        position = link.end()


def _run_clause(found: re.Match[str]) -> Clause:
    kind, key = _identifier(found)
    key = _renamed(kind, key)
    operator, value = _operator(found), _value(found)
    if kind == "attribute":
        _check_attribute(key, operator, value)
    elif kind == "metric":
        _expect(operator in _COMPARE and isinstance(value, int | float))
    elif kind == "dataset":
        _expect(key in _DATASET_KEYS and _fits_text(operator, value))
    else:
        _expect(operator in _PRESENT or (operator in _MATCH and isinstance(value, str)))
    return Clause(kind, key, operator, value)


def _experiment_clause(found: re.Match[str]) -> Clause:
    kind, key = _identifier(found)
    operator, value = _operator(found), _value(found)
    # upstream takes a comparator here as it was written
    _expect(found["words"] is None or found["words"] == operator)
    if kind == "tag":
        _expect(found["kind"] in {"tag", "tags"})
        _expect(operator in _PRESENT or (operator in _MATCH and isinstance(value, str)))
    else:
        _expect(kind == "attribute" and found["kind"] in {None, "attribute"})
        if key in _EXPERIMENT_NUMBERS:
            _expect(operator in _COMPARE and isinstance(value, int))
        else:
            _expect(key == "name" and operator in _MATCH and isinstance(value, str))
    return Clause(kind, key, operator, value)


def _check_attribute(key: str, operator: str, value: Value) -> None:
    if key in _RUN_NUMBERS:
        _expect(operator in _COMPARE and isinstance(value, int))
    else:
        _expect(key in _RUN_TEXTS and _fits_text(operator, value))
        _expect(key == "run_id" or operator not in _AMONG)


def _fits_text(operator: str, value: Value) -> bool:
    if operator in _AMONG:
        return isinstance(value, tuple)
    return operator in _MATCH and isinstance(value, str)


def _identifier(found: re.Match[str]) -> tuple[Kind, str]:
    """`status` alone is an attribute; `metrics.a.b` is the metric `a.b`."""
    prefix, key = found["kind"], found["key"]
    if prefix is None:
        _expect("." not in key and key[0] not in '`"')
        return "attribute", key
    if prefix not in _KINDS:
        raise Unread
    return _KINDS[prefix], key[1:-1] if key[0] in '`"' else key


def _renamed(kind: Kind, key: str) -> str:
    """Upstream looks for another metric where one is called `created`."""
    _expect(kind == "attribute" or key not in _ALIASES)
    return _ALIASES.get(key, key)


def _operator(found: re.Match[str]) -> str:
    written = found["compare"] or found["words"] or found["present"]
    return " ".join(written.upper().split())


def _value(found: re.Match[str]) -> Value:
    if (number := found["number"]) is not None:
        return _number(number)
    if (text := found["text"]) is not None:
        return text[1:-1]
    if (several := found["list"]) is not None:
        return tuple(_ITEMS.findall(several))
    return None


def _number(text: str) -> int | float:
    return int(text) if re.fullmatch(r"-?[0-9]{1,18}", text) else float(text)


def _order(text: str) -> tuple[Kind, str, bool]:
    found = _ORDER.fullmatch(text)
    if found is None:
        raise Unread
    kind, key = _identifier(found)
    way = found["way"]
    return kind, key, way is None or way.lower() == "asc"


def _expect(fits: bool) -> None:
    if not fits:
        raise Unread
