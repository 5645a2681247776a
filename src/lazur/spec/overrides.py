"""`--set a.b[0].c=value`: change one place of a spec, as `az ml` does."""

from __future__ import annotations

import re
from typing import Any, cast

from lazur.errors import Invalid
from lazur.spec.scalars import Refused, resolve

_STEP = re.compile(r"([^.\[\]]+)|\[(\d{1,6})\]")
_KEY = re.compile(r"[^.\[\]]+(?:\.[^.\[\]]+|\[\d{1,6}\])*")


def apply(value: dict[str, Any], assignments: list[str]) -> dict[str, Any]:
    """A copy of `value` with every `key=text` applied, the last one winning. Raises Invalid."""
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals:
            raise Invalid(f"{assignment!r} is no assignment", hint="Write --set a.b=value.")
        value = assign(value, key, _value(text))
    return value


def assign(value: dict[str, Any], key: str, new: Any) -> dict[str, Any]:
    """A copy of `value` where `key` (`a.b[0].c`) holds `new`; mappings on the way are made as
    needed."""
    if not _KEY.fullmatch(key):
        raise Invalid(
            f"{key!r} is no place in a spec", hint="Write it like inputs.data.path or a[0].b."
        )
    steps: list[str | int] = [
        found[1] if found[1] is not None else int(found[2]) for found in _STEP.finditer(key)
    ]
    return _assign(value, steps, new, key)


def _assign(value: Any, steps: list[str | int], new: Any, key: str) -> Any:
    if not steps:
        return new
    step, rest = steps[0], steps[1:]
    if isinstance(step, int):
        if not isinstance(value, list) or step >= len(cast("list[Any]", value)):
            raise Invalid(f"--set {key}: there is no item [{step}]")
        items = list(cast("list[Any]", value))
        items[step] = _assign(items[step], rest, new, key)
        return items
    fields = dict(cast("dict[str, Any]", value)) if isinstance(value, dict) else {}
    fields[step] = _assign(fields.get(step), rest, new, key)
    return fields


def _value(text: str) -> Any:
    try:
        return resolve(text)
    except Refused as refused:
        raise Invalid(f"{text!r}: {refused.message}") from None
