"""Specs whose relative paths are made absolute, since they go into a file that lies elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lazur.sdk.entities import Spec, Text

_FILES = ("code", "conda_file", "component", "trial")
_PARTS = ("environment", "task", "trial", "component")
_SEVERAL = ("jobs", "inputs")


def rebased(spec: Spec, base: Text | None) -> Spec:
    """`base` is the folder that they start from; None where that is known already."""
    return spec if base is None else _rebased(spec, Path(base), _FILES)


def _rebased(spec: Mapping[str, Any], base: Path, files: tuple[str, ...]) -> Spec:
    # Making objects needs none of it.
    from lazur.spec import references  # noqa: PLC0415

    made = dict(spec)
    for key, value in spec.items():
        if isinstance(value, str) and key in files and references.is_local(value):
            made[key] = str((base / value).absolute())
        elif key == "build" and isinstance(value, Mapping):
            made[key] = _rebased(value, base, ("path",))
        elif key in _PARTS and isinstance(value, Mapping):
            made[key] = _rebased(value, base, _FILES)
        elif key in _SEVERAL and isinstance(value, Mapping):
            within = ("path",) if key == "inputs" else _FILES
            made[key] = {
                name: _rebased(one, base, within) if isinstance(one, Mapping) else one
                for name, one in value.items()
            }
    return made
