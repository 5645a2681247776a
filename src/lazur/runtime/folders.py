"""Copying, moving and protecting files and folders. Links inside are kept as links, never
followed."""

from __future__ import annotations

import os
import stat
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

try:
    import fcntl
except ImportError:
    fcntl = None

_FICLONE = 0x40049409
_CHUNK = 1 << 26


def merge(source: str, target: str) -> None:
    """Move what is in the folder `source` into the folder `target`, file by file, replacing;
    `source` goes."""
    os.makedirs(target, exist_ok=True)
    for entry in list(os.scandir(source)):
        place = target + "/" + entry.name
        if (
            entry.is_dir(follow_symlinks=False)
            and os.path.isdir(place)
            and not os.path.islink(place)
        ):
            merge(entry.path, place)
        else:
            move(entry.path, place)
    os.rmdir(source)


def move(source: str, target: str) -> None:
    """In one step, also to another file system: there by way of a draft beside the target."""
    if os.path.isdir(target) and not os.path.islink(target):
        remove(target)
    try:
        os.rename(source, target)
    except OSError as error:
        if error.errno != 18:  # EXDEV
            raise
        draft = draft_beside(target)
        try:
            copy(source, draft)
            os.rename(draft, target)
        except BaseException:
            if os.path.lexists(draft):
                remove(draft)
            raise
        remove(source)


def draft_beside(path: str) -> str:
    """A name that nobody else uses, even where a killed process left its own behind."""
    return "%s.%d.%d" % (path, os.getpid(), time.time_ns())


def remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        os.chmod(path, 0o700)
        for entry in list(os.scandir(path)):
            remove(entry.path)
        os.rmdir(path)
    else:
        os.unlink(path)


def copy(source: str, target: str) -> None:
    """A private copy of a file or folder, writable by its owner; shares blocks with the original
    where it can."""
    mode = os.lstat(source).st_mode
    if stat.S_ISLNK(mode):
        os.symlink(os.readlink(source), target)
    elif stat.S_ISDIR(mode):
        os.makedirs(target, exist_ok=True)
        for entry in os.scandir(source):
            copy(entry.path, target + "/" + entry.name)
    elif stat.S_ISREG(mode):
        copy_file(source, target, bool(mode & 0o100))
    # Sockets, pipes and devices are no data.


def copy_file(source: str, target: str, executable: bool) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with open(source, "rb", buffering=0) as reader:
        fd = os.open(target, flags, 0o755 if executable else 0o644)
        try:
            _copy_bytes(reader.fileno(), fd)
        finally:
            os.close(fd)


def protect(path: str) -> None:
    """Take away everybody's right to write, as far as modes can."""
    for name in _walk(path):
        if not os.path.islink(name):
            os.chmod(name, stat.S_IMODE(os.lstat(name).st_mode) & ~0o222)


def _walk(path: str) -> Iterator[str]:
    if os.path.isdir(path) and not os.path.islink(path):
        for entry in list(os.scandir(path)):
            yield from _walk(entry.path)
    yield path


def _copy_bytes(source: int, target: int) -> None:
    if _clone(source, target):
        return
    if hasattr(os, "copy_file_range"):
        try:
            while os.copy_file_range(source, target, _CHUNK):
                continue
        except OSError:  # not between these file systems: go on by hand from where it stopped
            _copy_by_hand(source, target)
        return
    _copy_by_hand(source, target)


def _clone(source: int, target: int) -> bool:
    if fcntl is None:
        return False
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError:
        return False
    return True


def _copy_by_hand(source: int, target: int) -> None:
    while True:
        data = os.read(source, 1 << 20)
        if not data:
            return
        while data:
            data = data[os.write(target, data) :]


def unprotect(path: str) -> None:
    """A private copy belongs to the job: it may change what it likes."""
    for name in _walk(path):
        if not os.path.islink(name):
            os.chmod(name, stat.S_IMODE(os.lstat(name).st_mode) | 0o200)
