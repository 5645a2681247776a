"""What purged runs and workspaces had in the server's own object store: removed at once where the
store answers, and by the housekeeping where it did not."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

from lazur.datastores._within import Within
from lazur.errors import LazurError
from lazur.services.base.home import BLOBSTORE
from lazur.services.base.site import Site
from lazur.store import jobs, records

log = logging.getLogger(__name__)

_LEFT = "storage.left "


def remove(site: Site, workspace_id: int, job: str | None = None) -> None:
    """The outputs of a job that were given no place of their own, or all that a workspace had."""
    if site.storage is None or _removed(site, workspace_id, job):
        return
    with site.db.write() as db:
        records.put_fact(db, _LEFT + json.dumps([workspace_id, job]), "")


def clear(site: Site, stopping: Callable[[], bool]) -> None:
    """What was left. A job that was given the name of a purged one has what lies there now."""
    if site.storage is None:
        return
    with site.db.read() as db:
        left = records.facts_like(db, _LEFT)
    for name in left:
        workspace_id, job = json.loads(name.removeprefix(_LEFT))
        with site.db.read() as db:
            taken = job is not None and jobs.by_name(db, workspace_id, job) is not None
        if stopping() or not (taken or _removed(site, workspace_id, job)):
            return
        with site.db.write() as db:
            records.drop_fact(db, name)


def _removed(site: Site, workspace_id: int, job: str | None) -> bool:
    assert site.storage is not None
    try:
        name, inside = (BLOBSTORE, f"azureml/{job}") if job is not None else ("", "")
        store = Within(site.storage.datastore(), site.storage.folder(workspace_id, name))
        for found in store.list(inside):
            store.delete(found.path)
    except LazurError as error:
        log.warning("what was purged is not removed from the store yet: %s", error)
        return False
    return True
