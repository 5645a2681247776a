"""What jobs wrote to places of their own choice in the workspace's own stores: what lies there is
counted once, however many wrote it, for who was the first.

Nobody tells when somebody removes files there, so all places are weighed again now and then. A
place within another is counted with that.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress

from lazur.engine.contracts import Datastore
from lazur.errors import LazurError, NotFound
from lazur.safe import SafeRoot
from lazur.services.base.home import ARTIFACTSTORE, BLOBSTORE
from lazur.services.base.site import Context, Site
from lazur.services.content import weights
from lazur.services.results import files
from lazur.services.tracking.folders import Folder
from lazur.spec import references
from lazur.spec.names import fold
from lazur.spec.references import DatastorePath
from lazur.store import stored as store
from lazur.store.jobs import JobRow
from lazur.store.stored import PLACE, Thing

log = logging.getLogger(__name__)

_OF_RUNS = {BLOBSTORE: "azureml/", ARTIFACTSTORE: "ExperimentRun/"}
"""What lies here is counted with its run, unless somebody chose a place in it."""
_LONGEST = 255
"""Of a name in the table."""


def of_job(site: Site, row: JobRow, own: list[Folder]) -> dict[str, int]:
    """What lies at the places that the job chose, or around them. Not those in `own`, the job's
    own folders, which are counted as its run's."""
    mine = [f"{folder.root.name}/{folder.inside}" for folder in own]
    chosen = [p for _, p in of_outputs(site, row) if not any(_within(p, at) for at in mine)]
    wide = {_outermost(site, row.workspace_id, place) for place in chosen}
    wide = {place for place in wide if not any(_counts(at, place) for at in wide - {place})}
    return {place: weigh(site, row.workspace, place) for place in sorted(wide)}


def of_outputs(site: Site, row: JobRow) -> Iterator[tuple[str, str]]:
    """(output, place) of those that lie on this site, or in the server's own store."""
    for output, root, folder, file in files.named_outputs(site.home, row):
        yield output, "/".join(filter(None, (root.name, folder, file)))
    for output in row.resolved["outputs"] if site.storage is not None else ():
        found = references.parse(output["uri"])
        if not output.get("remote") or not isinstance(found, DatastorePath):
            continue
        if weights.in_storage(site, row.workspace, found.datastore) is not None:
            yield output["name"], f"{fold(found.datastore)}/{found.path.strip('/')}".strip("/")


def weigh(site: Site, workspace: str, place: str) -> int:
    """Bytes. 0 where nothing is, and for links. Takes the network for what lies in a store."""
    name, _, inside = place.partition("/")
    if (far := weights.in_storage(site, workspace, name)) is not None:
        return _weigh_far(far, name, inside, own=_is_of_runs(place))
    folder = site.home.datastore(workspace, name)
    if not folder.is_dir():
        return 0
    with SafeRoot(folder) as root:
        try:
            if inside and not (found := root.stat(inside)).folder:
                return found.size
        except NotFound:
            return 0
        own = _is_of_runs(place)
        entries = root.scan(inside)
        return sum(e.size for e in entries if _is_of_runs(f"{name}/{e.path}") == own)


def _weigh_far(found: Datastore, name: str, inside: str, *, own: bool) -> int:
    if own:
        return weights.of(found, inside)
    with suppress(NotFound):
        if inside:
            return found.info(inside).size
    return sum(e.size for e in found.list(inside) if not _is_of_runs(f"{name}/{e.path}"))


def put(context: Context, thing: Thing, size: int) -> None:
    """`thing` is a place, and takes up so much with all that is in it."""
    within = store.within(context.db, thing.workspace_id, PLACE, f"{thing.name}/")
    counted = [row.id for row in within if _counts(thing.name, row.name)]
    store.end(context.db, counted, context.now())
    row = store.live(context.db, thing.workspace_id, PLACE, thing.name)
    if row is not None:
        store.resize(context.db, row, size, context.now())
    elif size:
        store.add(context.db, thing, size, context.now())


def settle(site: Site, stopping: Callable[[], bool]) -> None:
    """Weigh all of them again. What is empty is forgotten; what cannot be looked at just now is
    as it was."""
    with site.db.read() as db:
        rows = store.places(db)
    for row in rows:
        if stopping():
            return
        try:
            size = weigh(site, row.workspace, row.name)
        except LazurError as error:
            log.warning("what lies at %s is not weighed again: %s", row.name, error.message)
            continue
        if size == row.bytes:
            continue
        with site.db.write(synced=False) as db:
            if size:
                store.resize(db, row, size, site.now())
            else:
                store.end(db, [row.id], site.now())


def _outermost(site: Site, workspace_id: int, place: str) -> str:
    """The place that it is counted with: itself, or one that it lies in."""
    parts = place.split("/")
    around = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    around = [at for at in around if at == place or _counts(at, place)]
    with site.db.read() as db:
        known = [at for at in around if store.live(db, workspace_id, PLACE, at) is not None]
    return next(iter(known), max((at for at in around if len(at) <= _LONGEST), key=len))


def _counts(place: str, inner: str) -> bool:
    """Whether what lies in the one is weighed with the other."""
    return _within(inner, place) and _is_of_runs(inner) == _is_of_runs(place)


def _is_of_runs(place: str) -> bool:
    name, _, inside = place.partition("/")
    return name in _OF_RUNS and inside.startswith(_OF_RUNS[name])


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")
