"""What arrives over a wire, checked by the same models as YAML."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, cast

from lazur.errors import Invalid
from lazur.kinds import catalog
from lazur.kinds.jobs.common import Job
from lazur.kinds.jobs.parallel import ParallelJob, as_command
from lazur.spec import names
from lazur.spec.diagnostics import raise_if_errors, told
from lazur.spec.suggestions import did_you_mean

_ASSETS = {
    "environments": "environment",
    "data": "data",
    "models": "model",
    "components": "component",
    "codes": "code",
}
SERVER_OWNED = frozenset(
    "id status creation_context services_endpoints $schema labels mlflow archived etag "
    "warnings".split()
)
_MOST_TAGS = 1000
_LONGEST_TEXT = 64 << 10


@dataclass(frozen=True)
class CheckedJob:
    type: str
    model: Job
    value: dict[str, Any]
    """What was written, ready to be kept."""
    warnings: list[str]


def job(spec: dict[str, Any]) -> CheckedJob:
    kind = catalog.kind_of(spec, "job")
    model, found = catalog.validate(kind, spec)
    raise_if_errors(found)
    assert isinstance(model, Job)
    value = {key: part for key, part in model.dump().items() if key not in SERVER_OWNED}
    _bound(value)
    if isinstance(model, ParallelJob):
        runs = as_command(model, os.cpu_count() or 1)
        return CheckedJob("parallel", runs, value, told(found))
    warnings = told(found)
    return CheckedJob(kind.removesuffix("-job"), model, value, warnings)


def asset(kind: str, spec: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """What was written, as the kind's model reads it, and what is odd about it."""
    found_kind = catalog.kind_of(spec, _ASSETS[kind])
    model, found = catalog.validate(found_kind, spec)
    raise_if_errors(found)
    assert model is not None
    value = {key: part for key, part in model.dump().items() if key not in SERVER_OWNED}
    _bound(value)
    return value, told(found)


def changes(body: dict[str, Any], allowed: Collection[str]) -> dict[str, Any]:
    """The values of a PATCH, each of the right type."""
    for field in body:
        if field not in allowed:
            hint = did_you_mean(field, allowed) or f"Changeable: {', '.join(allowed)}."
            raise Invalid(f"{field!r} cannot be changed.", hint=hint)
    return {field: _checked(field, value) for field, value in body.items()}


def name(value: Any, field: str = "name") -> str:
    return text(field, value, names.check_name)


def text(field: str, value: Any, check: Callable[[str], str]) -> str:
    """`check` raises ValueError with the reason."""
    if not isinstance(value, str):
        raise Invalid(f"{field} must be text.")
    try:
        return check(value)
    except ValueError as error:
        raise Invalid(f"{field}: {error}.") from None


def _checked(field: str, value: Any) -> Any:
    match field:
        case "archived" | "disabled":
            if not isinstance(value, bool):
                raise Invalid(f"{field} must be true or false.")
            return value
        case "tags" | "properties":
            return _texts(field, value)
        case "experiment_name":
            return text(field, value, names.check_title)
        case _:
            if value is not None and not isinstance(value, str):
                raise Invalid(f"{field} must be text.")
            if value and len(value) > _LONGEST_TEXT:
                raise Invalid(
                    f"{field} may have {_LONGEST_TEXT} characters, this has {len(value)}."
                )
            return value


def _bound(value: dict[str, Any]) -> None:
    """Notes are as short where they are made as where they are changed."""
    for field in ("tags", "properties"):
        given = cast("dict[str, Any]", value.get(field) or {})
        if len(given) > _MOST_TAGS:
            raise Invalid(f"{field} may have {_MOST_TAGS} entries, this has {len(given)}.")
        for key, text in given.items():
            if len(key) > 255 or len(str(text)) > _LONGEST_TEXT:
                raise Invalid(
                    f"{field}.{key[:50]} must be text of at most {_LONGEST_TEXT} characters."
                )
    if len(str(value.get("description") or "")) > _LONGEST_TEXT:
        raise Invalid(f"description may have {_LONGEST_TEXT} characters.")


def _texts(field: str, value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise Invalid(f"{field} must be a mapping.")
    given = cast("dict[str, Any]", value)
    if len(given) > _MOST_TAGS:
        raise Invalid(f"{field} may have {_MOST_TAGS} entries, this has {len(given)}.")
    made: dict[str, str] = {}
    for key, text in given.items():
        if (
            not isinstance(text, str | int | float | bool)
            or len(key) > 255
            or len(str(text)) > _LONGEST_TEXT
        ):
            raise Invalid(
                f"{field}.{key[:50]} must be text of at most {_LONGEST_TEXT} characters."
            )
        made[key] = str(text)
    return made
