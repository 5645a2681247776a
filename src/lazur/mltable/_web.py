"""Single files of the web, where the packages that fsspec reads it with are not installed: most
published tables name one or two."""

from __future__ import annotations

import http.client
import importlib.util
import shutil
import tempfile
import urllib.error
import urllib.request
from typing import Any, BinaryIO, List, Mapping, NoReturn, cast

from ._errors import MLTableError

_PACKAGES = ("fsspec", "aiohttp")
_SECONDS = 60.0
_CHUNK = 1 << 20


def is_all_there_is() -> bool:
    return not all(importlib.util.find_spec(name) for name in _PACKAGES)


class Web:
    """The part of fsspec's file systems that tables need. Names are addresses."""

    def open(self, name: str, mode: str = "rb") -> BinaryIO:
        """A copy that is gone when it is closed: readers jump about in it."""
        if mode != "rb":
            _refuse(name, "is not written to")
        copy = tempfile.TemporaryFile()  # noqa: SIM115 - whoever reads it closes it
        try:
            with urllib.request.urlopen(name, timeout=_SECONDS) as answer:  # noqa: S310 - http(s)
                shutil.copyfileobj(answer, copy, _CHUNK)
                _check_whole(name, answer, copy.tell())
        except (OSError, http.client.HTTPException) as error:
            copy.close()
            raise MLTableError(f"{name} cannot be fetched: {_told(error)}") from None
        copy.seek(0)
        return cast("BinaryIO", copy)

    def isdir(self, name: str) -> bool:
        return False

    def exists(self, name: str) -> bool:
        """Asked for as it is read, since some servers know no other way; its bytes stay there."""
        try:
            with urllib.request.urlopen(name, timeout=_SECONDS):  # noqa: S310 - http(s)
                return True
        except (OSError, http.client.HTTPException):
            return False

    def find(self, name: str) -> List[str]:
        _refuse(name, "has no list of files. Name each of them with `file`")

    def glob(self, name: str, detail: bool = True) -> Mapping[str, Mapping[str, Any]]:
        _refuse(name, "has no list of files. Name each of them with `file`")

    def unstrip_protocol(self, name: str) -> str:
        return name

    def rm(self, name: str) -> None:
        _refuse(name, "is not deleted")


def _check_whole(name: str, answer: http.client.HTTPResponse, size: int) -> None:
    wanted = answer.headers.get("Content-Length")
    if wanted is not None and wanted.isdigit() and size < int(wanted):
        raise MLTableError(f"{name} broke off after {size:,} of {int(wanted):,} bytes. Try again.")


def _told(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"{error.code} {error.reason}"
    return str(getattr(error, "reason", error))


def _refuse(name: str, why: str) -> NoReturn:
    raise MLTableError(f"{name} {why}.")
