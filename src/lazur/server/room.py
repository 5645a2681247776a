"""Room on the server's disk for what comes in."""

from __future__ import annotations

import errno
import os
from collections.abc import Generator
from contextlib import contextmanager

from lazur.errors import TooLarge

SPARE = 64 << 20
"""Bytes that stay free: the database writes, too."""
_FULL = (errno.ENOSPC, errno.EDQUOT)


def require(descriptor: int, size: int) -> None:
    """Before `size` bytes are written to the file. Raises TooLarge where it has no room."""
    disk = os.fstatvfs(descriptor)
    free = disk.f_bavail * disk.f_frsize - SPARE
    if size > free:
        raise _too_large(f"{size:,} more bytes come, and {max(free, 0):,} are free.")


@contextmanager
def said() -> Generator[None]:
    """A full disk, or quota, is said as such: as any other failure, clients would send it all
    again."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise _too_large("It is full.") from error


def _too_large(why: str) -> TooLarge:
    return TooLarge(
        f"The server's disk has no room for this. {why}",
        hint="Free some: `lazur run purge` removes deleted runs. Then send it again.",
    )
