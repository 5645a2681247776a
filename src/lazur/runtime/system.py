"""Calls that `os` lacks, made through `_ctypes` alone: importing `ctypes` costs half of a bare start."""

from __future__ import annotations

try:
    import _ctypes

    _library = _ctypes.dlopen(None, 0)
    _prctl = _ctypes.dlsym(_library, "prctl")
except (ImportError, OSError):  # not Linux
    _prctl = 0

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> bool:
    """Whatever the job leaves behind, double-forked or in a session of its own, becomes a child of this process."""
    return _call(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(signal: int) -> bool:
    """To be called between fork and exec; it survives the exec."""
    return _call(_PR_SET_PDEATHSIG, signal)


def _call(option: int, value: int) -> bool:
    if not _prctl:
        return False
    return _ctypes.call_function(_prctl, (option, value, 0, 0, 0)) == 0
