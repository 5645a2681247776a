"""How much lies in datastores of workspaces that are in the server's own object store."""

from __future__ import annotations

from lazur.datastores._within import Within
from lazur.engine.contracts import Datastore
from lazur.errors import NotFound
from lazur.services.base.site import Site
from lazur.services.content import datastores
from lazur.services.resources import resources
from lazur.spec.names import fold
from lazur.store import resources as store
from lazur.store import workspaces


def in_storage(site: Site, workspace: str, name: str) -> Datastore | None:
    """None for a datastore that lies in the home, or elsewhere. Raises Unsupported where the
    settings do not name that store any more. Asks nobody yet."""
    with site.db.read() as db:
        home = workspaces.by_name(db, fold(workspace))
        kind = resources.DATASTORES.kind
        row = store.by_name(db, kind, home.id, fold(name)) if home is not None else None
    if home is None or row is None or row.type != store.STORAGE:
        return None
    given = datastores.storage_of(site, row)
    return Within(given.datastore(), given.folder(home.id, row.name))


def of(found: Datastore, inside: str) -> int:
    """Bytes of a file, or of all below a folder. 0 where nothing is."""
    if inside:
        try:
            return found.info(inside).size
        except NotFound:
            pass  # a folder is none
    return sum(one.size for one in found.list(inside))
