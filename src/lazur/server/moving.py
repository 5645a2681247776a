"""Takes a server's content to another place, while no server runs."""

from __future__ import annotations

import fcntl
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from lazur.engine.contracts import Blobs, Collects, Copies
from lazur.errors import Conflict, Unsupported
from lazur.server import recovery
from lazur.services import events, storage
from lazur.services.home import Home
from lazur.services.recovery import ADMIN
from lazur.services.site import SOURCE, Site

_AT_ONCE = 500


def move(folder: Path, to: str) -> dict[str, Any]:
    """Whatever lies in the old place is there afterwards, and only then is the new one believed.
    Raises Conflict while a server runs, and where another server's content is."""
    home = Home(folder)
    target = storage.read(home, "" if to == storage.HOME else to)
    SOURCE.set("this machine")
    with _alone(folder):
        site = recovery.open_site(folder, as_remembered=True)
        try:
            storage.check_outputs(site.db, storage.HOME if target is None else target.uri)
            if target is not None:
                storage.own(site.db, target)
            count, sent = _copied(site, storage.blobs(home, target))
            storage.lies_in(site.db, target)
            place = storage.place(site.db)
            with site.context(ADMIN) as context:
                events.record(context, None, "server", "storage", "moved", to=place, blobs=count)
            return {"storage": place, "blobs": count, "copied": sent}
        finally:
            site.db.close()


def _copied(site: Site, target: Blobs) -> tuple[int, int]:
    """How many there are, and how many were not there yet. Copies on this machine are what both
    places have in common."""
    source, count, sent = site.blobs, 0, 0
    if not isinstance(source, Collects):
        raise Unsupported("This store of blobs cannot list what it has.")
    for batch in _batches(source.unused(float("inf"))):
        if isinstance(source, Copies):
            lacking = source.lacking(batch)
            source.fetch(lacking)
            sent += 0 if isinstance(target, Copies) else len(lacking)
        if isinstance(target, Copies):
            sent += target.send(batch)
        count += len(batch)
    return count, sent


def _batches(digests: Iterable[str]) -> Iterator[list[str]]:
    left = iter(digests)
    while batch := list(islice(left, _AT_ONCE)):
        yield batch


@contextmanager
def _alone(folder: Path) -> Generator[None]:
    """No server begins meanwhile, either."""
    with ExitStack() as stack:
        for name in ("server.lock", "loops.lock"):
            file = stack.enter_context((folder / name).open("a+"))
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Conflict(
                    f"A server runs on {folder}.", hint="Stop it first: lazur server stop"
                ) from None
        yield
