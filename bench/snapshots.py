"""Snapshots of a folder of many files, against the stat calls that nobody can avoid, and an upload
into the local store, against copying and hashing the same bytes."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.harness import Result, compare
from lazur.blobs import framing
from lazur.blobs.local import Local
from lazur.sdk.snapshot import Snapshot, take

_QUICK = bool(os.environ.get("BENCH_QUICK"))
FILES = 1_000 if _QUICK else 10_000
UPLOAD = (64 if _QUICK else 1024) << 20
ROUNDS = 3 if _QUICK else 11
_LARGE = 8 << 20
_SMALL = 4 << 10


def measure() -> list[Result]:
    with tempfile.TemporaryDirectory(prefix="lazur-bench-") as name:
        root = Path(name)
        return [_snapshots(root), _upload(root, _LARGE), _upload(root, _SMALL)]


def _snapshots(root: Path) -> Result:
    folder, cache = root / "code", root / "cache"
    for number in range(FILES):
        path = folder / f"package{number % 100}" / f"module{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"print({number})\n" * 50)
    (folder / ".gitignore").write_text(
        "*.pyc\n/build/\ndist/\n*.log\ndata/*\n!data/keep\n.venv/\n"
    )
    changing = folder / "package0" / "module0.py"
    # The cache keeps nothing that was touched in the last seconds.
    settled: Callable[[], int] = lambda: time.time_ns() + 10_000_000_000  # noqa: E731
    take(folder, cache=cache, now=settled)

    def changed() -> float:
        changing.write_text(str(time.time_ns()))
        return _seconds(lambda: take(folder, cache=cache, now=settled))

    return compare(
        f"Snapshot of {FILES:,} files",
        {
            "walk and stat": lambda: _stat_all(folder),
            "unchanged": lambda: _seconds(lambda: take(folder, cache=cache, now=settled)),
            "one file changed": changed,
            "never seen": lambda: _seconds(lambda: take(folder)),
        },
        rounds=ROUNDS,
        floor="walk and stat",
    )


def _upload(root: Path, size: int) -> Result:
    """Framed bodies go through the parser into the store, as a request's do."""
    total = UPLOAD if size == _LARGE else UPLOAD // 16
    source = root / f"data{size}"
    source.mkdir()
    block = os.urandom(size)
    for number in range(total // size):
        (source / str(number)).write_bytes(number.to_bytes(8, "big") + block[8:])
    taken = take(source, purpose="data")
    result = compare(
        f"Upload of {total >> 20} MB in files of {size >> 10} kB",
        {
            "hash and copy, synced": lambda: _copy(source, root / "copy"),
            "upload": lambda: _store(taken, root / "blobs"),
        },
        rounds=min(ROUNDS, 3),
        floor="hash and copy, synced",
    )
    shutil.rmtree(source)
    return result


def _stat_all(folder: Path) -> float:
    return _seconds(lambda: sum(1 for _ in _stats(str(folder))))


def _stats(folder: str) -> Iterator[os.stat_result]:
    with os.scandir(folder) as found:
        for entry in found:
            if entry.is_dir(follow_symlinks=False):
                yield from _stats(entry.path)
            else:
                yield entry.stat(follow_symlinks=False)


def _copy(source: Path, target: Path) -> float:
    target.mkdir()

    def work() -> None:
        for path in source.iterdir():
            data = path.read_bytes()
            hashlib.sha256(data).hexdigest()
            with (target / path.name).open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())

    seconds = _seconds(work)
    shutil.rmtree(target)
    return seconds


def _store(taken: Snapshot, target: Path) -> float:
    blobs = Local(target)
    seconds = _seconds(lambda: framing.store(_body(taken), blobs))
    shutil.rmtree(target)
    return seconds


def _body(taken: Snapshot) -> Iterator[bytes]:
    for digest, blob in taken.blobs().items():
        data = blob if isinstance(blob, bytes) else Path(blob).read_bytes()
        yield f"{digest} {len(data)}\n".encode()
        yield data


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
