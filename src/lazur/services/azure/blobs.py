"""Datastores as containers of blobs, as Azure's clients see them, and areas that they upload to.

What lies in a datastore here is a file, and is written whole or not at all. What the server keeps
by its content is shown in the default datastore, below `.tree/<digest>`; nothing is written there.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, cast

from lazur.engine import paths, tree
from lazur.engine.contracts import Writes
from lazur.engine.tree import Manifest
from lazur.errors import BlobsMissing, Conflict, Forbidden, Invalid, NotFound, Unsupported
from lazur.safe import Entry, SafeRoot
from lazur.services.azure import staging
from lazur.services.azure.boxes import Blob, Container
from lazur.services.azure.renamed import OfJobs
from lazur.services.base import access
from lazur.services.base.access import Resource
from lazur.services.base.home import ARTIFACTSTORE, BLOBSTORE
from lazur.services.base.site import Context, Site
from lazur.services.base.workspaces import open_workspace
from lazur.services.content import content, far
from lazur.services.content.far import Far
from lazur.services.content.local_uploads import FOLDER
from lazur.services.people import submitters
from lazur.services.resources import resources
from lazur.services.resources.registries import open_registry
from lazur.services.resources.resources import DATASTORES
from lazur.services.tracking.artifacts import DRAFTS, Artifacts, Draft
from lazur.spec.names import fold
from lazur.spec.references import DatastorePath
from lazur.store.db import AnyRow
from lazur.store.resources import LOCAL

TREES = ".tree"
FLAT = f"{TREES}."
"""The same as one name, `.tree.<digest>`, for clients that know no folders of code."""
_TREE = re.compile(r"(?P<top>\.tree[/.](?P<digest>[0-9a-f]{64}))(?:/(?P<inside>.*))?", re.DOTALL)
UPLOADS = f"{FOLDER}/"
"""Where Azure's client puts the files of what it is about to register."""
SHARED = "trees"
"""The container of a registry: trees, by their digests."""
READ = DATASTORES.action("files/read")
WRITE = "workspaces/data/write"
DELETE = "workspaces/data/delete"
_PIECE = 1 << 20
_MOST = 100_000
_one_at_a_time = threading.Lock()
"""Whether a name is free, and taking it."""


@dataclass(frozen=True)
class Opened:
    container: Container
    workspace_id: int | None
    """Whose bytes are counted; None for what is there for a day only."""
    notes: Path


def opened(context: Context, account: str, name: str, action: str) -> Opened:
    """What `/account/name` is, once the caller has the right."""
    if account.startswith(staging.REGISTRY) and name == SHARED:
        open_registry(context, account.removeprefix(staging.REGISTRY), "registries/assets/read")
        if action != READ:
            raise _not_changed()
        return Opened(Shared(context.site), None, staging.drafts(context.site.home))
    if staging.is_area(account, name):
        staging.require(context, account)
        place = staging.find(context.site.home, account, name)
        return Opened(Folder(place.files), None, place.notes)
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
    return WithTrees(context.site, made) if row.name == BLOBSTORE else made


@dataclass(frozen=True)
class Folder:
    """On this machine's disk."""

    root: Path

    def info(self, path: str) -> Blob:
        with self._root() as root:
            entry = root.stat(_shown(path))
        if entry.folder:
            raise NotFound(f"{paths.shown(path)} is a folder.")
        return _blob(entry)

    def scan(self, prefix: str, after: str = "", *, flat: bool = True) -> Iterator[Blob | str]:
        with suppress(NotFound), self._root() as root:
            yield from _walk(root, prefix, after, flat=flat)

    def open(self, path: str) -> tuple[BinaryIO, int]:
        with self._root() as root:
            size = root.stat(_shown(path)).size
            return root.open(path), size

    def draft(self) -> Draft:
        return Artifacts(self.root).draft()

    def put(self, draft: Draft, path: str, *, new: bool = False) -> Blob:
        with _one_at_a_time:
            if new:
                check_free(self, path)
            draft.publish(_shown(path))
        return self.info(path)

    def delete(self, path: str) -> None:
        self.info(path)
        with self._root() as root:
            root.remove(path)

    def _root(self) -> SafeRoot:
        return SafeRoot(self.root)


@dataclass(frozen=True)
class Elsewhere:
    """In an object store."""

    far: Far
    site: Site

    def info(self, path: str) -> Blob:
        found = self.far.store.info(_shown(path))
        return _stored(found)

    def scan(self, prefix: str, after: str = "", *, flat: bool = True) -> Iterator[Blob | str]:
        folder = prefix.rpartition("/")[0]
        if folder:
            paths.check(folder)
        listed = islice(self.far.store.list(folder), _MOST)
        found = sorted((_stored(one) for one in listed), key=lambda one: one.path)
        yield from _told(found, prefix, after, flat=flat)

    def open(self, path: str) -> tuple[BinaryIO, int]:
        return self.far.opened(path)

    def draft(self) -> Draft:
        """Here, until it is whole."""
        return Artifacts(staging.drafts(self.site.home)).draft()

    def put(self, draft: Draft, path: str, *, new: bool = False) -> Blob:
        store = self.far.store
        if not isinstance(store, Writes):
            raise Unsupported("This datastore takes no files.")
        if new:
            check_free(self, path)
        drafts, name = staging.drafts(self.site.home), staging.fresh()
        draft.publish(name)
        try:
            with SafeRoot(drafts) as root, root.open(name) as file:
                size = root.stat(name).size
                made = store.put(_shown(path), iter(lambda: file.read(_PIECE), b""), size)
        finally:
            Artifacts(drafts).remove(name)
        return _stored(made)

    def delete(self, path: str) -> None:
        self.info(path)
        cast("Writes", self.far.store).delete(path)


@dataclass(frozen=True)
class WithTrees:
    """A container, and what the server keeps by its content."""

    site: Site
    inner: Container
    _known: dict[str, Manifest] = field(default_factory=dict[str, Manifest])

    def info(self, path: str) -> Blob:
        if (found := self._found(path)) is None:
            return self.inner.info(path)
        return found[1]

    def scan(self, prefix: str, after: str = "", *, flat: bool = True) -> Iterator[Blob | str]:
        place = _TREE.fullmatch(prefix)
        if place is None:
            yield from self.inner.scan(prefix, after, flat=flat)
            return
        files = [_of_tree(place["top"], file) for file in self._manifest(place["digest"]).files]
        found = sorted(files, key=lambda one: one.path)
        yield from _told(found, prefix, after, flat=flat)

    def open(self, path: str) -> tuple[BinaryIO, int]:
        if (found := self._found(path)) is None:
            return self.inner.open(path)
        return self.site.blobs.open(found[0]), found[1].size

    def draft(self) -> Draft:
        return self.inner.draft()

    def put(self, draft: Draft, path: str, *, new: bool = False) -> Blob:
        _refuse_tree(path)
        return self.inner.put(draft, path, new=new)

    def delete(self, path: str) -> None:
        _refuse_tree(path)
        self.inner.delete(path)

    def _found(self, path: str) -> tuple[str, Blob] | None:
        """The content's digest, and what it is; None for what is no part of a tree."""
        place = _TREE.fullmatch(path)
        if place is None or place["inside"] is None:
            return None
        file = self._manifest(place["digest"]).file(place["inside"])
        if file is None:
            raise NotFound(f"There is no {paths.shown(path)}.")
        return file.digest, _of_tree(place["top"], file)

    def _manifest(self, digest: str) -> Manifest:
        if digest not in self._known:
            with self.site.context(write=False) as context:
                self._known[digest] = tree_of(context, digest)
        return self._known[digest]


@dataclass(frozen=True)
class Shared:
    """Trees alone, as `<digest>/<path>`."""

    site: Site

    def info(self, path: str) -> Blob:
        if not _is_in_tree(f"{TREES}/{path}"):
            raise NotFound(f"There is no {paths.shown(path)}.")
        return _without_top(self._all().info(f"{TREES}/{path}"))

    def scan(self, prefix: str, after: str = "", *, flat: bool = True) -> Iterator[Blob | str]:
        top = f"{TREES}/"
        if not _is_in_tree(f"{top}{prefix}/"):
            return
        for one in self._all().scan(top + prefix, top + after if after else "", flat=flat):
            yield one.removeprefix(top) if isinstance(one, str) else _without_top(one)

    def open(self, path: str) -> tuple[BinaryIO, int]:
        self.info(path)
        return self._all().open(f"{TREES}/{path}")

    def draft(self) -> Draft:
        raise _not_changed()

    def put(self, draft: Draft, path: str, *, new: bool = False) -> Blob:
        raise _not_changed()

    def delete(self, path: str) -> None:
        raise _not_changed()

    def _all(self) -> WithTrees:
        return WithTrees(self.site, self)


def _without_top(one: Blob) -> Blob:
    return replace(one, path=one.path.removeprefix(f"{TREES}/"))


def check_writable(path: str, job: str | None = None) -> None:
    """Before any bytes come. Raises Invalid, and Forbidden. `job`: whose token asks."""
    paths.check(path)
    if job is not None and not path.startswith(UPLOADS):
        raise Forbidden(
            f"A job's token writes new files below {UPLOADS} here, and nothing else.",
            hint="Declare an output of the job for all other files.",
        )
    _shown(path)
    _refuse_tree(path)


def tree_of(context: Context, digest: str) -> Manifest:
    """Raises NotFound, also for content that is no tree."""
    with suppress(Invalid, BlobsMissing, NotFound):
        if context.site.blobs.size(digest) <= tree.MAX_BYTES:
            return content.manifest(context, digest)
    raise NotFound(f"There is no tree {digest}.")


def check_free(container: Container, path: str) -> None:
    """Raises Conflict where there is something."""
    with suppress(NotFound):
        container.info(path)
        raise Conflict(f"There is a file {paths.shown(path)} already.")


def _is_in_tree(path: str) -> bool:
    place = _TREE.fullmatch(path)
    return place is not None and place["inside"] is not None


def _refuse_tree(path: str) -> None:
    if fold(path.split("/", maxsplit=1)[0]) == TREES or _TREE.fullmatch(fold(path)):
        raise _not_changed()


def _not_changed() -> Forbidden:
    return Forbidden("What is kept by its content is not changed.")


def _of_tree(top: str, file: Any) -> Blob:
    return Blob(f"{top}/{file.path}", file.size, 0.0, file.digest)


def _shown(path: str) -> str:
    """There is nothing by a name that cannot be one, such as a folder's with its slash."""
    if paths.fault(path):
        raise NotFound(f"There is no {paths.shown(path)}.")
    if path.split("/", maxsplit=1)[0].casefold() == DRAFTS:
        raise NotFound(f"There is no {paths.shown(path)}.")
    return path


def _blob(entry: Entry) -> Blob:
    tag = f"{round(entry.modified * 1_000_000):x}-{entry.size:x}"
    return Blob(entry.path, entry.size, entry.modified, tag)


def _stored(found: Any) -> Blob:
    tag = (found.version or "").strip('"') or f"{round(found.modified or 0):x}-{found.size:x}"
    return Blob(found.path, found.size, found.modified or 0.0, tag)


def _told(found: list[Blob], prefix: str, after: str, *, flat: bool) -> Iterator[Blob | str]:
    """Of what is sorted by name."""
    last = ""
    for one in found:
        if not one.path.startswith(prefix):
            continue
        cut = one.path.find("/", len(prefix))
        if flat or cut < 0:
            if one.path > after:
                yield one
        elif (top := one.path[: cut + 1]) != last:
            last = top
            if top > after:
                yield top


def _walk(root: SafeRoot, prefix: str, after: str, *, flat: bool) -> Iterator[Blob | str]:
    """In the order of whole names, in which a folder comes where its name with a slash does. What
    lies before `after` is not looked at."""
    top = prefix.rpartition("/")[0]
    if top:
        paths.check(top)
    todo = [_entries(root, top)]
    while todo:
        entry = next(todo[-1], None)
        if entry is None:
            todo.pop()
            continue
        name = f"{entry.path}/" if entry.folder else entry.path
        if not _is_wanted(name, prefix, after) or entry.path == DRAFTS:
            continue
        if not entry.folder:
            yield _blob(entry)
        elif flat or not name.startswith(prefix):
            todo.append(_entries(root, entry.path))
        else:
            yield name


def _is_wanted(name: str, prefix: str, after: str) -> bool:
    if not name.startswith(prefix) and not (name.endswith("/") and prefix.startswith(name)):
        return False
    return name > after or (name.endswith("/") and name != after and after.startswith(name))


def _entries(root: SafeRoot, folder: str) -> Iterator[Entry]:
    found: list[Entry] = []
    with suppress(NotFound):
        found = root.entries(folder)
    return iter(sorted(found, key=lambda one: f"{one.path}/" if one.folder else one.path))
