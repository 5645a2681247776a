"""Reads an upload: any number of `<sha256> <length>\\n<bytes>`, one after the other, into a blob
store.

Memory stays bounded whatever is sent: small blobs are gathered up to a few megabytes and stored
together, large ones stream through. What is stored when a fault is found later in the body stays:
blobs are verified one by one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

from lazur.engine.contracts import Blobs
from lazur.engine.tree import is_digest
from lazur.errors import Invalid

SMALL = 1 << 20
BATCH_BYTES = 8 << 20
BATCH_COUNT = 2000
MAX_LENGTH = 1 << 50

_MAX_HEADER = 64 + 1 + 16 + 1
_GATHER = 1 << 20


def store(chunks: Iterator[bytes], blobs: Blobs) -> int:
    """Store every blob of the body; returns how many it held. Raises Invalid for a body that is
    not well-formed, ends too soon, or holds bytes that do not hash to their name."""
    reader, batch, count = _Reader(chunks), _Batch(blobs), 0
    while header := reader.line():
        digest, length = _header(header)
        count += 1
        if length <= SMALL:
            batch.add(digest, b"".join(reader.take(length)))
        else:
            _store_large(digest, reader.take(length), blobs)
    batch.flush()
    return count


async def store_async(chunks: AsyncIterator[bytes], blobs: Blobs) -> int:
    """As `store`, for a request's body: the disk work runs in a thread, which asks the loop for
    the next megabyte when it wants it, so that a slow disk slows the sender."""
    loop = asyncio.get_running_loop()

    def pulled() -> Iterator[bytes]:
        while piece := asyncio.run_coroutine_threadsafe(_gather(chunks), loop).result():
            yield piece

    return await asyncio.to_thread(store, pulled(), blobs)


async def _gather(chunks: AsyncIterator[bytes]) -> bytes:
    """About a megabyte at a time: crossing from loop to thread costs a tenth of a millisecond."""
    pieces, size = list[bytes](), 0
    async for chunk in chunks:
        pieces.append(chunk)
        size += len(chunk)
        if size >= _GATHER:
            break
    return b"".join(pieces)


def _header(line: bytes) -> tuple[str, int]:
    digest, space, length = line.decode("ascii", "replace").partition(" ")
    if not space or not is_digest(digest) or not _is_length(length):
        raise Invalid(
            "An upload is a series of `<sha256> <length>` lines, each with its bytes;"
            f" found {line[:80]!r}."
        )
    return digest, int(length)


def _is_length(text: str) -> bool:
    plain = text.isascii() and text.isdigit() and (text == "0" or not text.startswith("0"))
    return plain and int(text) <= MAX_LENGTH


def _store_large(digest: str, pieces: Iterator[bytes], blobs: Blobs) -> None:
    blobs.put(digest, pieces)
    for _ in pieces:
        """The store had it already: the rest is read past."""


class _Batch:
    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._held: list[tuple[str, bytes]] = []
        self._size = 0

    def add(self, digest: str, data: bytes) -> None:
        self._held.append((digest, data))
        self._size += len(data)
        if self._size >= BATCH_BYTES or len(self._held) >= BATCH_COUNT:
            self.flush()

    def flush(self) -> None:
        if self._held:
            self._blobs.put_many(self._held)
        self._held, self._size = [], 0


class _Reader:
    """Lines and counted bytes out of chunks of any size."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._chunk = b""
        self._at = 0

    def line(self) -> bytes:
        """Without its newline; empty at the end of the body."""
        found = b""
        while self._fill():
            end = self._chunk.find(b"\n", self._at, self._at + _MAX_HEADER)
            stop = end if end >= 0 else self._at + _MAX_HEADER
            found += self._chunk[self._at : stop]
            self._at = min(stop + 1, len(self._chunk))
            if end >= 0 and found and len(found) < _MAX_HEADER:
                return found
            if end >= 0 or len(found) >= _MAX_HEADER:
                raise Invalid(f"An upload has a faulty `<sha256> <length>` line: {found[:80]!r}.")
        if found:
            raise Invalid("An upload ended in the middle of a `<sha256> <length>` line.")
        return b""

    def take(self, count: int) -> Iterator[bytes]:
        while count:
            if not self._fill():
                raise Invalid(f"An upload ended {count:,} bytes before the end of a blob.")
            piece = self._chunk[self._at : self._at + count]
            self._at += len(piece)
            count -= len(piece)
            yield piece

    def _fill(self) -> bool:
        """Whether there is at least one byte to read."""
        while self._at >= len(self._chunk):
            following = next(self._chunks, None)
            if following is None:
                return False
            self._chunk, self._at = following, 0
        return True
