"""What is odd about steps and their components, and stops nobody: fields that nobody knows, which
are slips of the pen mostly, and those that have no effect."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from lazur.kinds.pipelines.steps import OWN, mapping
from lazur.spec.checking import Check, unknown
from lazur.spec.diagnostics import Diagnostic
from lazur.spec.model import Spec
from lazur.spec.suggestions import closest


def of_step(written: Mapping[str, Any], found: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """Warnings of the job that a step becomes, where they stand: in what the step says itself, or
    in its component, whose unknown fields `of_part` tells."""
    warnings = [one for one in found if one.severity == "warning"]
    slips = unknown(warnings)
    for one in warnings:
        field = one.path.partition(".")[0]
        if field in written and not _is_bound(written, one.path):
            near = closest(field, OWN) if one.path == field and one in slips else None
            yield replace(one, hint=one.hint or (f"Did you mean {near!r}?" if near else None))
        elif one not in slips and field in mapping(written.get("component")):
            yield replace(one, path=f"component.{one.path}")


def _is_bound(written: Mapping[str, Any], path: str) -> bool:
    """What the step has there is a text, such as `${{parent.inputs.x}}`: what is wrong below it is
    said where it comes from."""
    value: Any = written
    for part in path.split(".")[:-1]:
        value = mapping(value).get(part)
        if isinstance(value, str):
            return True
    return False


def of_part(cls: type[Spec], value: Mapping[str, Any]) -> list[Diagnostic]:
    """Of a component, or of the job of a pipeline within one."""
    check = Check(value)
    check.model(cls)
    found = unknown(check.diagnostics)
    return [replace(one, hint=one.hint or _ELSEWHERE.get(one.path)) for one in found]


_ELSEWHERE = {
    "compute": "Where it runs, its step says, or the pipeline in `settings.default_compute`."
}
"""Of fields that a component has not: who says it instead."""
