"""Datastores as containers of blobs, as Azure's clients see them, and areas that they upload to.

What lies in a datastore here is a file, and is written whole or not at all. What the server keeps
by its content is shown in the default datastore, below `.tree/<digest>`; nothing is written there.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lazur.engine import paths
from lazur.errors import Forbidden
from lazur.services.azure import staging, trees
from lazur.services.azure.boxes import Container, possible
from lazur.services.azure.elsewhere import Elsewhere
from lazur.services.azure.folders import Folder
from lazur.services.azure.renamed import OfJobs
from lazur.services.azure.trees import Shared, Trees, WithTrees
from lazur.services.base import access
from lazur.services.base.access import Resource
from lazur.services.base.home import ARTIFACTSTORE, BLOBSTORE
from lazur.services.base.site import Context
from lazur.services.base.workspaces import open_workspace
from lazur.services.content import far
from lazur.services.content.local_uploads import FOLDER
from lazur.services.people import submitters
from lazur.services.resources import resources
from lazur.services.resources.registries import open_registry
from lazur.services.resources.resources import DATASTORES
from lazur.spec.references import DatastorePath
from lazur.store.db import AnyRow
from lazur.store.resources import LOCAL

UPLOADS = f"{FOLDER}/"
"""Where Azure's client puts the files of what it is about to register."""
SHARED = "trees"
"""The container of a registry: trees, by their digests."""
READ = DATASTORES.action("files/read")
WRITE = "workspaces/data/write"
DELETE = "workspaces/data/delete"


@dataclass(frozen=True)
class Opened:
    container: Container
    workspace_id: int | None
    """Whose quota bounds what is put there."""
    notes: Path
    lasts: bool = True
    """Not what is there for a day only, whose bytes are not counted."""


def opened(context: Context, account: str, name: str, action: str) -> Opened:
    """What `/account/name` is, once the caller has the right."""
    if account.startswith(staging.REGISTRY) and name == SHARED:
        open_registry(context, account.removeprefix(staging.REGISTRY), "registries/assets/read")
        if action != READ:
            raise trees.not_changed()
        return Opened(Shared(Trees(context.site)), None, staging.drafts(context.site.home))
    if staging.is_area(account, name):
        workspace_id = staging.require(context, account)
        place = staging.find(context.site.home, account, name)
        return Opened(Folder(place.files), workspace_id, place.notes, lasts=False)
    job = context.who.job
    asked = READ if job is not None and action == WRITE else action
    home = open_workspace(context, account, asked, DATASTORES.kind, name)
    if job is not None:
        _require_of_submitter(context, home, job, name, action)
    row = resources.find_row(context, DATASTORES, home, name)
    if row.name == ARTIFACTSTORE and action != READ:
        raise Forbidden(
            f"The files of jobs in {ARTIFACTSTORE} are not written by this way.",
            hint=f"Choose another datastore, such as {BLOBSTORE}.",
        )
    notes = context.site.home.path / "workspaces" / home.name / ".blobs" / row.folded
    return Opened(_container(context, home, row), home.id, notes)


def _require_of_submitter(
    context: Context, home: AnyRow, job: str, name: str, action: str
) -> None:
    """A job reads here, and uploads, what whoever submitted it may now."""
    submitter = submitters.of(context, home, job)
    if submitter is None:
        raise DATASTORES.absent(home.name, name)
    access.require(submitter, action, Resource(home.name, DATASTORES.kind, name))


def _container(context: Context, home: AnyRow, row: AnyRow) -> Container:
    if row.type == LOCAL:
        made: Container = Folder(context.site.home.datastore(home.name, row.name))
    else:
        made = Elsewhere(far.at(context, home, DatastorePath(row.name, "")), context.site)
    if row.name == ARTIFACTSTORE:
        return OfJobs(context.site, home.id, made)
    return WithTrees(Trees(context.site), made) if row.name == BLOBSTORE else made


def check_writable(path: str, job: str | None = None) -> None:
    """Before any bytes come. Raises Invalid, and Forbidden. `job`: whose token asks."""
    paths.check(path)
    if job is not None and not path.startswith(UPLOADS):
        raise Forbidden(
            f"A job's token writes new files below {UPLOADS} here, and nothing else.",
            hint="Declare an output of the job for all other files.",
        )
    possible(path)
    trees.check_no_tree(path)
