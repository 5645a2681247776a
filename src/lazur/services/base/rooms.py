"""What workspaces and registries are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from lazur.kinds import catalog
from lazur.services.base import checks
from lazur.services.base.site import Context
from lazur.services.base.times import iso
from lazur.spec.diagnostics import raise_if_errors, told
from lazur.spec.names import fold
from lazur.store.db import AnyRow

NOTES = ("display_name", "description", "tags")
_APART = ("name", "id", "discovery_url", "mlflow_tracking_uri", "mlflow_registry_uri", *NOTES)


class Room(NamedTuple):
    name: str
    values: dict[str, Any]
    """Of its row."""
    warnings: list[str]


def check(context: Context, kind: str, spec: Mapping[str, Any]) -> Room:
    """`kind`: `workspace` or `registry`. What is understood and has no effect is kept, and
    named."""
    name = checks.name(spec.get("name"))
    model, found = catalog.validate(catalog.kind_of(spec, kind), spec)
    raise_if_errors(found)
    assert model is not None
    value = {field: part for field, part in model.dump().items() if part is not None}
    known = set(type(model).model_fields) - set(_APART)
    values: dict[str, Any] = {
        "kind": kind,
        "name": name,
        "folded": fold(name),
        "tags": {},
        **checks.changes({field: value[field] for field in NOTES if field in value}, NOTES),
        "settings": {field: value[field] for field in sorted(known & value.keys())},
        "created_at": context.now(),
        "created_by": context.who.name,
        "version": 1,
    }
    return Room(name, values, told(found))


def view(row: AnyRow, plural: str) -> dict[str, Any]:
    return {
        **row.settings,
        "id": f"/{plural}/{row.name}",
        "name": row.name,
        "display_name": row.display_name or row.name,
        "description": row.description,
        "tags": row.tags,
        "creation_context": {
            "created_at": iso(row.created_at),
            "created_by": row.created_by,
            "created_by_type": "User",
        },
        "etag": str(row.version),
    }
