"""Folders from datastores into a cache, and from this machine into datastores.

Many files at once, each whole or not at all, tried again a few times, and taken up where it was
broken off: down from the byte that came last, as long as the file there is the same; up from the
first file that is not there yet.

The cache is a folder: `objects/ab/<sha256>` (0444, to be linked to), `index/ab/<key>` which says
what content a version of a remote file had, `partial/<key>` what has come of it so far. Any number
of processes share it. Who evicts removes objects: an index that leads nowhere is as good as none.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, Self, TypeVar

from lazur.engine.contracts import Datastore, Stored, Writes
from lazur.errors import Conflict, Invalid, LazurError, NotFound, Unavailable
from lazur.safe import Entry, SafeRoot

T = TypeVar("T")
CHUNK = 1 << 20
THREADS = 8
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
    cached = _Cache(into, source)

    def fetch(name: str, item: Stored) -> Fetched:
        def attempt() -> Fetched:
            nonlocal item
            try:
                return _fetched(store, name, item, cached, work, manner.place)
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
            return work.tried(lambda: _sent(root, entry, store, to, known, work), Unavailable)

        return work.all([(send, e, f"{prefix}/{e.path}" if prefix else e.path) for e in entries])


def evict(folder: Path, limit: int) -> int:
    """Remove objects, those first that were wanted longest ago, until no more than `limit` bytes
    are left; returns the bytes of those removed. Who is about to link to one of them finds it gone
    and downloads again. Where another process is at it, this one leaves it to that."""
    with _alone(folder / "evicting") as alone:
        return _evicted(folder, limit) if alone else 0


def sweep(folder: Path, older_than: float) -> int:
    """Remove what broken-off downloads left before `older_than` (seconds since the epoch)."""
    left = [
        path for path, at in _stats((folder / "partial").glob("*")) if at.st_mtime < older_than
    ]
    for path in left:
        path.unlink(missing_ok=True)
    return len(left)


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[bool]:
    """Whether no other process does now what the file stands for."""
    lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with lock.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _evicted(folder: Path, limit: int) -> int:
    index = sorted((at.st_mtime, path) for path, at in _stats((folder / "index").glob("*/*")))
    names = {path: _text(path) for _, path in index}
    used = {names[path]: at for at, path in index}
    objects = {path: at.st_size for path, at in _stats((folder / "objects").glob("*/*"))}
    left = total = sum(objects.values())
    for path in sorted(objects, key=lambda path: used.get(path.name, 0.0)):
        if left <= limit:
            break
        left -= objects[path]
        path.unlink(missing_ok=True)
    for path, name in names.items():
        if not (folder / "objects" / name[:2] / name).is_file():
            path.unlink(missing_ok=True)
    return total - left


def _stats(paths: Iterable[Path]) -> Iterator[tuple[Path, os.stat_result]]:
    """Of those that are still there."""
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            yield path, path.stat()


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


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
    into: _Cache,
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


class _Cache:
    def __init__(self, folder: Path, source: str) -> None:
        self._folder = folder
        self._source = source
        for name in ("objects", "index", "partial"):
            (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)

    def object(self, sha256: str) -> Path:
        return self._folder / "objects" / sha256[:2] / sha256

    def find(self, item: Stored) -> str | None:
        """Not for files without a version: nobody can tell whether they changed."""
        if not item.version:
            return None
        try:
            sha256 = self._index(item).read_text()
            size = self.object(sha256).stat().st_size
            os.utime(self._index(item))  # when it was wanted last: see evict
        except OSError:
            return None
        return sha256 if size == item.size else None

    def drop(self, item: Stored) -> None:
        self._partial(item).unlink(missing_ok=True)

    @contextlib.contextmanager
    def partial(self, item: Stored) -> Iterator[BinaryIO]:
        """Held by one process at a time; the others wait and find it done."""
        path = self._partial(item)
        while True:
            with path.open("a+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                if _is_still(path, file):
                    yield file
                    return

    def keep(self, item: Stored, file: BinaryIO, sha256: str) -> str:
        file.flush()
        os.fsync(file.fileno())
        os.fchmod(file.fileno(), 0o444)
        target = self.object(sha256)
        target.parent.mkdir(mode=0o700, exist_ok=True)
        index = self._index(item)
        index.parent.mkdir(mode=0o700, exist_ok=True)
        _write(index, sha256)
        self._partial(item).replace(target)  # last: who comes now waits for no lock of ours
        return sha256

    def _index(self, item: Stored) -> Path:
        key = self._key(item)
        return self._folder / "index" / key[:2] / key

    def _partial(self, item: Stored) -> Path:
        """Of this boot: after a loss of power nobody knows what has reached the disk."""
        return self._folder / "partial" / f"{self._key(item)}.{_boot()}"

    def _key(self, item: Stored) -> str:
        said = json.dumps([self._source, item.path, item.version, item.size])
        return hashlib.sha256(said.encode()).hexdigest()


@cache
def _boot() -> str:
    """Where the system does not say, nothing is taken up that another process began."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return uuid.uuid4().hex


def _is_still(path: Path, file: BinaryIO) -> bool:
    """Who waited for the lock may hold what was moved away meanwhile."""
    try:
        return path.stat().st_ino == os.fstat(file.fileno()).st_ino
    except FileNotFoundError:
        return False


def _write(path: Path, text: str) -> None:
    fd, draft = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(fd, "w") as file:
        file.write(text)
    Path(draft).replace(path)


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
            found = store.put(to, _read(file, work), before.st_size)
            known.note(to, mark, found)
    work.done()
    return found


def _read(file: BinaryIO, work: _Work) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        work.moved(len(chunk))
        yield chunk


class _Journal:
    """A line for each file that is there, appended once it is. A torn last line is of a file that
    is sent again."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._known: dict[str, tuple[str, str]] = {}
        self._lock = threading.Lock()
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        if self._path:
            self._file = self._path.open("a+b")
            self._file.seek(0)
            for line in self._file:
                with contextlib.suppress(ValueError):
                    to, mark, version = json.loads(line)
                    self._known[to] = (mark, version)
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
        if self._file:
            with self._lock:
                self._file.write(json.dumps([to, mark, found.version]).encode() + b"\n")
                self._file.flush()
