"""Filters and orders: whatever is read here at all is read as upstream reads it."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from lazur.store.mlflow import filters
from lazur.store.mlflow.filters import Clause, Order, Unread

ENTITIES = (
    "metrics metric params param parameter parameters tags tag attributes attribute attr run "
    "dataset datasets foo Metrics"
).split()
WORDS = (
    "auc loss val_loss a x1 type name key value status user_id run_id run_name start_time "
    "end_time created Created mlflow.user mlflow.runName order by group date timestamp count "
    "max select from where case not in like is null level text int index set user session start "
    "end row data digest context _x limit desc asc and or between artifact_uri creation_time "
    "last_update_time experiment_id NAME system/cpu a-b 1a é table union first on as if then "
    "current_timestamp true unknown primary join left natural using interval array any exists "
    "distinct sum real number e1 E5 n u q'x"
).split()
VALUES = [
    *"1 0 -1 1.5 -0.5 .5 1. 1e5 1E-5 1.5e3 1.5e+3 -1e-3 0x1 1e 01 1e400 -0".split(),
    *["123456789012345678901234", "'a'", "''", "'a b'", "'it''s'", '"a"', '"a b"', "'%a_'"],
    *["'a\"b'", "`a`", "abc", "('a','b')", "('a')", "( 'a' , 'b' )", "('a',)", "()", "(1,2)"],
    *['("a","b")', "'é'", "'x y AND z'", "'a;b'", "'--c'", "'/*'", "NULL", "'a\nb'", "'('"],
    *["+5", "- 5"],
]
OPERATORS = (
    "=,!=,<,<=,>,>=,LIKE,ILIKE,like,ilike,IN,NOT IN,in,not in,==,<>,~,Like,NOT  IN,RLIKE,NOT LIKE"
).split(",")
MANY = 60_000
PRESENCE = ["IS NULL", "IS NOT NULL", "is null", "is  not  null"]
LINKS = [" AND ", " AND ", " AND ", " and ", "  And\n", " OR ", ", ", "AND", " AND AND "]


@pytest.fixture(scope="module")
def upstream() -> Any:
    """Its module; what it imports takes seconds."""
    return pytest.importorskip("mlflow.utils.search_utils", reason="mlflow is not installed")


class TestFilters:
    def test_of_runs(self, upstream: Any) -> None:
        def theirs(text: str) -> list[Any]:
            parser = upstream.SearchUtils
            return [
                _clause(c, parser.translate_key_alias) for c in parser.parse_search_filter(text)
            ]

        read = [_agree(filters.runs, theirs, _filter(random.Random(n))) for n in range(MANY)]
        assert sum(read) > 400

    def test_of_experiments(self, upstream: Any) -> None:
        def theirs(text: str) -> list[Any]:
            parser = upstream.SearchExperimentsUtils
            return [_clause(clause, str) for clause in parser.parse_search_filter(text)]

        made = (_filter(random.Random(n)) for n in range(MANY))
        assert sum(_agree(filters.experiments, theirs, text) for text in made) > 100


class TestOrders:
    def test_of_runs(self, upstream: Any) -> None:
        def theirs(text: str) -> Any:
            kind, key, ascending = upstream.SearchUtils.parse_order_by_for_search_runs(text)
            return _kind(kind), upstream.SearchUtils.translate_key_alias(key), ascending

        assert sum(_agree(filters.run_order, theirs, text) for text in _orders()) > 400

    def test_of_experiments(self, upstream: Any) -> None:
        theirs = upstream.SearchExperimentsUtils.parse_order_by_for_search_experiments
        assert sum(_agree(filters.experiment_order, theirs, text) for text in _orders()) > 20


def _agree(
    ours: Callable[[str], list[Clause] | Order], theirs: Callable[[str], Any], text: str
) -> bool:
    """Whether it was read at all."""
    try:
        found = ours(text)
    except Unread:
        return False
    read = (
        (found.kind, found.key, found.ascending)
        if isinstance(found, Order)
        else [(c.kind, c.key, c.operator, _value(c.kind, c.value)) for c in found]
    )
    assert read == theirs(text), text
    return True


def _clause(told: dict[str, Any], alias: Callable[[str], str]) -> Any:
    kind = _kind(told["type"])
    return kind, alias(told["key"]), told["comparator"].upper(), _value(kind, told["value"])


def _kind(name: str) -> str:
    return name.replace("parameter", "param")


def _value(kind: str, value: Any) -> Any:
    return float(value) if kind == "metric" else value


def _filter(chance: random.Random) -> str:
    clauses = [_written(chance) for _ in range(chance.choice([1, 1, 1, 2, 3]))]
    text = clauses[0] + "".join(chance.choice(LINKS) + clause for clause in clauses[1:])
    around = [""] * 6
    return f"{chance.choice([*around, ' ', '('])}{text}{chance.choice([*around, ' ', ')', ';'])}"


def _written(chance: random.Random) -> str:
    def space() -> str:
        return chance.choice([" ", " ", "", "  ", "\n", "\t"])

    if chance.random() < 0.1:
        return f"{_identifier(chance)}{space()}{chance.choice(PRESENCE)}"
    operator, value = chance.choice(OPERATORS), chance.choice(VALUES)
    return f"{_identifier(chance)}{space()}{operator}{space()}{value}"


def _orders() -> list[str]:
    chance = random.Random(1)
    ways = ["", " ASC", " DESC", " asc", " desc", "  Desc", " foo", " ASC ", "\nDESC"]
    return [_identifier(chance) + chance.choice(ways) for _ in range(20_000)]


def _identifier(chance: random.Random) -> str:
    word, other = chance.choice(WORDS), chance.choice(WORDS)
    forms = [word, word, word, f"`{word}`", f'"{word}"', f"`{word} {other}`", f"{word}.{other}"]
    key = chance.choice(forms)
    return key if chance.random() < 0.15 else f"{chance.choice(ENTITIES)}.{key}"
