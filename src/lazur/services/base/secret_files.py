"""Files of the server's owner that hold one secret: a token that another service wants to see."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from lazur.engine.secret import Secret
from lazur.errors import Invalid

_LONGEST = 16_384


def read(file: Path) -> Secret:
    """Asked for each time that it is needed, so that it can be exchanged while the server runs.
    Raises Invalid; no message has any of it."""
    try:
        with file.open("rb") as opened:
            mode = stat.S_IMODE(os.fstat(opened.fileno()).st_mode)
            found = opened.read(_LONGEST + 1).decode("ascii").strip()
    except UnicodeDecodeError:
        found, mode = "", 0
    except OSError as error:
        raise Invalid(f"{file} cannot be read: {error.strerror}.") from None
    if mode & 0o077:
        raise Invalid(
            f"{file} can be read by others of this machine.", hint=f"Do: chmod 600 {file}"
        )
    if not found.isprintable() or " " in found or not 0 < len(found) <= _LONGEST:
        raise Invalid(f"{file} does not hold one token, in letters without blanks.")
    return Secret(found)
