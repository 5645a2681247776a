"""http(s) inputs: fetched once per version (ETag) into the node's cache, within limits."""

from __future__ import annotations

import hashlib
import http.client
import os
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request

from lazur.runtime.folders import draft_beside, protect, remove
from lazur.runtime.plan import Unprepared

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_SILENCE = 30.0
"""Seconds that a server may say nothing."""
_LONGEST = 6 * 3600.0
_SPARE = 1 << 28
"""Bytes that a download leaves free on the disk."""
_PAUSES = (1.0, 3.0, None)
"""Seconds after the first and the second try; the third is the last."""
_CHUNK = 1 << 20
_LONGEST_NAME = 200


def fetch(url: str, cache: str, private: str, note: Callable[[str], None]) -> str:
    """Path of the file, read-only, alone in its folder. Raises Unprepared."""
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise Unprepared("%s cannot be fetched: only http and https can" % shown(url))
    kept = "%s/downloads/%s" % (cache, _hash(url))
    for pause in _PAUSES:
        found = _try(url, kept, private)
        if isinstance(found, str):
            return found
        if pause is None or not _may_pass(found):
            raise Unprepared("%s cannot be fetched: %s" % (shown(url), _words(found)))
        note("%s: %s; trying again" % (shown(url), _words(found)))
        time.sleep(pause)
    raise AssertionError


def _try(url: str, kept: str, private: str) -> str | Exception:
    try:
        return _fetch(url, kept, private)
    except (OSError, http.client.HTTPException) as error:
        return error


def shown(url: str) -> str:
    """Without the query, which may hold a signature that opens the data."""
    parts = urllib.parse.urlsplit(url)
    host = parts.hostname or ""
    return urllib.parse.urlunsplit((parts.scheme, host + _port(parts), parts.path, "", ""))


def _port(parts: urllib.parse.SplitResult) -> str:
    return ":%d" % parts.port if parts.port else ""


def _fetch(url: str, kept: str, private: str) -> str:
    latest = _latest(kept)
    headers = {"User-Agent": "lazur", "Accept-Encoding": "identity"}
    if latest:
        with open(latest[0] + ".version", encoding="utf-8") as file:
            name, _, value = file.read().partition(": ")
        headers[name] = value
    try:
        request = urllib.request.Request(url, headers=headers)  # noqa: S310  # `fetch` looked
        answer = _opener().open(request, timeout=_SILENCE)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 304 and latest:
            return latest[1]
        raise
    with answer:
        version = _version(answer)
        # What has no version is fetched for this attempt alone: nobody could say when it is stale.
        folder = kept + "/" + _hash(version) if version else private + "/downloads/" + _hash(url)
        return _store(answer, url, folder, version)


def _version(answer: Any) -> str | None:
    """The header by which the next request asks whether this is still the newest."""
    for asks, says in (("If-None-Match", "ETag"), ("If-Modified-Since", "Last-Modified")):
        value = answer.headers.get(says)
        if value:
            return asks + ": " + value
    return None


def _store(answer: Any, url: str, folder: str, version: str | None) -> str:
    name = _name(url)
    draft = draft_beside(folder)
    os.makedirs(draft)
    try:
        _write(answer, draft + "/" + name)
        protect(draft)
        if version:
            with open(folder + ".version", "w", encoding="utf-8") as file:
                file.write(version)
        if not os.path.isdir(folder):
            os.rename(draft, folder)
    finally:
        if os.path.isdir(draft):
            remove(draft)
    return folder + "/" + name


def _write(answer: Any, path: str) -> None:
    length = answer.headers.get("Content-Length")
    expected = int(length) if length and length.isdigit() else None
    if expected is not None and expected > _room(path):
        raise Unprepared("there is no room for a download of %d bytes on this node" % expected)
    end = time.monotonic() + _LONGEST
    size = 0
    with open(path, "xb") as file:
        while True:
            data = answer.read(_CHUNK)
            if not data:
                break
            size += len(data)
            file.write(data)
            if _room(path) <= 0:
                raise Unprepared(
                    "the disk of this node is full: the download stopped after %d bytes" % size
                )
            if time.monotonic() > end:
                raise Unprepared("the download took longer than %d hours" % (_LONGEST // 3600))
    if expected is not None and size != expected:
        raise http.client.IncompleteRead(b"", expected - size)


def _room(path: str) -> int:
    return shutil.disk_usage(os.path.dirname(path)).free - _SPARE


def _latest(kept: str) -> tuple[str, str] | None:
    """(folder, file) of the version fetched last."""
    if not os.path.isdir(kept):
        return None
    folders = [
        e.path for e in os.scandir(kept) if e.is_dir() and os.path.exists(e.path + ".version")
    ]
    if not folders:
        return None
    folder = max(folders, key=os.path.getmtime)
    return folder, folder + "/" + os.listdir(folder)[0]


class _OnlyHttp(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if urllib.parse.urlsplit(newurl).scheme not in ("http", "https"):
            raise Unprepared(
                "%s leads to %s, which is not http" % (shown(req.full_url), shown(newurl))
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> urllib.request.OpenerDirector:
    """No file:, ftp: or data: handlers at all."""
    made = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPErrorProcessor,
        _OnlyHttp,
    ):
        made.add_handler(handler())
    return made


def _may_pass(error: Exception) -> bool:
    """Whether trying again could help."""
    return not isinstance(error, urllib.error.HTTPError) or error.code >= 500 or error.code == 429


def _words(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return "the server answered %d %s" % (error.code, error.reason)
    if isinstance(error, urllib.error.URLError):
        return str(error.reason)
    if isinstance(error, http.client.IncompleteRead):
        return "the connection ended before the file was complete"
    return str(error) or type(error).__name__


def _name(url: str) -> str:
    """The last part of the address, if it can be a file's name. Never what the server calls it."""
    last = urllib.parse.unquote(urllib.parse.urlsplit(url).path.rpartition("/")[2])
    name = "".join(c for c in last if c.isprintable() and c not in "/\\")[:_LONGEST_NAME]
    while len(name.encode("utf-8")) > _LONGEST_NAME:
        name = name[:-1]
    return name if name.strip(". ") else "data"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
