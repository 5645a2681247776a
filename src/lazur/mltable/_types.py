"""The words of the file format that people write in Python: column types, headers, encodings."""

from __future__ import annotations

from enum import Enum
from typing import Any, Dict, List, Optional, Union

from ._errors import MLTableError, Where

SIMPLE = ("string", "int", "float", "boolean", "stream_info")
MISMATCHES = ("error", "true", "false")
_SPELLINGS = {"str": "string", "bool": "boolean", "stream": "stream_info", "long": "int"}


class MLTableHeaders(Enum):
    """Where the names of the columns of delimited files come from."""

    no_header = 1
    from_first_file = 2
    all_files_different_headers = 3
    all_files_same_headers = 4


class MLTableFileEncoding(Enum):
    """How text files are encoded."""

    utf8 = 1
    iso88591 = 2
    latin1 = 3
    ascii = 4
    utf16 = 5
    utf32 = 6
    utf8bom = 7
    windows1252 = 8


class DataType:
    """What to convert a column to; made by the `to_…` functions."""

    def __init__(self, name: str, options: Optional[Dict[str, Any]] = None) -> None:
        self.name = name
        self.options = options or {}

    @staticmethod
    def to_string() -> DataType:
        return DataType("string")

    @staticmethod
    def to_int() -> DataType:
        return DataType("int")

    @staticmethod
    def to_float() -> DataType:
        return DataType("float")

    @staticmethod
    def to_bool(
        true_values: Optional[List[str]] = None,
        false_values: Optional[List[str]] = None,
        mismatch_as: Optional[str] = None,
    ) -> DataType:
        """Without values, `true`, `t` and `1` are true, `false`, `f` and `0` are false.
        `mismatch_as` says what everything else becomes: `true`, `false`, or (`error`) null."""
        options: Dict[str, Any] = {}
        if true_values or false_values:
            options = {"true_values": true_values, "false_values": false_values}
        if mismatch_as is not None:
            options["mismatch_as"] = mismatch_as
        return _checked_boolean(options, Where("to_bool"))

    @staticmethod
    def to_datetime(
        formats: Union[str, List[str]], date_constant: Optional[str] = None
    ) -> DataType:
        """The first of the formats that fits a value is taken; `date_constant` is put before
        values that are only a time."""
        options: Dict[str, Any] = {"formats": formats}
        if date_constant is not None:
            options["date_constant"] = date_constant
        return _checked_datetime(options, Where("to_datetime"))

    @staticmethod
    def to_stream() -> DataType:
        return DataType("stream_info")

    def to_yaml(self) -> Any:
        """As the file has it: a word, or a mapping with the word as its key."""
        return {self.name: dict(self.options)} if self.options else self.name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DataType) and self.to_yaml() == other.to_yaml()

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"DataType({self.to_yaml()!r})"


def read_type(value: Any, where: Where) -> DataType:
    """The type that a file, or a person, names."""
    if isinstance(value, DataType):
        return value
    if isinstance(value, str):
        name = _SPELLINGS.get(value, value)
        if name == "datetime":
            return DataType("datetime")
        if name in SIMPLE:
            return DataType(name)
    if isinstance(value, dict) and len(value) == 1:
        name, options = next(iter(value.items()))
        name = _SPELLINGS.get(name, name)
        options = {} if options is None else options
        if name == "datetime" and isinstance(options, dict):
            return _checked_datetime(options, where) if options else DataType("datetime")
        if name == "boolean" and isinstance(options, dict):
            return _checked_boolean(options, where)
        if name == "stream_info":
            return DataType(name)
    raise MLTableError(
        f"{value!r} is no type of a column. Write one of {', '.join(SIMPLE)}, datetime, or"
        " a mapping such as {datetime: {formats: ['%Y-%m-%d']}}.",
        where,
    )


def _checked_boolean(options: Dict[str, Any], where: Where) -> DataType:
    true, false = options.get("true_values"), options.get("false_values")
    if bool(true) != bool(false):
        raise MLTableError(
            "`true_values` and `false_values` must both be None or non-empty list of strings:"
            " without one of them nothing could be true, or false.",
            where,
        )
    mismatch = options.get("mismatch_as")
    if mismatch is not None and mismatch not in MISMATCHES:
        raise MLTableError(
            f"`mismatch_as` can only be {', '.join(MISMATCHES)}, not {mismatch!r}.", where
        )
    clean = dict(options)
    for key in ("true_values", "false_values"):
        if clean.get(key):
            clean[key] = [str(value) for value in _listed(clean[key])]
    return DataType("boolean", {key: value for key, value in clean.items() if value})


def _checked_datetime(options: Dict[str, Any], where: Where) -> DataType:
    formats = _listed(options.get("formats"))
    if not formats or not all(isinstance(text, str) and text for text in formats):
        raise MLTableError(
            "`formats` should be a string or list of strings with at least one element, such as"
            f" '%Y-%m-%d', not {options.get('formats')!r}.",
            where,
        )
    return DataType("datetime", {**options, "formats": formats})


def _listed(value: Any) -> List[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]
