"""Content that lies elsewhere, brought to this machine for the jobs that run here, and taken away
again when they are done with it.

The runtime knows blobs and unpacked trees as files, wherever the content is kept. So what a job
begins with is fetched before it is submitted: beside the loop, since it may take long, and
remembered by nobody, since a look at the disk tells what is still lacking.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from lazur.engine.contracts import Copies
from lazur.engine.plan import Plan
from lazur.engine.tree import Manifest, is_digest
from lazur.services.base.site import Site
from lazur.services.content import collection
from lazur.store import jobs

_AT_ONCE = 4
_IN_USE = 2 * 3600.0


class Deliveries:
    """Of one loop. Without a store elsewhere there are none."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="copies")
        self._going: dict[str, Future[None]] = {}
        self._stopped = threading.Event()

    def are_here(self, plan: Plan, done: Callable[[], None]) -> bool:
        """Whether the job finds all that it begins with; `done()` is called from any thread when
        it is worth asking again. Raises what kept it from coming."""
        blobs, trees = self._site.blobs, list(_trees(plan))
        if not isinstance(blobs, Copies) or not trees:
            return True
        future = self._going.get(plan.key)
        if future is None:
            if not _is_lacking(self._site, blobs, trees):
                return True
            future = self._pool.submit(self._fetch, blobs, trees)
            self._going[plan.key] = future
            future.add_done_callback(lambda _: done())
            return False
        if future.done():
            del self._going[plan.key]
            future.result()
            return True
        return False

    def _fetch(self, blobs: Copies, trees: Iterable[str]) -> None:
        for tree in trees:
            blobs.fetch([tree], self._stopped.is_set)
            blobs.fetch(_files(self._site, tree), self._stopped.is_set)

    def stop(self) -> None:
        self._stopped.set()
        self._pool.shutdown(wait=False, cancel_futures=True)


def evict(site: Site) -> None:
    """No more than the server's owner allows, but for what jobs need now."""
    if not isinstance(site.blobs, Copies):
        return
    excess = site.blobs.evict(site.copies_bytes) - site.copies_bytes
    if excess > 0 and _drop_trees(site, excess):
        site.blobs.evict(site.copies_bytes)


def _trees(plan: Plan) -> Iterator[str]:
    sources = [plan.code, *(given.source for given in plan.inputs)]
    for source in sources:
        if source is not None and source.tree:
            yield source.tree.partition("/")[0]


def _is_lacking(site: Site, blobs: Copies, trees: Iterable[str]) -> bool:
    """Trees that are unpacked are marked as used, too."""
    for tree in trees:
        with contextlib.suppress(FileNotFoundError):
            os.utime(site.home.cache / "trees" / tree)
        if blobs.lacking([tree]) or blobs.lacking(_files(site, tree)):
            return True
    return False


def _files(site: Site, tree: str) -> list[str]:
    """Of a tree whose manifest is here."""
    with site.blobs.open(tree) as file:
        return list(Manifest.decode(file.read()).blobs())


def _drop_trees(site: Site, excess: int) -> bool:
    """Unpacked ones that no job has which runs or waits, those first that were wanted longest
    ago. Their files are links to copies, which can be evicted then."""
    with site.db.read() as db:
        needed = jobs.trees_in_use(db)
    dropped = False
    for used, folder in sorted(_unpacked(site.home.cache / "trees")):
        if excess <= 0 or used > time.time() - _IN_USE:
            break
        if folder.name not in needed:
            excess -= sum(file.stat().st_size for file in folder.rglob("*") if _is_alone(file))
            _drop(folder)
            dropped = True
    return dropped


def _unpacked(top: Path) -> Iterator[tuple[float, Path]]:
    for folder in top.glob("*"):
        if is_digest(folder.name):
            with contextlib.suppress(FileNotFoundError):
                yield folder.stat().st_mtime, folder


def _is_alone(file: Path) -> bool:
    """Linked to from its copy and this tree only."""
    return file.is_file() and file.stat().st_nlink <= 2


def _drop(folder: Path) -> None:
    """In one step, as seen by jobs; what is left by a kill is an old draft to the housekeeping."""
    draft = folder.with_name(f"{folder.name}.{os.getpid()}.{uuid.uuid4().hex[:8]}")
    folder.rename(draft)
    collection.remove(draft)
