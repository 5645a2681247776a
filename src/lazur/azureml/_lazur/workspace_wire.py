"""What a job's token may ask of its own workspace: data, models, and files of datastores."""

from __future__ import annotations

import os
import urllib.parse

from .absent import refused
from .wire import Wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator

_NEEDED = ("LAZUR_SERVER", "LAZUR_TOKEN", "LAZUR_WORKSPACE")


def is_known() -> bool:
    """Whether this is a process that was told which server it belongs to."""
    return all(os.environ.get(name) for name in _NEEDED)


class Room:
    """The job's workspace."""

    def __init__(self) -> None:
        if not is_known():
            raise refused(
                "A workspace",
                "This process is no job's: sign in with `lazur login`, and name `lazur.v1` where"
                " the script names `azureml`.",
            )
        server, token, self.name = (os.environ[name] for name in _NEEDED)
        base = "%s/api/v1/workspaces/%s" % (server.rstrip("/"), quoted(self.name))
        self.wire = Wire(base, token, os.environ.get("LAZUR_SERVER_CERT_PATH"))

    def asset(self, kind: str, name: str, version: object = None) -> dict[str, Any]:
        path = "/%s/%s" % (kind, quoted(name))
        if version is not None and version != "latest":
            path += "/versions/" + quoted(str(version))
        return self.wire.get(path)

    def listed(self, path: str) -> Iterator[dict[str, Any]]:
        query: dict[str, str] = {}
        while True:
            found = self.wire.get(path, **query)
            yield from found["value"]
            if not found.get("next"):
                return
            query = {"cursor": found["next"]}

    def files(self, place: str, prefix: str = "") -> list[str]:
        """What there is at a place: all files, or one of that path, or those below it."""
        query = {"prefix": prefix} if prefix else {}
        return [str(file["path"]) for file in self.wire.get(place, **query)["value"]]

    def fetch(self, place: str, path: str, target: str) -> str:
        os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
        self.wire.fetch(place + "/" + quoted(path, "/"), target)
        return target

    def download(self, place: str, target: str, prefix: str = "") -> list[str]:
        """All files at a place, into a folder, by their paths there."""
        found = self.files(place, prefix)
        return [self.fetch(place, path, inside(target, path)) for path in found]


def quoted(text: str, safe: str = "") -> str:
    return urllib.parse.quote(text, safe=safe)


def inside(folder: str, path: str) -> str:
    """A server cannot write elsewhere."""
    parts = path.split("/")
    if path.startswith("/") or "\0" in path or any(p in ("", ".", "..") for p in parts):
        raise ValueError("%r is no path of a file." % path)
    return os.path.join(folder, *parts)
