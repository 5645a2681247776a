"""A folder as data: the manifest of a tree (contributing/backbone.md, Trees). Pure: nothing is
opened here.

A manifest has exactly one form in bytes, so equal folders have equal hashes, and what does not
come in that form is refused rather than repaired.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple, cast

from lazur.engine import paths
from lazur.errors import Invalid, NotFound, TooLarge

MAX_ENTRIES = 1_000_000
MAX_BYTES = 128 << 20
MAX_SIZE = (1 << 63) - 1

_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


class File(NamedTuple):
    path: str
    digest: str
    size: int
    executable: bool = False


def is_digest(text: object) -> bool:
    """Whether this is a SHA-256 in lower-case hex, the only name that a blob has."""
    return isinstance(text, str) and _DIGEST.match(text) is not None


@dataclass(frozen=True)
class Manifest:
    """Make one with `of` (from what was found) or `decode` (from bytes); both check everything."""

    files: tuple[File, ...] = ()
    dirs: tuple[str, ...] = ()
    """Folders with nothing in them. Those that hold something need no mention."""

    @classmethod
    def of(cls, files: Iterable[File], dirs: Iterable[str] = ()) -> Manifest:
        """Sorted and freed of the folders that are not empty. Raises Invalid for paths that cannot
        be, and twins."""
        ordered = tuple(sorted(files))
        filled = _parents([f.path for f in ordered])
        wanted = set(dirs)
        filled |= _parents(wanted)
        made = cls(ordered, tuple(sorted(wanted - filled)))
        _check(made)
        return made

    @classmethod
    def decode(cls, data: bytes) -> Manifest:
        """Raises Invalid unless `data` is a manifest in canonical form, to the byte."""
        if len(data) > MAX_BYTES:
            raise TooLarge(
                f"A tree's manifest has at most {MAX_BYTES:,} bytes; this one has {len(data):,}."
            )
        made = cls.of(*_from_json(_parsed(data)))
        if made.encode() != data:
            raise Invalid("A tree's manifest is not in canonical form.")
        return made

    def encode(self) -> bytes:
        files = [[f.path, f.digest, f.size, int(f.executable)] for f in self.files]
        body = {"dirs": list(self.dirs), "files": files}
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()

    @cached_property
    def digest(self) -> str:
        """The tree's hash: that of the manifest as a blob."""
        return hashlib.sha256(self.encode()).hexdigest()

    @cached_property
    def size(self) -> int:
        """Bytes of all files, as they would lie on a disk."""
        return sum(f.size for f in self.files)

    def blobs(self) -> dict[str, int]:
        """Digest and size of each distinct file content."""
        return {f.digest: f.size for f in self.files}

    def single_file(self) -> File | None:
        """The one file of a tree that holds nothing else."""
        return self.files[0] if len(self.files) == 1 and not self.dirs else None

    def file(self, path: str) -> File | None:
        return self._by_path.get(path)

    def has_folder(self, path: str) -> bool:
        return path in self._folders

    def subtree(self, path: str) -> Manifest:
        """The folder at `path` as a tree of its own. Raises NotFound, also for a file."""
        if not self.has_folder(path):
            raise NotFound(f"There is no folder {paths.shown(path)} in tree {self.digest[:12]}.")
        cut = len(path) + 1
        files = (
            f._replace(path=f.path[cut:]) for f in self.files if f.path.startswith(path + "/")
        )
        return Manifest.of(files, (d[cut:] for d in self.dirs if d.startswith(path + "/")))

    def at(self, path: str) -> File | Manifest:
        """What `tree:<hash>/<path>` means: a file, or a folder as a tree. Raises NotFound."""
        if found := self.file(path):
            return found
        if self.has_folder(path):
            return self.subtree(path)
        raise NotFound(
            f"There is no {paths.shown(path)} in tree {self.digest[:12]}.", hint=self._near()
        )

    @cached_property
    def _by_path(self) -> dict[str, File]:
        return {f.path: f for f in self.files}

    @cached_property
    def _folders(self) -> set[str]:
        return _parents(self._by_path) | _parents(self.dirs) | set(self.dirs)

    def _near(self) -> str:
        top = sorted({p.partition("/")[0] for p in (*self._by_path, *self.dirs)})
        return (
            f"It holds: {', '.join(top[:10])}{' …' if len(top) > 10 else ''}"
            if top
            else "It is empty."
        )


def _parents(found: Iterable[str]) -> set[str]:
    parents: set[str] = set()
    for path in found:
        parent = path.rpartition("/")[0]
        while parent and parent not in parents:
            parents.add(parent)
            parent = parent.rpartition("/")[0]
    return parents


def _check(made: Manifest) -> None:
    """Raises Invalid unless the manifest is one that can be unpacked anywhere, in one way only."""
    if len(made.files) + len(made.dirs) > MAX_ENTRIES:
        raise TooLarge(f"A tree has at most {MAX_ENTRIES:,} files and folders.")
    for file in made.files:
        _check_file(file)
    for folder in made.dirs:
        _check_path(folder)
    _check_together(made)


def _check_file(file: File) -> None:
    _check_path(file.path)
    if not is_digest(file.digest):
        raise Invalid(f"{paths.shown(file.path)} in a tree has no valid SHA-256.")
    if not 0 <= file.size <= MAX_SIZE:
        raise Invalid(f"{paths.shown(file.path)} in a tree has an impossible size.")


def _check_path(path: str) -> None:
    paths.check(path)
    if not paths.is_nfc(path):
        raise Invalid(f"{paths.shown(path)} in a tree is not in Unicode's composed form (NFC).")


def _check_together(made: Manifest) -> None:
    names = [f.path for f in made.files]
    everything = {*names, *made.dirs}
    if len(everything) < len(names) + len(made.dirs):
        twin = _first_twin([*names, *made.dirs])
        raise Invalid(f"{paths.shown(twin)} is in a tree twice.")
    if clash := everything & _parents(everything):
        first = paths.shown(min(clash))
        raise Invalid(f"{first} in a tree is a file or empty folder, and also holds something.")


def _first_twin(names: list[str]) -> str:
    ordered = sorted(names)
    return next(a for a, b in pairwise(ordered) if a == b)


def _parsed(data: bytes) -> object:
    try:
        return json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise Invalid("A tree's manifest is not JSON in UTF-8.") from error


def _from_json(body: object) -> tuple[list[File], list[str]]:
    if not isinstance(body, dict):
        raise Invalid("A tree's manifest must be an object.")
    fields = cast("dict[str, object]", body)
    files, dirs = fields.get("files"), fields.get("dirs")
    if not isinstance(files, list) or not isinstance(dirs, list):
        raise Invalid("A tree's manifest must have the lists `files` and `dirs`.")
    folders = cast("list[object]", dirs)
    if not all(isinstance(folder, str) for folder in folders):
        raise Invalid("A tree's folders must be given as text.")
    return [_file_from_json(row) for row in cast("list[object]", files)], cast(
        "list[str]", folders
    )


def _file_from_json(row: object) -> File:
    if isinstance(row, list):
        values = cast("list[Any]", row)
        if [type(value) for value in values] == [str, str, int, int] and values[3] in (0, 1):
            return File(values[0], values[1], values[2], bool(values[3]))
    raise Invalid("A file in a tree's manifest must be [path, sha256, size, 0 or 1].")
