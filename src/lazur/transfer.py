"""Folders from datastores into a cache, and from this machine into datastores.

Many files at once, each whole or not at all, tried again a few times, and taken up where it was
broken off: down from the byte that came last, as long as the file there is the same; up from the
first file that is not there yet, or from its first part where the store keeps parts.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Self, TypeVar

from lazur.data_cache import Cache
from lazur.engine.contracts import Datastore, Parts, Resumes, Stored, Writes
from lazur.errors import Conflict, Invalid, LazurError, NotFound, Unavailable
from lazur.safe import Entry, SafeRoot

T = TypeVar("T")
CHUNK = 1 << 20
THREADS = 8
_IN_PARTS = 8 << 20
"""Larger files are sent part by part."""
UNFINISHED = ".lazur-unfinished"
"""Lies in a folder for as long as it is not whole: few stores can show many files at once."""


class Stopped(Exception):
    """Somebody asked to."""


@dataclass(frozen=True)
class Progress:
    files: int
    bytes: int
    total_files: int
    total_bytes: int


@dataclass(frozen=True)
class Fetched:
    """`path` is relative to the folder that was asked for; `file` lies in the cache."""

    path: str
    sha256: str
    size: int
    file: Path
    cached: bool = field(default=False, compare=False)
    """It was in the cache already."""


@dataclass(frozen=True)
class Manner:
    """How to go about it. `progress` is called by several threads, one at a time."""

    threads: int = THREADS
    retries: int = 4
    progress: Callable[[Progress], None] = field(default=lambda _: None)
    place: Callable[[Fetched], None] = field(default=lambda _: None)
    """Called for each file as soon as it is in the cache, by several threads: what is linked to
    then cannot be evicted before. Raises FileNotFoundError where it was; it is fetched again."""
    stopped: Callable[[], bool] = field(default=lambda: False)
    """Asked now and then; a transfer that is stopped raises Stopped."""
    sleep: Callable[[float], None] = time.sleep


def download(
    store: Datastore,
    prefix: str,
    into: Path,
    source: str,
    manner: Manner | None = None,
) -> list[Fetched]:
    """All files beneath the folder `prefix`, or the one file of that name, by path. `source` names
    the datastore for the index: of two sources nothing is taken for the same. Raises NotFound when
    there is nothing."""
    manner = manner or Manner()
    found = _Work(manner, 0, 0).tried(lambda: _wanted(store, prefix), Unavailable)
    work = _Work(manner, len(found), sum(item.size for _, item in found))
    kept = Cache(into, source)

    def fetch(name: str, item: Stored) -> Fetched:
        def attempt() -> Fetched:
            nonlocal item
            try:
                return _fetched(store, name, item, kept, work, manner.place)
            except Conflict:
                item = store.info(item.path)  # somebody replaced it: take what is there now
                raise

        return work.tried(attempt, Unavailable, Conflict)

    fetched = work.all([(fetch, name, item) for name, item in found])
    _refuse_begun(store, prefix, found)
    return fetched


def publish(
    folder: Path,
    store: Datastore,
    prefix: str,
    journal: Path | None = None,
    manner: Manner | None = None,
) -> list[Stored]:
    """As `upload`, whole or not at all as `download` sees it: a mark says for as long that the
    folder is not whole. It stays where the upload is broken off."""
    mark = f"{prefix}/{UNFINISHED}" if prefix else UNFINISHED
    work = _Work(manner or Manner(), 0, 0)
    if isinstance(store, Writes):
        writes = store
        work.tried(lambda: writes.put(mark, iter([b"being written\n"]), 14), Unavailable)
    made = upload(folder, store, prefix, journal, manner)
    assert isinstance(store, Writes)
    work.tried(lambda: store.delete(mark), Unavailable)
    return made


def upload(
    folder: Path,
    store: Datastore,
    prefix: str,
    journal: Path | None = None,
    manner: Manner | None = None,
) -> list[Stored]:
    """All files of a folder, to beneath `prefix`; links are left out. With a `journal`, a file of
    ours, what was sent by an earlier call and is there still is not sent again."""
    if not isinstance(store, Writes):
        raise Invalid("This datastore takes no files.", hint="Name another one for outputs.")
    manner = manner or Manner()
    with SafeRoot(folder) as root, _Journal(journal) as known:
        entries = list(root.scan())
        work = _Work(manner, len(entries), sum(entry.size for entry in entries))

        def send(entry: Entry, to: str) -> Stored:
            try:
                return work.tried(lambda: _sent(root, entry, store, to, known, work), Unavailable)
            except BaseException:
                known.abandon(store, to)
                raise

        return work.all([(send, e, f"{prefix}/{e.path}" if prefix else e.path) for e in entries])


def _wanted(store: Datastore, prefix: str) -> list[tuple[str, Stored]]:
    """Asked as a file first: web servers have no lists, and a folder is no file."""
    if prefix:
        with contextlib.suppress(NotFound):
            return [(prefix.rpartition("/")[2], store.info(prefix))]
    found = [(item.path[len(prefix) :].lstrip("/"), item) for item in store.list(prefix)]
    if not found:
        raise NotFound(
            f"There is nothing at {prefix or 'the root'!r} in the datastore.",
            hint="Paths are told with their case, from the datastore's root.",
        )
    if any(name.rpartition("/")[2] == UNFINISHED for name, _ in found):
        raise _unfinished(prefix)
    return sorted(found)


def _refuse_begun(store: Datastore, prefix: str, found: list[tuple[str, Stored]]) -> None:
    """Somebody may have begun to write the folder while it was read."""
    if any(item.path == prefix for _, item in found):
        return
    try:
        store.info(f"{prefix}/{UNFINISHED}" if prefix else UNFINISHED)
    except NotFound:
        return
    raise _unfinished(prefix)


def _unfinished(prefix: str) -> Conflict:
    return Conflict(
        f"{prefix or 'The root'!r} is not whole: a job is writing it, or was broken off.",
        hint="Wait for that job. If it has ended, run it again, or see whether all is there and "
        f"remove {UNFINISHED} from the folder.",
    )


class _Work:
    """Threads, attempts and progress of one transfer."""

    def __init__(self, manner: Manner, files: int, size: int) -> None:
        self._manner = manner
        self._files, self._bytes = 0, 0
        self._totals = (files, size)
        self._lock = threading.Lock()
        self._failed = threading.Event()
        self._local = threading.local()

    def all(self, tasks: Iterable[tuple[Any, ...]]) -> list[Any]:
        with ThreadPoolExecutor(self._manner.threads, "lazur-transfer") as pool:
            futures: list[Future[Any]] = [pool.submit(*task) for task in tasks]
            wait(futures, return_when=FIRST_EXCEPTION)
            if _errors(futures):
                self._failed.set()  # others stop at their next chunk
                for future in futures:
                    future.cancel()
        for error in sorted(_errors(futures), key=lambda error: isinstance(error, Stopped)):
            raise error
        return [future.result() for future in futures]

    def tried(self, attempt: Callable[[], T], *passing: type[LazurError]) -> T:
        """Again, later each time, after errors that may pass."""
        for number in range(self._manner.retries):
            try:
                return self._counted(attempt)
            except passing as error:
                self._manner.sleep(min(30.0, error.details.get("retry_after", 1.0) * 2**number))
        return self._counted(attempt)

    def _counted(self, attempt: Callable[[], T]) -> T:
        """Bytes of an attempt that failed have not been moved."""
        self.check()
        self._local.count = 0
        try:
            return attempt()
        except BaseException:
            self._tell(0, -self._local.count)
            raise

    def check(self) -> None:
        if self._failed.is_set() or self._manner.stopped():
            raise Stopped("The transfer was stopped.")

    def moved(self, count: int) -> None:
        self.check()
        self._local.count += count
        self._tell(0, count)

    def done(self) -> None:
        self._tell(1, 0)

    def _tell(self, files: int, count: int) -> None:
        with self._lock:
            self._files += files
            self._bytes += count
            self._manner.progress(Progress(self._files, self._bytes, *self._totals))


def _errors(futures: list[Future[Any]]) -> list[BaseException]:
    ended = [future for future in futures if future.done() and not future.cancelled()]
    return [error for future in ended if (error := future.exception()) is not None]


def _fetched(
    store: Datastore,
    name: str,
    item: Stored,
    into: Cache,
    work: _Work,
    place: Callable[[Fetched], None],
) -> Fetched:
    known = into.find(item)
    cached = known is not None
    if known is None:
        with into.partial(item) as file:
            known = into.find(item)  # another process may have been quicker
            if known is None:
                known = into.keep(item, file, _filled(store, item, file, work))
            else:
                into.drop(item)
                work.moved(item.size)
    else:
        work.moved(item.size)
    made = Fetched(name, known, item.size, into.object(known), cached)
    try:
        place(made)
    except FileNotFoundError as error:
        raise Unavailable(f"{name} was evicted from the cache just now.") from error
    work.done()
    return made


def _filled(store: Datastore, item: Stored, file: BinaryIO, work: _Work) -> str:
    """What came before is read again: its hash went with the process that wrote it."""
    digest, have = hashlib.sha256(), 0
    file.seek(0)
    while item.version and (chunk := file.read(CHUNK)):
        digest.update(chunk)
        have += len(chunk)
        work.moved(len(chunk))
    file.truncate(have)
    file.seek(have)
    if have < item.size or have == 0:
        with store.open(item.path, have, item.version) as remote:
            while chunk := remote.read(CHUNK):
                file.write(chunk)
                digest.update(chunk)
                have += len(chunk)
                work.moved(len(chunk))
    if have != item.size:
        file.truncate(0)
        raise Unavailable(f"{item.path} has {have} bytes where {item.size} were expected.")
    return digest.hexdigest()


def _sent(
    root: SafeRoot, entry: Entry, store: Datastore, to: str, known: _Journal, work: _Work
) -> Stored:
    assert isinstance(store, Writes)
    with root.open(entry.path) as file:
        before = os.fstat(file.fileno())
        mark = f"{before.st_ino}-{before.st_size}-{before.st_mtime_ns}"
        if (found := known.find(store, to, mark)) is not None:
            work.moved(before.st_size)
        else:
            found = _put(file, before.st_size, store, to, mark, known, work)
            known.note(to, mark, found)
    work.done()
    return found


def _put(
    file: BinaryIO, size: int, store: Writes, to: str, mark: str, known: _Journal, work: _Work
) -> Stored:
    """A large one goes on at the part that is not there yet, where the store can."""
    if not isinstance(store, Resumes) or size <= _IN_PARTS or not known.lasts:
        return store.put(to, _read(file, work), size)
    note = known.begun(store, to, mark)
    return store.put_parts(
        to, _Parts(file, size, work), note, lambda made: known.begin(to, mark, made)
    )


class _Parts(Parts):
    def __init__(self, file: BinaryIO, size: int, work: _Work) -> None:
        self.size = size
        self._file, self._work = file, work

    def read(self, offset: int, size: int) -> bytes:
        self._file.seek(offset)
        self._work.moved(size)
        return self._file.read(size)

    def skip(self, size: int) -> None:
        self._work.moved(size)


def _read(file: BinaryIO, work: _Work) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        work.moved(len(chunk))
        yield chunk


class _Journal:
    """A line for each file that is there, appended once it is, and for each large one that is
    begun. A torn last line is of a file that is sent again."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._known: dict[str, tuple[str, str]] = {}
        self._begun: dict[str, tuple[str, str]] = {}
        self._lock = threading.Lock()
        self._file: BinaryIO | None = None

    @property
    def lasts(self) -> bool:
        return self._path is not None

    def __enter__(self) -> Self:
        if self._path:
            self._file = self._path.open("a+b")
            self._file.seek(0)
            for line in self._file:
                with contextlib.suppress(ValueError):
                    to, mark, version, *note = json.loads(line)
                    (self._begun if note else self._known)[to] = (mark, version or note[0])
            self._file.write(b"\n")
        return self

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()

    def find(self, store: Datastore, to: str, mark: str) -> Stored | None:
        held, version = self._known.get(to, ("", ""))
        if held != mark or not version:
            return None
        try:
            found = store.info(to)
        except NotFound:
            return None
        return found if found.version == version else None

    def note(self, to: str, mark: str, found: Stored) -> None:
        self._begun.pop(to, None)
        self._add([to, mark, found.version])

    def begin(self, to: str, mark: str, note: str) -> None:
        self._begun[to] = (mark, note)
        self._add([to, mark, "", note])

    def begun(self, store: Resumes, to: str, mark: str) -> str:
        """What was begun of this very file; of another one by its name that is given up."""
        held, note = self._begun.get(to, ("", ""))
        if held == mark:
            return note
        if note:
            store.abandon(to, note)
        return ""

    def abandon(self, store: Datastore, to: str) -> None:
        """It will not be gone on with. What cannot be removed now the store's own rules remove."""
        _, note = self._begun.pop(to, ("", ""))
        if note and isinstance(store, Resumes):
            with contextlib.suppress(LazurError):
                store.abandon(to, note)

    def _add(self, line: list[str]) -> None:
        if self._file:
            with self._lock:
                self._file.write(json.dumps(line).encode() + b"\n")
                self._file.flush()
