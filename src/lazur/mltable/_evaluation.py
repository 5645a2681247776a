"""A filter's tree over a batch, column by column."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Callable, Dict

from . import _datetimes
from ._chunks import Batch
from ._errors import MLTableError, Where
from ._filter import Column, Constant, Operation
from ._optional import arrow, compute

_COMPARE = {
    "==": "equal",
    "!=": "not_equal",
    "<": "less",
    "<=": "less_equal",
    ">": "greater",
    ">=": "greater_equal",
}
_ARITHMETIC = {"+": "add", "-": "subtract", "*": "multiply"}


def mask(tree: Any, batch: Batch, where: Where) -> Any:
    """True for the rows that stay. What cannot be said, because something is null, is no."""
    pa, pc = arrow(), compute()
    evaluation = _Evaluation(batch, where)
    found = evaluation.of(tree)
    if not isinstance(found, (pa.Array, pa.ChunkedArray)):
        found = pa.array([found.as_py()] * batch.num_rows, found.type)
    if not pa.types.is_boolean(found.type):
        evaluation.fail(f"it gives {found.type} for each row, not true or false")
    return pc.fill_null(found, fill_value=False)


class _Evaluation:
    def __init__(self, batch: Batch, where: Where) -> None:
        self._batch, self._where = batch, where

    def fail(self, why: str) -> Any:
        raise MLTableError(f"The filter cannot be applied: {why}.", self._where)

    def of(self, tree: Any) -> Any:
        if isinstance(tree, Constant):
            return arrow().scalar(tree.value)
        if isinstance(tree, Column):
            return self._column(tree.name)
        assert isinstance(tree, Operation)
        try:
            return self._operation(tree)
        except (arrow().ArrowNotImplementedError, arrow().ArrowInvalid) as error:
            return self.fail(str(error).splitlines()[0])

    def _column(self, name: str) -> Any:
        names = self._batch.schema.names
        if name not in names:
            self.fail(f"there is no column '{name}'; there are {', '.join(names)}")
        column = self._batch.column(names.index(name))
        pa = arrow()
        if pa.types.is_dictionary(column.type):
            return column.dictionary_decode()
        return column

    def _operation(self, tree: Operation) -> Any:
        pc = compute()
        sign = tree.sign
        if sign in ("in", "not in", ".isin"):
            found = self._within(tree)
            return pc.invert(found) if sign == "not in" else found
        values = [self.of(argument) for argument in tree.arguments]
        if sign in _COMPARE:
            return self._compared(sign, values[0], values[1])
        if sign in ("and", "or"):
            return (pc.and_kleene if sign == "and" else pc.or_kleene)(*map(self._truth, values))
        if sign == "not":
            return pc.invert(self._truth(values[0]))
        if sign == "neg":
            return pc.negate(values[0])
        if sign in _ARITHMETIC:
            return getattr(pc, _ARITHMETIC[sign])(*values)
        if sign == "/":
            return pc.divide(pc.cast(values[0], arrow().float64()), values[1])
        if sign == "%":
            return _remainder(*values)
        return _METHODS[sign](*values)

    def _truth(self, value: Any) -> Any:
        if not arrow().types.is_boolean(value.type):
            self.fail(f"'and', 'or' and 'not' are for true and false, not for {value.type}")
        return value

    def _compared(self, sign: str, left: Any, right: Any) -> Any:
        pa, pc = arrow(), compute()
        for one, other in ((left, right), (right, left)):
            if isinstance(one, pa.Scalar) and not one.is_valid:
                found = pc.is_null(other)
                return pc.invert(found) if sign == "!=" else found
        left, right = self._alike(left, right), self._alike(right, left)
        try:
            return getattr(pc, _COMPARE[sign])(left, right)
        except pa.ArrowNotImplementedError:
            if sign in ("==", "!="):
                return self._unequal(sign, left, right)
            return self.fail(
                f"{left.type} and {right.type} cannot be compared by '{sign}'; convert the column"
                " before the filter, or write the value as the column has it"
            )

    def _unequal(self, sign: str, left: Any, right: Any) -> Any:
        """Values of different kinds are never equal."""
        pa, pc = arrow(), compute()
        valid = [pc.is_valid(side) for side in (left, right)]
        there = pc.and_(*valid)
        if isinstance(there, pa.Scalar):
            return pa.scalar(sign == "!=")
        return pc.if_else(there, sign == "!=", pa.scalar(None, pa.bool_()))

    def _alike(self, one: Any, other: Any) -> Any:
        """Text beside a time is a time; times are of one precision and of no zone."""
        pa, pc = arrow(), compute()
        kinds = pa.types
        if kinds.is_boolean(one.type) and not kinds.is_boolean(other.type):
            number = kinds.is_integer(other.type) or kinds.is_floating(other.type)
            return pc.cast(one, other.type) if number else one
        if kinds.is_string(one.type) and isinstance(one, pa.Scalar) and _timely(other.type):
            found = next(
                (
                    time
                    for form in _datetimes.COMMON
                    if (time := _datetimes.read(one.as_py(), form))
                ),
                None,
            )
            if found is None:
                return self.fail(f"{one.as_py()!r} is no time")
            return pa.scalar(found, pa.timestamp("ns"))
        if kinds.is_date(one.type) or kinds.is_timestamp(one.type):
            if isinstance(one, pa.Scalar):
                return pa.scalar(_naive(one.as_py()), pa.timestamp("ns"))
            return pc.cast(one, pa.timestamp("ns"))
        return one

    def _within(self, tree: Operation) -> Any:
        pa, pc = arrow(), compute()
        needle, values = tree.arguments
        if isinstance(needle, Constant) and isinstance(values, Column):
            return pc.match_substring(self.of(values), str(needle.value))
        if not isinstance(values, Constant) or not isinstance(values.value, list):
            return self.fail("'in' needs a list, such as in ['a', 'b']")
        column = self.of(needle)
        wanted = [value for value in values.value if value is not None]
        found = pc.is_in(column, pa.array(wanted).cast(column.type))
        if None in values.value:
            return pc.or_(found, pc.is_null(column))
        return found


def _timely(kind: Any) -> bool:
    types = arrow().types
    return types.is_timestamp(kind) or types.is_date(kind)


def _naive(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)  # noqa: DTZ001


def _remainder(left: Any, right: Any) -> Any:
    pc = compute()
    quotient = pc.floor(pc.divide(pc.cast(left, arrow().float64()), right))
    return pc.subtract(left, pc.multiply(quotient, right))


def _prefix(column: Any, start: Any) -> Any:
    return compute().starts_with(column, start.as_py())


def _suffix(column: Any, end: Any) -> Any:
    return compute().ends_with(column, end.as_py())


_METHODS: Dict[str, Callable[..., Any]] = {
    ".startswith": _prefix,
    ".starts_with": _prefix,
    ".endswith": _suffix,
    ".ends_with": _suffix,
    ".contains": lambda column, part: compute().match_substring(column, part.as_py()),
    ".lower": lambda column: compute().utf8_lower(column),
    ".to_lower": lambda column: compute().utf8_lower(column),
    ".upper": lambda column: compute().utf8_upper(column),
    ".to_upper": lambda column: compute().utf8_upper(column),
    ".strip": lambda column: compute().utf8_trim_whitespace(column),
    ".length": lambda column: compute().utf8_length(column),
    ".is_null": lambda column: compute().is_null(column),
}
