"""Backups of a server, or of a workspace, while it runs (contributing/backup.md).

Rows first, as they are at one moment; then the files that they may name, of which none is deleted
meanwhile. So whatever was acknowledged before is in it, and nothing in it names what is not.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import stat
import threading
import uuid
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import accumulate
from pathlib import Path
from typing import IO, Any, BinaryIO

import lazur
from lazur.engine.contracts import Blobs, Collects, Copies, Datastore, Stored
from lazur.engine.tree import MAX_BYTES
from lazur.errors import NotFound, Unavailable, Unsupported
from lazur.safe import SafeRoot
from lazur.services.base import events, masks
from lazur.services.base.site import Site
from lazur.services.base.times import iso
from lazur.services.content import own_stores, storage
from lazur.services.content.own_stores import Own
from lazur.services.keeping.backup_files import FORMAT, VERSION, Listed, Sink, sink
from lazur.services.keeping.recovery import ADMIN
from lazur.spec.names import fold
from lazur.store import backups as store
from lazur.store import contents, holds, workspaces
from lazur.store.db import AnyRow, Database, sqlite_url
from lazur.store.mlflow import schema as mlflow_schema
from lazur.store.schema import HEAD

DATABASE = "database"
"""Below it, in the list: what is no file of a home."""
_NOT_OURS = frozenset({"wd", "inputs", "downloads", "cache", "packages", "named-outputs"})
"""Of an attempt: what its job sees while it runs."""
_TICK = 60.0
"""Stores tell times by the second, and by clocks of their own."""
_SETTINGS = "config.toml"
_BEGINNING = b'{"dirs":['
_DIGEST = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


def make(
    site: Site,
    to: Path,
    workspace: str | None = None,
    *,
    with_key: bool = False,
    with_outputs: bool = True,
) -> dict[str, Any]:
    """What the manifest says. `to` is a folder, or a file that is called `….tar` or `….tar.gz`.
    `with_outputs`: what jobs wrote to the server's own object store, too."""
    room = _room(site, workspace) if workspace else None
    storage.check(site.db, site.storage)
    began = site.now()
    with _held(site), sink(to) as out:
        with (out.scratch / "list").open("wb") as listing:
            made = _Backup(site, out, listing, room)
            counts = made.add_database()
            made.add_blobs()
            made.add_files()
            if with_outputs:
                made.add_outputs()
            if room is None:
                made.add_settings(with_key=with_key)
        manifest = {
            "format": FORMAT,
            "version": VERSION,
            "lazur": lazur.__version__,
            "schema": HEAD,
            "mlflow": mlflow_schema.installed(),
            "database": "sqlite" if site.db.sqlite else "postgresql",
            "made_at": iso(began),
            "home": str(site.home.path),
            "identity": site.home.identity(),
            "workspace": room.name if room is not None else None,
            "masked": made.masked,
            "with_key": with_key and room is None,
            "storage": site.storage.uri if site.storage is not None else None,
            "outputs": made.outputs,
            "elsewhere": _elsewhere(site, room, made.outputs) + made.left,
            "rows": counts,
            "files": made.files,
            "bytes": made.bytes,
            "list": _digest(out.scratch / "list"),
        }
        out.finish(out.scratch / "list", manifest)
    with site.context(ADMIN) as context:
        events.record(context, room, "server", "backup", "backed up", files=made.files)
    return {**manifest, "added": out.added, "seconds": round(site.now() - began, 1)}


class _Backup:
    def __init__(self, site: Site, out: Sink, listing: BinaryIO, room: AnyRow | None) -> None:
        self._site = site
        self._out = out
        self._listing = listing
        self._room = room
        self._digests: Iterable[str] | None = None
        self.files = 0
        self.bytes = 0
        self.masked: list[str] = []
        """Settings that had a password."""
        self.outputs: list[dict[str, Any]] = []
        """Datastores that lay in the server's object store, of which all is here."""
        self.left: list[str] = []
        """Files of these that no folder can hold."""

    def add_database(self) -> dict[str, int]:
        folder = self._out.scratch / DATABASE
        folder.mkdir()
        room = (self._room.id, self._room.name) if self._room is not None else None
        counts = store.copy(self._site.db, folder, room)
        if self._room is not None:
            self._digests = _needed(self._site, _mentioned(folder))
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                digest = self._out.move(path)
                name = f"{DATABASE}/{path.relative_to(folder).as_posix()}"
                self._write(Listed(name, digest[1], digest[0], 0o600, 0.0))
        shutil.rmtree(folder)
        return counts

    def add_blobs(self) -> None:
        blobs = self._site.blobs
        if self._digests is None:
            if not isinstance(blobs, Collects):
                raise Unsupported("This store of blobs cannot list what it has.")
            self._digests = blobs.unused(float("inf"))
        for digest in self._digests:
            try:
                size = blobs.size(digest)
                with _read(blobs, digest) as file:
                    self._out.put(digest, size, file)
            except NotFound:
                continue  # nothing needed it
            self._write(Listed(f"blobs/{digest[:2]}/{digest}", size, digest, 0o444, 0.0))

    def add_files(self) -> None:
        name = self._room.name if self._room is not None else ""
        for top in ("workspaces", "jobs", "builds"):
            if self._room is None:
                self._add_folder(top)
            elif top != "builds":
                self._add_folder(top, name)

    def add_outputs(self) -> None:
        """As files of the home, which is where a restore puts them."""
        storage = self._site.storage
        for own in own_stores.find(self._site.db, self._room.id if self._room else None):
            if storage is None:
                raise Unsupported(
                    f"{own} lies in an object store that the settings do not name any more.",
                    hint="Set `storage` to what it was, or leave it out: --without-outputs",
                )
            self._add_store(own, own.opened(storage))
            self.outputs.append(asdict(own))

    def _add_store(self, own: Own, store: Datastore) -> None:
        top = f"workspaces/{own.workspace}/{own.name}"
        for item, file in own_stores.files(store, self._changed(own, store.list(), top)):
            path = f"{top}/{item.path}"
            try:
                with file:
                    digest, size = self._out.add(file)
            except NotFound:
                continue  # gone since
            self._write(Listed(path, size, digest, 0o600, item.modified))

    def _changed(self, own: Own, found: Iterator[Stored], top: str) -> Iterator[Stored]:
        """But for those that the last backup there has; these are listed at once. Stores list
        `a` before `a/b`, and may have both."""
        names = set[str]()
        for item in found:
            parents = accumulate(item.path.split("/")[:-1], "{}/{}".format)
            if any(parent in names for parent in parents):
                self.left.append(f"{item.path} in {own}: beside a file of its folder's name")
                continue
            names.add(item.path)
            last = self._out.before.get(f"{top}/{item.path}")
            same = last is not None and (last.size, last.modified) == (item.size, item.modified)
            if last is not None and same and item.modified < self._out.began - _TICK:
                self._write(last)
            else:
                yield item

    def add_settings(self, *, with_key: bool) -> None:
        with SafeRoot(self._site.home.path) as root:
            if not with_key:
                self._add_masked(root)
                return
            for name in (_SETTINGS, "vault.toml", storage.FILE):
                self._add(root, name, name)
        self._add_folder("keys")

    def _add_folder(self, top: str, inside: str = "") -> None:
        folder = self._site.home.path / top
        if not folder.is_dir():
            return
        with SafeRoot(folder) as root:
            for entry in root.scan(inside):
                if top != "jobs" or _is_kept(root, entry.path):
                    self._add(root, entry.path, f"{top}/{entry.path}")

    def _add(self, root: SafeRoot, inside: str, path: str) -> None:
        """Files may grow or go meanwhile."""
        try:
            file = root.open(inside)
        except NotFound:
            return
        with file:
            found = os.fstat(file.fileno())
            mode, modified = stat.S_IMODE(found.st_mode), found.st_mtime
            last = self._out.before.get(path)
            if last is not None and (last.size, last.modified) == (found.st_size, modified):
                self._write(last._replace(mode=mode))
                return
            digest, size = self._out.add(file)
        self._write(Listed(path, size, digest, mode, modified))

    def _add_masked(self, root: SafeRoot) -> None:
        """A database's password opens what the root key does."""
        try:
            with root.open(_SETTINGS) as file:
                text, self.masked = masks.settings(file.read().decode())
        except NotFound:
            return
        except ValueError:  # no server starts with it
            self.masked = ["all of it"]
            return
        digest, size = self._out.add(io.BytesIO(text.encode()))
        self._write(Listed(_SETTINGS, size, digest, 0o600, 0.0))

    def _write(self, listed: Listed) -> None:
        self._listing.write(json.dumps(list(listed)).encode() + b"\n")
        self.files += 1
        self.bytes += listed.size


def _read(blobs: Blobs, digest: str) -> BinaryIO:
    """This machine has no room for copies of all that may lie elsewhere."""
    return blobs.stream(digest) if isinstance(blobs, Copies) else blobs.open(digest)


def _elsewhere(site: Site, room: AnyRow | None, taken: list[dict[str, Any]]) -> list[str]:
    """Datastores of workspaces that lie in the server's own object store, by where that is, of
    which the files are not taken along."""
    there = site.storage.uri if site.storage is not None else "its object store"
    found = own_stores.find(site.db, room.id if room is not None else None)
    return [f"{there}: {own}" for own in found if asdict(own) not in taken]


def _room(site: Site, workspace: str) -> AnyRow:
    with site.db.read() as db:
        row = workspaces.by_name(db, fold(workspace))
    if row is None or row.deleted_at is not None:
        raise NotFound(f"There is no workspace {workspace!r}.", hint="See: lazur workspace list")
    return row


@contextmanager
def _held(site: Site) -> Generator[None]:
    """Nothing that a row names is deleted meanwhile."""
    token, done = uuid.uuid4().hex, threading.Event()

    def keep() -> None:
        with site.db.write() as db:
            holds.keep(db, token, site.now())

    def go_on() -> None:
        while not done.wait(holds.SECONDS / 10):
            try:
                keep()
            except Unavailable:
                continue  # there is time for another try

    keep()
    keeper = threading.Thread(target=go_on, daemon=True)
    keeper.start()
    try:
        yield
    finally:
        done.set()
        keeper.join()
        with site.db.write() as db:
            holds.end(db, token)


def _is_kept(root: SafeRoot, path: str) -> bool:
    """`workspace/job/attempt/…` of an attempt that has ended: what one that runs has done comes
    to nothing where it does not run."""
    parts = path.split("/")
    if len(parts) < 4:
        return True
    return parts[3] not in _NOT_OURS and root.exists("/".join([*parts[:3], "exit.json"]))


def _mentioned(folder: Path) -> Iterator[str]:
    """By the rows that were copied."""
    if (folder / store.FILE).exists():
        db = Database(sqlite_url(folder / store.FILE))
        try:
            for found in contents.mentioned(db):
                yield from found
        finally:
            db.close()
    for path in folder.glob(f"{store.FOLDER}/*"):
        with path.open("rb") as file:
            for line in file:
                yield from (found.decode() for found in _DIGEST.findall(line))


def _needed(site: Site, digests: Iterable[str]) -> set[str]:
    """With what is in those of them that are trees."""
    found = set(digests)
    for digest in list(found):
        try:
            with site.blobs.open(digest) as file:
                found |= _inside(file)
        except NotFound:
            found.discard(digest)
    return found


def _inside(file: IO[bytes]) -> set[str]:
    beginning = file.read(len(_BEGINNING))
    if beginning != _BEGINNING:
        return set()
    return {found.decode() for found in _DIGEST.findall(file.read(MAX_BYTES))}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
