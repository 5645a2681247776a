"""Answers and errors in Azure's words."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

from lazur.errors import LazurError
from lazur.server.headers import retry_after

_CODES = {
    "Unauthenticated": "InvalidAuthenticationToken",
    "Forbidden": "AuthorizationFailed",
    "NotFound": "ResourceNotFound",
    "Conflict": "Conflict",
    "PreconditionFailed": "PreconditionFailed",
    "QuotaExceeded": "QuotaExceeded",
    "TooLarge": "RequestEntityTooLarge",
    "Unavailable": "ServiceUnavailable",
    "TooManyTries": "TooManyRequests",
    "Unsupported": "NotImplemented",
    "MissingExtra": "NotImplemented",
    "BackendError": "ServiceError",
    "Internal": "InternalServerError",
}
_BLOB_CODES = {
    "Unauthenticated": "AuthenticationFailed",
    "Forbidden": "AuthorizationPermissionMismatch",
    "NotFound": "BlobNotFound",
    "Conflict": "BlobAlreadyExists",
    "PreconditionFailed": "ConditionNotMet",
    "TooLarge": "RequestBodyTooLarge",
    "QuotaExceeded": "AccountIsDisabled",
    "Unavailable": "ServerBusy",
    "TooManyTries": "ServerBusy",
    "Unsupported": "UnsupportedHttpVerb",
}
POLL = "1"
"""Seconds after which a client asks again. Without the header Azure's sleeps for thirty."""


@dataclass(frozen=True)
class Reply:
    body: Any = None
    """An object for JSON; bytes are sent as they are."""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict[str, str])
    kind: str = "application/json"

    def content(self) -> bytes:
        if self.body is None:
            return b""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


def accepted(url: str) -> Reply:
    """Begun; `url` tells when it is done."""
    headers = {"Location": url, "Azure-AsyncOperation": url, "Retry-After": POLL}
    return Reply(None, 202, headers)


def pending(url: str) -> Reply:
    """Not done yet."""
    return Reply({"status": "InProgress"}, 202, {"Location": url, "Retry-After": POLL})


def listed(values: list[Any], next_link: str | None = None) -> Reply:
    return Reply({"value": values, **({"nextLink": next_link} if next_link else {})})


def refusal(error: LazurError) -> Reply:
    """As Azure's resource manager says it."""
    found = error.details.get("diagnostics", ())
    details = [str(one.get("message", one)) for one in found]
    return Reply(told(error.code, _text(error), details), _status(error), _headers(error))


def told(code: str, text: str, details: Iterable[str] = ()) -> dict[str, Any]:
    """The body of a refusal. `text` says what to do next, too: Azure's clients print nothing
    else."""
    parts = [{"code": "ValidationError", "message": one, "target": None} for one in details]
    code = _CODES.get(code, "UserError")
    return {"error": {"code": code, "message": text, "target": None, "details": parts}}


def blob_refusal(error: LazurError) -> Reply:
    """As Azure's storage says it."""
    code = _BLOB_CODES.get(error.code, "InvalidInput" if error.status < 500 else "InternalError")
    body = (
        '<?xml version="1.0" encoding="utf-8"?>'
        f"<Error><Code>{code}</Code><Message>{escape(_text(error))}</Message></Error>"
    )
    headers = {**_headers(error), "x-ms-error-code": code}
    return Reply(body.encode(), _status(error), headers, "application/xml")


def _status(error: LazurError) -> int:
    """Azure has one status for what is wrong in a request."""
    return 400 if error.status in {422, 424} else error.status


def _text(error: LazurError) -> str:
    return f"{error.message} {error.hint}" if error.hint else error.message


def _headers(error: LazurError) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in retry_after(error)}
