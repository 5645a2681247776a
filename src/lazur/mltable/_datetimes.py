"""Text to times, by formats; and which format a few values have."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Any, List, Optional, Sequence

from ._optional import arrow, compute

_FAST = re.compile(r"(?:%[YmdHIMSp]|[^%])+")
_DAY = {
    "%Y": r"-?\d+",
    "%m": r"\d+",
    "%d": r"(?P<day>\d+)",
    "%H": r"\d+",
    "%I": r"\d+",
    "%M": r"\d+",
    "%S": r"\d+",
    "%p": r"[A-Za-z]+",
}
_ISO = ("%Y-%m-%d", "%Y/%m/%d")
_OTHER = ("%m/%d/%Y", "%d/%m/%Y", "%m-%d-%Y", "%d-%m-%Y", "%m/%d/%y", "%d/%m/%y")
_OTHER_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
_ISO_TIMES = (
    "",
    " %H:%M:%S",
    " %H:%M:%S.%f",
    "T%H:%M:%S",
    "T%H:%M:%S.%f",
    "T%H:%M:%S%z",
    "T%H:%M:%S.%f%z",
    " %H:%M:%S%z",
    " %H:%M:%S.%f%z",
)
_FAMILIES = tuple(
    tuple(date + time for time in times)
    for dates, times in ((_ISO, _ISO_TIMES), (_OTHER, _OTHER_TIMES))
    for date in dates
)
_PLAIN = tuple(f"%Y-%m-%d{time}" for time in _ISO_TIMES if "%z" not in time)
COMMON = tuple(form for family in _FAMILIES for form in family)
"""Formats that are recognized: those that Azure ML recognizes, too."""
_STARTS = re.compile(r"\s*\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}")


def parse(texts: Any, formats: Sequence[str]) -> Any:
    """A column of text as `timestamp[ns]`; null where no format fits."""
    pa, pc = arrow(), compute()
    found = pa.nulls(len(texts), pa.timestamp("ns"))
    for form in formats:
        if found.null_count == texts.null_count:
            break
        missing = pc.if_else(pc.is_null(found), texts, pa.scalar(None, pa.string()))
        found = pc.coalesce(found, _parsed(missing, form))
    return found


def is_iso(formats: Sequence[str]) -> bool:
    """Whether all of them are ways of ISO 8601, without a zone."""
    return bool(formats) and all(form in _PLAIN for form in formats)


def guess(values: Sequence[str]) -> Optional[List[str]]:
    """The formats that fit all of `values`, if any do. A day that may be a month is one."""
    if not values or not all(_STARTS.match(value) for value in values):
        return None
    for form in COMMON:
        if all(read(value, form) for value in values):
            return [form]
    for family in _FAMILIES:
        if all(any(read(value, form) for form in family) for value in values):
            return list(family)
    return None


def read(text: str, form: str) -> Optional[datetime]:
    """One value, in UTC; None where it does not fit."""
    try:
        found = datetime.strptime(text.strip(), form)  # noqa: DTZ007 - columns have no zone
    except ValueError:
        return None
    return found.astimezone(timezone.utc).replace(tzinfo=None) if found.tzinfo else found


def _parsed(texts: Any, form: str) -> Any:
    if form in _PLAIN and texts.null_count < len(texts):
        try:
            return texts.cast(arrow().timestamp("ns"))
        except arrow().ArrowInvalid:
            pass
    if _FAST.fullmatch(form) and form.count("%d") <= 1:
        return _quick(texts, form)
    return _slow(texts, form)


def _quick(texts: Any, form: str) -> Any:
    """In C; which takes the 30th of February for the 2nd of March, so days are compared."""
    pa, pc = arrow(), compute()
    found = pc.strptime(texts, format=form, unit="s", error_is_null=True)
    if "%d" in form:
        pattern = "".join(
            _DAY.get(part) or re.escape(part) for part in re.findall(r"%.|[^%]", form)
        )
        days = pc.struct_field(pc.extract_regex(texts, f"^\\s*{pattern}\\s*$"), [0])
        wrong = pc.not_equal(pc.cast(days, pa.int64()), pc.day(found))
        found = pc.if_else(pc.fill_null(wrong, fill_value=False), None, found)
    return _nanoseconds(found)


def _slow(texts: Any, form: str) -> Any:
    """Each different value once."""
    pa, pc = arrow(), compute()
    coded = pc.dictionary_encode(texts)
    values = [None if text is None else read(text, form) for text in coded.dictionary.to_pylist()]
    return _nanoseconds(pa.array(values, pa.timestamp("us")).take(coded.indices))


def _nanoseconds(times: Any) -> Any:
    """Null what nanoseconds cannot tell: before 1677, after 2262."""
    pa, pc = arrow(), compute()
    kind = times.type
    low = pa.scalar(datetime(1677, 9, 22)).cast(kind)  # noqa: DTZ001 - no zone is meant
    high = pa.scalar(datetime(2262, 4, 11)).cast(kind)  # noqa: DTZ001
    inside = pc.and_(pc.greater_equal(times, low), pc.less_equal(times, high))
    safe = pc.if_else(inside, times, pa.scalar(None, kind))
    return safe.cast(pa.timestamp("ns"))
