"""What Arrow's threads read lies in memory of Arrow's own. They may hold it for a moment after the
last row was had; memory of Python's they could only give back under its lock, and where the
interpreter ends just then, the process aborts (apache/arrow#34314)."""

from __future__ import annotations

import io
from typing import Any, BinaryIO

from ._optional import arrow


def reader_of(block: bytes) -> Any:
    copy = arrow().BufferOutputStream()
    copy.write(block)
    return arrow().BufferReader(copy.getvalue())


def file_of(stream: BinaryIO) -> Any:
    """A file of this machine is read without Python in between."""
    if isinstance(stream, io.BufferedReader) and isinstance(stream.raw, io.FileIO):
        name = stream.raw.name
        if isinstance(name, str) and stream.tell() == 0:
            return arrow().OSFile(name)
    return arrow().PythonFile(stream, mode="r")
