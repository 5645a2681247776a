"""Found by the interpreter of a server under test, by PYTHONPATH: writes what that process does
to the file that AUDIT names, one event a line."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

_WATCHED = frozenset(
    "pickle.find_class marshal.loads exec os.system os.exec os.posix_spawn os.spawn "
    "subprocess.Popen".split()
)
_IMPORTING = ("importlib", "_frozen_importlib", "zipimport", "runpy", "site")


def watch(target: str) -> Callable[[str, tuple[Any, ...]], None]:
    out = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in _WATCHED:
            return
        who = _stack()
        # The machinery that imports code reads it with marshal and runs it with exec.
        if event in ("exec", "marshal.loads") and who and who[0].startswith(_IMPORTING):
            return
        told = f"{event}\t{str(arguments[0])[:200]!r}\t{' '.join(who)}\n"
        os.write(out, told.encode("utf-8", "replace"))

    return hook


def _stack() -> list[str]:
    """The modules, the nearest first. Code that is about to be run has a frame already, of the
    module that it will be: it is not yet who asks."""
    names: list[str] = []
    frame = sys._getframe().f_back
    while frame is not None and len(names) < 40:
        name = str(frame.f_globals.get("__name__"))
        if frame.f_code.co_filename != __file__ and (not names or names[-1] != name):
            names.append(name)
        frame = frame.f_back
    return names


if target := os.environ.pop("AUDIT", None):
    sys.addaudithook(watch(target))
