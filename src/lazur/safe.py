"""SafeRoot: the only way in which a path given by somebody becomes an open file (security checks
S1-S3, S7).

That a file lies inside the root is a property of the descriptor: the kernel resolves the path
beneath the root's own descriptor and refuses links, on Linux in one call (openat2), elsewhere
component by component. No path is ever joined to the root as text, so `..`, links and races with
renames have nothing to act on.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal, NamedTuple, Self, cast

from lazur.engine import paths
from lazur.errors import Conflict, Invalid, NotFound

Mode = Literal["rb", "wb", "xb", "ab", "r+b"]
Opener = Callable[[int, list[str], int, int], int]
"""(root's descriptor, components, flags, mode) -> descriptor; raises OSError, and never follows a
link."""

_FLAGS: dict[Mode, int] = {
    "rb": os.O_RDONLY,
    "wb": os.O_WRONLY | os.O_CREAT | os.O_TRUNC,
    "xb": os.O_WRONLY | os.O_CREAT | os.O_EXCL,
    "ab": os.O_WRONLY | os.O_CREAT | os.O_APPEND,
    "r+b": os.O_RDWR,
}
_ALWAYS = (
    os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
)  # a FIFO must not hold us up before we see what it is
_FOLDER = os.O_RDONLY | os.O_DIRECTORY


class Entry(NamedTuple):
    """A file or folder under a root; `path` is relative to it."""

    path: str
    size: int
    modified: float
    folder: bool


class SafeRoot:
    """A folder within which paths from outside may be opened. Cheap to make; close it, or use it
    as a context.

    Paths are `a/b.txt`: what is not plainly relative raises Invalid; what is absent, a link, a
    device or behind a link raises NotFound. An empty path means the root itself where a folder is
    asked for.
    """

    def __init__(self, root: str | os.PathLike[str], *, opener: Opener | None = None) -> None:
        self._open = opener or best_opener()
        self._root = -1
        try:
            self._root = os.open(root, _FOLDER | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError) as error:
            # Its name alone: where a server keeps its folders is nobody's business.
            name = Path(root).absolute().name
            raise NotFound(f"The folder {paths.shown(name)} is not there.") from error

    def close(self) -> None:
        if self._root >= 0:
            os.close(self._root)
            self._root = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def open(self, path: str, mode: Mode = "rb") -> BinaryIO:
        """A regular file. New files are private (0600); their folder must be there (see
        `make_folder`)."""
        return cast("BinaryIO", os.fdopen(self.descriptor(path, mode), mode.replace("x", "w")))

    def descriptor(self, path: str, mode: Mode = "rb") -> int:
        """As `open`, for callers that send or map the file; they close it."""
        # Truncation waits until the file is known to be a regular one.
        flags = _FLAGS[mode] & ~os.O_TRUNC
        fd = self._at(paths.components(path), flags, path, 0o600 if flags & os.O_CREAT else 0)
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise NotFound(f"{paths.shown(path)} is not a file.")
            if mode == "wb":
                os.ftruncate(fd, 0)
            return fd
        except BaseException:
            os.close(fd)
            raise

    def stat(self, path: str) -> Entry:
        """Raises NotFound for links and for all that is neither file nor folder."""
        with self._parent(path) as (folder, name), _as_our_error(path):
            made = _entry(path, os.stat(name, dir_fd=folder, follow_symlinks=False))
        if made is None:
            raise NotFound(f"{paths.shown(path)} is neither a file nor a folder.")
        return made

    def exists(self, path: str) -> bool:
        try:
            self.stat(path)
        except NotFound:
            return False
        return True

    def entries(self, path: str = "") -> list[Entry]:
        """Files and folders directly in a folder, by name. Left out: links, devices, and names
        that no path could have (see lazur.engine.paths)."""
        with self._folder(path) as fd, os.scandir(fd) as found:
            names = sorted(item.name for item in found)
            return [made for name in names if (made := _listed(fd, path, name))]

    def scan(self, prefix: str = "") -> Iterator[Entry]:
        """All files beneath a folder, folder by folder in order of name. What vanishes meanwhile
        is passed over."""
        todo = [prefix]
        while todo:
            try:
                found = self.entries(todo.pop())
            except NotFound:
                if not todo:
                    return
                continue
            yield from (entry for entry in found if not entry.folder)
            todo.extend(entry.path for entry in reversed(found) if entry.folder)

    def make_folder(self, path: str) -> None:
        """With its parents; fine when it is there."""
        parts = paths.components(path)
        for count in range(1, len(parts) + 1):
            with self._parent("/".join(parts[:count])) as (folder, name), _as_our_error(path):
                _mkdir(folder, name)
        with self._folder(path):
            """It must be a folder, and not a file or a link of that name."""

    def rename(self, old: str, new: str) -> None:
        """Replaces a file at `new`. Links themselves are renamed, never what they point to."""
        with (
            self._parent(old) as (source, name),
            self._parent(new) as (target, new_name),
            _as_our_error(old),
        ):
            os.replace(name, new_name, src_dir_fd=source, dst_dir_fd=target)

    def sync(self, path: str = "") -> None:
        """What was put into a folder, and taken out of it, stays so after a loss of power."""
        with self._folder(path) as fd:
            os.fsync(fd)

    def remove(self, path: str) -> None:
        """A file or a link."""
        with self._parent(path) as (folder, name), _as_our_error(path):
            os.unlink(name, dir_fd=folder)

    def remove_tree(self, path: str) -> None:
        """A folder with all that is in it, however deep; links in it are removed, not followed."""
        with self._parent(path) as (folder, name), _as_our_error(path):
            _remove_tree(folder, name)

    @contextmanager
    def _folder(self, path: str) -> Iterator[int]:
        fd = self._at(paths.components(path), _FOLDER, path) if path else os.dup(self._root)
        try:
            yield fd
        finally:
            os.close(fd)

    @contextmanager
    def _parent(self, path: str) -> Iterator[tuple[int, str]]:
        folder, _, name = path.rpartition("/")
        paths.check(path)
        with self._folder(folder) as fd:
            yield fd, name

    def _at(self, parts: list[str], flags: int, path: str, mode: int = 0) -> int:
        if self._root < 0:
            raise ValueError("this SafeRoot is closed")
        with _as_our_error(path):
            return self._open(self._root, parts, flags | _ALWAYS, mode)


@cache
def best_opener() -> Opener:
    """openat2 where the kernel has it and lets us use it (5.6, and not every sandbox); else the
    walk."""
    try:
        fd = os.open("/", _FOLDER | os.O_CLOEXEC)
        try:
            os.close(by_openat2(fd, ["."], _FOLDER | os.O_CLOEXEC, 0))
        finally:
            os.close(fd)
    except OSError:
        return by_walk
    return by_openat2


def by_walk(root: int, parts: list[str], flags: int, mode: int) -> int:
    """Component by component with O_NOFOLLOW: works on every Unix."""
    at = root
    try:
        for part in parts[:-1]:
            below = os.open(part, _FOLDER | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
            if at != root:
                os.close(at)
            at = below
        return os.open(parts[-1], flags, mode, dir_fd=at)
    finally:
        if at != root:
            os.close(at)


def by_openat2(root: int, parts: list[str], flags: int, mode: int) -> int:
    """One call; the kernel itself holds the path beneath the root."""
    how = _OpenHow(flags, mode, _BENEATH | _NO_SYMLINKS | _NO_MAGICLINKS)
    path = "/".join(parts).encode()
    for _ in range(
        16
    ):  # EAGAIN: a rename went on at the same time, and the kernel would not vouch for the answer
        ctypes.set_errno(0)
        fd = _syscall()(_OPENAT2, root, path, ctypes.byref(how), ctypes.sizeof(how))
        if fd >= 0:
            return fd
        if ctypes.get_errno() not in (errno.EAGAIN, errno.EINTR):
            break
    code = ctypes.get_errno()
    raise OSError(code, os.strerror(code), path)


class _OpenHow(ctypes.Structure):
    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


_OPENAT2 = 437
_NO_MAGICLINKS, _NO_SYMLINKS, _BENEATH = 0x02, 0x04, 0x08


@cache
def _syscall() -> Callable[..., int]:
    if not sys.platform.startswith("linux"):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    return ctypes.CDLL(None, use_errno=True).syscall


@contextmanager
def _as_our_error(path: str) -> Iterator[None]:
    """OSErrors that the path itself causes; others (permissions, a full disk) are not the asker's
    doing."""
    try:
        yield
    except OSError as error:
        raise _our_error(path, error) from error


def _our_error(path: str, error: OSError) -> Exception:
    if error.errno in (errno.ENOENT, errno.ENXIO):
        return NotFound(f"There is no {paths.shown(path)}.")
    if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EXDEV):
        return NotFound(f"{paths.shown(path)} is a link, or leads through one or through a file.")
    if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.EISDIR):
        return Conflict(f"{paths.shown(path)} is there already, or is a folder.")
    if error.errno in (errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ):
        return Invalid(f"{paths.shown(path)} cannot be a path on this system.")
    return error


def _mkdir(folder: int, name: str) -> None:
    try:
        os.mkdir(name, 0o700, dir_fd=folder)
    except FileExistsError:
        return


def _remove_tree(parent: int, name: str) -> None:
    """Brings every folder within up to the first level before it is emptied: so nothing recurses,
    whatever depth a job has dug, and each step holds one descriptor."""
    top = _writable_folder(name, parent)
    try:
        count = 0
        while found := _folders_after_unlinking(top):
            for folder in found:
                count = _empty(top, folder, count)
    finally:
        os.close(top)
    os.rmdir(name, dir_fd=parent)


def _empty(top: int, name: str, count: int) -> int:
    at = _writable_folder(name, top)
    try:
        for below in _folders_after_unlinking(at):
            while not _moved(below, at, f".lazur-removed-{count}", top):
                count += 1
            count += 1
    finally:
        os.close(at)
    os.rmdir(name, dir_fd=top)
    return count


def _writable_folder(name: str, parent: int) -> int:
    fd = os.open(name, _FOLDER | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    with suppress(PermissionError):  # not ours: then emptying it says why it cannot be done
        os.fchmod(fd, 0o700)
    return fd


def _folders_after_unlinking(fd: int) -> list[str]:
    folders: list[str] = []
    with os.scandir(fd) as found:
        for entry in found:
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.name)
            else:
                os.unlink(entry.name, dir_fd=fd)
    return folders


def _moved(name: str, source: int, new: str, target: int) -> bool:
    try:
        os.rename(name, new, src_dir_fd=source, dst_dir_fd=target)
    except (FileExistsError, NotADirectoryError):
        return False
    except OSError as error:
        if error.errno != errno.ENOTEMPTY:
            raise
        return False
    return True


def _listed(folder: int, path: str, name: str) -> Entry | None:
    full = f"{path}/{name}" if path else name
    if paths.fault(full):
        return None
    try:
        return _entry(full, os.stat(name, dir_fd=folder, follow_symlinks=False))
    except FileNotFoundError:
        return None


def _entry(path: str, found: os.stat_result) -> Entry | None:
    if stat.S_ISREG(found.st_mode):
        return Entry(path, found.st_size, found.st_mtime, folder=False)
    if stat.S_ISDIR(found.st_mode):
        return Entry(path, 0, found.st_mtime, folder=True)
    return None
