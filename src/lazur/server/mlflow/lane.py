"""The fast lane: what is asked thousands of times, answered on upstream's own tables."""

from __future__ import annotations

import json
from dataclasses import dataclass

from lazur.server.mlflow import runs
from lazur.server.mlflow.call import Call, Handler, Punt, Refusal

ROUTES: dict[tuple[str, str], Handler] = {**runs.ROUTES}
"""(method, path as in `Call`) → handler."""

_STATUS = {
    "INTERNAL_ERROR": 500,
    "INVALID_STATE": 500,
    "NOT_IMPLEMENTED": 501,
    "TEMPORARILY_UNAVAILABLE": 503,
    "REQUEST_LIMIT_EXCEEDED": 429,
    "RESOURCE_EXHAUSTED": 429,
    "RESOURCE_CONFLICT": 409,
    "ENDPOINT_NOT_FOUND": 404,
    "RESOURCE_DOES_NOT_EXIST": 404,
    "PERMISSION_DENIED": 403,
    "UNAUTHENTICATED": 401,
    "BAD_REQUEST": 400,
    "RESOURCE_ALREADY_EXISTS": 400,
    "INVALID_PARAMETER_VALUE": 400,
}
"""Upstream's, of the codes that are raised here."""


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes


async def answer(call: Call) -> Answer | None:
    """None: upstream shall answer."""
    handler = ROUTES.get((call.method, call.path))
    if handler is None:
        return None
    try:
        return Answer(200, await handler(call))
    except Punt:
        return None
    except Refusal as refusal:
        return refused(refusal)


def refused(refusal: Refusal) -> Answer:
    body = json.dumps({"error_code": refusal.code, "message": refusal.message})
    return Answer(_STATUS[refusal.code], body.encode())
