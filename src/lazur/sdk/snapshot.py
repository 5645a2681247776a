"""A folder or file on this machine as a tree: its manifest, and where the bytes of each blob are.

Nothing is copied here; `lazur.sdk.upload` sends the blobs that the server lacks.
"""

# Plain strings, not pathlib: thousands of files at a time, several times faster.
# ruff: noqa: PTH100, PTH112, PTH113, PTH116, PTH119

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from lazur.engine import paths
from lazur.engine.tree import File, Manifest
from lazur.errors import Invalid
from lazur.sdk.hashes import Hashes
from lazur.sdk.ignore import line_for
from lazur.sdk.walk import Contents, Found, Purpose, unreadable, walk

LARGE_BYTES = 100 * 1000 * 1000
LARGE_COUNT = 5000
WORTH_NAMING = 0.05
"""Least share of a large snapshot; to leave out what has less would hardly help."""

Blob = str | bytes
"""The path of a file that holds the bytes, or the bytes."""


@dataclass(frozen=True)
class Snapshot:
    manifest: Manifest
    sources: dict[str, Blob] = field(default_factory=dict[str, Blob])
    """By digest."""
    notes: list[str] = field(default_factory=list[str])
    """For the person: what was left out and why, and when the snapshot is large, because of what.
    """

    @property
    def reference(self) -> str:
        return f"tree:{self.manifest.digest}"

    def blobs(self) -> dict[str, Blob]:
        """All that a server needs to have, the manifest last."""
        return {**self.sources, self.manifest.digest: self.manifest.encode()}


def alone(name: str, data: bytes) -> Snapshot:
    """The tree of one file that is on no disk."""
    digest = hashlib.sha256(data).hexdigest()
    return Snapshot(Manifest.of([File(name, digest, len(data))]), {digest: data})


def take(
    path: str | os.PathLike[str] | None,
    *,
    purpose: Purpose = "code",
    cache: Path | None = None,
    includes: Iterable[str | os.PathLike[str]] = (),
    now: Callable[[], int] = time.time_ns,
) -> Snapshot:
    """The tree of a folder, or of one file under its own name; with None, of the includes alone.

    `includes` are files and folders that are put beside the folder's own contents, each under its
    name, as `additional_includes` of a component wants it. `cache` is a folder that remembers
    hashes.
    """
    parts = [] if path is None else [_Part.of(os.fspath(path), "", purpose, cache, now)]
    parts += [_Part.of(os.fspath(other), _name(other), purpose, cache, now) for other in includes]
    _check_apart(parts)
    manifest = Manifest.of(
        (f for part in parts for f in part.files), {d for part in parts for d in part.folders}
    )
    sources: dict[str, Blob] = {}
    for part in parts:
        sources.update(part.sources)
    notes = [note for part in parts for note in part.notes]
    if purpose == "code":
        notes += _large(manifest, parts[0])
    return Snapshot(manifest, sources, notes)


@dataclass
class _Part:
    """One folder or file of a snapshot, hashed, with its place in the tree."""

    root: str
    files: list[File]
    folders: list[str]
    sources: dict[str, str]
    notes: list[str]
    ignore_file: str | None

    @classmethod
    def of(
        cls, path: str, prefix: str, purpose: Purpose, cache: Path | None, now: Callable[[], int]
    ) -> _Part:
        root = os.path.realpath(path)
        contents = _contents(path, root, purpose)
        folders = [_joined(prefix, folder) for folder in contents.folders]
        if prefix and os.path.isdir(root):
            folders.append(prefix)
        hashes = Hashes.of(cache, root, now=now)
        files, sources = list[File](), dict[str, str]()
        for found in contents.files:
            digest, size = _hashed(hashes, found)
            place = _joined(prefix, found.path) if os.path.isdir(root) else found.path
            files.append(File(place, digest, size, bool(found.stat.st_mode & 0o100)))
            sources[digest] = found.source
        hashes.save()
        return cls(path, files, folders, sources, contents.notes, contents.ignore_file)


def _contents(path: str, root: str, purpose: Purpose) -> Contents:
    if os.path.isdir(root):
        contents = walk(root, purpose)
        if contents.ignored and not contents.files:
            contents.notes.append(
                f"Nothing is left of {path}: {contents.ignore_file} leaves out all of it."
            )
        return contents
    if not os.path.isfile(root):
        raise Invalid(f"{path} is neither a file nor a folder.")
    name = _name(path)
    if fault := paths.fault(name):
        raise Invalid(
            f"{paths.shown(path)} cannot be taken into a snapshot: {fault}.", hint="Rename it."
        )
    return Contents(files=[Found(paths.nfc(name), root, os.stat(root))])


def _hashed(hashes: Hashes, found: Found) -> tuple[str, int]:
    try:
        return hashes.of_file(found.source, found.stat)
    except FileNotFoundError as error:
        raise Invalid(
            f"{found.source} vanished while the snapshot was taken.",
            hint="Try again when nothing else writes into the folder.",
        ) from error
    except OSError as error:
        raise unreadable(found.source, error) from error


def _check_apart(parts: list[_Part]) -> None:
    """Two parts may share folders, but not files; Unicode twins within one part are found here as
    well."""
    owner: dict[str, str] = {}
    for part in parts:
        for file in part.files:
            if (other := owner.setdefault(file.path, part.root)) != part.root:
                raise Invalid(
                    f"{paths.shown(file.path)} would come from both {other} and {part.root}.",
                    hint="Rename one of them, or leave it out by a line in .amlignore.",
                )


def _large(manifest: Manifest, first: _Part) -> list[str]:
    if manifest.size <= LARGE_BYTES and len(manifest.files) <= LARGE_COUNT:
        return []
    heavy = _heaviest(manifest)
    where = f"{first.root.rstrip('/')}/.amlignore"
    if first.ignore_file == ".gitignore":
        where += " (it replaces .gitignore for snapshots: begin with a copy of that)"
    size, count = size_text(manifest.size), _counted(len(manifest.files))
    note = f"The snapshot of {first.root} is large: {size} in {count}. "
    left_out = f"What the job does not need can be left out by lines in {where}"
    if not heavy:
        return [f"{note}Nothing in it stands out.\n{left_out}."]
    listed = ", ".join(f"{name} ({size_text(size)}, {_counted(n)})" for name, size, n in heavy)
    lines = "\n".join(f"    {line_for(name)}" for name, _, _ in heavy)
    return [f"{note}Heaviest: {listed}.\n{left_out}:\n{lines}"]


def _heaviest(manifest: Manifest, count: int = 3) -> list[tuple[str, int, int]]:
    """(path, bytes, files) of the heaviest folders and files, none within another. Of a folder
    that owes nearly all its weight to one thing in it, that thing is named, and
    what is light is not named."""
    weights = _weights(manifest)
    kind = 0 if manifest.size > LARGE_BYTES else 1
    least = WORTH_NAMING * (len(manifest.files) if kind else manifest.size)
    below: dict[str, int] = {}
    for name, weight in weights.items():
        parent = _parent(name)
        below[parent] = max(below.get(parent, 0), weight[kind])
    chosen: list[str] = []
    for name in sorted(weights, key=lambda name: weights[name][kind], reverse=True):
        if weights[name][kind] < least:
            break
        owed = below.get(name, 0) >= 0.9 * weights[name][kind]
        if not owed and not any(name.startswith(c) or c.startswith(name) for c in chosen):
            chosen.append(name)
        if len(chosen) == count:
            break
    return [(name, *weights[name]) for name in chosen]


def _weights(manifest: Manifest) -> dict[str, tuple[int, int]]:
    """Bytes and files of each folder (its name ends with a slash) and file."""
    weights: dict[str, tuple[int, int]] = {}
    for file in manifest.files:
        name = file.path
        while name:
            size, files = weights.get(name, (0, 0))
            weights[name] = (size + file.size, files + 1)
            name = _parent(name)
    return weights


def _parent(name: str) -> str:
    return name[: name.rstrip("/").rfind("/") + 1]


def size_text(size: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"


def _counted(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"


def _joined(prefix: str, path: str) -> str:
    return f"{prefix}/{path}" if prefix else path


def _name(path: str | os.PathLike[str]) -> str:
    return os.path.basename(os.path.abspath(path))
