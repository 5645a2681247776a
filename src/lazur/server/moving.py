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
from lazur.services.base import events
from lazur.services.base.home import Home
from lazur.services.base.site import SOURCE, Site
from lazur.services.base.stores import Storage
from lazur.services.content import leftovers, own_stores, storage
from lazur.services.content.own_stores import Own
from lazur.services.keeping import relocating
from lazur.services.keeping.recovery import ADMIN
from lazur.store import homecoming

_AT_ONCE = 500


def move(folder: Path, to: str) -> dict[str, Any]:
    """Whatever lies in the old place is there afterwards, and only then is the new one believed.
    Raises Conflict while a server or a job runs, and where another server's content is."""
    home = Home(folder)
    target = storage.read(home, "" if to == storage.HOME else to)
    SOURCE.set("this machine")
    with _alone(folder):
        site = recovery.open_site(folder, as_remembered=True)
        try:
            owns = own_stores.find(site.db)
            _check_idle(site, owns)
            if target is not None:
                storage.own(site.db, target)
            count, sent = _copied(site, storage.blobs(home, target))
            files, new = _outputs(site, owns, target)
            _settle(site, owns, target)
            place = storage.place(site.db)
            return {
                "storage": place,
                "blobs": count,
                "copied": sent,
                "outputs": files,
                "outputs_copied": new,
            }
        finally:
            site.db.close()


def _check_idle(site: Site, owns: list[Own]) -> None:
    """What a job sends goes to the place that it was told."""
    with site.db.read() as db:
        going = homecoming.attempts_under_way(db, [own.workspace_id for own in owns])
    if going:
        raise Conflict(
            f"{len(going)} jobs have begun and not ended, and may be sending outputs: "
            f"{', '.join(going[:5])}.",
            hint="Start the server, let them end, or end them: lazur job cancel --name NAME. Then "
            "stop it, and repeat.",
        )


def _outputs(site: Site, owns: list[Own], target: Storage | None) -> tuple[int, int]:
    """What jobs wrote to the server's own store, of which the rows say where it was last."""
    if not owns:
        return 0, 0
    source = storage.outputs(site.db, site.home) or site.storage
    if source is None:
        raise Conflict(
            f"{', '.join(map(str, owns[:5]))} lie in an object store that is not known any more.",
            hint="Set `storage` to what it was, and repeat.",
        )
    if target is not None and source.uri == target.uri:
        return 0, 0
    if site.storage is not None:
        leftovers.clear(site, lambda: False)
    return relocating.move(site.home, owns, source, target)


def _settle(site: Site, owns: list[Own], target: Storage | None) -> None:
    """From one moment on all of it is there."""
    with site.context(ADMIN) as context:
        storage.lies_in(context.db, target)
        for own in owns if target is None else ():
            folder = site.home.datastore(own.workspace, own.name)
            homecoming.come_home(context.db, own.workspace_id, own.name, str(folder))
        to = storage.HOME if target is None else target.uri
        events.record(context, None, "server", "storage", "moved", to=to)
    relocating.forget(site.home, owns)


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
