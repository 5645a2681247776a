"""How Azure writes what YAML writes in another way: names of fields, lengths of time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from lazur.errors import Invalid

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_DURATION = re.compile(
    r"P(?:(?P<weeks>\d{1,9})W)?(?:(?P<days>\d{1,9})D)?"
    r"(?:T(?:(?P<hours>\d{1,9})H)?(?:(?P<minutes>\d{1,9})M)?(?:(?P<seconds>\d{1,9})(?:\.\d+)?S)?)?",
    re.IGNORECASE,
)
_SECONDS = {"weeks": 604_800, "days": 86_400, "hours": 3600, "minutes": 60, "seconds": 1}


def snake(name: str) -> str:
    """`instanceCount` -> `instance_count`; what is written so already stays."""
    return _HUMP.sub("_", name).lower()


def camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in others)


def pascal(word: str) -> str:
    """`uri_folder` -> `UriFolder`."""
    return "".join(part[:1].upper() + part[1:] for part in word.split("_"))


def snaked(body: Any) -> dict[str, Any]:
    """Of a mapping whose fields are known: their names, not what is in them."""
    return {snake(name): value for name, value in mapping(body).items() if value is not None}


def camelled(body: Mapping[str, Any]) -> dict[str, Any]:
    return {camel(name): value for name, value in body.items() if value is not None}


def mapping(value: Any) -> dict[str, Any]:
    return dict(cast("Mapping[str, Any]", value)) if isinstance(value, Mapping) else {}


def given(**fields: Any) -> dict[str, Any]:
    """Those that say something."""
    return {name: value for name, value in fields.items() if value is not None}


def seconds(value: Any) -> int | None:
    """`PT1H` -> 3600. Numbers are seconds already."""
    if value is None or isinstance(value, int):
        return value
    found = _DURATION.fullmatch(str(value).strip())
    parts = {name: n for name, n in found.groupdict().items() if n} if found else {}
    if not parts:
        raise Invalid(f"{str(value)[:40]!r} is no length of time.", hint="Write it as PT1H30M.")
    return sum(int(number) * _SECONDS[name] for name, number in parts.items())


def duration(value: int | None) -> str | None:
    """3600 -> `PT1H`."""
    if value is None:
        return None
    hours, rest = divmod(int(value), 3600)
    minutes, left = divmod(rest, 60)
    parts = ((hours, "H"), (minutes, "M"), (left, "S"))
    return "PT" + ("".join(f"{number}{unit}" for number, unit in parts if number) or "0S")
