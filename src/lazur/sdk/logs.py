"""Copying a log by byte offset, from its first byte to its last, however often the server restarts
meanwhile."""

from __future__ import annotations

import codecs
import sys
from collections.abc import Callable
from typing import Any, Protocol

from lazur.errors import NotFound, Unavailable
from lazur.sdk.events import QUIET, still_patient
from lazur.sdk.http import LOST
from lazur.sdk.scope import Scope

MAIN_LOG = "user_logs/std_log.txt"


class Writes(Protocol):
    """Takes text or bytes: stdout, a file opened either way, io.StringIO, a notebook's output."""

    def write(self, chunk: Any, /) -> Any: ...

    def flush(self) -> Any: ...


Out = Writes | None
"""None: stdout."""


def copy_bytes(scope: Scope, path: str, out: Out, is_over: Callable[[], bool]) -> None:
    """A response that ends is no proof that the log has: a server that is stopped ends its
    responses too. So once it `is_over`, the file is asked for what came after."""
    write = _writer(out if out is not None else sys.stdout)
    offset = 0
    lost_at: float | None = None
    over = False
    while True:
        try:
            query = {"offset": offset, "follow": not over}
            with scope.http.stream("GET", path, query=query, timeout=QUIET) as stream:
                for chunk in stream.chunks():
                    lost_at = None
                    offset += len(chunk)
                    write(chunk)
            if over:
                return
            over = is_over()
        except NotFound:
            # What never ran has no log.
            if over:
                return
            over = is_over()
            lost_at = None if over else still_patient(lost_at)
        except TimeoutError:
            continue
        except (*LOST, Unavailable):
            lost_at = still_patient(lost_at)


def _writer(out: Writes) -> Callable[[bytes], None]:
    """Bytes go out as they are and at once, where that can be: a chunk may end inside a
    character."""
    takes_text = hasattr(out, "encoding") and not hasattr(out, "buffer")
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    target: Any = getattr(out, "buffer", out)
    out.flush()

    def write(chunk: bytes) -> None:
        target.write(decoder.decode(chunk) if takes_text else chunk)
        target.flush()

    return write


def text_writer(out: Out) -> Callable[[str], None]:
    """As `_writer`, of text."""
    write = _writer(out if out is not None else sys.stdout)
    return lambda text: write(text.encode())
