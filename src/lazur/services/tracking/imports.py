"""Runs out of a file that `export` made. Ids are new, and the same for the same file: importing it
again finds what is there.

A run becomes visible in its last step, whole. Until then it is one of those that a purge is done
with, so that an import that was interrupted leaves nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import threading
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from lazur.engine import paths
from lazur.errors import Conflict, Invalid, LazurError, TooLarge
from lazur.safe import SafeRoot
from lazur.services import events
from lazur.services.access import Principal
from lazur.services.home import ARTIFACTSTORE
from lazur.services.site import Context, Site
from lazur.services.tracking import runs, trash
from lazur.services.tracking.export import FORMAT, MANIFEST, VERSION
from lazur.services.workspaces import open_workspace
from lazur.store.db import AnyRow, Taken
from lazur.store.mlflow import export as store
from lazur.store.mlflow import find, spaces
from lazur.store.mlflow import trash as hidden

FROM = "lazur.import.run"
_DAY = 86400.0
_CHUNK = 1 << 20
_MANIFEST = 64 << 20
_DOCUMENT = 64 << 20
_LINE = 4096
_LARGEST = sys.float_info.max
_NESTED = frozenset({"params", "tags", "metrics", "latest", "inputs", "models", "links"})
_NEEDED = {"run.json", "metrics.jsonl"}
_LINKS = {("RUN_OUTPUT", "MODEL_OUTPUT"), ("RUN_INPUT", "MODEL_INPUT")}
_STATES = {"SCHEDULED", "FAILED", "FINISHED", "RUNNING", "KILLED"}
_SOURCES = {None, "NOTEBOOK", "JOB", "LOCAL", "UNKNOWN", "PROJECT"}
_BROKEN = (zipfile.BadZipFile, zlib.error, KeyError, EOFError, RuntimeError)
"""What zipfile raises."""

_busy: set[str] = set()
_lock = threading.Lock()


@dataclass(frozen=True)
class Source:
    """The file, with what its manifest promises."""

    zip: zipfile.ZipFile
    home: str
    runs: list[str]
    files: dict[str, tuple[int, str]]
    by_run: dict[str, list[str]]

    def of(self, run: str) -> list[str]:
        return self.by_run[run]

    def digest(self, run: str) -> str:
        """The same for the same content."""
        known = json.dumps([[name, *self.files[name]] for name in sorted(self.of(run))])
        return hashlib.sha256(known.encode()).hexdigest()

    def chunks(self, name: str) -> Iterator[bytes]:
        """Raises Invalid at the end where it is not what the manifest says."""
        size, wanted = self.files[name]
        digest, seen = hashlib.sha256(), 0
        with self.zip.open(name) as file:
            while chunk := file.read(_CHUNK):
                seen += len(chunk)
                if seen > size:
                    break
                digest.update(chunk)
                yield chunk
        if seen != size or digest.hexdigest() != wanted:
            raise Invalid(f"{name} in the file is damaged.", hint="Export the runs again.")

    def document(self, name: str) -> dict[str, Any]:
        if self.files[name][0] > _DOCUMENT:
            raise TooLarge(f"{name} in the file is larger than {_DOCUMENT >> 20} MiB.")
        return _object(b"".join(self.chunks(name)), name)

    def lines(self, name: str) -> Iterator[bytes]:
        rest = b""
        for chunk in self.chunks(name):
            *whole, rest = (rest + chunk).split(b"\n")
            if len(rest) > _LINE:
                raise Invalid(f"{name} has a line that is no point of a metric.")
            yield from whole
        if rest:
            yield rest


def load(
    site: Site, who: Principal, workspace: str, file: Path, experiment: str | None = None
) -> dict[str, Any]:
    """All runs of the file. Each is there whole or not at all."""
    with site.context(who, write=False) as context:
        home = open_workspace(context, workspace, runs.WRITE)
    with _opened(site, file) as source:
        ids = {run: _new_id(home.id, source, run) for run in source.runs}
        made = [_one(site, who, home, source, run, ids, experiment) for run in source.runs]
    return {"runs": made}


def _one(
    site: Site,
    who: Principal,
    home: AnyRow,
    source: Source,
    run: str,
    ids: dict[str, str],
    experiment: str | None,
) -> dict[str, Any]:
    new = ids[run]
    with _alone(new):
        known = _known(site, who, home, new)
        if known is not None:
            return known | {"from": run, "imported": False}
        given = _checked(source.document(f"runs/{run}/run.json"))
        try:
            _bring(site, who, home, source, run, new, given, experiment, ids)
        except BaseException:
            _forget(site, new)
            raise
    known = _known(site, who, home, new)
    assert known is not None
    return known | {"from": run, "imported": True}


def _known(site: Site, who: Principal, home: AnyRow, run_id: str) -> dict[str, Any] | None:
    """The run as it is here; what an earlier import left half is cleared away."""
    with site.context(who, write=False) as context:
        found = find.by_ids(context.db, spaces.name(home.id), [run_id])
        if found:
            return runs.head(context, home, found[0])
    _forget(site, run_id)
    return None


def _bring(
    site: Site,
    who: Principal,
    home: AnyRow,
    source: Source,
    run: str,
    new: str,
    given: dict[str, Any],
    experiment: str | None,
    ids: dict[str, str],
) -> None:
    space = spaces.name(home.id)
    with site.context(who) as context:
        number = _experiment(context, space, experiment or str(given["experiment"]))
        root = f"{spaces.artifact_root(space)}/{number}"
        store.begin(context.db, new, context.now() + _DAY)
        store.locate(context.db, new, f"{root}/{new}/artifacts")
    models = {m["model_id"]: _model_id(new, m["model_id"]) for m in given["models"]}
    _unpack(site, home.name, source, run, f"{number}", new, models)
    for piece in _pieces(source.lines(f"runs/{run}/metrics.jsonl")):
        with site.db.write(synced=False) as db:
            store.add_points(db, new, piece)
    given["tags"] = _tags(given["tags"], run, ids)
    with site.context(who) as context:
        store.show(context.db, new, number, given, models, root)
        events.record(context, home, "runs", new, "imported", run=run, home=source.home)


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


def _unpack(
    site: Site,
    workspace: str,
    source: Source,
    run: str,
    experiment: str,
    new: str,
    models: dict[str, str],
) -> None:
    folder = site.home.datastore(workspace, ARTIFACTSTORE)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with SafeRoot(folder) as root:
        for name in source.of(run):
            kind, _, rest = name.removeprefix(f"runs/{run}/").partition("/")
            if kind == "artifacts":
                place = f"{experiment}/{new}/artifacts/{rest}"
            elif kind == "models":
                model, _, rest = rest.partition("/")
                if model not in models:
                    raise Invalid(f"{name} belongs to a model that the run did not log.")
                place = f"{experiment}/models/{models[model]}/artifacts/{rest}"
            else:
                continue
            _write(root, place, source.chunks(name))


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
        piece.append(_point(line))
        if len(piece) == hidden.PIECE:
            yield piece
            piece = []
    if piece:
        yield piece


def _point(line: bytes) -> tuple[Any, ...]:
    try:
        key, step, at, value, nan = json.loads(line)
        value = float(value)
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise Invalid(f"{line[:100]!r} is no point of a metric.") from None
    if not (isinstance(key, str) and len(key) <= 250 and _is_whole(step) and _is_whole(at)):
        raise Invalid(f"{line[:100]!r} is no point of a metric.")
    return key, step, at, max(-_LARGEST, min(value, _LARGEST)), bool(nan)


def _is_whole(value: object) -> bool:
    return type(value) is int and -(1 << 63) <= value < 1 << 63


def _checked(given: dict[str, Any]) -> dict[str, Any]:
    """As far as the database relies on it: SQLite would keep anything."""
    for name in ("params", "tags"):
        if not _are_texts(given.get(name)):
            raise Invalid(f"The run's {name} in the file are not what MLflow keeps.")
    for name, fits in _SHAPES.items():
        rows = given.get(name)
        if not isinstance(rows, list) or not all(map(fits, cast("list[Any]", rows))):
            raise Invalid(f"The run's {name!r} in the file are not what this server wrote.")
    if any(tuple(link[:2]) not in _LINKS for link in given["links"]):
        raise Invalid("The run's 'links' in the file lead to what is no model.")
    if given.get("status") not in _STATES or given.get("source_type") not in _SOURCES:
        raise Invalid("The run in the file has a status or a source that MLflow does not know.")
    if not isinstance(given.get("experiment"), str) or not _is_plain(given):
        raise Invalid("The run in the file has a field that holds more than a value.")
    return given


def _are_texts(found: Any) -> bool:
    return isinstance(found, dict) and all(
        len(key) <= 250 and isinstance(value, str) and len(value) <= 8000
        for key, value in cast("dict[str, Any]", found).items()
    )


def _is_plain(found: dict[str, Any]) -> bool:
    """Values only, but for what is looked at by itself."""
    return all(_is_scalar(value) for key, value in found.items() if key not in _NESTED)


def _is_row(length: int) -> Callable[[Any], bool]:
    def fits(found: Any) -> bool:
        row = cast("list[Any]", found) if isinstance(found, list) else []
        return len(row) == length and all(map(_is_scalar, row))

    return fits


def _is_input(found: Any) -> bool:
    return _has(found, (*find.Input._fields, "tags")) and _are_texts(found["tags"])


def _is_model(found: Any) -> bool:
    return (
        _has(found, (*store.MODEL, "params", "tags", "metrics"))
        and _are_texts(found["params"])
        and _are_texts(found["tags"])
        and isinstance(found["metrics"], list)
        and all(map(_is_row(7), found["metrics"]))
    )


def _has(found: Any, names: Sequence[str]) -> bool:
    return (
        isinstance(found, dict)
        and set(cast("dict[str, Any]", found)) == set(names)
        and _is_plain(cast("dict[str, Any]", found))
    )


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)


_SHAPES: dict[str, Callable[[Any], bool]] = {
    "latest": _is_row(5),
    "links": _is_row(4),
    "inputs": _is_input,
    "models": _is_model,
}


def _tags(tags: dict[str, str], run: str, ids: dict[str, str]) -> dict[str, str]:
    """A parent that came along is the parent here."""
    parent = tags.get("mlflow.parentRunId")
    moved = {"mlflow.parentRunId": ids[parent]} if parent in ids else {}
    return {**tags, **moved, FROM: run}


def _new_id(workspace_id: int, source: Source, run: str) -> str:
    text = f"{workspace_id}/{source.home}/{run}/{source.digest(run)}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _model_id(run_id: str, model: str) -> str:
    return "m-" + hashlib.sha256(f"{run_id}/{model}".encode()).hexdigest()[:32]


@contextmanager
def _alone(run_id: str) -> Generator[None]:
    with _lock:
        if run_id in _busy:
            raise Conflict("This file is being imported right now.", hint="Wait for that.")
        _busy.add(run_id)
    try:
        yield
    finally:
        with _lock:
            _busy.discard(run_id)


@contextmanager
def _opened(site: Site, file: Path) -> Generator[Source]:
    try:
        with zipfile.ZipFile(file) as found:
            yield _source(site, found)
    except LazurError:
        raise
    except _BROKEN as error:
        raise Invalid(
            f"This is not a file of exported runs, or it is damaged: {error}.",
            hint="Make one with `lazur run export`.",
        ) from error


def _source(site: Site, found: zipfile.ZipFile) -> Source:
    if MANIFEST not in found.namelist() or found.getinfo(MANIFEST).file_size > _MANIFEST:
        raise Invalid(
            "This is not a file of exported runs: it has no manifest.",
            hint="Make one with `lazur run export`. A download that broke off lacks it, too.",
        )
    manifest = _object(found.read(MANIFEST), MANIFEST)
    if manifest.get("format") != FORMAT or manifest.get("version") != VERSION:
        raise Invalid(
            f"The file is of format {manifest.get('format')!r}, version "
            f"{manifest.get('version')!r}; this server reads {FORMAT!r}, version {VERSION}.",
            hint="A newer Lazur may read it.",
        )
    listed = manifest.get("files")
    if not isinstance(listed, dict) or not _are_texts({"home": manifest.get("home")}):
        raise Invalid("The file's manifest is not what this server writes.")
    files = {name: _promise(found) for name, found in cast("dict[str, Any]", listed).items()}
    needed, free = sum(size for size, _ in files.values()), shutil.disk_usage(site.home.path).free
    if needed > free:
        raise TooLarge(f"The file holds {needed:,} bytes, and {free:,} are free here.")
    by_run = _by_run(files)
    if missing := [run for run in by_run if any(f"runs/{run}/{n}" not in files for n in _NEEDED)]:
        raise Invalid(f"The file has only a part of run {missing[0][:100]!r}.")
    return Source(found, manifest["home"], list(by_run), files, by_run)


def _by_run(files: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in files:
        if name.startswith("runs/"):
            found.setdefault(name.split("/")[1], []).append(name)
    if len(found) > runs.MOST:
        raise Invalid(f"At most {runs.MOST:,} runs at once; in the file are {len(found):,}.")
    return found


def _promise(found: Any) -> tuple[int, str]:
    match found:
        case [int(size), str(digest)] if size >= 0:
            return size, digest
        case _:
            raise Invalid("The file's manifest is not what this server writes.")


def _object(text: bytes, name: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"{name} in the file is not JSON.") from error
    if not isinstance(found, dict):
        raise Invalid(f"{name} in the file is not an object.")
    return cast("dict[str, Any]", found)
