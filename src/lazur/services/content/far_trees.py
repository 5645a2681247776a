"""Files of a datastore elsewhere as a tree in the content that all share: copied by way of this
machine's cache of data, so that what was broken off goes on at the byte where it was."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from lazur import data_cache, transfer
from lazur.engine import paths
from lazur.engine.tree import File, Manifest
from lazur.errors import NotFound
from lazur.services.base.site import Site
from lazur.services.content import content
from lazur.services.content.far import Far
from lazur.transfer import Fetched, Manner

_PIECE = 1 << 20
_TIMES_AT_ONCE = 4
"""Fewer threads than a job's carrier has: a server does other things, too."""


def taken(site: Site, found: Far, source: str, field: str, manner: Manner) -> str:
    """The tree's digest. `source` says which datastore of whom it is: so the cache is asked for
    nothing else. Call it outside of a transaction."""
    cache, known = site.home.cache / "remote", _known(found, source)
    keep = partial(_keep, site, manner)
    manner = replace(manner, threads=_TIMES_AT_ONCE, place=keep)
    try:
        fetched = transfer.download(found.store, found.path, cache, known, manner)
    except NotFound:
        raise NotFound(f"{field}: there is nothing at {found.path!r} in the datastore.") from None
    finally:
        data_cache.evict(cache, site.cache_bytes)
    made = Manifest.of([File(paths.nfc(one.path), one.sha256, one.size) for one in fetched])
    site.blobs.put(made.digest, iter([made.encode()]))
    with site.context(write=False) as context:
        content.whole_tree(context, made.digest)
    return made.digest


def opened(site: Site, found: Far, path: str, source: str) -> tuple[int, int, float, str]:
    """Descriptor, size, time and version of one file of it, which is fetched to this machine's
    cache where it is not there. Raises NotFound, for a folder too."""
    whole = f"{found.path}/{path}".strip("/")
    item = found.store.info(whole)
    held = list[int]()

    def hold(file: Fetched) -> None:
        held.append(os.open(file.file, os.O_RDONLY | os.O_CLOEXEC))

    cache = site.home.cache / "remote"
    transfer.download(found.store, whole, cache, _known(found, source), Manner(place=hold))
    data_cache.evict(cache, site.cache_bytes)
    return held[0], os.fstat(held[0]).st_size, item.modified, item.version.strip('"')


def _known(found: Far, source: str) -> str:
    settings = {key: value for key, value in found.store.settings.items() if key != "name"}
    return json.dumps([source, settings], sort_keys=True, default=str)


def _keep(site: Site, manner: Manner, file: Fetched) -> None:
    """Raises FileNotFoundError where the cache has it no longer: it is fetched again."""
    with file.file.open("rb") as opened:

        def pieces() -> Iterator[bytes]:
            while piece := opened.read(_PIECE):
                if manner.stopped():
                    raise transfer.Stopped("The copying was stopped.")
                yield piece

        site.blobs.put(file.sha256, pieces())
