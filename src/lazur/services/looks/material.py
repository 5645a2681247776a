"""The data of a question as a file or folder on this disk, and what tells one state of it from
another."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lazur.engine.contracts import Blobs, Datastore
from lazur.engine.tree import Manifest
from lazur.errors import Invalid, NotFound, Unsupported
from lazur.safe import SafeRoot
from lazur.services.base.home import Home
from lazur.services.looks.questions import Question

MOST_FILES = 200_000
MOST_REMOTE = 1 << 30
"""Bytes that are fetched from elsewhere for a look."""
_BLOCK = 1 << 20


@dataclass(frozen=True)
class State:
    """`files`: path and size of each, of what has to be fetched."""

    digest: str
    files: tuple[tuple[str, int], ...] = ()


def state(question: Question) -> State:
    """Content has one state; a folder's and a datastore's are found out again each time."""
    if question.tree is not None:
        return State(question.tree)
    lines: list[str] = []
    files: list[tuple[str, int]] = []
    for path, size, mark in _listed(question):
        if len(files) >= MOST_FILES:
            raise Unsupported(
                f"{question.called} has more than {MOST_FILES} files.",
                hint="Look at a part of it: register that as data of its own.",
            )
        files.append((path, size))
        lines.append(f"{path}\0{size}\0{mark}")
    if not files:
        raise NotFound(
            f"There is nothing where {question.called} should be: {question.path!r}.",
            hint="Check the path of the data and what is in its datastore.",
        )
    digest = hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()
    return State(digest, tuple(files))


def lay(question: Question, found: State, home: Home, blobs: Blobs, work: Path) -> Path:
    """Where it is, or where it was brought, within `work`."""
    if question.folder is not None:
        return question.folder / question.path
    folder = work / "data"
    folder.mkdir()
    if question.remote is not None:
        _fetch(question, found, folder)
    else:
        assert question.tree is not None
        with blobs.open(question.tree) as file:
            _unpack(Manifest.decode(file.read()), home, blobs, folder)
    if not question.file:
        return folder
    return next(path for path in folder.rglob("*") if path.is_file())


def _listed(question: Question) -> Iterator[tuple[str, int, str]]:
    inside = question.path
    if question.remote is not None:
        yield from _remote(question.remote, question)
        return
    assert question.folder is not None
    if not question.folder.is_dir():
        return
    with SafeRoot(question.folder) as root:
        if question.file:
            entry = root.stat(inside)
            yield inside, entry.size, str(entry.modified)
            return
        for entry in root.scan(inside):
            if not entry.folder:
                yield entry.path, entry.size, str(entry.modified)


def _remote(store: Datastore, question: Question) -> Iterator[tuple[str, int, str]]:
    if question.file:
        found = store.info(question.path)
        yield found.path, found.size, found.version
        return
    for found in store.list(question.path):
        yield found.path, found.size, found.version


def _fetch(question: Question, found: State, folder: Path) -> None:
    """By the server, whose rules about addresses hold; the process that looks has no network."""
    assert question.remote is not None
    total = sum(size for _, size in found.files)
    if total > MOST_REMOTE:
        raise Invalid(
            f"{question.called} has {total >> 20} MB and is not on this server: for a look,"
            f" {MOST_REMOTE >> 20} MB are fetched at most.",
            hint="Read it in a job, or register a part of it as data of its own.",
        )
    inside = question.path.rpartition("/")[0] if question.file else question.path
    left = MOST_REMOTE
    with SafeRoot(folder) as root:
        for path, _ in found.files:
            relative = path[len(inside) :].lstrip("/") if inside else path
            if parent := relative.rpartition("/")[0]:
                root.make_folder(parent)
            with question.remote.open(path) as source, root.open(relative, "xb") as target:
                while block := source.read(_BLOCK):
                    left -= len(block)
                    if left < 0:
                        raise Invalid(f"{question.called} grew while it was fetched.")
                    target.write(block)


def _unpack(tree: Manifest, home: Home, blobs: Blobs, folder: Path) -> None:
    """As links to blobs where they are files here, else as copies."""
    if len(tree.files) > MOST_FILES:
        raise Unsupported(f"There are more than {MOST_FILES} files.")
    for file in tree.files:
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(home.blobs / file.digest[:2] / file.digest, target)
        except OSError:
            with blobs.open(file.digest) as source, target.open("xb") as copy:
                shutil.copyfileobj(source, copy, _BLOCK)
