"""What datastores have in common that a vendor's client reaches: each call is confined to where
the rule permits, and fails as one of our errors, without credentials.

The vendors' own synchronous clients are used, not fsspec's file systems on top of them: those read
keys from the environment and settings from the home, keep instances and listings for everybody,
and publish what was written when a writer fails. And these connect in the thread that calls, which
is how the rule gets to see every connection.
"""

from __future__ import annotations

import builtins
import io
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

from lazur import egress
from lazur.egress import Refused
from lazur.engine import paths
from lazur.engine.contracts import Datastore, Parts, Resumes, Stored, Writes
from lazur.engine.secret import Masker
from lazur.errors import (
    BackendError,
    Conflict,
    Forbidden,
    Invalid,
    LazurError,
    NotFound,
    Unavailable,
)

BLOCK = 8 << 20
"""Bytes that are sent at a time, and held in memory by each upload."""
READ = 1 << 20
_LONGEST_REASON = 300
_BUSY = frozenset({408, 429, 500, 502, 503, 504})


class Remote(Datastore, Writes):
    """For heirs: `_failure` tells what an exception of the vendor means. Whatever may connect runs
    within `_calling`; what callers give us (chunks) is asked for outside of it."""

    def list(self, prefix: str = "") -> Iterator[Stored]:
        if prefix:
            paths.check(prefix)
        pages = iter(self._pages(f"{prefix}/" if prefix else ""))
        while (page := self._next(pages)) is not None:
            yield from (found for found in page if paths.fault(found.path) is None)

    def info(self, path: str) -> Stored:
        paths.check(path)
        with self._calling(path):
            return self._info(path)

    def open(self, path: str, offset: int = 0, version: str = "") -> BinaryIO:
        paths.check(path)
        with self._calling(path):
            found = self._info(path)
        if version and found.version != version:
            raise changed(path)
        if offset >= found.size:
            return io.BytesIO()
        with self._calling(path):
            chunks = iter(self._chunks(found, offset))
        return cast("BinaryIO", io.BufferedReader(_Body(self, found, offset, chunks), READ))

    def put(self, path: str, chunks: Iterator[bytes], size: int) -> Stored:
        paths.check(path)
        self._send(path, exactly(blocks(chunks, self._block(size)), size), size)
        return self.info(path)

    def delete(self, path: str) -> None:
        paths.check(path)
        try:
            with self._calling(path):
                self._delete(path)
        except NotFound:
            return

    def check(self) -> None:
        next(iter(self.list()), None)

    @abstractmethod
    def _made(self) -> Any:
        """The vendor's client. Asks nobody."""

    @abstractmethod
    def _urls(self) -> list[str]:
        """Those that people chose: of the account, of who signs in."""

    @abstractmethod
    def _pages(self, prefix: str) -> Iterable[Iterable[Stored]]: ...

    @abstractmethod
    def _info(self, path: str) -> Stored: ...

    @abstractmethod
    def _chunks(self, found: Stored, offset: int) -> Iterable[bytes]:
        """Of that version and no other."""

    @abstractmethod
    def _send(self, path: str, given: Iterator[bytes], size: int) -> None:
        """`given` is blocks of `_block(size)` bytes, the last one shorter or empty; it raises when
        they are not `size`."""

    @abstractmethod
    def _delete(self, path: str) -> None: ...

    @abstractmethod
    def _failure(self, error: Any) -> tuple[int, str] | None:
        """HTTP status (0: nobody answered) and reason of a vendor's exception; None for others."""

    def _block(self, size: int) -> int:
        """No store takes more than 10,000 blocks, or has to."""
        return max(BLOCK, -(-size // 9_000))

    def _next(self, pages: Iterator[Iterable[Stored]]) -> list[Stored] | None:
        try:
            with self._calling(""):
                page = next(pages, None)
                return None if page is None else list(page)
        except NotFound as error:
            raise BackendError(
                f"{self._shown} is not there.", hint="Look at the datastore's name and account."
            ) from error

    @property
    def _shown(self) -> str:
        return (
            f"The datastore {self.settings.get('name') or self.settings.get('type') or ''}".strip()
        )

    @cached_property
    def _client(self) -> Any:
        """Looked at before vendors try again and again what will not be permitted."""
        try:
            made = self._made()
        except ValueError as error:
            said = Masker(self.credentials.values()).clipped(str(error), _LONGEST_REASON)
            raise Invalid(f"{self._shown} cannot be used as it is set up: {said}") from None
        for url in self._urls():
            parts = urlsplit(url)
            port = parts.port or (443 if parts.scheme == "https" else 80)
            self.rule.check_host(parts.hostname or "", port)
        return made

    @contextmanager
    def _calling(self, path: str) -> Iterator[None]:
        with egress.confined(self.rule) as confinement:
            try:
                yield
            except LazurError:
                raise
            except Exception as error:
                refused = error if isinstance(error, Refused) else confinement.refused
                made = self._translated(path, error, refused)
                if made is None:
                    raise
                raise made from None  # the vendor's shows requests with their signatures

    def _translated(
        self, path: str, error: Exception, refused: Refused | None
    ) -> LazurError | None:
        if refused:
            return Forbidden(f"{self._shown} leads where this server may not connect: {refused}")
        found = self._failure(error)
        if found is None:
            return self._told(path, 0, str(error)) if isinstance(error, OSError) else None
        return self._told(path, *found)

    def _told(self, path: str, status: int, reason: str) -> LazurError:
        reason = Masker(self.credentials.values()).clipped(reason, _LONGEST_REASON)
        if status == 404:
            return NotFound(f"There is no {paths.shown(path)} in the datastore.")
        if status in (409, 412, 416):
            return changed(path)
        if status == 0 or status in _BUSY:
            what = "did not answer" if status == 0 else f"answered {status}"
            return Unavailable(f"{self._shown} {what}: {reason}", retry_after=5)
        hint = "Look at its credentials." if status in (401, 403) else None
        return BackendError(f"{self._shown} answered {status}: {reason}", hint=hint)


class InParts(Remote, Resumes):
    """For heirs whose store keeps parts that nobody sees. `note` names one upload."""

    def put_parts(self, path: str, parts: Parts, note: str, keep: Callable[[str], None]) -> Stored:
        paths.check(path)
        there = self._known(path, note)
        if there is None:
            with self._calling(path):
                note = self._begin(path)
            keep(note)
            there = {}
        block, tags = self._block(parts.size), list[str]()
        for number, offset in enumerate(range(0, max(parts.size, 1), block), 1):
            size = min(block, parts.size - offset)
            tag, held = there.get(number, ("", -1))
            if held == size:
                parts.skip(size)
            else:
                data = parts.read(offset, size)
                if len(data) != size:
                    raise changed(path)
                with self._calling(path):
                    tag = self._put_part(path, note, number, data)
            tags.append(tag)
        with self._calling(path):
            self._finish(path, note, tags)
        return self.info(path)

    def abandon(self, path: str, note: str) -> None:
        paths.check(path)
        try:
            with self._calling(path):
                self._give_up(path, note)
        except NotFound:
            return

    def _known(self, path: str, note: str) -> dict[int, tuple[str, int]] | None:
        """None for an upload that there is none of."""
        if not note:
            return None
        try:
            with self._calling(path):
                return self._sent(path, note)
        except NotFound:
            return None

    @abstractmethod
    def _begin(self, path: str) -> str: ...

    @abstractmethod
    def _sent(self, path: str, note: str) -> dict[int, tuple[str, int]]:
        """Tags and sizes of parts by their numbers, from 1."""

    @abstractmethod
    def _put_part(self, path: str, note: str, number: int, data: bytes) -> str:
        """Its tag."""

    @abstractmethod
    def _finish(self, path: str, note: str, tags: builtins.list[str]) -> None: ...

    @abstractmethod
    def _give_up(self, path: str, note: str) -> None: ...


class _Body(io.RawIOBase):
    """A file as a vendor's client yields it. Its end is where its size says."""

    def __init__(self, store: Remote, found: Stored, offset: int, chunks: Iterator[bytes]) -> None:
        super().__init__()
        self._store, self._path, self._chunks = store, found.path, chunks
        self._left = found.size - offset
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest and self._left > 0:
            self._rest = memoryview(self._following())
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def close(self) -> None:
        if not self.closed and callable(close := getattr(self._chunks, "close", None)):
            close()
        super().close()

    def _following(self) -> bytes:
        try:
            with self._store._calling(self._path):
                chunk = next(self._chunks, None)
        except NotFound as error:  # it was there when it was opened
            raise changed(self._path) from error
        if chunk is None or len(chunk) > self._left:
            raise Unavailable(f"{paths.shown(self._path)} broke off while it was read.")
        self._left -= len(chunk)
        return chunk


def changed(path: str) -> Conflict:
    return Conflict(f"{paths.shown(path)} was changed meanwhile.", hint="Begin again.")


def blocks(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The same bytes in blocks of `size`; at least one, which may be empty."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        while len(held) > size:
            yield bytes(held[:size])
            del held[:size]
    yield bytes(held)


def exactly(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Raises at the latest when all are taken: publish afterwards."""
    count = 0
    for chunk in chunks:
        count += len(chunk)
        if count > size:
            raise Invalid(f"{size} bytes were announced, and more came.")
        yield chunk
    if count != size:
        raise Invalid(f"{size} bytes were announced, {count} came.")
