"""What went wrong, in the words and with the exit codes of Azure's command line: 3 where what was
to be shown is not there, 2 for a command line that cannot be read, 1 for the rest."""

from __future__ import annotations

import re
import sys
import traceback

from knack.util import CLIError

from lazur.cli.az import groups
from lazur.cli.failures import ERROR, NOT_FOUND
from lazur.cli.terminal import note, paint
from lazur.errors import LazurError, NotFound

_CODES = {
    "BackendError": "ServiceError",
    "Conflict": "Conflict",
    "Forbidden": "AuthorizationFailed",
    "Internal": "InternalServerError",
    "InvalidSpec": "ValidationError",
    "MissingExtra": "NotImplemented",
    "NotFound": "ResourceNotFound",
    "PreconditionFailed": "PreconditionFailed",
    "QuotaExceeded": "QuotaExceeded",
    "ServerUnreachable": "ServiceUnavailable",
    "TooLarge": "RequestEntityTooLarge",
    "TooManyTries": "TooManyRequests",
    "Unauthenticated": "InvalidAuthenticationToken",
    "Unavailable": "ServiceUnavailable",
    "Unsupported": "NotImplemented",
}
_OURS = re.compile(rf"\blazur ({'|'.join(groups.ML)}) (?=[a-z])")


def report(error: Exception, command: str, *, debug: bool = False) -> int:
    if debug:
        traceback.print_exception(error)
    if isinstance(error, BrokenPipeError):
        raise error
    if isinstance(error, LazurError):
        code = _CODES.get(error.code, "UserError")
        message = _spoken(error.message)
        say(f"({code}) {message}")
        if "\n" not in message:
            note(f"Code: {code}\nMessage: {message}")
        if error.hint:
            note(_spoken(error.hint))
    elif isinstance(error, CLIError):
        say(str(error))
    elif isinstance(error, OSError) and error.filename is not None:
        say(f"{error.strerror}: {error.filename}")
    else:
        say(f"Lazur itself failed: {type(error).__name__}: {error}")
        note("Please report it, with what --debug says.")
    missed = isinstance(error, NotFound) and command.endswith(" show")
    return NOT_FOUND if missed else ERROR


def _spoken(hint: str) -> str:
    """`lazur job list` is `az ml job list` here."""
    return _OURS.sub(r"az ml \1 ", hint)


def say(message: str) -> None:
    print(f"{paint('ERROR:', 'red', sys.stderr)} {message}", file=sys.stderr)
