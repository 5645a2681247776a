"""What somebody wrote of a datastore or a connection, taken apart: what all who may read it see,
and what is kept sealed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from lazur.errors import Invalid
from lazur.kinds import catalog
from lazur.kinds.resources.common import Credentials
from lazur.services.base import checks
from lazur.spec.diagnostics import raise_if_errors, told
from lazur.spec.names import fold
from lazur.store.db import AnyRow

_NOTES = ("description", "tags", "properties")
_APART = frozenset({"name", "type", "id", "credentials", "api_key", "is_default", *_NOTES})
_LARGEST = 64 << 10


@dataclass(frozen=True)
class Checked:
    """What somebody wrote, taken apart."""

    type: str
    settings: dict[str, Any]
    notes: dict[str, Any]
    credential: str
    values: dict[str, str]
    """Of the credentials; nowhere but sealed."""
    warnings: list[str]


def check(noun: str, spec: Mapping[str, Any]) -> Checked:
    """By the kind's own model. Fields that are not known are left out, since nobody knows what is
    in them."""
    kind = catalog.kind_of(spec, noun)
    model, found = catalog.validate(kind, spec)
    raise_if_errors(found)
    assert model is not None
    value = {name: part for name, part in model.dump().items() if name in type(model).model_fields}
    given = _credentials(value)
    settings = {name: part for name, part in value.items() if name not in _APART}
    notes = checks.changes({n: value[n] for n in _NOTES if value.get(n) is not None}, _NOTES)
    if len(str(settings)) + len(str(given)) > _LARGEST:
        raise Invalid(f"A {noun} may have {_LARGEST:,} characters.")
    return Checked(
        type=str(value["type"]),
        settings={name: part for name, part in settings.items() if part is not None},
        notes={**notes, "is_default": bool(value.get("is_default"))},
        credential=Credentials.kind_in(given) or "none",
        values={n: str(part) for n, part in given.items() if n != "type" and part is not None},
        warnings=told(found),
    )


def merged(noun: str, row: AnyRow, changes: dict[str, Any]) -> tuple[Checked, bool]:
    """What it is afterwards, and whether its credentials are given anew."""
    for field, value in (("name", row.name), ("type", row.type)):
        if fold(str(changes.get(field) or value)).replace("_", "") != fold(value).replace("_", ""):
            raise Invalid(f"{field!r} cannot be changed.", hint="Make another one.")
    anew = bool({"credentials", "api_key"} & changes.keys())
    written = {
        "description": row.description,
        "tags": row.tags,
        "properties": row.properties,
        **({"is_default": row.is_default} if noun == "datastore" else {}),
        **row.settings,
        **changes,
        "name": row.name,
        "type": row.type,
    }
    if not anew:
        written["credentials"] = {"type": "none"}  # what is kept is not looked at again
    checked = check(noun, {name: v for name, v in written.items() if v is not None})
    if checked.settings != row.settings and row.secret_id is not None and not anew:
        changed = sorted(
            name
            for name in {*checked.settings, *row.settings}
            if checked.settings.get(name) != row.settings.get(name)
        )
        raise Invalid(
            f"{', '.join(changed)}: credentials stay with the address they were given for.",
            hint="Give them again, together with the change.",
        )
    return checked if anew else replace(checked, values={}), anew


def _credentials(value: Mapping[str, Any]) -> dict[str, Any]:
    if key := value.get("api_key"):
        return {"type": "api_key", "key": key}
    return dict(value.get("credentials") or {})
