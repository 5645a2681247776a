"""Phase `inputs`: every input gets a place on this node, in the mode that was promised.

Places are `<attempt>/inputs/INPUT_<name>`, as on Azure. A mount is the data themselves: read-only
in this job's own view of the file systems where the node permits that, otherwise a private copy.
"""

from __future__ import annotations

import json
import os

from lazur.runtime import folders, mounts
from lazur.runtime.attempt import Attempt
from lazur.runtime.plan import Input, Unprepared
from lazur.runtime.values import Values

# A tree has no address of its own, so `direct` shows where it lies.
_TWINS = {"eval_mount": "ro_mount", "eval_download": "download", "mount": "ro_mount"}


def prepare(attempt: Attempt, values: Values) -> None:
    view = mounts.View(attempt.note)
    os.makedirs(attempt.folder + "/inputs", exist_ok=True)
    for wanted in attempt.plan.inputs:
        _prepare(attempt, wanted, values, view)


def _prepare(attempt: Attempt, wanted: Input, values: Values, view: mounts.View) -> None:
    try:
        _place(attempt, wanted, values, view)
    except OSError as error:
        raise Unprepared("the input %s cannot be prepared: %s" % (wanted.name, error)) from None


def _place(attempt: Attempt, wanted: Input, values: Values, view: mounts.View) -> None:
    mode = _TWINS.get(wanted.mode, wanted.mode)
    if mode == "direct" and not wanted.source.tree:
        text = wanted.source.uri or wanted.source.path or ""
        values.add_input(wanted.name, text, is_path=bool(wanted.source.path))
        return
    place = "%s/inputs/INPUT_%s" % (attempt.folder, wanted.name)
    if wanted.source.table is not None:
        values.add_input(wanted.name, _gather(wanted, place, mode, view), is_path=True)
        return
    found = _find(attempt, wanted)
    if mode == "rw_mount" and wanted.source.path:
        values.add_input(wanted.name, wanted.source.path, is_path=True)
        return
    target = place
    if os.path.isfile(found.path):
        os.mkdir(place)
        target = place + "/" + found.name
    if mode in ("ro_mount", "direct"):
        target = _show(found, target, view)
    else:
        folders.copy(found.path, target)
        folders.unprotect(target)
    if wanted.path_on_compute:
        target = _on_compute(attempt, wanted, target, view)
    values.add_input(wanted.name, target, is_path=True)


def _gather(wanted: Input, place: str, mode: str, view: mounts.View) -> str:
    """A folder with an entry for each item of a loop, and an MLTable file that names them all."""
    os.mkdir(place)
    lines = ["type: mltable", "paths:"]
    for name, what, where in wanted.source.table or ():
        if what == "path":
            if not os.path.exists(where):
                text = "the input %s has %s, which is not on this machine"
                raise Unprepared(text % (wanted.name, where))
            found = Found(where, sealed=False)
            what = "file" if os.path.isfile(found.path) else "folder"
            where = "./" + name
            if what == "file":
                os.mkdir(place + "/" + name)
                where += "/" + found.name
            if mode == "download":
                folders.copy(found.path, place + where[1:])
                folders.unprotect(place + where[1:])
            else:
                _show(found, place + where[1:], view)
        lines.append("  - %s: %s" % (what, json.dumps(where)))
    with open(place + "/MLTable", "w", encoding="utf-8") as file:
        file.write("\n".join(lines if len(lines) > 2 else [lines[0], "paths: []"]) + "\n")
    return place


class Found:
    """`sealed`: in the node's cache, without rights to write, so that its owner cannot change it
    by mistake."""

    def __init__(self, path: str, sealed: bool) -> None:
        self.name = os.path.basename(path.rstrip("/"))
        self.path = os.path.realpath(path)
        self.sealed = sealed


def _find(attempt: Attempt, wanted: Input) -> Found:
    source = wanted.source
    plan = attempt.plan
    if source.path:
        if not os.path.exists(source.path):
            text = "the input %s is %s, which is not on this machine"
            raise Unprepared(text % (wanted.name, source.path))
        return Found(source.path, sealed=False)
    cache = plan.cache or attempt.folder + "/cache"
    # Each source brings its own modules; most jobs have one kind.
    if source.tree:
        from lazur.runtime import trees  # noqa: PLC0415

        path = trees.unpack(source.tree, plan.blobs, cache, wanted.name)
        return Found(_only_file(attempt, wanted, path), sealed=True)
    if source.remote:
        from lazur.runtime import carrying  # noqa: PLC0415

        path = carrying.fetch(attempt, wanted)
        return Found(_only_file(attempt, wanted, path), sealed=True)
    raise Unprepared("the input %s has no source: submit the job again" % wanted.name)


def _only_file(attempt: Attempt, wanted: Input, path: str) -> str:
    """A file is a tree of one; the value is the file, under its own name."""
    if not wanted.file or not os.path.isdir(path):
        return path
    entries = list(os.scandir(path))
    if len(entries) == 1 and entries[0].is_file(follow_symlinks=False):
        return entries[0].path
    attempt.warn("the input %s is a folder where a file was expected" % wanted.name)
    return path


def _show(found: Found, target: str, view: mounts.View) -> str:
    if view.bind(found.path, target):
        return target
    if found.sealed and os.geteuid() != 0:
        return found.path
    folders.copy(found.path, target)
    folders.protect(target)
    return target


def _on_compute(attempt: Attempt, wanted: Input, target: str, view: mounts.View) -> str:
    """The place that the job's author wants. Nothing on the node is ever covered or replaced by
    it, except in the job's own view."""
    place = os.path.join(attempt.wd, str(wanted.path_on_compute))
    try:
        if os.path.realpath(place).startswith(attempt.wd + "/"):
            os.makedirs(os.path.dirname(place), exist_ok=True)
            os.symlink(target, place)
            return place
        if os.path.isdir(place) and not os.listdir(place) and view.bind(target, place):
            return place
    except OSError as error:
        attempt.note("%s: %s" % (place, error))
    text = (
        "the input %s is at %s: its path_on_compute %s would have to be inside the working "
        "directory, or an empty folder"
    )
    attempt.warn(text % (wanted.name, target, wanted.path_on_compute))
    return target
