"""Where uploads lie for a day at most: files of code that is about to be registered, blocks of a
large blob, and notes on blobs."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lazur.engine import paths
from lazur.errors import Invalid, NotFound
from lazur.safe import SafeRoot
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
    text = json.dumps([who, key])
    return (
        "upload-" + hmac.new(home.key("azure").encode(), text.encode(), "sha256").hexdigest()[:40]
    )


def is_area(account: str, container: str) -> bool:
    return account.startswith(REGISTRY) or _AREA.fullmatch(container) is not None


def require(context: Context, account: str) -> None:
    if account.startswith(REGISTRY):
        open_registry(context, account.removeprefix(REGISTRY), "registries/assets/write")
    else:
        open_workspace(context, account, "workspaces/codes/write", "codes")


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


def fresh() -> str:
    return secrets.token_hex(16)


class Blocks:
    """Of one blob, until their list comes."""

    def __init__(self, home: Home, account: str, container: str, path: str) -> None:
        key = hashlib.sha256(f"{fold(account)}/{container}/{path}".encode()).hexdigest()
        self._folder = home.path / _TOP / ".blocks" / key

    def open(self, number: str) -> tuple[int, str]:
        """A descriptor, and what to keep it by: nothing reads it before."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = f"{self._name(number)}.{fresh()}"
        with SafeRoot(self._folder) as root:
            return root.descriptor(draft, "xb"), draft

    def keep(self, draft: str) -> None:
        with SafeRoot(self._folder) as root:
            root.rename(draft, draft.partition(".")[0])
        os.utime(self._folder)

    def discard(self, draft: str) -> None:
        with suppress(NotFound), SafeRoot(self._folder) as root:
            root.remove(draft)

    def size(self, numbers: Sequence[str]) -> int:
        """Raises Invalid where one has not come."""
        try:
            with SafeRoot(self._folder) as root:
                return sum(root.stat(self._name(number)).size for number in numbers)
        except NotFound:
            raise Invalid("The list names blocks that were not put.") from None

    def pieces(self, numbers: Sequence[str], size: int) -> Iterator[bytes]:
        with SafeRoot(self._folder) as root:
            for number in numbers:
                with root.open(self._name(number)) as file:
                    while piece := file.read(size):
                        yield piece

    def drop(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    @staticmethod
    def _name(number: str) -> str:
        return hashlib.sha256(number.encode()).hexdigest()


class Notes:
    """What clients note of blobs, beside these: good as long as the blob has not changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, path: str, tag: str) -> dict[str, str]:
        try:
            known = json.loads((self._folder / self._name(path)).read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return {}
        return known["metadata"] if known["tag"] == tag else {}

    def put(self, path: str, tag: str, metadata: dict[str, str]) -> None:
        file = self._folder / self._name(path)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = file.with_name(f"{file.name}.{fresh()}")
        text = json.dumps({"path": path, "tag": tag, "metadata": metadata})
        draft.write_text(text, encoding="utf-8")
        draft.replace(file)

    def drop(self, path: str) -> None:
        (self._folder / self._name(path)).unlink(missing_ok=True)

    @staticmethod
    def _name(path: str) -> str:
        paths.check(path)
        key = hashlib.sha256(path.encode()).hexdigest()
        return f"{key[:2]}/{key}"


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
