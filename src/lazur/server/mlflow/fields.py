"""What a request says, read as upstream reads it: protobuf's JSON, and which fields must be there.

Anything that needs more than a look (numbers as text, null in a list, an unknown field) is
upstream's to judge.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

from lazur.server.mlflow.call import Punt, Refusal

Fields = Mapping[str, Any]

_SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_INT64 = 1 << 63
_KINDS: dict[str, tuple[type, ...]] = {
    "value": (str, int, float),
    "timestamp": (int,),
    "models": (list,),
    "run_ids": (list,),
}
"""Of required fields that are no text."""


def invalid(message: str) -> Refusal:
    return Refusal("INVALID_PARAMETER_VALUE", message)


def missing(name: str) -> Refusal:
    return invalid(
        f"Missing value for required parameter '{name}'."
        " See the API docs for more information about request parameters."
    )


def require(fields: Fields, *names: str) -> None:
    """In upstream's order: the first that is missing is told, unless one before it is odd."""
    for name in names:
        value = fields.get(name)
        if name == "run_id" and value is None:
            value = fields.get("run_uuid")
        if value is None or value == "":
            raise missing(name)
        if type(value) not in _KINDS.get(name, (str,)):
            raise Punt


def run_id(fields: Fields) -> str:
    """Old clients call it `run_uuid`, and newer ones send both."""
    old = text(fields, "run_uuid")
    return text(fields, "run_id") or old


def text(fields: Fields, name: str) -> str:
    """Empty where it is absent, as in protobuf."""
    value = fields.get(name)
    if value is None:
        return ""
    if type(value) is not str:
        raise Punt
    return value


def integer(fields: Fields, name: str) -> int | None:
    value = fields.get(name)
    if value is None:
        return None
    if type(value) is not int or not -_INT64 <= value < _INT64:
        raise Punt
    return value


def number(fields: Fields, name: str) -> float:
    value = fields.get(name)
    kind = type(value)
    if kind is float and math.isfinite(value := cast("float", value)):
        return value
    if kind is int and -_INT64 <= (whole := cast("int", value)) < _INT64:
        return float(whole)
    if kind is str and value in _SPECIAL:
        return _SPECIAL[cast("str", value)]
    raise Punt


def records(fields: Fields, name: str, *known: str) -> list[dict[str, Any]]:
    """A list of objects that have no other fields than these."""
    found = fields.get(name, [])
    if type(found) is not list:
        raise Punt
    allowed = set(known)
    for item in cast("list[Any]", found):
        if type(item) is not dict or not allowed.issuperset(cast("dict[str, Any]", item)):
            raise Punt
    return cast("list[dict[str, Any]]", found)


def pairs(fields: Fields, name: str) -> list[tuple[str, str]]:
    """Tags and parameters."""
    return [
        (text(item, "key"), text(item, "value")) for item in records(fields, name, "key", "value")
    ]


def one(parameters: Mapping[str, list[str]], name: str) -> str:
    """A parameter of the URL; upstream takes the first, where there are several."""
    return parameters.get(name, [""])[0]
