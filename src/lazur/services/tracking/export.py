"""Runs in one file: a zip with everything that was tracked, made while it is sent.

runs/<id>/run.json          the run, its params, tags, inputs and models
runs/<id>/job.json          the job that it was, if it was one
runs/<id>/metrics.jsonl     every point: [name, step, time in ms, value, is NaN]
runs/<id>/artifacts/…       its files
runs/<id>/models/<id>/…     files of the models that it logged
code/<hash>/…               files of the code that runs of this `code` in run.json had
code/<hash>.json            what is in it, as a tree (contributing/backbone.md, Trees)
manifest.json               last: the format, and size and SHA-256 of all of these
"""

from __future__ import annotations

import hashlib
import json
import sys
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any, BinaryIO, cast

import lazur
from lazur.engine.tree import Manifest
from lazur.errors import Forbidden, Invalid, NotFound
from lazur.safe import SafeRoot
from lazur.services.base.access import Principal, Resource
from lazur.services.base.job_views import view
from lazur.services.base.site import Context, Site
from lazur.services.base.times import iso
from lazur.services.base.workspaces import open_workspace
from lazur.services.tracking import folders, runs, snapshots
from lazur.services.tracking.folders import Folder
from lazur.services.tracking.snapshots import Snapshot
from lazur.store import jobs
from lazur.store.db import AnyRow
from lazur.store.mlflow import export as store
from lazur.store.mlflow import find, spaces
from lazur.store.mlflow.find import RunRow

FORMAT = "lazur-runs"
VERSION = 1
MANIFEST = "manifest.json"
_CHUNK = 1 << 20
_LARGEST = sys.float_info.max


@dataclass
class Packed:
    """One run, its rows read and its files not yet."""

    row: RunRow
    documents: dict[str, Any]
    code: Snapshot | None
    folders: dict[str, Folder] = field(default_factory=dict[str, Folder])


@dataclass(frozen=True)
class Code:
    """The snapshots that come along, by their hashes, each once. `lacking`: the others, and why
    they do not."""

    found: dict[str, tuple[Snapshot, Manifest]]
    lacking: dict[str, str]


def export(
    site: Site, who: Principal, workspace: str, names: Any, *, children: bool = True
) -> Iterator[bytes]:
    """Raises at once what can be wrong with the request; the bytes come after."""
    with site.context(who, write=False) as context:
        home = open_workspace(context, workspace, runs.READ)
        rows = runs.locate_all(context, home, _names(names))
        if children:
            rows = _with_children(context, home, rows)
        packed = [_packed(context, home, row) for row in rows]
        code = _code(context, home, packed)
    return _zipped(site, home.name, packed, code)


def _names(found: Any) -> list[str]:
    given = cast("list[object]", found) if isinstance(found, list) else []
    names = [name for name in given if isinstance(name, str)]
    if not names or len(names) < len(given):
        raise Invalid('Say which runs: {"runs": ["…"]}.')
    return names


def _with_children(context: Context, home: AnyRow, rows: list[RunRow]) -> list[RunRow]:
    """And theirs. Parents come first."""
    found = {row.id: row for row in rows}
    last = list(found)
    while last:
        below = find.children(context.db, spaces.name(home.id), last)
        last = [row.id for row in below if row.id not in found]
        found |= {row.id: row for row in below if row.id not in found}
        if len(found) > runs.MOST:
            raise Invalid(
                f"With their children these are more than {runs.MOST:,} runs.",
                hint="Export fewer at once, or without children: --no-children.",
            )
    return list(found.values())


def _packed(context: Context, home: AnyRow, row: RunRow) -> Packed:
    run = store.gather(context.db, row.id)
    job = jobs.by_id(context.db, row.job_id) if row.job_id is not None else None
    told = {"id": row.id, "experiment": row.experiment, **run}
    packed = Packed(row, {"run.json": told}, snapshots.find(context, home, row, job))
    if job is not None:
        packed.documents["job.json"] = view(context.site, job)
    places = {f"models/{m['model_id']}": m["artifact_location"] for m in run["models"]}
    for name, uri in {"artifacts": row.artifact_uri, **places}.items():
        folder = folders.at(context.site.home, home.name, home.id, uri)
        if folder is not None:
            packed.folders[name] = folder
    return packed


def _code(context: Context, home: AnyRow, packed: list[Packed]) -> Code:
    code = Code({}, {})
    for run in packed:
        if run.code is None:
            continue
        if run.code.tree not in {**code.found, **code.lacking}:
            try:
                context.require("workspaces/data/read", Resource(home.name))
                code.found[run.code.tree] = run.code, _whole(run.code)
            except (Forbidden, NotFound, Invalid) as error:
                code.lacking[run.code.tree] = str(error)
        if run.code.tree in code.found:
            run.documents["run.json"]["code"] = run.code.tree
    return code


def _whole(snapshot: Snapshot) -> Manifest:
    """Looks for every file now: once the bytes go out, nothing can be said any more."""
    manifest = snapshot.read()
    for file in manifest.files:
        snapshot.open(file).close()
    return manifest


def _zipped(site: Site, workspace: str, packed: list[Packed], code: Code) -> Iterator[bytes]:
    writer = _Writer()
    for run in packed:
        top = f"runs/{run.row.id}"
        for name, document in run.documents.items():
            text = json.dumps(document, indent=2, ensure_ascii=False).encode()
            yield from writer.add(f"{top}/{name}", [text])
        yield from writer.add(f"{top}/metrics.jsonl", _points(site, run.row.id))
        for name, folder in run.folders.items():
            yield from _files(writer, f"{top}/{name}", folder)
    for tree, (snapshot, listed) in code.found.items():
        yield from _snapshot(writer, tree, snapshot, listed)
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        "made_by": f"lazur {lazur.__version__}",
        "made_at": iso(site.now()),
        "home": site.runner,
        "workspace": workspace,
        "runs": [run.row.id for run in packed],
        "code_left_out": code.lacking,
        "files": writer.files,
    }
    yield from writer.add(MANIFEST, [json.dumps(manifest, ensure_ascii=False).encode()])
    yield writer.close()


def _points(site: Site, run_id: str) -> Iterator[bytes]:
    """Piece by piece: no transaction is held while the receiver takes its time."""
    piece: list[find.Point] = []
    while True:
        with site.db.read() as db:
            after = piece[-1] if piece else find.FIRST
            piece = find.points(db, run_id, after=after)
        if not piece:
            return
        names = {point.key: json.dumps(point.key, ensure_ascii=False) for point in piece}
        lines = [f"[{names[k]},{s},{t},{_number(v)},{n:d}]\n" for k, s, t, v, n in piece]
        yield "".join(lines).encode()


def _number(value: float) -> str:
    """Infinity has no word in JSON; MLflow keeps the largest number there is in its place."""
    return repr(max(-_LARGEST, min(value, _LARGEST)))


def _files(writer: _Writer, top: str, folder: Folder) -> Iterator[bytes]:
    for entry in folder.scan():
        with SafeRoot(folder.root) as root:
            try:
                file = root.open(f"{folder.inside}/{entry.path}")
            except NotFound:
                continue  # removed meanwhile
        with file:
            yield from writer.add(f"{top}/{entry.path}", _chunks(file), zipfile.ZIP_STORED)


def _snapshot(writer: _Writer, tree: str, snapshot: Snapshot, listed: Manifest) -> Iterator[bytes]:
    yield from writer.add(f"code/{tree}.json", [listed.encode()])
    for entry in listed.files:
        with snapshot.open(entry) as file:
            yield from writer.add(f"code/{tree}/{entry.path}", _chunks(file))


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk


class _Writer:
    """A zip that is taken away while it grows."""

    def __init__(self) -> None:
        self.files: dict[str, list[Any]] = {}
        self._pipe = _Pipe()
        out = cast("IO[bytes]", self._pipe)
        self._zip = zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1)

    def add(
        self, name: str, chunks: Iterable[bytes], method: int = zipfile.ZIP_DEFLATED
    ) -> Iterator[bytes]:
        info = zipfile.ZipInfo(name)
        info.compress_type = method
        info.external_attr = 0o600 << 16
        size, digest = 0, hashlib.sha256()
        with self._zip.open(info, "w", force_zip64=True) as entry:
            for chunk in chunks:
                entry.write(chunk)
                digest.update(chunk)
                size += len(chunk)
                yield self._pipe.take()
        self.files[name] = [size, digest.hexdigest()]
        yield self._pipe.take()

    def close(self) -> bytes:
        self._zip.close()
        return self._pipe.take()


class _Pipe:
    """What zipfile needs of a file that nobody can go back in."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """There is nothing behind it."""

    def take(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)
