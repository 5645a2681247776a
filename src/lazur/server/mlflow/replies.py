"""Errors in the words of both: MLflow's clients print `message`, ours read `error`."""

from __future__ import annotations

import json

from lazur.errors import LazurError

_CODES = {
    "Unauthenticated": "UNAUTHENTICATED",
    "Forbidden": "PERMISSION_DENIED",
    "NotFound": "RESOURCE_DOES_NOT_EXIST",
    "Conflict": "RESOURCE_CONFLICT",
    "Unavailable": "TEMPORARILY_UNAVAILABLE",
    "Unsupported": "NOT_IMPLEMENTED",
    "MissingExtra": "NOT_IMPLEMENTED",
    "Internal": "INTERNAL_ERROR",
    "BackendError": "INTERNAL_ERROR",
}


def error(found: LazurError, code: str | None = None) -> bytes:
    return both(found.to_dict()["error"], code)


def both(found: dict[str, object], code: str | None = None) -> bytes:
    text = " ".join(str(found[key]) for key in ("message", "hint") if found.get(key))
    code = code or _CODES.get(str(found["code"]), "INVALID_PARAMETER_VALUE")
    return json.dumps({"error_code": code, "message": text, "error": found}).encode()
