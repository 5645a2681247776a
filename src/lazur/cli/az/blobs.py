"""Azure's blob storage, as our server speaks it: one file at a time, none of it in memory."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import IncompleteRead
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from xml.etree import ElementTree as ET
from xml.sax.saxutils import unescape

from knack.util import CLIError

from lazur.cli.az.wire import Answer, Wire
from lazur.engine import paths
from lazur.errors import from_dict

_VERSION = {"x-ms-version": "2024-11-04"}
_SAID = re.compile(r"<Message>(.*?)</Message>", re.DOTALL)
_PAGE = 5000


@dataclass(frozen=True)
class Place:
    """A container, and a path in it that names begin with."""

    wire: Wire
    account: str
    container: str
    path: str

    def put(self, name: str, file: Path, *, new: bool) -> dict[str, Any]:
        headers = {**self._headers(), "x-ms-blob-type": "BlockBlob"}
        if new:
            headers["If-None-Match"] = "*"
        with file.open("rb") as body:
            headers["Content-Length"] = str(os.fstat(body.fileno()).st_size)
            answer = self.wire.send("PUT", self._target(name), headers, body)
        if answer.status == 409 and new:
            raise CLIError(
                f"The specified blob already exists: {name}\n"
                "If you want to overwrite the existing one, please add --overwrite."
            )
        _check(answer)
        return {
            "Blob": f"{self.wire.url}{self._target(name)}",
            "Last Modified": answer.headers.get("last-modified"),
            "Type": "application/octet-stream",
            "eTag": answer.headers.get("etag"),
        }

    def get(self, name: str, folder: Path) -> None:
        """Visible once it is whole, and nowhere else than below `folder`."""
        paths.check(name)
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            with self.wire.open("GET", self._target(name), self._headers()) as got:
                if got.status >= 300:
                    _check(Answer.of(got))
                with draft.open("wb") as file:
                    shutil.copyfileobj(got, file, 1 << 20)
                if got.length:
                    raise IncompleteRead(b"", got.length)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)

    def list(self, prefix: str, most: int | None = None) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for page in self._pages(prefix, most):
            found += page
            if most is not None and len(found) >= most:
                return found[:most]
        return found

    def _pages(self, prefix: str, most: int | None) -> Iterator[list[dict[str, Any]]]:
        marker: str | None = ""
        while marker is not None:
            query = {"restype": "container", "comp": "list", "prefix": prefix, "marker": marker}
            query["maxresults"] = str(min(most or _PAGE, _PAGE))
            answer = self.wire.send("GET", f"{self._target()}?{urlencode(query)}", self._headers())
            _check(answer)
            told = ET.fromstring(answer.body)  # noqa: S314 - our own server wrote it
            yield [_described(one) for one in told.iter("Blob")]
            marker = told.findtext("NextMarker") or None

    def _target(self, name: str = "") -> str:
        return "/".join(["/_blob", *map(quote, (self.account, self.container, name))]).rstrip("/")

    def _headers(self) -> dict[str, str]:
        return {**_VERSION, "Authorization": f"Bearer {self.wire.secret or ''}"}


def _described(one: ET.Element) -> dict[str, Any]:
    def text(name: str) -> str | None:
        return one.findtext(f"Properties/{name}")

    return {
        "deleted": None,
        "metadata": {},
        "name": one.findtext("Name"),
        "properties": {
            "blobType": text("BlobType"),
            "contentLength": int(text("Content-Length") or 0),
            "contentSettings": {"contentType": text("Content-Type")},
            "creationTime": text("Creation-Time"),
            "etag": text("Etag"),
            "lastModified": text("Last-Modified"),
        },
        "snapshot": None,
    }


def _check(answer: Answer) -> None:
    if answer.status < 300:
        return
    said = _SAID.search(answer.body.decode(errors="replace"))
    message = unescape(said[1]) if said else f"The server answered {answer.status}."
    code = "Unsupported" if answer.status == 501 else ""
    raise from_dict({"error": {"code": code, "message": message}}, answer.status)
