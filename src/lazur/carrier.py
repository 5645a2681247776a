"""Moves files between a store outside of the site and this node, for a job: `python -m
lazur.carrier`, a process of its own beside the job's supervisor.

The supervisor writes one line of JSON to its standard input, with the credentials in it, so that
they are in no file, argument or variable; and keeps it open: when it closes, the supervisor is
gone, and so is this process. Answers are lines of JSON: `progress` now and then, and at the end
`done` or `error`.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lazur import data_cache, egress, transfer
from lazur.egress import Rule
from lazur.engine import paths
from lazur.engine.contracts import Datastore, Writes
from lazur.engine.secret import Masker, Secret
from lazur.errors import Invalid, LazurError, Unsupported
from lazur.registry import find as find_plug
from lazur.transfer import Fetched, Manner, Progress

_TELL = 0.5
"""Seconds between words of progress."""
_STALE = 7 * 86400.0
"""What a broken-off download left is kept for whoever takes it up."""


def main() -> int:
    signal.pthread_sigmask(signal.SIG_SETMASK, ())  # a supervisor holds its signals back
    asked: dict[str, Any] = json.loads(sys.stdin.readline() or "{}")
    if not asked:
        return 1
    threading.Thread(target=_end_with_supervisor, daemon=True).start()
    masker = Masker(str(value) for value in asked["store"]["credentials"].values())
    try:
        _say(done=_WORK[asked["do"]](asked))
    except LazurError as error:
        hint = error.hint and masker.masked(error.hint)
        _say(error={"code": error.code, "message": masker.masked(error.message), "hint": hint})
    except Exception as error:  # noqa: BLE001 - the job is told, whatever it is
        told = masker.clipped(f"{type(error).__name__}: {error}", 500)
        _say(error={"code": "Internal", "message": told, "hint": None})
    return 0


def fetch(asked: dict[str, Any]) -> dict[str, Any]:
    """Files of a store to the new folder `into`: linked to the cache, and read-only."""
    into, cache = Path(asked["into"]), Path(asked["cache"])
    into.mkdir(mode=0o700, parents=True, exist_ok=True)
    manner = Manner(progress=_teller(), place=lambda file: _place(file, into))
    store = open_store(asked)
    found = transfer.download(store, _inside(asked), cache, source_of(asked["store"]), manner)
    _protect(into)
    held = [file for file in found if file.cached]
    return {
        "warning": _tidy(cache, asked["limit"]),
        "files": len(found),
        "bytes": sum(file.size for file in found),
        "cached_files": len(held),
        "cached_bytes": sum(file.size for file in held),
    }


def send(asked: dict[str, Any]) -> dict[str, Any]:
    """A folder, or the one file in it, to a store. Sent anew after a kill, it goes on from the
    first file that is not there yet."""
    store, path = open_store(asked), _inside(asked)
    if not isinstance(store, Writes):
        raise Unsupported("This datastore takes no files.", hint="Name another one for outputs.")
    manner = Manner(progress=_teller())
    folder, journal = Path(asked["folder"]), Path(asked["journal"])
    if asked["file"]:
        made = transfer.upload(folder, store, path.rpartition("/")[0], journal, manner)
    else:
        made = transfer.publish(folder, store, path, journal, manner)
    return {"files": len(made), "bytes": sum(item.size for item in made)}


def open_store(asked: dict[str, Any]) -> Datastore:
    """This process goes nowhere that the server would not go."""
    given, rule = asked["store"], Rule.of(asked["rule"])
    egress.restrict(rule)
    credentials = {name: Secret(value) for name, value in given["credentials"].items()}
    plug = find_plug("datastores", given["type"], Datastore)
    return plug(dict(given["settings"]), credentials, rule=rule, ambient=given["ambient"])


def source_of(store: dict[str, Any]) -> str:
    """What two jobs share in the cache: the same place, whatever a workspace calls it. Who may not
    read it is refused by the store itself, which is asked each time."""
    settings = {name: value for name, value in store["settings"].items() if name != "name"}
    return json.dumps([store["type"], settings], sort_keys=True)


_WORK: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {"fetch": fetch, "send": send}


def _tidy(cache: Path, limit: int) -> str | None:
    """What went wrong with it. The files are there, so the job goes on; who comes next tries it
    again."""
    try:
        data_cache.evict(cache, limit)
        data_cache.sweep(cache, time.time() - _STALE)
    except OSError as error:
        return f"this node's cache of data could not be tidied up: {error}"
    return None


def _inside(asked: dict[str, Any]) -> str:
    path = str(asked["store"]["path"]).strip("/")
    if path:
        paths.check(path)
    return path


def _place(file: Fetched, into: Path) -> None:
    target = into.joinpath(*paths.components(file.path))
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        target.unlink(missing_ok=True)  # of an attempt before this one
        _link(file.file, target)
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise Invalid(
            f"{paths.shown(file.path)} is both a file and a folder in the store, which no folder "
            "here can hold.",
            hint="Name the file or the folder within it.",
        ) from error


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK):
            raise
        shutil.copyfile(source, target)
        target.chmod(0o444)


def _protect(folder: Path) -> None:
    for at, _, _ in os.walk(folder, topdown=False):
        Path(at).chmod(0o555)


def _teller() -> Callable[[Progress], None]:
    told = time.monotonic()

    def tell(now: Progress) -> None:
        nonlocal told
        if time.monotonic() - told >= _TELL:
            told = time.monotonic()
            _say(progress=[now.files, now.bytes, now.total_files, now.total_bytes])

    return tell


def _say(**what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _end_with_supervisor() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
