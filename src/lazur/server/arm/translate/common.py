"""What all resources have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def system_data(view: Mapping[str, Any]) -> dict[str, Any]:
    made: Mapping[str, Any] = view.get("creation_context") or {}
    return {
        "createdAt": made.get("created_at"),
        "createdBy": made.get("created_by") or "lazur",
        "createdByType": made.get("created_by_type") or "User",
        "lastModifiedAt": made.get("last_modified_at") or made.get("created_at"),
        "lastModifiedBy": made.get("last_modified_by") or made.get("created_by") or "lazur",
        "lastModifiedByType": "User",
    }


def resource(
    view: Mapping[str, Any], resource_id: str, kind: str, properties: Mapping[str, Any]
) -> dict[str, Any]:
    """`kind` is the whole `type`."""
    return {
        "id": resource_id,
        "name": resource_id.rstrip("/").rpartition("/")[2],
        "type": kind,
        "properties": dict(properties),
        "systemData": system_data(view),
    }
