"""What upstream refuses about names and values, and its words for it (its utils/validation.py)."""

from __future__ import annotations

import json
import posixpath
import re

from lazur.server.mlflow.call import Punt
from lazur.server.mlflow.fields import invalid

KEY = 250
PARAM = 6000
TAG = 8000
EXPERIMENT = 500
EXPERIMENT_TAG = 20000
METRICS_IN_BATCH = 1000
PARAMS_OR_TAGS_IN_BATCH = 100
COLUMN = 250
"""Of a run's name. PostgreSQL refuses what is longer, SQLite keeps it: upstream says what then."""

_NAME = re.compile(r"^[/\w.\- :]*$")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:/[A-Za-z0-9_]+)*")
"""Most names, seen in one look to be good."""
_RUN_ID = re.compile(r"^[a-zA-Z0-9][\w\-]{0,255}$")
_CHARACTERS = (
    "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.),"
    " spaces ( ), colon(:) and slashes (/)."
)


def is_plain(value: object) -> bool:
    """A name that needs no closer look."""
    return type(value) is str and len(value) <= KEY and _PLAIN.fullmatch(value) is not None


def name(value: str, path: str) -> None:
    """Of a metric, a parameter or a tag."""
    if _PLAIN.fullmatch(value):
        return
    if not _NAME.match(value):
        raise invalid(_wrong(path, value, _CHARACTERS))
    norm = posixpath.normpath(value)
    if norm != value or norm == "." or norm.startswith(("..", "/")):
        raise invalid(
            _wrong(
                path,
                value,
                "Names may be treated as files in certain cases, and must not resolve to other"
                f" names when treated as such. This name would resolve to {norm!r}",
            )
        )


def length(what: str, limit: int, value: str) -> None:
    if len(value) > limit:
        raise invalid(f"'{what}' exceeds the maximum length of {limit} characters")


def metric(key: str, value: float, timestamp: int, path: str = "") -> None:
    name(key, _join(path, "name"))
    if timestamp < 0:
        raise invalid(
            _wrong(
                _join(path, "timestamp"),
                timestamp,
                f"metric '{key}' (value={value}). "
                "Timestamp must be a nonnegative long (64-bit integer) ",
            )
        )
    length("Metric name", KEY, key)


def param(key: str, value: str, path: str = "") -> tuple[str, str]:
    """Its value, cut where it is too long, as upstream does."""
    name(key, _join(path, "key"))
    length("Param key", KEY, key)
    return key, value[:PARAM]


def tag(key: str, value: str, path: str = "") -> tuple[str, str]:
    name(key, _join(path, "key"))
    length(_join(path, "key"), KEY, key)
    return key, value[:TAG]


def experiment_tag(key: str, value: str) -> None:
    if key.startswith(("mlflow.trace.", "mlflow.customView.")):
        raise Punt  # these have rules of their own
    name(key, "key")
    length("key", KEY, key)
    length("value", EXPERIMENT_TAG, value)


def run_id(value: str) -> None:
    if not _RUN_ID.match(value):
        raise invalid(_wrong("run_id", value))


def experiment_id(value: str) -> int:
    """`0` where the request names none, as upstream has it."""
    if value == "":
        return 0
    if value.isascii() and value.isdigit() and str(int(value)) == value and len(value) <= 9:
        return int(value)
    try:
        int(value)
    except ValueError:
        raise invalid(
            f"Invalid experiment ID '{value}'. Experiment ID must be a valid integer."
        ) from None
    raise Punt  # written in a way that upstream repeats here and there


def batch(metrics: int, params: int, tags: int) -> None:
    _at_most("metrics", METRICS_IN_BATCH, metrics)
    _at_most("params", PARAMS_OR_TAGS_IN_BATCH, params)
    _at_most("tags", PARAMS_OR_TAGS_IN_BATCH, tags)
    _at_most("metrics, params, and tags", METRICS_IN_BATCH, metrics + params + tags)


def distinct(params: list[tuple[str, str]]) -> None:
    seen: set[str] = set()
    twice = [key for key, _ in params if key in seen or seen.add(key)]
    if twice:
        raise invalid(
            f"Duplicate parameter keys have been submitted: {twice}. Please ensure "
            "the request contains only one param value per param key."
        )


def fits_run_name(value: str) -> None:
    if len(value) > COLUMN:
        raise Punt


def _at_most(what: str, limit: int, count: int) -> None:
    if count > limit:
        raise invalid(
            f"A batch logging request can contain at most {limit} {what}. "
            f"Got {count} {what}. Please split up {what} across multiple"
            " requests and try again."
        )


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _wrong(path: str, value: object, why: str | None = None) -> str:
    shown = json.dumps(value, sort_keys=True, separators=(",", ":"))
    told = f"Invalid value {shown} for parameter '{path}' supplied"
    return f"{told}: {why}" if why else f"{told}."
