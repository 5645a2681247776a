"""Sending blobs: `<sha256> <length>` and the bytes, many in one request (contributing/backbone.md,
Native API); large files in parts (`parts`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from urllib.parse import quote

from lazur.errors import Invalid
from lazur.sdk import parts
from lazur.sdk.http import Http
from lazur.sdk.localize import Localized
from lazur.sdk.sending import CHUNK, Counter, Progress, changed, check_same, pieces
from lazur.sdk.snapshot import Blob

BATCH_BYTES = 64 << 20
BATCH_COUNT = 4000
LARGE = 64 << 20
"""Bytes above which a file is sent in parts."""
PARALLEL = 4
ASK_AT_ONCE = 10_000


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
    counter = Counter(sum(sizes.values()), progress)

    def send(batch: list[str]) -> None:
        given = [(digest, localized.blobs[digest], sizes[digest]) for digest in batch]
        _send(http, base, given, counter)

    def send_large(digest: str, path: str) -> None:
        parts.send(http, f"{base}/{digest}", path, sizes[digest], counter.part())

    large = {
        digest: blob
        for digest, blob in localized.blobs.items()
        if sizes.get(digest, 0) > LARGE and isinstance(blob, str)
    }
    files = {d: size for d, size in sizes.items() if d not in localized.trees and d not in large}
    tasks = [partial(send_large, *one) for one in large.items()]
    _each([*tasks, *(partial(send, batch) for batch in _batches(files))], counter)
    # Manifests go last: a tree that is there is then one whose files are there.
    manifests = {d: size for d, size in sizes.items() if d in localized.trees}
    _each([partial(send, batch) for batch in _batches(manifests)], counter)
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


def _each(tasks: Sequence[Callable[[], None]], counter: Counter) -> None:
    if len(tasks) < 2:
        for task in tasks:
            task()
        return
    with ThreadPoolExecutor(max_workers=PARALLEL) as pool:
        for done in [pool.submit(task) for task in tasks]:
            try:
                done.result()
            except BaseException:
                counter.stopped = True
                pool.shutdown(wait=False, cancel_futures=True)
                raise


def _send(http: Http, base: str, batch: list[tuple[str, Blob, int]], counter: Counter) -> None:
    part = counter.part()
    gone: list[Invalid] = []

    def body() -> Iterator[bytes]:
        part.at(0)
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
                if isinstance(blob, str):
                    check_same(digest, blob)
            raise
    if gone:
        raise gone[0]


def _framed(digest: str, blob: Blob, size: int) -> Iterator[tuple[bytes, int]]:
    """Bytes to send, and how many of them are content."""
    yield f"{digest} {size}\n".encode(), 0
    for piece in [blob] if isinstance(blob, bytes) else pieces(blob, 0, size):
        yield piece, len(piece)


def _joined(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Thousands of small files must not become thousands of small packets."""
    held, size = list[bytes](), 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= CHUNK:
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
        raise changed(blob) from error
