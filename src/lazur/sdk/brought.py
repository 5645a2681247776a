"""Which files of runs have been imported: beside each lies what its runs are called where it went.
So a large one is not sent again to find out that all of it is there."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from lazur.sdk.runs import Runs

_AT_ONCE = 50
"""Ids in one address."""


def note(file: Path, ids: list[str]) -> None:
    """A folder that cannot be written is only slower the next time."""
    with suppress(OSError):
        _beside(file).write_text(json.dumps({"size": file.stat().st_size, "runs": ids}))


def is_there(runs: Runs, file: Path) -> bool:
    """Every run of it, in the trash or not; somebody may have purged one."""
    ids = _noted(file)
    return bool(ids) and all(
        _are_there(runs, ids[at : at + _AT_ONCE]) for at in range(0, len(ids), _AT_ONCE)
    )


def _are_there(runs: Runs, ids: list[str]) -> bool:
    wanted = f"run_id IN ({', '.join(repr(run) for run in ids)})"
    return len(list(runs.list(filter=wanted, view="all"))) == len(ids)


def _noted(file: Path) -> list[str]:
    """None where the file is another one by now, or the note is not ours."""
    try:
        found: Any = json.loads(_beside(file).read_text())
        if found["size"] != file.stat().st_size:
            return []
        ids = cast("list[Any]", found["runs"])
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [run for run in ids if isinstance(run, str) and run.isalnum()]


def _beside(file: Path) -> Path:
    return file.with_name(f".{file.name}.brought")
