"""One step of a pipeline, whatever its form: what kind of job it is, what goes in and comes out,
and what of its component it overrides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from lazur.spec.model import squashed

PRIMITIVE = frozenset({"boolean", "integer", "number", "string"})
CONTROL = {"ifelse": "if_else", "dowhile": "do_while", "parallelfor": "parallel_for"}
TYPES = ("command", "sweep", "parallel", "pipeline")
"""Of jobs that a step may be."""
KNOWN = {
    **{squashed(word): word for word in (*TYPES, "spark", "automl", "import", "data_transfer")},
    **CONTROL,
}
ARTIFACTS = frozenset({"artifacts", "default"})
"""Outputs that every job has."""

_COMPONENT_ONLY = frozenset(
    "$schema id name version display_name description tags properties is_deterministic inputs "
    "outputs type additional_includes auto_delete_setting intellectual_property creation_context "
    "latest_version early_available compute".split()
)
"""Where it runs is no matter of a component: the step or the pipeline says it."""
_STEP_ONLY = frozenset(
    "component inputs outputs type depends_on on_failure comment is_deterministic name $schema "
    "id".split()
)
OWN = (*_STEP_ONLY, "display_name", "description", "tags", "properties")
"""What any step may say of itself."""
_MERGED = (
    "environment_variables",
    "resources",
    "limits",
    "distribution",
    "retry_settings",
    "task",
)


def kind_of(step: Mapping[str, Any]) -> str:
    """Its `type`, or that of its component, or `command`; as written where it is none."""
    word = step.get("type")
    if word is None:
        word = (body(step) or {}).get("type")
    if word is None:
        word = "pipeline" if "jobs" in (body(step) or step) else "command"
    return KNOWN.get(squashed(word), str(word))


def body(step: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Its component, or the trial of a sweep, where it is known: a reference is text."""
    for key in ("component", "trial"):
        found = step.get(key)
        if isinstance(found, Mapping) and (key == "component" or "inputs" in found):
            return cast("Mapping[str, Any]", found)
    return None


def is_open(step: Mapping[str, Any]) -> bool:
    """Whether its inputs and outputs are declared elsewhere, where nobody has looked yet."""
    return isinstance(step.get("component"), str) or isinstance(step.get("trial"), str)


def ports(step: Mapping[str, Any], side: str) -> dict[str, dict[str, Any]]:
    """`inputs` or `outputs` that its component declares; of a step without one, its own."""
    found = body(step)
    declared = mapping((found if found is not None else step).get(side))
    return {
        name: mapping(part) if found is not None or side == "outputs" else {}
        for name, part in declared.items()
    }


def is_primitive(port: Mapping[str, Any]) -> bool:
    return squashed(port.get("type")) in PRIMITIVE


def is_deterministic(step: Mapping[str, Any]) -> bool:
    """What the step says, or else its component: left blank it says nothing."""
    for part in (step, body(step) or {}):
        if (said := part.get("is_deterministic")) is not None:
            return said is not False and squashed(said) != "false"
    return True


def job_spec(step: Mapping[str, Any]) -> dict[str, Any]:
    """The step as a job of its own, without inputs and outputs: its component, and over it what
    the step says itself."""
    component = step.get("component")
    made: dict[str, Any] = {
        key: value
        for key, value in mapping(component).items()
        if key not in _COMPONENT_ONLY and value is not None
    }
    for key, value in step.items():
        if key in _STEP_ONLY or value is None:
            continue
        both = isinstance(value, Mapping) and isinstance(made.get(key), Mapping)
        made[key] = {**made[key], **value} if both and key in _MERGED else value
    made["type"] = kind_of(step)
    return made


def mapping(value: Any) -> dict[str, Any]:
    return dict(cast("Mapping[str, Any]", value)) if isinstance(value, Mapping) else {}


def names(value: Any) -> list[str]:
    """`depends_on: a` and `depends_on: [a, b]`, bare or as `${{parent.jobs.a}}`."""
    listed = cast("list[Any]", value) if isinstance(value, list) else [value]
    found = [str(part).strip() for part in listed if part is not None]
    return [_bare(text) for text in found if text]


def _bare(text: str) -> str:
    inside = text.removeprefix("${{").removesuffix("}}").strip()
    return inside.removeprefix("parent.jobs.")
