"""The server, over HTTP, with the job's token."""

from __future__ import annotations

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
_TRIES = 4
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

    def get(self, path: str, **query: str) -> Any:
        text = path + ("?" + urllib.parse.urlencode(query) if query else "")
        return json.loads(self._ask(text, None) or b"{}")

    def post(self, path: str, body: Any) -> Any:
        return json.loads(self._ask(path, json.dumps(body).encode()) or b"{}")

    def fetch(self, path: str, target: str) -> None:
        """A file, written aside until it is whole."""
        self._ask(path, None, target)

    def _ask(self, path: str, body: bytes | None, target: str | None = None) -> bytes:
        asked = urllib.request.Request(self._base + path, body, self._headers)
        for attempt in range(_TRIES):
            try:
                with self._opener.open(asked, timeout=_SECONDS) as answer:
                    return answer.read() if target is None else _written(answer, target)
            except urllib.error.HTTPError as error:
                if error.code not in _BUSY or attempt == _TRIES - 1:
                    raise Refused(error) from None
            except (OSError, http.client.HTTPException) as error:
                if attempt == _TRIES - 1:
                    raise ServiceException("The server does not answer: %s" % error) from error
            time.sleep(0.5 * 2**attempt)
        raise AssertionError("the last try returns or raises")


class _Stays(urllib.request.HTTPRedirectHandler):
    """The token goes to the server and nowhere else."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def _secured(certificate: str | None) -> Any:
    import ssl  # noqa: PLC0415 - takes longer than the rest of this package

    own = certificate if certificate and os.path.exists(certificate) else None
    return urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=own))


def _written(answer: http.client.HTTPResponse, target: str) -> bytes:
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
