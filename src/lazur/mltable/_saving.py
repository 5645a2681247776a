"""A table into a folder: the `MLTable` file, and its data beside it where that is wanted."""

from __future__ import annotations

import os
import posixpath
from dataclasses import replace
from typing import Callable, Dict, List, Tuple, Union

from . import _document
from ._blueprint import Blueprint
from ._errors import MLTableError
from ._reading import sources
from ._storage import Storage, is_remote

FILE = "MLTable"


def save(
    blueprint: Blueprint,
    storage: Storage,
    folder: str,
    *,
    overwrite: Union[bool, str],
    colocated: bool,
    show: Callable[[str], None],
    clean: bool,
) -> Blueprint:
    """What was written, as a table of that folder. Nothing is left of a save that failed."""
    root = folder.rstrip("/") or "/"
    if not is_remote(root):
        root = os.path.abspath(root)
        if os.path.isfile(root):
            raise MLTableError(f"{root} is a file; give a folder to save the table in.")
    copies: List[Tuple[str, str]] = []
    if colocated:
        paths, copies = _beside(blueprint, storage, root)
    else:
        paths = [_referring(entry, blueprint, root) for entry in blueprint.paths]
    made = replace(blueprint, paths=tuple(paths), base=root)
    text = _document.render(made.to_yaml()).encode()
    _write(storage, root, text, copies, overwrite, show, clean)
    return made


def _write(
    storage: Storage,
    root: str,
    text: bytes,
    copies: List[Tuple[str, str]],
    overwrite: Union[bool, str],
    show: Callable[[str], None],
    clean: bool,
) -> None:
    targets = [f"{root}/{name}" for _, name in copies] + [f"{root}/{FILE}"]
    there = [target for target in targets if storage.exists(target)]
    if there and overwrite in (False, "fail"):
        raise MLTableError(
            f"{there[0]} is there already; save to another folder, or with overwrite=True."
        )
    written: List[str] = []
    try:
        for (source, _), target in zip(copies, targets):
            if os.path.abspath(source) == target or (target in there and overwrite == "skip"):
                continue
            show(f"{source} -> {target}")
            written.append(target)
            storage.copy(source, target)
        written.append(targets[-1])
        storage.write(targets[-1], text)
    except BaseException:
        for target in written if clean else []:
            if target not in there and storage.exists(target):
                storage.remove(target)
        raise


def _beside(
    blueprint: Blueprint, storage: Storage, root: str
) -> Tuple[List[Dict[str, str]], List[Tuple[str, str]]]:
    """New paths, and what to copy where below the folder. A folder or pattern keeps its inner
    structure, since partitions may be in it; two of one name get different folders."""
    paths: List[Dict[str, str]] = []
    copies: List[Tuple[str, str]] = []
    taken: Dict[str, str] = {}
    for entry in blueprint.paths:
        one = replace(blueprint, paths=(entry,), steps=())
        ((kind, path),) = one.absolute()
        if kind == "file" and not storage.is_folder(path):
            name = _free(posixpath.basename(path), path, taken)
            copies.append((path, name))
            paths.append({"file": f"./{name}"})
            continue
        start = path if kind != "pattern" else path[: _wildcard(path)].rpartition("/")[0]
        name = _free(posixpath.basename(start.rstrip("/")) or "data", start, taken)
        found = storage.walk(path) if kind != "pattern" else sources(one, storage)
        copies += [(each, f"{name}/{each[len(start) :].lstrip('/')}") for each in found]
        inner = path[len(start) :].lstrip("/")
        paths.append({kind: f"./{name}/{inner}" if kind == "pattern" else f"./{name}"})
    return paths, copies


def _wildcard(pattern: str) -> int:
    return min((pattern.find(sign) for sign in "*?[" if sign in pattern), default=len(pattern))


def _free(name: str, path: str, taken: Dict[str, str]) -> str:
    stem, dot, ending = name.partition(".")
    number, free = 1, name
    while taken.get(free, path) != path or free == FILE:
        free, number = f"{stem}_{number}{dot}{ending}", number + 1
    taken[free] = path
    return free


def _referring(entry: Dict[str, str], blueprint: Blueprint, root: str) -> Dict[str, str]:
    """Remote paths as they are; local ones relative to the new folder."""
    ((kind, path),) = replace(blueprint, paths=(entry,)).absolute()
    if is_remote(path) or path.startswith("azureml:"):
        return {kind: path}
    if is_remote(root):
        raise MLTableError(
            f"{path} is on this machine, and {root} is not: nobody else could read it. Save with"
            " colocated=True, which copies the data along."
        )
    relative = os.path.relpath(path, root)
    return {kind: relative if relative.startswith("..") else f"./{relative}"}
