"""What lies in a folder that is to be snapshotted: files, folders, and why the rest was left out.

Ignored folders are never entered. Links that stay inside the folder stand for what they point to;
a link that leaves it is refused, because it would take along what the person did not mean to send.
"""

# Plain strings, not pathlib: thousands of files at a time, several times faster.
# ruff: noqa: PTH113, PTH115, PTH116, PTH118, PTH123

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from lazur.engine import paths
from lazur.errors import Invalid
from lazur.sdk.ignore import Rule, line_for, parse, verdict

Purpose = Literal["code", "data"]

ALWAYS = frozenset({".git"})
FROM_CODE = ALWAYS | {
    ".hg",
    ".svn",
    "__pycache__",
    ".ipynb_checkpoints",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".DS_Store",
}
"""Never part of code: version control, and what tools make again by themselves. A rule cannot
bring them back."""

IGNORE_FILES: dict[Purpose, tuple[str, ...]] = {
    "code": (".amlignore", ".gitignore"),
    "data": (".amlignore",),
}
"""The first that is in the folder holds, there and (as files of the same name) in its subfolders.
`.gitignore` says nothing about data: it commonly lists exactly the data, because they are not to
be committed."""


class Found(NamedTuple):
    path: str
    """In the tree."""
    source: str
    """What to open; never a link."""
    stat: os.stat_result


@dataclass
class Contents:
    files: list[Found] = field(default_factory=list[Found])
    folders: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])
    ignore_file: str | None = None
    ignored: int = 0


def walk(root: str, purpose: Purpose) -> Contents:
    """All of `root`, a real path. Raises Invalid with the name of what cannot be taken."""
    return _Walk(root, purpose).run()


def lies_in(path: str | os.PathLike[str], folder: str | os.PathLike[str]) -> bool:
    """Wherever links lead, and whether or not it is there."""
    try:
        real = os.path.realpath(path)
    except ValueError:  # no path at all: it has a NUL in it
        return False
    top = os.path.realpath(folder)
    return os.path.commonpath([real, top]) == top


class _Folder(NamedTuple):
    path: str
    source: str
    rules: tuple[tuple[int, list[Rule]], ...]
    """(length of the rules' own folder in paths, rules), innermost first."""
    above: tuple[str, ...]
    """Real paths of the folders that led here by links."""


class _Walk:
    def __init__(self, root: str, purpose: Purpose) -> None:
        self._root = root
        self._left_out = FROM_CODE if purpose == "code" else ALWAYS
        self._made = Contents()
        for name in IGNORE_FILES[purpose]:
            if os.path.isfile(os.path.join(root, name)):
                self._made.ignore_file = name
                break

    def run(self) -> Contents:
        todo = [_Folder("", self._root, (), ())]
        while todo:
            todo.extend(self._enter(todo.pop()))
        return self._made

    def _enter(self, folder: _Folder) -> Iterator[_Folder]:
        with _explained(folder.path or "."), os.scandir(folder.source) as found:
            entries = list(found)
        folder = self._with_rules(folder, entries)
        for entry in entries:
            path = f"{folder.path}/{entry.name}" if folder.path else entry.name
            if entry.name in self._left_out or self._is_ignored(folder, path, entry):
                continue
            _check_name(path)
            with _explained(path):
                yield from self._take(folder, path, entry)

    def _take(self, folder: _Folder, path: str, entry: os.DirEntry[str]) -> Iterator[_Folder]:
        if entry.is_symlink():
            yield from self._follow(folder, path, entry)
        elif entry.is_dir(follow_symlinks=False):
            yield self._below(folder, path, entry.path, folder.above)
        else:
            self._add(path, entry.path, entry.stat(follow_symlinks=False))

    def _below(self, folder: _Folder, path: str, source: str, above: tuple[str, ...]) -> _Folder:
        self._made.folders.append(paths.nfc(path))
        return _Folder(path, source, folder.rules, above)

    def _add(self, path: str, source: str, found: os.stat_result) -> None:
        if stat.S_ISREG(found.st_mode):
            self._made.files.append(Found(paths.nfc(path), source, found))
        else:
            self._made.notes.append(f"{path} is left out: it is a socket, a pipe or a device.")

    def _follow(self, folder: _Folder, path: str, entry: os.DirEntry[str]) -> Iterator[_Folder]:
        try:
            target = os.path.realpath(entry.path, strict=True)
        except OSError:
            self._made.notes.append(f"{path} is left out: it is a link to nothing.")
            return
        inside = self._inside(path, entry.path, target)
        if not self._left_out.isdisjoint(inside.split("/")):
            return
        found = os.stat(target)
        if not stat.S_ISDIR(found.st_mode):
            self._add(path, target, found)
            return
        above = (*folder.above, os.path.realpath(folder.source))
        if any(f"{real}/".startswith(f"{target}/") for real in above):
            raise Invalid(
                f"{path} is a link to a folder that it lies in itself"
                f" ({os.readlink(entry.path)}): it never ends.",
                hint=f"Remove it, or leave it out by a line in .amlignore: {line_for(path)}",
            )
        yield self._below(folder, path, target, above)

    def _inside(self, path: str, link: str, target: str) -> str:
        """The target relative to the root; both are real paths, so comparing them as text is
        sound."""
        if target == self._root:
            return ""
        if not target.startswith(self._root.rstrip("/") + "/"):
            raise Invalid(
                f"{path} is a link that leaves the folder {self._root}:"
                f" it points to {os.readlink(link)}.",
                hint="Copy what it points to into the folder, or leave the link out by a line in"
                f" .amlignore: {line_for(path)}",
            )
        return target[len(self._root.rstrip("/")) + 1 :]

    def _with_rules(self, folder: _Folder, entries: list[os.DirEntry[str]]) -> _Folder:
        name = self._made.ignore_file
        if name is None or not any(entry.name == name and entry.is_file() for entry in entries):
            return folder
        file = os.path.join(folder.source, name)
        with (
            _explained(file),
            open(file, encoding="utf-8", errors="surrogateescape", newline="") as text,
        ):
            rules = parse(text.read())
        base = len(folder.path) + 1 if folder.path else 0
        return folder._replace(rules=((base, rules), *folder.rules))

    def _is_ignored(self, folder: _Folder, path: str, entry: os.DirEntry[str]) -> bool:
        for base, rules in folder.rules:
            answer = verdict(
                rules, path[base:], entry.name, folder=entry.is_dir(follow_symlinks=False)
            )
            if answer is not None:
                self._made.ignored += answer
                return answer
        return False


def _check_name(path: str) -> None:
    if path.isascii() and path.isprintable() and "\\" not in path and len(path) < 250:
        return
    name = path.rpartition("/")[2]
    if fault := paths.fault(name) or paths.fault(path):
        raise Invalid(
            f"{paths.shown(path)} cannot be taken into a snapshot: {fault}.",
            hint="Rename it, or leave it out by a line in .amlignore.",
        )


@contextmanager
def _explained(path: str) -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise unreadable(path, error) from error


def unreadable(path: str, error: OSError) -> Invalid:
    return Invalid(
        f"{path} cannot be read: {error.strerror}.",
        hint="Make it readable, or leave it out by a line in .amlignore.",
    )
