"""Where uploads lie for a day at most: in areas, files of what is about to be registered; drafts
of what goes elsewhere; blocks of large blobs."""

from __future__ import annotations

import hmac
import json
import re
import secrets
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from lazur.errors import NotFound
from lazur.services.base.home import DATASTORES, Home
from lazur.services.base.site import Context
from lazur.services.base.workspaces import open_workspace
from lazur.services.resources.registries import open_registry
from lazur.services.tracking.artifacts import Artifacts
from lazur.spec.names import fold

_TOP = "staging"
_AREA = re.compile(r"upload-[0-9a-f]{40}")
REGISTRY = "~"
"""Before the name of a registry, where a workspace's would be: no workspace is called so."""
_LONGEST = 80


@dataclass(frozen=True)
class Area:
    files: Path
    notes: Path


def area(home: Home, who: str, key: str) -> str:
    """The name of the area in which somebody puts what will be called so: always the same, and
    nobody else's, who could add to it."""
    text = json.dumps([who, key]).encode()
    made = hmac.new(home.key("azure").encode(), text, "sha256")
    return f"upload-{made.hexdigest()[:40]}"


def is_area(account: str, container: str) -> bool:
    return account.startswith(REGISTRY) or _AREA.fullmatch(container) is not None


def require(context: Context, account: str) -> int | None:
    """The workspace whose quota bounds what is put there; None for a registry, which has none."""
    if account.startswith(REGISTRY):
        open_registry(context, account.removeprefix(REGISTRY), "registries/assets/write")
        return None
    return open_workspace(context, account, "workspaces/codes/write", "codes").id


def find(home: Home, account: str, container: str) -> Area:
    """It is made with the first file that comes."""
    top = _place(home, account, container)
    return Area(top / "files", top / "notes")


def drop(home: Home, account: str, container: str) -> None:
    shutil.rmtree(_place(home, account, container), ignore_errors=True)


def _place(home: Home, account: str, container: str) -> Path:
    if not _AREA.fullmatch(container):
        raise NotFound(f"There is no container {container[:_LONGEST]!r}.")
    return home.path / _TOP / fold(account) / container


def drafts(home: Home) -> Path:
    made = home.path / _TOP / ".drafts"
    made.mkdir(mode=0o700, parents=True, exist_ok=True)
    return made


def blocks(home: Home) -> Path:
    """Of each blob there is a folder in it."""
    return home.path / _TOP / ".blocks"


def fresh() -> str:
    return secrets.token_hex(16)


def sweep(home: Home, older_than: float) -> None:
    """Areas and blocks of uploads that came to nothing, and what interrupted ones left in the
    datastores."""
    top = home.path / _TOP
    for pattern in ("[!.]*/*", ".blocks/*"):
        for folder in top.glob(pattern):
            if _touched(folder) < older_than:
                shutil.rmtree(folder, ignore_errors=True)
    for store in (top / ".drafts", *home.path.glob("workspaces/*/*")):
        if store.name in (*DATASTORES, ".drafts") and store.is_dir():
            Artifacts(store).sweep()
    for file in (top / ".drafts").glob("[!.]*"):
        if _touched(file) < older_than:
            file.unlink(missing_ok=True)


def _touched(path: Path) -> float:
    """When something last came into it."""
    try:
        inner = [found.lstat().st_mtime for found in path.glob("files/*")]
        return max([path.lstat().st_mtime, *inner])
    except FileNotFoundError:
        return time.time()
