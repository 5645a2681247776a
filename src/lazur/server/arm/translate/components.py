"""Components. Inside `componentSpec` names are as in YAML, and numbers are texts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lazur.server.arm.ids import Ids
from lazur.server.arm.translate.cases import mapping
from lazur.server.arm.translate.pipelines import arm_steps, pipeline
from lazur.server.arm.translate.places import Here
from lazur.server.arm.translate.references import asset_id, written

_NOT_SPEC = frozenset(
    "id etag archived labels creation_context warnings properties registry _source $schema "
    "latest_version".split()
)
_REFERENCES = {"code": "codes", "environment": "environments"}
_NUMBER = re.compile(r"[+-]?\d{1,300}")
_LITERALS = ("default", "min", "max")


def from_arm(given: Mapping[str, Any], _: Here) -> dict[str, Any]:
    spec = mapping(given.get("componentSpec"))
    made = _kept(spec)
    _refer(made, lambda text, _: written(text))
    if task := mapping(made.get("task")):
        _refer(task, lambda text, _: written(text))
        made["task"] = task
    if inputs := mapping(made.get("inputs")):
        made["inputs"] = {name: _input(mapping(port)) for name, port in inputs.items()}
    if jobs := mapping(made.get("jobs")):
        made["jobs"] = pipeline({"jobs": jobs})["jobs"]
    return made


def to_arm(view: Mapping[str, Any], here: Here) -> dict[str, Any]:
    spec = _kept(view)
    ids = here.ids
    _refer(spec, lambda text, kind: _prefixed(text, kind, ids))
    if task := mapping(spec.get("task")):
        _refer(task, lambda text, kind: _prefixed(text, kind, ids))
        spec["task"] = task
    if inputs := mapping(spec.get("inputs")):
        spec["inputs"] = {name: _arm_input(mapping(port)) for name, port in inputs.items()}
    if jobs := mapping(spec.get("jobs")):
        spec["jobs"] = arm_steps({**view, "jobs": jobs}, ids)
    return {"componentSpec": spec}


def container(_: Mapping[str, Any]) -> dict[str, Any]:
    return {}


def _kept(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {key: one for key, one in spec.items() if key not in _NOT_SPEC and one is not None}


def _refer(spec: dict[str, Any], told: Any) -> None:
    for field, kind in _REFERENCES.items():
        if field in spec:
            spec[field] = told(spec[field], kind)


def _prefixed(text: Any, kind: str, ids: Ids) -> str | None:
    found = asset_id(text, kind, ids)
    return f"azureml:{found}" if found and found.startswith("/") else found


def _input(port: dict[str, Any]) -> dict[str, Any]:
    kind = str(port.get("type") or "")
    made = {key: value for key, value in port.items() if value is not None}
    for field in _LITERALS:
        if isinstance(made.get(field), str):
            made[field] = _value(made[field], kind.lower())
    if isinstance(made.get("optional"), str):
        made["optional"] = made["optional"].lower() == "true"
    return made


def _arm_input(port: dict[str, Any]) -> dict[str, Any]:
    made = {key: value for key, value in port.items() if value is not None}
    for field in _LITERALS:
        if field in made:
            made[field] = _text(made[field])
    return made


def _value(text: str, kind: str) -> Any:
    """What stays text says what is wrong with it where it is checked."""
    if kind == "boolean" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if kind in ("integer", "number") and _NUMBER.fullmatch(text):
        return int(text)
    if kind == "number":
        try:
            return float(text)
        except ValueError:
            return text
    return text


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
