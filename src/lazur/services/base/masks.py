"""Settings as they may be told to who has no key: without the passwords that stand in them.

What a comment says nobody can tell, so where anything is masked the comments go, too.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, cast

MASK = "***"
HEAD = f"# Written for a backup without the root key: passwords are {MASK}, comments are gone.\n"
_USER = re.compile(r"(?P<before>://[^/@:]*:)(?P<secret>.+)(?P<after>@)", re.DOTALL)
_ALONE = re.compile(r"(?P<before>https?://)(?P<secret>[^/@:]+)(?P<after>@)")
_QUERY = re.compile(
    r"(?P<before>[?&;\s][^=&?]*(?:pass|pwd|secret|token|key|sig|auth|cred)[^=&?]*=)"
    r"(?P<secret>[^&;]+)(?P<after>)",
    re.IGNORECASE,
)
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_NAMED = re.compile(r"(?:^|_)(?:password|secret|token|key)$")
_IN_TEXT = re.compile(
    r"://\S*:\S*@|https?://[^/\s]*@|[?&]\S*(?:pass|pwd|secret|token|key|sig)\S*="
)


def settings(text: str) -> tuple[str, list[str]]:
    """The file without passwords, and the names of the settings that had one. Raises ValueError
    where it is none."""
    found = tomllib.loads(text)
    names: list[str] = []
    made = {key: _masked(key, key, value, names) for key, value in found.items()}
    if not names and not _IN_TEXT.search(text):
        return text, []
    return HEAD + "\n".join([*_written(made), ""]), names


def _masked(name: str, place: str, value: Any, names: list[str]) -> Any:
    if isinstance(value, dict):
        held = cast("dict[str, Any]", value)
        return {k: _masked(k, f"{place}.{k}", inner, names) for k, inner in held.items()}
    if isinstance(value, list):
        return [_masked(name, place, inner, names) for inner in cast("list[Any]", value)]
    if not isinstance(value, str):
        return value
    made = MASK if value and _NAMED.search(name) else _without(value)
    if made != value and place not in names:
        names.append(place)
    return made


def _without(value: str) -> str:
    for pattern in (_USER, _ALONE, _QUERY):
        value = pattern.sub(rf"\g<before>{MASK}\g<after>", value)
    return value


def _written(table: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """As TOML: what stands in the table first, then the tables in it."""
    tables = {k: cast("dict[str, Any]", v) for k, v in table.items() if isinstance(v, dict)}
    for key, value in table.items():
        if key not in tables:
            yield f"{_key(key)} = {_value(value)}"
    for key, value in tables.items():
        place = f"{above}{_key(key)}"
        yield f"\n[{place}]"
        yield from _written(value, f"{place}.")


def _value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, cast('list[Any]', value)))}]"
    if isinstance(value, dict):
        held = cast("dict[str, Any]", value)
        return "{" + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in held.items()) + "}"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else _text(str(value))


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _text(text: str) -> str:
    """A string in JSON is one in TOML, but for one character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
