"""Trees: manifests in the blob store (contributing/backbone.md, Trees) made into folders again."""

from __future__ import annotations

import os

from lazur.runtime.attempt import Attempt
from lazur.runtime.documents import parse
from lazur.runtime.plan import Source, Unprepared

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _hashlib import HASH
    from hashlib import sha256 as _light_sha256
else:
    # Without OpenSSL, which takes 2 ms to load: its name before and since Python 3.12.
    try:
        from _sha2 import sha256 as _light_sha256
    except ImportError:
        from _sha256 import sha256 as _light_sha256

_CHUNK = 1 << 20


class Tree:
    """A manifest, verified."""

    def __init__(self, digest: str, blobs: str | None) -> None:
        if blobs is None:
            raise Unprepared("the plan names a tree but no blob store")
        self.digest = digest
        self.blobs = blobs
        content = self._read(digest)
        if _light_sha256(content).hexdigest() != digest:
            raise Unprepared(
                "the manifest %s in the blob store was changed after it was stored" % digest
            )
        manifest = parse(content.decode("utf-8"))
        self.dirs: list[str] = manifest.get("dirs", [])
        self.files: list[tuple[str, str, int, int]] = manifest["files"]
        for path in self.dirs:
            _check(path)
        for entry in self.files:
            _check(entry[0])

    def blob(self, digest: str) -> str:
        return "%s/%s/%s" % (self.blobs, digest[:2], digest)

    def folders(self) -> list[str]:
        """All folders, parents first."""
        found = set(self.dirs)
        for path, _, _, _ in self.files:
            found.add(path.rpartition("/")[0])
        for path in list(found):
            while path:
                found.add(path)
                path = path.rpartition("/")[0]
        found.discard("")
        return sorted(found)

    def _read(self, digest: str) -> bytes:
        try:
            with open(self.blob(digest), "rb", buffering=0) as file:
                return file.read()
        except FileNotFoundError:
            raise Unprepared("the tree %s is not in the blob store" % digest) from None


def copy_code(attempt: Attempt, source: Source) -> None:
    """Private, writable, and each file hashed as it is copied: what runs is what was submitted."""
    if source.path:
        _copy_folder(source.path, attempt.wd)
    elif source.tree:
        digest, _, inside = source.tree.partition("/")
        if inside:
            raise Unprepared("code must be a whole tree, not a part of one")
        _copy_verified(Tree(digest, attempt.plan.blobs), attempt.wd)
    else:
        raise Unprepared("code at %s must be fetched by the client, not on the node" % source.uri)


def unpack(reference: str, blobs: str | None, cache: str, input_name: str) -> str:
    """The folder of a tree, or a thing inside it, in the node's cache: unpacked once, files linked
    to their blobs, nothing writable. It appears whole, however many jobs want it at once."""
    digest, _, inside = reference.partition("/")
    folder = cache + "/trees/" + digest
    if not os.path.isdir(folder):
        _unpack(Tree(digest, blobs), folder)
    if not inside:
        return folder
    _check(inside)
    if not os.path.lexists(folder + "/" + inside):
        raise Unprepared("the input %s has no %s in it" % (input_name, inside))
    return folder + "/" + inside


def _unpack(tree: Tree, folder: str) -> None:
    from lazur.runtime.folders import draft_beside, protect, remove  # noqa: PLC0415  # not for code

    draft = draft_beside(folder)
    os.makedirs(draft)
    try:
        for path in tree.folders():
            os.mkdir(draft + "/" + path)
        for path, digest, _, executable in tree.files:
            _place(tree.blob(digest), draft + "/" + path, bool(executable))
        protect(draft)
        os.rename(draft, folder)
    except OSError:
        if not os.path.isdir(folder):  # otherwise another job was quicker
            raise
    finally:
        if os.path.isdir(draft):
            remove(draft)


def _place(blob: str, target: str, executable: bool) -> None:
    """A hard link shares the blob's mode, which is not that of a program."""
    from lazur.runtime.folders import copy_file  # noqa: PLC0415  # not for code

    if not os.path.exists(blob):
        raise Unprepared("the blob %s is not in the blob store" % os.path.basename(blob))
    if executable or not _link(blob, target):
        copy_file(blob, target, executable)


def _link(blob: str, target: str) -> bool:
    try:
        os.link(blob, target)
    except OSError:  # another file system, one without links, or the most links there can be
        return False
    return True


def _copy_folder(source: str, target: str) -> None:
    from lazur.runtime.folders import copy  # noqa: PLC0415  # code usually is a tree

    if not os.path.isdir(source):
        raise Unprepared("the code folder %s is not on this machine" % source)
    copy(source, target)


def _copy_verified(tree: Tree, target: str) -> None:
    for path in tree.folders():
        os.mkdir(target + "/" + path)
    for path, digest, _, executable in tree.files:
        try:
            same = _copy_hashed(tree.blob(digest), target + "/" + path, executable) == digest
        except FileNotFoundError:
            raise Unprepared("%s of the code is not in the blob store" % path) from None
        if not same:
            raise Unprepared(
                "%s of the code was changed after it was stored: submit the job again" % path
            )


def _copy_hashed(source: str, target: str, executable: int) -> str:
    mode = 0o755 if executable else 0o644
    with open(source, "rb", buffering=0) as reader:
        writer = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        try:
            data = reader.read(_CHUNK)
            digest = _sha256_for(data)
            while data:
                digest.update(data)
                _write_all(writer, data)
                data = reader.read(_CHUNK)
        finally:
            os.close(writer)
    return digest.hexdigest()


def _write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


def _sha256_for(first: bytes) -> HASH:
    if len(first) < _CHUNK:
        return _light_sha256()
    # OpenSSL's is several times faster: worth its loading for large files.
    from hashlib import sha256  # noqa: PLC0415

    return sha256()


def _check(path: str) -> None:
    """The store checked it too; but what is written here must stay here whoever made the
    manifest."""
    if path.startswith("/") or "\0" in path or not {"", ".", ".."}.isdisjoint(path.split("/")):
        raise Unprepared("the manifest holds an unsafe path: %r" % path[:200])
