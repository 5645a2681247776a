"""The fast lane: what is asked thousands of times, answered on upstream's own tables."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass

from lazur.server.mlflow import (
    experiments,
    history,
    inputs,
    metrics,
    models,
    run_history,
    runs,
    search,
)
from lazur.server.mlflow.call import Call, Handler, Punt, Refusal
from lazur.store.mlflow import schema

log = logging.getLogger("lazur.server")

ROUTES: dict[tuple[str, str], Handler] = {
    **runs.ROUTES,
    **metrics.ROUTES,
    **inputs.ROUTES,
    **experiments.ROUTES,
    **models.ROUTES,
    **history.ROUTES,
    **search.ROUTES,
    **run_history.ROUTES,
}
"""(method, path as in `Call`) → handler. Ids in paths are `*`."""

_ERRORS = {
    "INTERNAL_ERROR": (500, "XXM00", "CLIENT_INTERNAL_ERROR"),
    "INVALID_STATE": (500, "XXM00", "CLIENT_INTERNAL_ERROR"),
    "TEMPORARILY_UNAVAILABLE": (503, "XXM00", "CLIENT_INTERNAL_ERROR"),
    "ENDPOINT_NOT_FOUND": (404, "KAM00", "RESOURCE_NOT_FOUND"),
    "RESOURCE_DOES_NOT_EXIST": (404, "KAM00", "RESOURCE_NOT_FOUND"),
    "PERMISSION_DENIED": (403, "KAM00", "PERMISSION_DENIED"),
    "BAD_REQUEST": (400, "KAM00", "INVALID_PARAMETER_VALUE"),
    "RESOURCE_ALREADY_EXISTS": (400, "KAM00", "RESOURCE_ALREADY_EXISTS"),
    "INVALID_PARAMETER_VALUE": (400, "KAM00", "INVALID_PARAMETER_VALUE"),
}
"""Upstream's, of the codes that are raised here: status, SQL state and class."""


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes


def fits() -> bool:
    """Whether the installed MLflow is the one that the lane was compared with."""
    if (found := schema.installed()) == schema.TESTED:
        return True
    if found is None:
        log.warning("MLflow is not installed, and nothing that asks for it is answered")
        return False
    log.warning(
        "MLflow %s is installed, and its own server answers everything: the fast lane is for %s",
        found,
        schema.TESTED,
    )
    return False


async def answer(call: Call) -> Answer | None:
    """None: upstream shall answer."""
    path = run_history.route(models.route(call.path))
    handler = ROUTES.get((call.method, path))
    if handler is None:
        return None
    try:
        return Answer(200, await handler(call))
    except Punt:
        return None
    except Refusal as refusal:
        return refused(refusal)


def refused(refusal: Refusal) -> Answer:
    status, state, kind = _ERRORS[refusal.code]
    told = {
        "error_code": refusal.code,
        "message": refusal.message,
        "sqlstate": state,
        "error_class": kind,
    }
    return Answer(status, json.dumps(told).encode())
