"""`--set a.b[0].c=value` and `params_override`: changes to a spec before it is sent."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, cast

from lazur.errors import Invalid
from lazur.spec.scalars import Refused, resolve

Step = str | int

_STEP = re.compile(r"""\.?([^.\[\]=]+)|\[(\d+)\]|\[(['"])(.+?)\3\]""")
_TEXT = frozenset(
    {"name", "version", "label", "display_name", "description", "experiment_name", "command"}
)
"""Fields whose value is text whatever it looks like."""


def parse(assignment: str) -> tuple[list[Step], Any]:
    """`inputs.lr=0.1` is (["inputs", "lr"], 0.1)."""
    path, equals, value = assignment.partition("=")
    steps = split(path.strip())
    if not equals or not steps:
        raise Invalid(
            f"{assignment!r} is no assignment.",
            hint="Write it as --set inputs.lr=0.1 or --set 'resources.instance_count=2'.",
        )
    return steps, value if steps[-1] in _TEXT else _value(value)


def split(path: str) -> list[Step]:
    """`a.b[0]['c.d']` is ["a", "b", 0, "c.d"]; empty when it is no path."""
    steps: list[Step] = []
    position = 0
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None:
            return []
        key, index, _, quoted = match.groups()
        steps.append(int(index) if index is not None else key or quoted)
        position = match.end()
    return steps


def apply(spec: dict[str, Any], steps: list[Step], value: Any) -> None:
    """Set in place; mappings on the way are made. A list is changed within, or grows by one at its
    end."""
    here: Any = spec
    for done, (step, following) in enumerate(pairwise(steps), 1):
        here = _enter(here, step, following, steps[:done])
    _put(here, steps[-1], value, steps)


def apply_all(spec: dict[str, Any], overrides: Iterable[Mapping[str, Any]]) -> None:
    """`params_override` as in Azure's client: `[{"inputs.lr": 0.1}]`."""
    for override in overrides:
        for path, value in override.items():
            apply(spec, split(path), value)


def remove(spec: dict[str, Any], path: str) -> None:
    *above, last = split(path) or [""]
    here: Any = spec
    for step in above:
        here = (
            cast("dict[str, Any]", here).get(str(step)) if isinstance(here, dict) else here[step]
        )
    if not isinstance(here, dict) or cast("dict[str, Any]", here).pop(str(last), None) is None:
        raise Invalid(f"There is no {path!r} to remove.")


def value_at(spec: Any, steps: Iterable[Step]) -> Any:
    """None for what is not there."""
    here = spec
    for step in steps:
        try:
            here = here[step]
        except (KeyError, IndexError, TypeError):
            return None
    return here


def text(steps: Iterable[Step]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).lstrip(
        "."
    )


def _enter(here: Any, step: Step, following: Step, way: list[Step]) -> Any:
    inside: Any
    try:
        inside = here[step]
    except (KeyError, IndexError):
        inside = None
    except TypeError:
        raise _impossible(here, way[:-1]) from None
    if inside is None:
        inside = list[Any]() if isinstance(following, int) else dict[str, Any]()
        _put(here, step, inside, way)
    return inside


def _put(here: Any, step: Step, value: Any, way: list[Step]) -> None:
    if isinstance(here, dict) and isinstance(step, str):
        here[step] = value
    elif isinstance(here, list) and isinstance(step, int) and step <= len(cast("list[Any]", here)):
        here[step : step + 1] = [value]
    else:
        raise _impossible(here, way[:-1])


def _impossible(here: Any, way: list[Step]) -> Invalid:
    shown = json.dumps(here, default=str, ensure_ascii=False)
    return Invalid(
        f"`{text(way)}` is {shown[:80]}, so nothing can be set inside of it.",
        hint=f"Set the whole: --set {text(way)}=…",
    )


def _value(text: str) -> Any:
    """What the text would be in the YAML file; lists and mappings are written as JSON."""
    if text[:1] in {"[", "{", '"'}:
        try:
            return json.loads(text, parse_constant=str)
        except (ValueError, RecursionError):
            return text
    try:
        return resolve(text)
    except Refused as refused:
        raise Invalid(f"{text!r}: {refused.message}") from None
