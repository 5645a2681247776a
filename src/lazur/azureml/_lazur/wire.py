"""The server, over HTTP, with the job's token."""

from __future__ import annotations

import copy
import http.client
import json
import os
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request

from ..exceptions import ServiceException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SECONDS = 60
_TRIES = 9
_LONGEST = 16.0
"""Altogether about a minute: a server that is restarted ends nobody's training."""
_BUSY = (429, 502, 503, 504)
_MOST = 100_000


class Refused(ServiceException):
    def __init__(self, error: urllib.error.HTTPError) -> None:
        super().__init__("The server refused it (%s): %s" % (error.code, _told(error)))
        self.code = error.code


class Wire:
    """What a busy or restarting server does not take is sent again."""

    def __init__(
        self, base: str, token: str, certificate: str | None, by_proxy: bool = False
    ) -> None:
        self._base = base
        self._headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json"}
        handlers: list[Any] = [_Stays()]
        if not by_proxy:  # a job was told where the server is by the server itself
            handlers.append(urllib.request.ProxyHandler({}))
        if base.startswith("https:"):
            handlers.append(_secured(certificate))
        self._opener = urllib.request.build_opener(*handlers)

    def above(self, end: str) -> Wire:
        """The same server, at the address without this end."""
        made = copy.copy(self)
        made._base = self._base[: -len(end)]
        return made

    def get(self, path: str, /, **query: str) -> Any:
        text = path + ("?" + urllib.parse.urlencode(query) if query else "")
        return json.loads(self._ask(self._request(text)) or b"{}")

    def post(self, path: str, body: Any) -> Any:
        return json.loads(self._ask(self._request(path, json.dumps(body).encode())) or b"{}")

    def put(self, path: str, content: Any) -> None:
        """The bytes of a file that can be read twice, or bytes."""
        asked = self._request(path, content)
        asked.method = "PUT"
        asked.add_header("Content-Type", "application/octet-stream")
        if not isinstance(content, bytes):
            asked.add_header("Content-Length", str(content.seek(0, os.SEEK_END)))
        self._ask(asked)

    def fetch(self, path: str, target: str) -> None:
        """A file, written aside until it is whole."""
        self._ask(self._request(path), target)

    def _request(self, path: str, body: Any = None) -> urllib.request.Request:
        return urllib.request.Request(self._base + path, body, self._headers)

    def _ask(self, asked: urllib.request.Request, target: str | None = None) -> bytes:
        for attempt in range(_TRIES):
            if hasattr(asked.data, "seek"):
                asked.data.seek(0)  # type: ignore[union-attr]
            try:
                with self._opener.open(asked, timeout=_SECONDS) as answer:
                    return answer.read() if target is None else written(answer, target)
            except urllib.error.HTTPError as error:
                if error.code not in _BUSY or attempt == _TRIES - 1:
                    raise Refused(error) from None
            except (OSError, http.client.HTTPException) as error:
                if attempt == _TRIES - 1:
                    raise ServiceException("The server does not answer: %s" % error) from error
            time.sleep(min(0.5 * 2**attempt, _LONGEST))
        raise AssertionError("the last try returns or raises")


class _Stays(urllib.request.HTTPRedirectHandler):
    """The token goes to the server and nowhere else."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def _secured(certificate: str | None) -> Any:
    import ssl  # noqa: PLC0415 - takes longer than the rest of this package

    own = certificate if certificate and os.path.exists(certificate) else None
    return urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=own))


def written(answer: Any, target: str) -> bytes:
    aside = "%s.%d.part" % (target, os.getpid())
    with open(aside, "wb") as file:
        shutil.copyfileobj(answer, file, 1 << 20)
        length = answer.headers.get("Content-Length")
        if length is not None and file.tell() < int(length):
            raise http.client.IncompleteRead(b"", int(length) - file.tell())
    os.replace(aside, target)
    return b""


def _told(error: urllib.error.HTTPError) -> str:
    """The server's own words."""
    text = error.read(_MOST).decode("utf-8", "replace")
    try:
        said = json.loads(text)
    except ValueError:
        return text[:500]
    inner = said.get("error") if isinstance(said, dict) else None
    parts = inner if isinstance(inner, dict) else said if isinstance(said, dict) else {}
    told = [parts[key] for key in ("message", "hint") if isinstance(parts.get(key), str)]
    return " ".join(told) or text[:500]
