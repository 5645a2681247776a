"""Freeing the bytes that nothing needs any more (contributing/content.md).

A blob stays while any row mentions it, or a tree that it is part of, and for a day after somebody
was told that it is there. Whatever else is in the store goes: what was purged, and what was
uploaded for something that never came. Nothing is remembered between two runs, so a run that is
killed at any line is only shorter.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lazur.engine.contracts import Collects
from lazur.engine.tree import MAX_BYTES, is_digest
from lazur.errors import BackendError, NotFound
from lazur.services.base.site import Context, Site
from lazur.store import contents, holds, records
from lazur.store.db import Connection

_WANTED, _RAN = "collection.wanted", "collection.ran"
_EVERY = 6 * 3600.0
_AT_ONCE = 200
_BEGINNING = b'{"dirs":['
_DIGEST = re.compile(rb'"([0-9a-f]{64})"')


@dataclass(frozen=True)
class Collected:
    blobs: int = 0
    bytes: int = 0


def want(context: Context) -> None:
    """Something was purged: its bytes are freed soon after this is committed."""
    note(context.db, context.now())


def note(db: Connection, now: float) -> None:
    """As `want`, where there is no context."""
    records.put_fact(db, _WANTED, str(now))


def collect_if_wanted(site: Site) -> Collected:
    """One of all servers does it: when something was purged, and now and then."""
    with site.db.read() as db:
        wanted, ran = records.fact(db, _WANTED), records.fact(db, _RAN)
    if float(wanted or 0) < float(ran or 0) and site.now() - float(ran or 0) < _EVERY:
        return Collected()
    with site.db.write() as db:
        held = holds.is_held(db, site.now())
        if held or not records.swap_fact(db, _RAN, ran, str(site.now())):
            return Collected()
    return collect(site)


def collect(site: Site) -> Collected:
    """Delete what nothing needs, unless somebody copies the server just now (`store/holds`).
    Raises BackendError when it cannot be known what is needed; then nothing was deleted."""
    if not isinstance(site.blobs, Collects):
        return Collected()
    since = site.now() - site.keep.uploads
    search = _Search(site, set(site.blobs.unused(since)))
    search.spare(digest for found in contents.mentioned(site.db) for digest in found)
    _forget_trees(site, search, since)
    done = [_discard(site, search, batch, since) for batch in _batches(sorted(search.unneeded))]
    _drop_unpacked(site)
    return Collected(sum(one.blobs for one in done), sum(one.bytes for one in done))


class _Search:
    """`unneeded` is what may go; each digest that is spared takes what its tree holds along."""

    def __init__(self, site: Site, unneeded: set[str]) -> None:
        self._site = site
        self.unneeded = unneeded
        self.seen = set[str]()

    def spare(self, digests: Iterable[str]) -> None:
        for digest in digests:
            if digest not in self.seen:
                self.seen.add(digest)
                self.unneeded.discard(digest)
                self.unneeded.difference_update(self._inside(digest))

    def _inside(self, digest: str) -> Iterable[str]:
        """Whatever is quoted like a digest in a manifest: too many rather than too few."""
        try:
            with self._site.blobs.open(digest) as file:
                if (beginning := file.read(len(_BEGINNING))) != _BEGINNING:
                    return ()
                whole = beginning + file.read(MAX_BYTES)
        except NotFound:
            return ()
        except OSError as error:
            raise _damaged(digest, str(error)) from error
        if hashlib.sha256(whole).hexdigest() != digest:
            raise _damaged(digest, "it is not what it was when it was stored")
        return (found.decode() for found in _DIGEST.findall(whole))


def _forget_trees(site: Site, search: _Search, since: float) -> None:
    """Before any of their blobs goes: a tree that is known to be whole is not looked at again."""
    with site.db.read() as db:
        old = [tree for tree in contents.forgotten(db, since) if tree not in search.seen]
    for batch in _batches(old):
        with site.db.write(synced=False) as db:
            contents.fence(db)
            contents.drop(db, batch, since)


def _discard(site: Site, search: _Search, digests: Sequence[str], since: float) -> Collected:
    """Those that are still unneeded. What was announced until now is mostly read before the
    fence, so that others hardly wait."""
    assert isinstance(site.blobs, Collects)
    with site.db.read() as db:
        search.spare(contents.announced(db, since))
    with site.db.write(synced=False) as db:
        contents.fence(db)
        if holds.is_held(db, site.now()):
            return Collected()
        search.spare(contents.announced(db, since))
        unneeded = [digest for digest in digests if digest in search.unneeded]
        sizes = site.blobs.discard_many(unneeded, since)
    freed = [size for size in sizes if size]
    return Collected(len(freed), sum(freed))


def _drop_unpacked(site: Site) -> None:
    """Trees whose manifest is gone, where this machine unpacked them: the bytes of a blob are free
    when its last link is. No job can begin with such a tree, and none that runs has one."""
    for folder in site.home.cache.glob("trees/*"):
        if is_digest(folder.name) and not site.blobs.has(folder.name):
            remove(folder)


def remove(folder: Path) -> None:
    """Folders in the cache are read-only; their owner may change that."""
    for inner in [folder, *folder.rglob("*")]:
        if inner.is_dir() and not inner.is_symlink():
            inner.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


def _batches(digests: Sequence[str]) -> Iterator[Sequence[str]]:
    return (digests[at : at + _AT_ONCE] for at in range(0, len(digests), _AT_ONCE))


def _damaged(digest: str, why: str) -> BackendError:
    return BackendError(
        f"The tree {digest} cannot be read, so it is not known which files are needed: {why}",
        hint="Nothing was deleted. Look after the disk, and restore the tree from a backup.",
    )
