"""Columns to other types. A value that does not fit becomes null, and a warning says how many."""

from __future__ import annotations

import warnings
from typing import Any, Dict, List, Mapping, Optional, Sequence, Set

from . import _datetimes
from ._optional import arrow, compute
from ._types import DataType

_NUMBER = r"(?i)^\s*[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|nan|inf|infinity)\s*$"
_WHOLE = r"^\s*[+-]?\d+\s*$"
TRUE = ("true", "True", "TRUE", "1", "t", "T")
FALSE = ("false", "False", "FALSE", "0", "f", "F")


Told = Set[str]
GUESSED_INT = DataType("int", {"guessed": True})
GUESSED_BOOL = DataType("boolean", {"guessed": True})
_BOOLEANS = {"true", "false", "t", "f", "1", "0"}


def convert(column: Any, to: DataType, name: str, source: str, told: Optional[Told] = None) -> Any:
    """The column as another type. `name` and `source` are for messages, of which there is one for
    each column: `told` knows those that were said."""
    if hasattr(column, "combine_chunks"):
        column = column.combine_chunks()
    if arrow().types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if arrow().types.is_large_string(column.type):
        column = column.cast(arrow().string())
    if arrow().types.is_null(column.type):
        return column.cast(arrow_type(to))
    made = _WAYS[to.name](column, to, name, source)
    lost = made.null_count - column.null_count
    if lost > 0 and (told is None or name not in told):
        if told is not None:
            told.add(name)
        _warn(column, made, lost, to, name, source)
    return made


def arrow_type(to: DataType) -> Any:
    pa = arrow()
    return {
        "string": pa.string(),
        "stream_info": pa.string(),
        "int": pa.int64(),
        "float": pa.float64(),
        "boolean": pa.bool_(),
        "datetime": pa.timestamp("ns"),
    }[to.name]


def text(column: Any) -> Any:
    """As strings; times as ISO 8601, true and false as Python writes them."""
    pa, pc = arrow(), compute()
    kind = column.type
    if pa.types.is_string(kind):
        return column
    if pa.types.is_timestamp(kind):
        return _iso(column)
    if pa.types.is_boolean(kind):
        return pc.if_else(column, "True", "False")
    if pa.types.is_nested(kind) or pa.types.is_binary(kind):
        return pa.array(
            [None if value is None else str(value) for value in column.to_pylist()], pa.string()
        )
    return column.cast(pa.string())


def _iso(column: Any) -> Any:
    """With a fraction only where there is one."""
    pa, pc = arrow(), compute()
    plain = column.cast(pa.timestamp("us"), safe=False)
    seconds = pc.strftime(plain.cast(pa.timestamp("s"), safe=False), format="%Y-%m-%dT%H:%M:%S")
    parts = pc.strftime(plain, format="%Y-%m-%dT%H:%M:%S")
    found = pc.if_else(pc.equal(pc.subsecond(plain), 0.0), seconds, parts)
    return pc.binary_join_element_wise(found, "+00:00", "")


def _to_string(column: Any, to: DataType, name: str, source: str) -> Any:
    return text(column)


def _to_int(column: Any, to: DataType, name: str, source: str) -> Any:
    pa, pc = arrow(), compute()
    kind = column.type
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        wide = column.cast(pa.float64())
        fits = pc.and_(pc.less(pc.abs(wide), 2.0**63), pc.is_finite(wide))
        return pc.if_else(fits, wide, None).cast(pa.int64(), safe=False)
    if pa.types.is_timestamp(kind):
        return column.cast(pa.timestamp("ns")).cast(pa.int64())
    if not pa.types.is_string(kind):
        return column.cast(pa.int64())
    whole = _number(column, _WHOLE, pa.int64(), int)
    if whole.null_count == column.null_count:
        return whole
    cut = _to_int(_number(column, _NUMBER, pa.float64(), float), to, name, source)
    return pc.coalesce(whole, cut)


def _to_float(column: Any, to: DataType, name: str, source: str) -> Any:
    pa = arrow()
    if not pa.types.is_string(column.type):
        if pa.types.is_timestamp(column.type) or pa.types.is_boolean(column.type):
            column = column.cast(pa.int64())
        return column.cast(pa.float64(), safe=False)
    return _number(column, _NUMBER, pa.float64(), float)


def _number(column: Any, pattern: str, kind: Any, read: Any) -> Any:
    """All at once where all fit, or those that look like a number."""
    pa, pc = arrow(), compute()
    clean = pc.utf8_trim_whitespace(column)
    if not pc.any(pc.match_substring(clean, "x")).as_py():
        try:
            return clean.cast(kind)
        except pa.ArrowInvalid:
            fits = pc.match_substring_regex(column, pattern)
            clean = pc.if_else(fits, pc.utf8_ltrim(clean, "+"), None)
    try:
        return clean.cast(kind)
    except pa.ArrowInvalid:
        return pa.array([_small(read, value) for value in clean.to_pylist()], kind)


def _small(read: Any, value: Optional[str]) -> Any:
    try:
        found = None if value is None else read(value)
    except ValueError:
        return None
    return None if isinstance(found, int) and not -(2**63) <= found < 2**63 else found


def _to_boolean(column: Any, to: DataType, name: str, source: str) -> Any:
    pa, pc = arrow(), compute()
    if pa.types.is_boolean(column.type) and not to.options.get("true_values"):
        return column
    plain = text(column)
    true = pc.is_in(plain, pa.array(to.options.get("true_values") or TRUE, pa.string()))
    false = pc.is_in(plain, pa.array(to.options.get("false_values") or FALSE, pa.string()))
    other = pc.and_(pc.invert(pc.or_(true, false)), pc.is_valid(plain))
    mismatch = to.options.get("mismatch_as")
    if mismatch in ("true", "false"):
        made = pc.if_else(other, mismatch == "true", true)
        return pc.if_else(pc.is_valid(plain), made, None)
    return pc.if_else(pc.and_(pc.is_valid(plain), pc.invert(other)), true, None)


def _to_datetime(column: Any, to: DataType, name: str, source: str) -> Any:
    pa, pc = arrow(), compute()
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return column.cast(pa.timestamp("ns"))
    plain = pc.utf8_trim_whitespace(text(column))
    constant = to.options.get("date_constant")
    if constant:
        plain = pc.binary_join_element_wise(pa.scalar(constant), plain, "")
    return _datetimes.parse(plain, to.options.get("formats") or _datetimes.COMMON)


_WAYS = {
    "string": _to_string,
    "stream_info": _to_string,
    "int": _to_int,
    "float": _to_float,
    "boolean": _to_boolean,
    "datetime": _to_datetime,
}


def _warn(column: Any, made: Any, lost: int, to: DataType, name: str, source: str) -> None:
    pc = compute()
    gone = pc.and_(pc.is_null(made), pc.is_valid(column))
    example = column.filter(gone)[0].as_py()
    warnings.warn(
        f"{lost} of the first {len(column)} values of column '{name}' in {source} are no {to.name}"
        f" and are null now, {example!r} for example.",
        RuntimeWarning,
        stacklevel=2,
    )


def widened(column: Any, to: DataType) -> DataType:
    """What a guess becomes, seen this text: booleans that meet a number are whole numbers, and
    those that meet a fraction are floats. Nothing that was read before is lost by that."""
    pc = compute()
    if to == GUESSED_BOOL:
        known = pc.is_in(pc.utf8_trim_whitespace(column), arrow().array([*TRUE, *FALSE]))
        words = pc.match_substring_regex(column, r"(?i)^\s*(true|false|t|f)\s*$")
        number = pc.match_substring_regex(column, _NUMBER)
        if not _any(words) and _any(pc.and_not(number, known)):
            to = GUESSED_INT
    if to == GUESSED_INT:
        number = pc.match_substring_regex(column, _NUMBER)
        if _any(pc.and_not(number, pc.match_substring_regex(column, _WHOLE))):
            to = DataType("float")
    return to


def infer(columns: Mapping[str, Sequence[Optional[str]]]) -> Dict[str, DataType]:
    """What the first values of each column are."""
    return {name: _inferred(values) for name, values in columns.items()}


def _any(found: Any) -> bool:
    return bool(compute().any(found).as_py())


def _inferred(values: Sequence[Optional[str]]) -> DataType:
    """An empty text is one, where it is not null."""
    texts: List[str] = [value.strip() for value in values if value is not None]
    if not texts:
        return DataType("string")
    if all(value.lower() in _BOOLEANS for value in texts):
        return GUESSED_BOOL
    plain = arrow().array(texts)
    pc = compute()
    if pc.all(pc.match_substring_regex(plain, _WHOLE)).as_py():
        fits = all(-(2**63) <= int(value) < 2**63 for value in texts)
        return GUESSED_INT if fits else DataType("float")
    if pc.all(pc.match_substring_regex(plain, _NUMBER)).as_py():
        return DataType("float")
    formats = _datetimes.guess(texts)
    return DataType("datetime", {"formats": formats}) if formats else DataType("string")
