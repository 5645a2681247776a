"""Answers that are bytes of a file, piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from starlette.responses import StreamingResponse

_CHUNK = 1 << 20
BYTES = "application/octet-stream"


def whole(file: BinaryIO, size: int, start: int = 0) -> StreamingResponse:
    """From `start` on, with its length. Closes the file."""
    start = min(start, size)
    headers = {"Content-Length": str(size - start)}
    return StreamingResponse(part(file, start, size), headers=headers, media_type=BYTES)


def part(file: BinaryIO, start: int, end: int) -> Iterator[Any]:
    with file:
        file.seek(start)
        while start < end and (chunk := file.read(min(_CHUNK, end - start))):
            yield chunk
            start += len(chunk)
