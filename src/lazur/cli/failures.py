"""What went wrong, for people: on stderr, once, with what to do next. The exit code is Azure's: 3
for what is not there, 2 for a command line that cannot be read, 1 for the rest."""

from __future__ import annotations

import sys
import traceback

from knack.util import CLIError

from lazur.cli.terminal import paint
from lazur.errors import LazurError, NotFound, SpecError

ERROR = 1
PARSER = 2
NOT_FOUND = 3


def report(error: Exception, *, debug: bool = False) -> int:
    if debug:
        traceback.print_exception(error)
    if isinstance(error, SpecError) and error.details.get("diagnostics"):
        _say(_diagnosed(error))
    elif isinstance(error, LazurError):
        _say(error.message, error.hint)
    elif isinstance(error, CLIError):
        _say(str(error))
    elif isinstance(error, BrokenPipeError):
        raise error
    elif isinstance(error, OSError) and error.filename is not None:
        _say(f"{error.strerror}: {error.filename}")
    else:
        _say(
            f"Lazur itself failed: {type(error).__name__}: {error}",
            "Please report it, with what --debug says.",
        )
    return NOT_FOUND if isinstance(error, NotFound) else ERROR


def _say(message: str, hint: str | None = None) -> None:
    print(f"{paint('ERROR:', 'red', sys.stderr)} {message}", file=sys.stderr)
    if hint:
        print(paint(hint, "cyan", sys.stderr), file=sys.stderr)


def _diagnosed(error: SpecError) -> str:
    """The diagnostics as an editor shows them; their own text is in the message already."""
    count = sum(d.get("severity") == "error" for d in error.details["diagnostics"])
    return f"{count} problem{'s' if count != 1 else ''} in the spec:\n{error.message}"
