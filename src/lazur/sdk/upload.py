"""Sending blobs: `<sha256> <length>` and the bytes, many in one request (contributing/backbone.md,
Native API)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import BinaryIO
from urllib.parse import quote

from lazur.errors import Invalid
from lazur.sdk.hashes import read
from lazur.sdk.http import Http
from lazur.sdk.localize import Localized
from lazur.sdk.snapshot import Blob

BATCH_BYTES = 64 << 20
BATCH_COUNT = 4000
PARALLEL = 4
ASK_AT_ONCE = 10_000

_CHUNK = 256 << 10

Progress = Callable[[int, int], None]
"""Bytes sent so far, and bytes in all; called from several threads, one at a time."""


def upload(
    http: Http,
    workspace: str,
    localized: Localized,
    missing: Iterable[str],
    progress: Progress | None = None,
) -> int:
    """Send those of `localized.blobs` that the server lacks; returns the bytes sent. Raises
    Invalid for a file that is no longer what it was when the snapshot was taken."""
    base = f"/api/v1/workspaces/{quote(workspace, safe='')}/blobs"
    wanted = _wanted(http, base, localized, list(missing))
    sizes = {digest: _size(localized.blobs[digest]) for digest in wanted}
    counter = _Counter(sum(sizes.values()), progress)

    def send(batch: list[str]) -> None:
        _send(
            http,
            base,
            [(digest, localized.blobs[digest], sizes[digest]) for digest in batch],
            counter,
        )

    # Manifests go last: a tree that is there is then one whose files are there.
    _each(send, _batches({d: size for d, size in sizes.items() if d not in localized.trees}))
    _each(send, _batches({d: size for d, size in sizes.items() if d in localized.trees}))
    return counter.total


def _wanted(http: Http, base: str, localized: Localized, missing: list[str]) -> list[str]:
    """A server that lacks a tree's manifest cannot say which of its files it lacks: then ask for
    all."""
    if unknown := [digest for digest in missing if digest not in localized.blobs]:
        raise Invalid(
            f"The server lacks content that is not on this machine ({unknown[0]}).",
            hint="A `tree:` reference in the spec points to what was deleted, or never sent.",
        )
    if localized.trees.isdisjoint(missing):
        return missing
    rest, found = [d for d in localized.blobs if d not in missing], list(missing)
    for at in range(0, len(rest), ASK_AT_ONCE):
        asked = {"sha256": rest[at : at + ASK_AT_ONCE]}
        found += http.request("POST", f"{base}/missing", json=asked).json()["missing"]
    return found


def _batches(sizes: dict[str, int]) -> list[list[str]]:
    batches, held = list[list[str]](), 0
    for digest, size in sizes.items():
        if not batches or held + size > BATCH_BYTES or len(batches[-1]) >= BATCH_COUNT:
            batches.append([])
            held = 0
        batches[-1].append(digest)
        held += size
    return batches


def _each(send: Callable[[list[str]], None], batches: list[list[str]]) -> None:
    if len(batches) < 2:
        for batch in batches:
            send(batch)
        return
    with ThreadPoolExecutor(max_workers=PARALLEL) as pool:
        for done in [pool.submit(send, batch) for batch in batches]:
            try:
                done.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise


def _send(http: Http, base: str, batch: list[tuple[str, Blob, int]], counter: _Counter) -> None:
    part = counter.part()
    gone: list[Invalid] = []

    def body() -> Iterator[bytes]:
        part.restart()
        gone.clear()
        try:
            yield from _joined(part.counted(piece) for blob in batch for piece in _framed(*blob))
        except Invalid as error:
            # The request ends here in good order: no connection is left open half-way.
            gone.append(error)

    try:
        http.request("POST", base, body=body, headers={"Content-Type": "application/octet-stream"})
    except Invalid:
        if not gone:
            for digest, blob, _ in batch:
                _check_same(digest, blob)
            raise
    if gone:
        raise gone[0]


def _framed(digest: str, blob: Blob, size: int) -> Iterator[tuple[bytes, int]]:
    """Bytes to send, and how many of them are content."""
    yield f"{digest} {size}\n".encode(), 0
    if isinstance(blob, bytes):
        yield blob, len(blob)
        return
    with _opened(blob) as file:
        left = size
        while left:
            chunk = file.read(min(left, _CHUNK))
            if not chunk:
                raise _changed(blob)
            left -= len(chunk)
            yield chunk, len(chunk)


def _joined(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Thousands of small files must not become thousands of small packets."""
    held, size = list[bytes](), 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= _CHUNK:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)


def _size(blob: Blob) -> int:
    if isinstance(blob, bytes):
        return len(blob)
    try:
        return Path(blob).stat().st_size
    except OSError as error:
        raise _changed(blob) from error


def _opened(path: str) -> BinaryIO:
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise _changed(path) from error


def _check_same(digest: str, blob: Blob) -> None:
    """The server found a blob to be other than its name says: find out which file it was."""
    if isinstance(blob, str) and read(blob)[0] != digest:
        raise _changed(blob)


def _changed(path: str) -> Invalid:
    return Invalid(
        f"{path} changed or vanished after the snapshot was taken.",
        hint="Submit again when nothing writes to it, or leave it out by a line in .amlignore.",
    )


class _Counter:
    """Adds up what the parts have sent. A part that is sent again begins at nothing."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self.total = total
        self._progress = progress
        self._done = 0
        self._lock = Lock()

    def part(self) -> _Part:
        return _Part(self)

    def add(self, count: int) -> None:
        with self._lock:
            self._done += count
            if self._progress and count:
                self._progress(self._done, self.total)


class _Part:
    def __init__(self, counter: _Counter) -> None:
        self._counter = counter
        self._sent = 0

    def restart(self) -> None:
        self._counter.add(-self._sent)
        self._sent = 0

    def counted(self, piece: tuple[bytes, int]) -> bytes:
        self._sent += piece[1]
        self._counter.add(piece[1])
        return piece[0]
