"""Runs out of a file that `export` made. Ids are new, and the same for the same file: importing it
again finds what is there. What was fetched from elsewhere (`lasting`) has the same ids however
much came since, and what came is added.

A run becomes visible in its last step, whole. Until then it is one of those that a purge is done
with, so that an import that was interrupted leaves nothing.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from lazur.engine import paths
from lazur.errors import Conflict, Invalid
from lazur.safe import SafeRoot
from lazur.services.base import events
from lazur.services.base.access import Principal
from lazur.services.base.home import ARTIFACTSTORE
from lazur.services.base.site import Context, Site
from lazur.services.base.workspaces import open_workspace
from lazur.services.tracking import bundle, folders, rights, runs, shapes, snapshots, trash
from lazur.services.tracking.artifacts import Artifacts
from lazur.services.tracking.bundle import Source
from lazur.store.db import AnyRow, Taken
from lazur.store.mlflow import export as store
from lazur.store.mlflow import find, spaces
from lazur.store.mlflow import trash as hidden

FROM = runs.FROM
_KIN = ("mlflow.parentRunId", "mlflow.rootRunId")
_DAY = 86400.0


def load(
    site: Site, who: Principal, workspace: str, file: Path, experiment: str | None = None
) -> dict[str, Any]:
    """All runs of the file. Each is there whole or not at all."""
    with site.context(who, write=False) as context:
        home = open_workspace(context, workspace, runs.WRITE)
    with bundle.opened(site, file) as source:
        ids = {run: _new_id(home.id, source, run) for run in source.runs}
        found = _Import(site, who, home, source, experiment, ids)
        return {"runs": [found.load(run) for run in source.runs]}


@dataclass(frozen=True)
class _Import:
    """One file on its way into one workspace. `ids`: of its runs, as they will be here."""

    site: Site
    who: Principal
    home: AnyRow
    source: Source
    experiment: str | None
    ids: dict[str, str]

    def load(self, run: str) -> dict[str, Any]:
        with _alone(self.site.home.run / "imports", self.ids[run]):
            known = self._known(run)
            if known is not None:
                if self.source.lasting and not known["deleted"]:
                    self._add(run, known)
                return known | {"from": run, "imported": False}
            given = shapes.check(self.source.document(f"runs/{run}/run.json"))
            try:
                self._bring(run, given)
            except BaseException:
                _forget(self.site, self.ids[run])
                raise
        known = self._known(run)
        assert known is not None
        return known | {"from": run, "imported": True}

    def _known(self, run: str) -> dict[str, Any] | None:
        """The run as it is here; what an earlier import left half is cleared away."""
        with self.site.context(self.who, write=False) as context:
            found = find.by_ids(context.db, spaces.name(self.home.id), [self.ids[run]])
            if found:
                return runs.head(context, self.home, found[0])
        _forget(self.site, self.ids[run])
        return None

    def _bring(self, run: str, given: dict[str, Any]) -> None:
        new, space = self.ids[run], spaces.name(self.home.id)
        with self.site.context(self.who) as context:
            number = _experiment(context, space, self.experiment or str(given["experiment"]))
            root = f"{spaces.artifact_root(space)}/{number}"
            store.begin(context.db, new, context.now() + _DAY)
            store.locate(context.db, new, f"{root}/{new}/artifacts")
        models = {m["model_id"]: _model_id(new, m["model_id"]) for m in given["models"]}
        self._unpack(run, number, models, given.get("code"))
        for piece in _pieces(self.source.lines(f"runs/{run}/metrics.jsonl")):
            with self.site.db.write(synced=False) as db:
                store.add_points(db, new, piece)
        with self.site.context(self.who) as context:
            given["tags"] = self._tags(context, given["tags"], run)
            store.show(context.db, new, number, given, models, root)
            if given.get("archived") is True:
                hidden.delete(context.db, [new], context.now())
            told = {"run": run, "home": self.source.home}
            events.record(context, self.home, "runs", new, "imported", **told)

    def _add(self, run: str, known: dict[str, Any]) -> None:
        """What came since. What somebody changed here stays."""
        with self.site.context(self.who, write=False) as context:
            rights.require_writable(context, known["id"])
        given = shapes.check(self.source.document(f"runs/{run}/run.json"))
        for piece in _pieces(self.source.lines(f"runs/{run}/metrics.jsonl")):
            with self.site.db.write(synced=False) as db:
                store.add_points(db, known["id"], piece)
        self._add_files(run, known["artifact_uri"])
        with self.site.context(self.who) as context:
            tags = self._tags(context, given["tags"], run)
            store.add_news(context.db, known["id"], {**given, "tags": tags})

    def _add_files(self, run: str, uri: str) -> None:
        folder = folders.at(self.site.home, self.home.name, self.home.id, uri)
        if folder is None:
            return
        artifacts, top = Artifacts(folder.root), f"runs/{run}/artifacts/"
        for name in self.source.of(run):
            place = f"{folder.inside}/{name.removeprefix(top)}"
            if name.startswith(top) and artifacts.size(place) != self.source.files[name][0]:
                _put(artifacts, place, self.source.chunks(name))

    def _tags(self, context: Context, tags: dict[str, str], run: str) -> dict[str, str]:
        """A parent is the parent here: one that comes along, or came before."""
        moved = {
            key: here
            for key in _KIN
            if key in tags and (here := self._here(context, tags[key])) is not None
        }
        return {**tags, **moved, FROM: run}

    def _here(self, context: Context, run: str) -> str | None:
        if run in self.ids:
            return self.ids[run]
        if self.source.lasting:
            return _new_id(self.home.id, self.source, run)
        return find.tagged(context.db, spaces.name(self.home.id), FROM, run)

    def _unpack(self, run: str, number: int, models: dict[str, str], tree: Any) -> None:
        folder = self.site.home.datastore(self.home.name, ARTIFACTSTORE)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with SafeRoot(folder) as root:
            for name in self.source.of(run):
                place = _place(name.removeprefix(f"runs/{run}/"), self.ids[run], models)
                if place is not None:
                    _write(root, f"{number}/{place}", self.source.chunks(name))
            if isinstance(tree, str):
                self._unpack_code(root, f"{number}/{self.ids[run]}", tree)

    def _unpack_code(self, root: SafeRoot, folder: str, tree: str) -> None:
        """Where `snapshots` finds it; removed with the run."""
        manifest = self.source.tree(tree)
        _write(root, f"{folder}/{snapshots.INDEX}", iter([manifest.encode()]))
        for file in manifest.files:
            chunks = self.source.chunks(f"code/{tree}/{file.path}")
            _write(root, f"{folder}/{snapshots.FILES}/{file.path}", chunks)


def _place(name: str, new: str, models: dict[str, str]) -> str | None:
    """Where a run's file lies in the folder of its experiment. None: it is no file of its own."""
    kind, _, rest = name.partition("/")
    if kind == "artifacts":
        return f"{new}/artifacts/{rest}"
    if kind != "models":
        return None
    model, _, rest = rest.partition("/")
    if model not in models:
        raise Invalid(f"{name} belongs to a model that the run did not log.")
    return f"models/{models[model]}/artifacts/{rest}"


def _forget(site: Site, run_id: str) -> None:
    with site.db.read() as db:
        found = hidden.hidden_one(db, run_id)
    if found is not None:
        trash.erase(site, found)


def _experiment(context: Context, space: str, name: str) -> int:
    if not 1 <= len(name) <= 256:
        raise Invalid("An experiment's name has 1 to 256 characters.")
    found = spaces.experiment(context.db, space, name)
    if found is not None:
        return found
    try:
        with context.db.begin_nested():
            return spaces.add_experiment(context.db, space, name, context.now())
    except Taken:
        return cast("int", spaces.experiment(context.db, space, name))


def _write(root: SafeRoot, place: str, chunks: Iterator[bytes]) -> None:
    paths.check(place)
    root.make_folder(place.rpartition("/")[0])
    with root.open(place, "wb") as file:
        for chunk in chunks:
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())


def _pieces(lines: Iterator[bytes]) -> Iterator[list[tuple[Any, ...]]]:
    piece: list[tuple[Any, ...]] = []
    for line in lines:
        piece.append(shapes.point(line))
        if len(piece) == hidden.PIECE:
            yield piece
            piece = []
    if piece:
        yield piece


def _put(artifacts: Artifacts, place: str, chunks: Iterator[bytes]) -> None:
    draft = artifacts.draft()
    try:
        for chunk in chunks:
            draft.write([chunk])
        draft.publish(place)
    finally:
        draft.discard()


def _new_id(workspace_id: int, source: Source, run: str) -> str:
    if source.lasting:
        text = f"lasting:{workspace_id}/{source.home}/{run}"
    else:
        text = f"{workspace_id}/{source.home}/{run}/{source.digest(run)}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _model_id(run_id: str, model: str) -> str:
    return "m-" + hashlib.sha256(f"{run_id}/{model}".encode()).hexdigest()[:32]


@contextmanager
def _alone(folder: Path, run_id: str) -> Generator[None]:
    """Over all servers on the home: what one has half done, another would clear away."""
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / run_id
    descriptor = _taken(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _taken(path: Path) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_there(path, descriptor):
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            raise Conflict(
                "This file is being imported right now.", hint="Wait for that."
            ) from None
        os.close(descriptor)


def _is_there(path: Path, descriptor: int) -> bool:
    """Who held it before removes it: a lock on what has no name keeps nobody away."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
