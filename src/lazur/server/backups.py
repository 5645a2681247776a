"""Backups of this machine's home, made beside its running server or without one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from lazur.server import recovery
from lazur.services.base.site import SOURCE
from lazur.services.keeping import backups, restores

verify = restores.verify


def make(
    home: Path, to: Path, workspace: str | None, *, with_key: bool, with_outputs: bool
) -> dict[str, Any]:
    site = recovery.open_site(home)
    SOURCE.set("this machine")
    try:
        return backups.make(site, to, workspace, with_key=with_key, with_outputs=with_outputs)
    finally:
        site.db.close()


def restore(place: Path, home: Path, database: str | None) -> dict[str, Any]:
    return restores.restore(place, home, database or os.environ.get("LAZUR_DATABASE"))
