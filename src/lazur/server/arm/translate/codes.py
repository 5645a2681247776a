"""Code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lazur.errors import Invalid
from lazur.server.arm.ids import type_of
from lazur.server.arm.translate.common import resource
from lazur.server.arm.translate.places import Blobs, Here


def from_arm(body: Mapping[str, Any], here: Here) -> tuple[dict[str, Any], Blobs | None]:
    """The spec, and where its files have been put, where they are to be fetched from there."""
    given = body.get("properties") or {}
    uri = given.get("codeUri")
    if not isinstance(uri, str) or not uri:
        raise Invalid("properties.codeUri is missing.", hint="It says where the files were put.")
    place = here.written(uri)
    kept = {key: given[key] for key in ("description", "tags", "properties") if given.get(key)}
    return ({**kept, "path": place}, None) if isinstance(place, str) else (kept, place)


def to_arm(view: Mapping[str, Any], here: Here) -> dict[str, Any]:
    properties = {
        "codeUri": here.code(view.get("path")),
        "description": view.get("description"),
        "tags": dict(view.get("tags") or {}),
        "properties": dict(view.get("properties") or {}),
        "isAnonymous": str(view["name"]).startswith("hash-"),
        "isArchived": bool(view.get("archived")),
        "provisioningState": "Succeeded",
    }
    at = here.ids.version("codes", view["name"], view["version"])
    return resource(view, at, type_of("codes", versioned=True), properties)
