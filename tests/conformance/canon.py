"""What differs between any two runs of the same program (ids, names that were drawn, times, hosts)
replaced by what does not."""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import json
import re
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import PurePath
from typing import Any

_ID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32}|[0-9a-f]{16}"
_IDS = re.compile(rf"(?:(?<=%2F)|(?<![0-9a-zA-Z.]))(?:{_ID})(?![0-9a-zA-Z])")
_TIMES = re.compile(
    r"(?<![\w.])1[789]\d{8}(?:\d{3}|\d{6}|\d{9})?(?!\w)"
    r"|\b20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?"
)
_DRAWN = re.compile(r"(?<![\w-])[a-z]{2,}-[a-z]{2,}-\d{1,3}(?![\w-])")
_SPENT = re.compile(
    r'("(?:execution_duration|execution_time_ms|duration)\w*": )("[\d.]+s"|[\d.]+)'
)
_ENCODED = re.compile(r'(?<=")(?:[A-Za-z0-9+/]{22}==|[A-Za-z0-9+/]{11}=)(?=\\?")')
_DIGEST = re.compile(r"([\"']digest[\"']: ?)([\"'])[0-9a-f]{8}\2")
"""Of an evaluation dataset: it depends on when it was made."""
_SIZES = re.compile(
    r'(?<="mlflow\.trace\.sizeBytes": )"\d+"|\{\\+"total_size_bytes[^}]*\}'
    r'|(?<="key": "mlflow\.trace\.sizeBytes", )"request_id": "[^"]*", "value": "\d+"'
)
"""Of spans as text, in which times are more or fewer digits."""
_NEIGHBOUR = re.compile(r"http://127\.0\.0\.1:\d+")
"""Whatever a case started beside the servers: each side has its own, and what is told of one to
MLflow shows in the answers to later cases."""
_SEALED = re.compile(r"gAAAAA[\w-]{20,}=*")
_TEMPORARY = re.compile(r"/(?:[\w./-]*/)?tmp[a-z0-9_]{8}(?![a-z0-9_])")
_ZERO = re.compile(r"(?<![\w.])-0\.0(?![\w.])")
_DEEP = 12


class Names:
    """Numbers for ids, in the order in which they appear. With `unsigned_zero`, -0.0 is 0.0: as
    such psycopg2 writes it, which is upstream's driver of PostgreSQL."""

    def __init__(self, constants: Mapping[str, str], *, unsigned_zero: bool = False) -> None:
        self._unsigned_zero = unsigned_zero
        self._constants = sorted(constants.items(), key=lambda pair: -len(pair[0]))
        self._numbers: dict[str, int] = {}

    def plain(self, text: str, *, learn: bool = True) -> str:
        for value, label in self._constants:
            text = text.replace(value, label)
        text = _NEIGHBOUR.sub("<neighbour>", text)
        text = _SPENT.sub(r'\1"<spent>"', text)
        text = _IDS.sub(lambda found: self._id(found[0], learn=learn), text)
        text = _TIMES.sub("<time>", text)
        text = _SIZES.sub('"<size>"', text)
        text = _DIGEST.sub(r"\1\2<digest>\2", text)
        text = _SEALED.sub("<sealed>", _ENCODED.sub("<id>", text))
        text = _TEMPORARY.sub("<temporary>", text)
        if self._unsigned_zero:
            text = _ZERO.sub("0.0", text)
        return _DRAWN.sub("<drawn>", text)

    def _id(self, value: str, *, learn: bool) -> str:
        if set(value) == {value[0]}:
            return value  # made up by a case
        if learn:
            self._numbers.setdefault(value, len(self._numbers) + 1)
        number = self._numbers.get(value)
        return f"<id {number}>" if number else "<id>"


def text(value: Any) -> str:
    """An object of the client, as JSON."""
    return json.dumps(_plain(value, 0), sort_keys=True, default=repr)


def digest(data: bytes) -> str:
    return f"{len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}"


def _plain(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if depth > _DEEP:
        return f"<{type(value).__name__}>"
    match value:
        case enum.Enum():
            return str(value.value)
        case bytes():
            return digest(value)
        case datetime() | date():
            return value.isoformat()
        case PurePath():
            return str(value)
        case Mapping():
            return {str(key): _plain(item, depth + 1) for key, item in value.items()}
        case list() | tuple():
            return _listed(value, depth)
        case set() | frozenset():
            return sorted(json.dumps(_plain(item, depth + 1)) for item in value)
        case _:
            return _described(value, depth)


def _listed(value: Any, depth: int) -> Any:
    items = [_plain(item, depth + 1) for item in value]
    token = getattr(value, "token", None)
    return {"page": items, "token": token} if token else items


def _described(value: Any, depth: int) -> Any:
    kind = type(value).__name__
    module = type(value).__module__
    if module.startswith("pandas"):
        return {"table": _plain(json.loads(value.to_json(orient="split", default_handler=str)), 0)}
    if module.startswith("numpy"):
        return {kind: _plain(value.tolist(), depth + 1)}
    if kind in {"Trace", "Span", "LiveSpan", "Session"} and hasattr(value, "to_dict"):
        return {kind: _plain(value.to_dict(), depth + 1)}
    if hasattr(value, "model_dump"):
        return {kind: _plain(value.model_dump(), depth + 1)}
    if dataclasses.is_dataclass(value) or module.startswith("mlflow.entities"):
        return {kind: _plain(_fields(value), depth + 1)}
    if module.startswith("mlflow."):
        return {kind: _plain(_fields(value), depth + 1)} if depth < 3 else f"<{kind}>"
    return f"<{kind}>"


def _fields(value: Any) -> dict[str, Any]:
    found = getattr(value, "__dict__", {})
    return {name.lstrip("_"): item for name, item in found.items() if not callable(item)}
