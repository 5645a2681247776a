"""A datastore elsewhere as a container of blobs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

from lazur.engine import paths
from lazur.engine.contracts import Stored, Writes
from lazur.errors import TooLarge, Unsupported
from lazur.safe import SafeRoot
from lazur.services.azure import staging
from lazur.services.azure.boxes import Blob, check_free, listed, possible
from lazur.services.base.site import Site
from lazur.services.content.far import Far
from lazur.services.tracking.artifacts import Artifacts, Draft

_PIECE = 1 << 20
_MOST = 100_000


@dataclass(frozen=True)
class Elsewhere:
    far: Far
    site: Site

    def info(self, path: str) -> Blob:
        return _blob(self.far.store.info(possible(path)))

    def scan(self, prefix: str, after: str = "", *, flat: bool = True) -> Iterator[Blob | str]:
        """Left out are names that no path could have. Raises TooLarge where there is more than can
        be put in order: half a list would be taken for the whole."""
        folder = prefix.rpartition("/")[0]
        if folder:
            paths.check(folder)
        found = [_blob(one) for one in islice(self.far.store.list(folder), _MOST + 1)]
        if len(found) > _MOST:
            raise TooLarge(
                f"More than {_MOST:,} files lie {_below(folder)}: they are not listed.",
                hint="Ask for one folder of it, or list them in the store itself.",
            )
        good = (one for one in found if not paths.fault(one.path))
        yield from listed(sorted(good, key=lambda one: one.path), prefix, after, flat=flat)

    def open(self, path: str) -> tuple[BinaryIO, int]:
        return self.far.opened(path)

    def draft(self) -> Draft:
        """Here, until it is whole."""
        return Artifacts(staging.drafts(self.site.home)).draft()

    def put(self, draft: Draft, path: str, *, new: bool = False) -> Blob:
        store = self._writable()
        if new:
            check_free(self, path)
        drafts, name = staging.drafts(self.site.home), staging.fresh()
        draft.publish(name)
        try:
            with SafeRoot(drafts) as root, root.open(name) as file:
                size = root.stat(name).size
                made = store.put(possible(path), iter(lambda: file.read(_PIECE), b""), size)
        finally:
            Artifacts(drafts).remove(name)
        return _blob(made)

    def delete(self, path: str) -> None:
        store = self._writable()
        self.info(path)
        store.delete(path)

    def _writable(self) -> Writes:
        if not isinstance(self.far.store, Writes):
            raise Unsupported("This datastore is only read.", hint="Choose one that takes files.")
        return self.far.store


def _blob(found: Stored) -> Blob:
    tag = (found.version or "").strip('"') or f"{round(found.modified or 0):x}-{found.size:x}"
    return Blob(found.path, found.size, found.modified or 0.0, tag)


def _below(folder: str) -> str:
    return f"below {paths.shown(folder)}" if folder else "in this datastore"
