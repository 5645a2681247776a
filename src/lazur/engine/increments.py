"""A job's view told in parts: the whole once, then what is another. Of thousands of steps few
change at a time. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

View = Mapping[str, Any]

_STEPS = "steps"


def between(before: View, now: View) -> dict[str, Any]:
    """`fields` that are another, fields that are `gone`, `steps` that are another; and `order`,
    the names of all steps, where some came or went."""
    told: dict[str, Any] = {
        "fields": {k: v for k, v in now.items() if k not in before or before[k] != v},
        "gone": [k for k in before if k not in now],
    }
    if _STEPS not in before or _STEPS not in now:
        return told
    told["fields"].pop(_STEPS, None)
    known = {step["name"]: step for step in before[_STEPS]}
    told[_STEPS] = [step for step in now[_STEPS] if known.get(step["name"]) != step]
    order = [step["name"] for step in now[_STEPS]]
    if list(known) != order:
        told["order"] = order
    return told


def merged(before: View, told: View) -> dict[str, Any]:
    """The view that `told` was about. What is unknown in `told` is left alone: a newer server may
    say more."""
    made = {k: v for k, v in before.items() if k not in set(told.get("gone", ()))}
    made |= told["fields"]
    if _STEPS in told:
        known = {step["name"]: step for step in (*before[_STEPS], *told[_STEPS])}
        made[_STEPS] = [known[name] for name in told.get("order", known)]
    return made
