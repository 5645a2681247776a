"""Files of datastores that are not on this machine, and of other jobs' outputs, through the
server: what a job may ask for with its own token, and without the store's credentials or any
vendor's package.

A file is fetched once, when it is first opened, and kept until the process ends.
"""

from __future__ import annotations

import atexit
import http.client
import json
import os
import re
import shutil
import ssl
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, BinaryIO, Callable, Dict, List, Mapping, Optional

from ._errors import MLTableError
from ._patterns import MAGIC, compiled

SCHEME = "azureml://"
_PLACE = re.compile(r"azureml://(?:datastores/[^/]+|jobs/[^/]+/outputs/[^/]+)(?:/|$)")
_PARTS = re.compile(r"(datastores/[^/]+|jobs/[^/]+/outputs/[^/]+)(?:/paths(?:/(.*))?)?/?", re.S)
_NEEDED = ("LAZUR_SERVER", "LAZUR_TOKEN", "LAZUR_WORKSPACE")
_BUSY = 429
_TRIES = 4
_SECONDS = 60.0
_CHUNK = 1 << 20
_lock = threading.Lock()
_kept: Dict[str, str] = {}
_folder: List[str] = []


def has(uri: str) -> bool:
    """Whether it is an address of what the server has."""
    return bool(_PLACE.match(uri))


def is_known() -> bool:
    """Whether this is a process that was told which server it belongs to, as those of jobs are."""
    return all(os.environ.get(name) for name in _NEEDED)


class Server:
    """The part of fsspec's file systems that tables need. Names are what follows `SCHEME`."""

    def open(self, name: str, mode: str = "rb") -> BinaryIO:
        if mode != "rb":
            raise MLTableError(
                f"{SCHEME}{name} is not written to through the server. Declare an output there, "
                "and write into the folder that the job gets."
            )
        with _lock:
            if name not in _kept:
                _kept[name] = _fetch(_one_file(name))
        return open(_kept[name], "rb")

    def isdir(self, name: str) -> bool:
        place, path = _split(name)
        return any(found != path for found in _list(place, path))

    def exists(self, name: str) -> bool:
        return bool(_list(*_split(name)))

    def find(self, name: str) -> List[str]:
        place, path = _split(name)
        return [f"{place}/paths/{found}" for found in _list(place, path)]

    def glob(self, pattern: str, detail: bool = True) -> Mapping[str, Mapping[str, Any]]:
        place, path = _split(pattern)
        start = MAGIC.search(path)
        if start is None:
            return {f"{place}/paths/{found}": {} for found in _list(place, path) if found == path}
        root = path[: start.start()].rpartition("/")[0]
        cut = len(root) + 1 if root else 0
        fits = compiled([part for part in path[cut:].split("/") if part])
        listed = _list(place, root)
        return {f"{place}/paths/{one}": {} for one in listed if fits.fullmatch(one[cut:])}

    def unstrip_protocol(self, name: str) -> str:
        return SCHEME + name

    def rm(self, name: str) -> None:
        raise MLTableError(f"{SCHEME}{name} is not deleted through the server.")


def _split(name: str) -> List[str]:
    found = _PARTS.fullmatch(name)
    if found is None:
        raise MLTableError(f"{SCHEME}{name} names no datastore and no output of a job.")
    return [found[1], (found[2] or "").strip("/")]


def _one_file(name: str) -> str:
    """An output may be one file, whose name nobody has to know."""
    place, path = _split(name)
    if path or not place.startswith("jobs/"):
        return name
    found = _list(place, "")
    if len(found) != 1:
        raise MLTableError(
            f"{SCHEME}{place} is not one file but {len(found)}. Say `folder`, or name one of them:"
            f" {SCHEME}{place}/paths/…"
        )
    return f"{place}/paths/{found[0]}"


def _list(place: str, path: str) -> List[str]:
    query = urllib.parse.urlencode({"prefix": path})

    def read(answer: http.client.HTTPResponse) -> List[str]:
        return [str(file["path"]) for file in json.load(answer)["value"]]

    return _asked(place, lambda: f"?{query}", path, read)


def _fetch(name: str) -> str:
    """The path of a copy. What has come of it stays when the connection breaks off."""
    place, path = _split(name)
    target, copy = tempfile.mkstemp(dir=_own_folder(), suffix=_suffix(path))
    with os.fdopen(target, "wb") as file:

        def read(answer: http.client.HTTPResponse) -> None:
            wanted = int(answer.headers["Content-Length"]) + file.tell()
            shutil.copyfileobj(answer, file, _CHUNK)
            if file.tell() < wanted:
                raise http.client.IncompleteRead(b"", wanted - file.tell())

        def rest() -> str:
            return f"/{_quoted(path)}?offset={file.tell()}"

        _asked(place, rest, path, read)
    return copy


def _own_folder() -> str:
    if not _folder:
        _folder.append(tempfile.mkdtemp(prefix="mltable-"))
        atexit.register(shutil.rmtree, _folder[0], ignore_errors=True)
    return _folder[0]


def _suffix(path: str) -> str:
    return os.path.splitext(path)[1][:20]


def _quoted(path: str) -> str:
    return urllib.parse.quote(path, safe="/")


def _asked(place: str, more: Callable[[], str], path: str, read: Callable[[Any], Any]) -> Any:
    """What `read` makes of the answer. `more` says what follows `…/files`, for each try."""
    shown = f"{SCHEME}{place}/paths/{path}"
    for number in range(1, _TRIES + 1):
        try:
            with _opened(place, more()) as answer:
                return read(answer)
        except urllib.error.HTTPError as error:
            if (error.code < 500 and error.code != _BUSY) or number == _TRIES:
                raise MLTableError(f"{shown}: {_told(error)}") from None
        except (OSError, http.client.HTTPException) as error:
            if number == _TRIES:
                raise MLTableError(f"{shown} cannot be fetched from the server: {error}") from None
        time.sleep(0.5 * 2**number)
    raise AssertionError("the last try returns or raises")


def _opened(place: str, more: str) -> Any:
    server, token, workspace = (os.environ[name] for name in _NEEDED)
    address = f"{server.rstrip('/')}/api/v1/workspaces/{_quoted(workspace)}"
    address += f"/{_quoted(place)}/files{more}"
    headers = {"Authorization": f"Bearer {token}"}
    request = urllib.request.Request(address, headers=headers)  # noqa: S310 - the server's address
    # No proxy of the environment: where the server is, the job was told by the server itself.
    handlers: List[Any] = [urllib.request.ProxyHandler({}), _Stays()]
    if address.startswith("https:"):
        handlers.append(urllib.request.HTTPSHandler(context=_trust()))
    return urllib.request.build_opener(*handlers).open(request, timeout=_SECONDS)


class _Stays(urllib.request.HTTPRedirectHandler):
    """The token goes to the server and nowhere else."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def _trust() -> ssl.SSLContext:
    own: Optional[str] = os.environ.get("LAZUR_SERVER_CERT_PATH")
    return ssl.create_default_context(cafile=own if own and os.path.exists(own) else None)


def _told(error: urllib.error.HTTPError) -> str:
    """The server's own words."""
    try:
        said = json.loads(error.read(100_000))["error"]
        return " ".join(filter(None, (said["message"], said.get("hint"))))
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"the server answered {error.code} {error.reason}"
