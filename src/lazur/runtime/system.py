"""Calls that `os` lacks, made through `_ctypes` alone: importing `ctypes` costs half of a bare
start."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_ctypes: Any = None
_prctl = 0
if sys.platform == "linux" and sys.implementation.name == "cpython":
    import _ctypes

    _prctl: int = _ctypes.dlsym(_ctypes.dlopen(None, 0), "prctl")

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> bool:
    """Whatever the job leaves behind, double-forked or in a session of its own, becomes a child of
    this process."""
    return _call(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(signal: int) -> bool:
    """To be called between fork and exec; it survives the exec."""
    return _call(_PR_SET_PDEATHSIG, signal)


def _call(option: int, value: int) -> bool:
    if not _prctl:
        return False
    return _ctypes.call_function(_prctl, (option, value, 0, 0, 0)) == 0
