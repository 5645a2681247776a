"""What an imported run may look like, as far as the database relies on it: SQLite would keep
anything."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from typing import Any, cast

from lazur.errors import Invalid
from lazur.store.mlflow import export as store
from lazur.store.mlflow import find

_LARGEST = sys.float_info.max
_NESTED = frozenset({"params", "tags", "metrics", "latest", "inputs", "models", "links"})
_LINKS = {("RUN_OUTPUT", "MODEL_OUTPUT"), ("RUN_INPUT", "MODEL_INPUT")}
_STATES = {"SCHEDULED", "FAILED", "FINISHED", "RUNNING", "KILLED"}
_SOURCES = {None, "NOTEBOOK", "JOB", "LOCAL", "UNKNOWN", "PROJECT"}


def check(given: dict[str, Any]) -> dict[str, Any]:
    """The document of a run, as it was given."""
    for name in ("params", "tags"):
        if not _are_texts(given.get(name)):
            raise Invalid(f"The run's {name} in the file are not what MLflow keeps.")
    for name, fits in _SHAPES.items():
        rows = given.get(name)
        if not isinstance(rows, list) or not all(map(fits, cast("list[Any]", rows))):
            raise Invalid(f"The run's {name!r} in the file are not what this server wrote.")
    if any(tuple(link[:2]) not in _LINKS for link in given["links"]):
        raise Invalid("The run's 'links' in the file lead to what is no model.")
    if given.get("status") not in _STATES or given.get("source_type") not in _SOURCES:
        raise Invalid("The run in the file has a status or a source that MLflow does not know.")
    if not isinstance(given.get("experiment"), str) or not _is_plain(given):
        raise Invalid("The run in the file has a field that holds more than a value.")
    return given


def point(line: bytes) -> tuple[Any, ...]:
    """A line of the metrics' history, as the database takes it."""
    try:
        key, step, at, value, nan = json.loads(line)
        value = float(value)
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise Invalid(f"{line[:100]!r} is no point of a metric.") from None
    if not (isinstance(key, str) and len(key) <= 250 and _is_whole(step) and _is_whole(at)):
        raise Invalid(f"{line[:100]!r} is no point of a metric.")
    return key, step, at, max(-_LARGEST, min(value, _LARGEST)), bool(nan)


def _is_whole(value: object) -> bool:
    return type(value) is int and -(1 << 63) <= value < 1 << 63


def _are_texts(found: Any) -> bool:
    return isinstance(found, dict) and all(
        len(key) <= 250 and isinstance(value, str) and len(value) <= 8000
        for key, value in cast("dict[str, Any]", found).items()
    )


def _is_plain(found: dict[str, Any]) -> bool:
    """Values only, but for what is looked at by itself."""
    return all(_is_scalar(value) for key, value in found.items() if key not in _NESTED)


def _is_row(length: int) -> Callable[[Any], bool]:
    def fits(found: Any) -> bool:
        row = cast("list[Any]", found) if isinstance(found, list) else []
        return len(row) == length and all(map(_is_scalar, row))

    return fits


def _is_input(found: Any) -> bool:
    return _has(found, (*find.Input._fields, "tags")) and _are_texts(found["tags"])


def _is_model(found: Any) -> bool:
    return (
        _has(found, (*store.MODEL, "params", "tags", "metrics"))
        and _are_texts(found["params"])
        and _are_texts(found["tags"])
        and isinstance(found["metrics"], list)
        and all(map(_is_row(7), found["metrics"]))
    )


def _has(found: Any, names: Sequence[str]) -> bool:
    return (
        isinstance(found, dict)
        and set(cast("dict[str, Any]", found)) == set(names)
        and _is_plain(cast("dict[str, Any]", found))
    )


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)


_SHAPES: dict[str, Callable[[Any], bool]] = {
    "latest": _is_row(5),
    "links": _is_row(4),
    "inputs": _is_input,
    "models": _is_model,
}
