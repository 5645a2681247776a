"""Blobs and trees: what may be uploaded, and whether a tree is there whole."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from lazur.engine import paths
from lazur.engine.tree import File, Manifest, is_digest
from lazur.errors import BlobsMissing, Invalid, NotFound
from lazur.safe import SafeRoot
from lazur.services.base.site import Context
from lazur.services.base.workspaces import open_workspace
from lazur.store import contents

_ASK_AT_ONCE = 20_000
_PIECE = 1 << 20
_RELIED_ON = 0.5
"""Of the time that content is kept for: so long nobody has to be told again that it is needed."""


def missing(context: Context, workspace: str, digests: list[str]) -> dict[str, Any]:
    open_workspace(context, workspace, "workspaces/data/write")
    if len(digests) > _ASK_AT_ONCE:
        raise Invalid(f"Ask for at most {_ASK_AT_ONCE} blobs at once, not {len(digests)}.")
    for digest in digests:
        check_digest(digest)
    return {"missing": context.site.blobs.missing(digests)}


def check_digest(digest: str) -> str:
    if not is_digest(digest):
        raise Invalid(f"{digest[:80]!r} is not a SHA-256 in lower-case hex.")
    return digest


def whole_tree(context: Context, digest: str) -> None:
    """Raise BlobsMissing unless every blob of the tree is stored; and whoever mentions it in a row
    within some hours may rely on that. Looks at the files only the first time, which may take a
    while: call it while looking, not inside a write."""
    check_digest(digest)
    if context.lent is not None:
        return
    used, now = contents.whole_at(context.db, digest), context.now()
    if used is not None and now - used < context.site.keep.uploads * _RELIED_ON:
        return
    found = manifest(context, digest)
    with context.site.db.write(synced=False) as db:
        if contents.announce(db, digest, now):
            return
    if lacking := context.site.blobs.missing([digest, *sorted(found.blobs())]):
        raise BlobsMissing(f"{len(lacking)} files of the tree are not stored.", missing=lacking)
    with context.site.db.write() as db:
        contents.settle(db, digest, len(found.files), found.size)


def manifest(context: Context, digest: str) -> Manifest:
    if context.lent and (lent := context.lent.trees.get(digest)) is not None:
        return lent
    return Manifest.decode(whole_file(context, digest, "The tree"))


def whole_file(context: Context, digest: str, what: str) -> bytes:
    """Of a small one. `what`: as people know it."""
    try:
        with context.site.blobs.open(digest) as file:
            return file.read()
    except NotFound:
        raise BlobsMissing(f"{what} is not stored.", missing=[digest]) from None


def part(context: Context, digest: str, path: str) -> tuple[str, bool]:
    """The tree that `tree:<digest>/<path>` means, and whether that is one file. What lies inside
    another tree becomes
    a tree of its own, so that nobody further on needs to know of paths in trees."""
    whole = manifest(context, digest)
    if not path:
        return digest, whole.single_file() is not None
    found = whole.at(path)
    made = found if isinstance(found, Manifest) else _alone(found)
    if context.lent is not None:
        context.lent.trees[made.digest] = made
    else:
        context.site.blobs.put(made.digest, iter([made.encode()]))
    return made.digest, isinstance(found, File)


def _alone(file: File) -> Manifest:
    return Manifest.of([file._replace(path=file.path.rpartition("/")[2])])


def taken(context: Context, root: Path, inside: str) -> str:
    """What lies in a folder of this server, or one file, as a tree in the store. It takes as long
    as reading all of it twice: call it while looking. Raises NotFound."""
    with SafeRoot(root) as safe:
        top = safe.stat(inside)
        found = safe.scan(inside) if top.folder else iter([top])
        cut = len(inside) + 1 if top.folder and inside else len(inside.rpartition("/")[0])
        files = [
            _stored(context, safe, entry.path, entry.path[cut:].lstrip("/")) for entry in found
        ]
    made = Manifest.of(files)
    context.site.blobs.put(made.digest, iter([made.encode()]))
    whole_tree(context, made.digest)
    return made.digest


def _stored(context: Context, root: SafeRoot, path: str, name: str) -> File:
    hasher, size = hashlib.sha256(), 0
    with root.open(path) as file:
        while piece := file.read(_PIECE):
            hasher.update(piece)
            size += len(piece)
        file.seek(0)
        digest = hasher.hexdigest()
        context.site.blobs.put(digest, iter(lambda: file.read(_PIECE), b""))
    return File(paths.nfc(name), digest, size)
