"""Every error Lazur raises on purpose.

    LazurError                      500  Internal
    ├── Invalid                     400  what was sent cannot be accepted as it stands
    │   ├── SpecError               422  a YAML file or a spec is wrong, and where
    │   ├── TooLarge                413
    │   └── BlobsMissing            424  upload the listed blobs, then repeat the call
    ├── Unauthenticated             401
    ├── Forbidden                   403
    │   └── QuotaExceeded           403  which quota, how much of it is used, and whom to ask
    ├── NotFound                    404  absent, or not for you to see
    ├── Conflict                    409  clashes with what is there
    │   └── PreconditionFailed      412  the ETag is no longer current
    ├── Unsupported                 501  understood, but not served here
    ├── MissingExtra                501  an optional dependency is not installed; names the extra
    ├── Unavailable                 503  try again, after `retry_after` seconds
    │   └── ServerUnreachable       503  raised by the client only
    ├── BackendError                502  an engine, builder or store outside of Lazur failed
    ├── BuildFailed                 500  an environment could not be built
    └── JobFailed                   500  a job ended without success; raised by who waited

An error is rendered once: `to_dict` on the server, `from_dict` in the client, which raises the
same class again.
"""

from __future__ import annotations

from typing import Any, ClassVar


class LazurError(Exception):
    """`message` says what is wrong, `hint` what to do next."""

    code: ClassVar[str] = "Internal"
    status: ClassVar[int] = 500
    denial: Any = None
    """What was not allowed, where that is the reason: for the audit log, and never told."""

    def __init__(self, message: str, *, hint: str | None = None, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message

    def to_dict(self) -> dict[str, Any]:
        body: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.hint:
            body["hint"] = self.hint
        if self.details:
            body["details"] = self.details
        return {"error": body}


class Invalid(LazurError):
    code = "Invalid"
    status = 400


class SpecError(Invalid):
    """`details["diagnostics"]`: list of `Diagnostic.to_dict()`, see lazur.spec.diagnostics."""

    code = "InvalidSpec"
    status = 422


class TooLarge(Invalid):
    code = "TooLarge"
    status = 413


class BlobsMissing(Invalid):
    """`details["missing"]`: sha256 of the blobs that the server lacks."""

    code = "BlobsMissing"
    status = 424


class Unauthenticated(LazurError):
    code = "Unauthenticated"
    status = 401


class Forbidden(LazurError):
    code = "Forbidden"
    status = 403


class QuotaExceeded(Forbidden):
    """`details`: `quota`, `used`, `limit`, `wanted`."""

    code = "QuotaExceeded"


class NotFound(LazurError):
    code = "NotFound"
    status = 404


class Conflict(LazurError):
    code = "Conflict"
    status = 409


class PreconditionFailed(Conflict):
    code = "PreconditionFailed"
    status = 412


class Unsupported(LazurError):
    code = "Unsupported"
    status = 501


class MissingExtra(LazurError):
    code = "MissingExtra"
    status = 501

    def __init__(self, message: str, *, extra: str, **details: Any) -> None:
        hint = f"Install it with: pip install 'lazur[{extra}]'"
        super().__init__(message, **{"hint": hint, "extra": extra, **details})


class Unavailable(LazurError):
    code = "Unavailable"
    status = 503

    @property
    def retry_after(self) -> float:
        return float(self.details.get("retry_after", 1.0))


class TooManyTries(Unavailable):
    """Of something that could be guessed at."""

    code = "TooManyTries"
    status = 429


class ServerUnreachable(Unavailable):
    code = "ServerUnreachable"


class BackendError(LazurError):
    code = "BackendError"
    status = 502


class BuildFailed(LazurError):
    code = "BuildFailed"


class JobFailed(LazurError):
    code = "JobFailed"


def from_dict(body: dict[str, Any], status: int = 500) -> LazurError:
    """The error that `to_dict` rendered. An unknown code becomes the nearest class by status."""
    error = body.get("error", body)
    cls = _by_code().get(error.get("code", "")) or _by_status(status)
    made = cls.__new__(cls)
    LazurError.__init__(
        made,
        error.get("message", "the server gave no reason"),
        hint=error.get("hint"),
        **error.get("details", {}),
    )
    return made


def _by_code() -> dict[str, type[LazurError]]:
    found: dict[str, type[LazurError]] = {}
    todo: list[type[LazurError]] = [LazurError]
    while todo:
        cls = todo.pop()
        found[cls.code] = cls
        todo.extend(cls.__subclasses__())
    return found


def _by_status(status: int) -> type[LazurError]:
    for cls in (Unauthenticated, Forbidden, NotFound, Conflict, TooLarge, Unavailable):
        if cls.status == status:
            return cls
    return Invalid if 400 <= status < 500 else LazurError
