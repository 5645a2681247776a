"""Backups of this machine's home, made beside its running server or without one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from lazur.server import recovery
from lazur.services import backups, restores
from lazur.services.site import SOURCE

verify = restores.verify


def make(home: Path, to: Path, workspace: str | None, *, with_key: bool) -> dict[str, Any]:
    site = recovery.open_site(home)
    SOURCE.set("this machine")
    try:
        return backups.make(site, to, workspace, with_key=with_key)
    finally:
        site.db.close()


def restore(place: Path, home: Path, database: str | None) -> dict[str, Any]:
    return restores.restore(place, home, database or os.environ.get("LAZUR_DATABASE"))
