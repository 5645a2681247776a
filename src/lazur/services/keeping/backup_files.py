"""What a backup is kept in: a folder, to which the next one adds what is new, or one file.

manifest.json            last: what it is, and the digest of the list
list-<sha256>.jsonl      each file of the home: [path, size, SHA-256, mode, time]
content/ab/<sha256>      what is in them, each once

In a file (tar, compressed where its name ends in `gz`) the same, in the order of coming.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import tarfile
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

from lazur.errors import Conflict, Invalid, NotFound
from lazur.services.base.times import moment

FORMAT, VERSION = "lazur-backup", 1
MANIFEST = "manifest.json"
_CHUNK = 1 << 20
_SCRATCH = ".lazur-backup"
_IN_MEMORY = 8 << 20
_MEMBER = re.compile(
    r"content/([0-9a-f]{2})/\1[0-9a-f]{62}|list-[0-9a-f]{64}\.jsonl|manifest\.json"
)
_TOOLS = "Copy it anew, or take another backup."


class Listed(NamedTuple):
    """A file of the home."""

    path: str
    size: int
    digest: str
    mode: int
    modified: float


class Sink(ABC):
    """Where a backup goes."""

    before: dict[str, Listed]
    """What the last backup there had, by path: unchanged files are not read again."""
    began = 0.0
    """When that was begun."""
    scratch: Path
    """For what is made on the way."""
    added = 0
    """Bytes that were new."""

    def add(self, file: IO[bytes]) -> tuple[str, int]:
        """Copied, whatever happens to it meanwhile."""
        with tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=str(self.scratch)) as copied:
            digest, size = _copied(file, copied)
            copied.seek(0)
            self.put(digest, size, copied)
        return digest, size

    def move(self, path: Path) -> tuple[str, int]:
        """A file in `scratch`, which is ours."""
        with path.open("rb") as file:
            digest, size = _copied(file, None)
            file.seek(0)
            self.put(digest, size, file)
        path.unlink()
        return digest, size

    @abstractmethod
    def put(self, digest: str, size: int, file: IO[bytes]) -> None:
        """Bytes that do not change. Twice is once."""

    @abstractmethod
    def close(self) -> None:
        """Whether or not it was finished. Twice is once."""

    @abstractmethod
    def finish(self, listing: Path, manifest: dict[str, Any]) -> None:
        """Now it is a backup."""


class _Folder(Sink):
    def __init__(self, top: Path, scratch: Path) -> None:
        self._top = top
        self.scratch = scratch
        self.before = {}
        if (top / MANIFEST).exists():
            with opened(top) as last:
                self.before = {listed.path: listed for listed in last.listing()}
                self.began = moment(last.manifest["made_at"])

    def put(self, digest: str, size: int, file: IO[bytes]) -> None:
        path = self._top / _member(digest)
        if path.exists() and path.stat().st_size == size:
            return
        self._make(path.parent)
        draft = self.scratch / digest
        draft.touch(mode=0o600)
        with draft.open("wb") as copied:
            shutil.copyfileobj(file, copied, _CHUNK)
        draft.replace(path)
        self.added += size

    def move(self, path: Path) -> tuple[str, int]:
        with path.open("rb") as file:
            digest, size = _copied(file, None)
        target = self._top / _member(digest)
        self._make(target.parent)
        path.chmod(0o600)
        path.replace(target)
        self.added += size
        return digest, size

    def finish(self, listing: Path, manifest: dict[str, Any]) -> None:
        name = f"list-{manifest['list']}.jsonl"
        (self.scratch / name).touch(mode=0o600)
        shutil.copyfile(listing, self.scratch / name)
        (self.scratch / name).replace(self._top / name)
        draft = self.scratch / MANIFEST
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(manifest, indent=2))
        os.sync()
        draft.replace(self._top / MANIFEST)
        os.sync()
        self._drop_former(name)

    def close(self) -> None:
        """Nothing is open."""

    def _make(self, folder: Path) -> None:
        """For its owner alone, whoever made the folder above."""
        for one in (folder.parent, folder):
            if one.is_symlink():
                raise _not_ours(one, "is a link")
            one.mkdir(mode=0o700, exist_ok=True)

    def _drop_former(self, name: str) -> None:
        """What only backups before this one had."""
        with opened(self._top) as now:
            needed = {listed.digest for listed in now.listing()}
        folders = [path for path in self._top.glob("content/*") if path.is_dir()]
        for path in (path for one in folders if not one.is_symlink() for path in one.iterdir()):
            if path.name not in needed:
                path.unlink()
        for path in self._top.glob("list-*.jsonl"):
            if path.name != name:
                path.unlink()


class _Archive(Sink):
    def __init__(self, path: Path, scratch: Path) -> None:
        self._path = path
        self.scratch = scratch
        self.before = {}
        self._there = set[bytes]()
        self._tar = _written(scratch / path.name)

    def put(self, digest: str, size: int, file: IO[bytes]) -> None:
        key = bytes.fromhex(digest)
        if key not in self._there:
            self._add(_member(digest), size, file)
            self._there.add(key)
            self.added += size

    def finish(self, listing: Path, manifest: dict[str, Any]) -> None:
        with listing.open("rb") as file:
            self._add(f"list-{manifest['list']}.jsonl", listing.stat().st_size, file)
        text = json.dumps(manifest, indent=2).encode()
        with tempfile.SpooledTemporaryFile() as file:
            file.write(text)
            file.seek(0)
            self._add(MANIFEST, len(text), file)
        self.close()
        draft = self.scratch / self._path.name
        with draft.open("rb") as made:
            os.fsync(made.fileno())
        draft.replace(self._path)

    def close(self) -> None:
        self._tar.close()

    def _add(self, name: str, size: int, file: IO[bytes]) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mode = size, 0o600
        self._tar.addfile(info, file)
        cast("Any", self._tar).members = []  # else it would remember a million of them


@contextmanager
def sink(to: Path) -> Generator[Sink]:
    """A folder where `to` is one, or has no suffix of a file. What is interrupted leaves nothing,
    or the backup that was there before."""
    archive = to.suffix in {".tar", ".tgz", ".gz"}
    if archive and os.path.lexists(to):
        raise Conflict(f"{to} is there already.", hint="Name another file, or remove that one.")
    inside = to.parent if archive else to
    _make_folder(inside, 0o777 if archive else 0o700)
    if not archive:
        _check_folder(to)
    name = f"{_SCRATCH}-{to.name}" if archive else _SCRATCH
    with alone(inside / name) as scratch, closing(_sink(to, scratch, archive=archive)) as made:
        yield made


def _sink(to: Path, scratch: Path, *, archive: bool) -> Sink:
    return (_Archive if archive else _Folder)(to, scratch)


def _make_folder(folder: Path, mode: int) -> None:
    try:
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
    except FileExistsError:
        raise Conflict(
            f"{folder} is there already, and is no folder.",
            hint="Name a folder, or a new file that is called ….tar, ….tar.gz or ….tgz.",
        ) from None
    except OSError as error:
        raise Conflict(
            f"The folder {folder} cannot be made: {error.strerror}.",
            hint="Name another one, or make it, with leave to write into it.",
        ) from error


@contextmanager
def alone(folder: Path) -> Generator[Path]:
    """An empty folder, for one at a time and nobody else's eyes. What somebody who was killed left
    in it is removed. Its name can be guessed, so whatever lies there is ours or is not touched."""
    descriptor = _own(folder)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _busy(folder) from None
        if not _is_at(descriptor, folder):  # who was there before has removed it since
            raise _busy(folder)
        try:
            _empty(folder)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(descriptor)


def _own(folder: Path) -> int:
    """Its descriptor. Raises where it is a link, no folder, or somebody else's."""
    _make_folder(folder, 0o700)
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise _not_ours(folder, "is a link, no folder, or closed to you") from error
    try:
        if os.fstat(descriptor).st_uid != os.geteuid():
            raise _not_ours(folder, "belongs to another account")
        os.fchmod(descriptor, 0o700)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _is_at(descriptor: int, folder: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(folder))
    except FileNotFoundError:
        return False


def _busy(folder: Path) -> Conflict:
    return Conflict(f"Somebody else is at work in {folder}.", hint="Wait until that is done.")


def _not_ours(folder: Path, what: str) -> Conflict:
    return Conflict(
        f"{folder} {what}; a folder of your own is needed there while this lasts.",
        hint="Remove it, or name a place that others cannot write to. Nothing was changed.",
    )


def _empty(folder: Path) -> None:
    for left in folder.iterdir():
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left)
        else:
            left.unlink()


class Source:
    """A backup that lies in a folder, or was unpacked into one."""

    def __init__(self, top: Path) -> None:
        self._top = top
        self.manifest = _manifest(top)

    def listing(self) -> Iterator[Listed]:
        """Raises where the list is not the one that was written."""
        path = self._top / f"list-{self.manifest['list']}.jsonl"
        try:
            with path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != self.manifest["list"]:
                    raise _damaged("its list of files has changed")
                file.seek(0)
                for line in file:
                    yield Listed(*json.loads(line))
        except FileNotFoundError:
            raise _damaged("its list of files is missing") from None

    def copy(self, listed: Listed, target: IO[bytes] | None) -> None:
        """Raises unless it is what was backed up. Without a target it is only looked at."""
        try:
            with (self._top / _member(listed.digest)).open("rb") as file:
                found = _copied(file, target)
        except FileNotFoundError:
            raise _damaged(f"{listed.path} is missing") from None
        if found != (listed.digest, listed.size):
            raise _damaged(f"{listed.path} has changed")


@contextmanager
def opened(place: Path, scratch: Path | None = None) -> Generator[Source]:
    """An archive is unpacked into `scratch` first."""
    if place.is_dir():
        yield Source(place)
        return
    if not place.exists():
        raise NotFound(f"There is no {place}.")
    with tempfile.TemporaryDirectory() if scratch is None else alone(scratch) as folder:
        _unpack(place, Path(folder))
        yield Source(Path(folder))


def _written(path: Path) -> tarfile.TarFile:
    path.touch(mode=0o600)
    if path.suffix == ".tar":
        return tarfile.open(path, "w")
    return tarfile.open(path, "w:gz", compresslevel=1)


def _unpack(archive: Path, folder: Path) -> None:
    """Members have names of ours, so nothing gets anywhere else."""
    try:
        with tarfile.open(archive, "r|*") as tar:
            for member in tar:
                if not member.isfile() or not _MEMBER.fullmatch(member.name):
                    raise Invalid(f"{archive} is no backup: it holds {member.name[:80]!r}.")
                path = folder / member.name
                path.parent.mkdir(parents=True, exist_ok=True)
                inside = tar.extractfile(member)
                assert inside is not None
                with path.open("wb") as file:
                    shutil.copyfileobj(inside, file, _CHUNK)
    except (tarfile.TarError, EOFError) as error:
        raise _damaged(f"it cannot be read to its end ({error})") from error


def _manifest(top: Path) -> dict[str, Any]:
    try:
        found: Any = json.loads((top / MANIFEST).read_bytes())
        if found["format"] != FORMAT:
            raise KeyError("format")
    except FileNotFoundError:
        raise Invalid(
            f"{top} is no backup, or one that was interrupted: it has no {MANIFEST}.", hint=_TOOLS
        ) from None
    except (ValueError, KeyError, TypeError):
        raise _damaged(f"its {MANIFEST} is none of ours") from None
    if found["version"] > VERSION:
        raise Conflict(
            f"The backup is of Lazur {found['lazur']}, in a form that this version does not know.",
            hint="Restore it with that version, or a newer one.",
        )
    return found


def _check_folder(to: Path) -> None:
    if to.is_dir() and any(to.iterdir()) and not (to / MANIFEST).exists():
        left = {path.name for path in to.iterdir()}
        if any(name != "content" and not name.startswith((_SCRATCH, "list-")) for name in left):
            raise Conflict(
                f"{to} has other things in it.", hint="Name a new folder, or one with a backup."
            )


def _copied(file: IO[bytes], target: IO[bytes] | None) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
        size += len(chunk)
        if target is not None:
            target.write(chunk)
    return digest.hexdigest(), size


def _member(digest: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise _damaged(f"{digest[:80]!r} is no digest")
    return f"content/{digest[:2]}/{digest}"


def _damaged(what: str) -> Invalid:
    return Invalid(f"The backup is damaged: {what}.", hint=_TOOLS)
