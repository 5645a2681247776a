"""Looks into files, each by a process of its own as in a server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lazur.services.looks import process
from lazur.services.looks.process import PREVIEW, PROFILE, Limits

Look = Callable[..., dict[str, Any]]


@pytest.fixture
def look(tmp_path: Path) -> Look:
    def made(
        path: Path,
        verb: str = "profile",
        kind: str = "uri_file",
        rows: int = 20,
        limits: Limits | None = None,
        **datastores: str,
    ) -> dict[str, Any]:
        scratch = tmp_path / "scratch"
        scratch.mkdir(exist_ok=True)
        asked = {
            "verb": verb,
            "rows": rows,
            "type": kind,
            "path": str(path),
            "called": "d:1",
            "datastores": datastores,
        }
        chosen = limits or (PREVIEW if verb == "preview" else PROFILE)
        return process.look(asked, chosen, scratch, lambda _: None)

    return made


def column(found: dict[str, Any], name: str) -> dict[str, Any]:
    return next(column for column in found["columns"] if column["name"] == name)
