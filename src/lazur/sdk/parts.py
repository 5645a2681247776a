"""Sending one large file in parts, each going on where the server says that the last one ended:
what breaks off, or is begun again tomorrow, loses a part at most."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from lazur.errors import Conflict, Invalid
from lazur.sdk.http import Http
from lazur.sdk.sending import Part, check_same, pieces

PART = 8 << 20
_IDLE = 0.5
_STUCK = 50


def send(
    http: Http,
    address: str,
    path: str,
    size: int,
    part: Part,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """To the address `…/blobs/<sha256>`. Raises Invalid for a file that is not what it was."""
    digest = address.rpartition("/")[2]
    try:
        _send(http, f"{address}/draft", path, size, part, sleep)
    except Invalid:
        check_same(digest, path)
        # Somebody else had sent other bytes under its name: they are gone now.
        _send(http, f"{address}/draft", path, size, part, sleep)


def _send(
    http: Http,
    address: str,
    path: str,
    size: int,
    part: Part,
    sleep: Callable[[float], None],
) -> None:
    state, stuck = _state(http, address), 0
    while not state["complete"]:
        if part.stopped:
            return
        before = state["offset"]
        state = _next(http, address, path, before, size, part)
        if state["offset"] != before:
            stuck = 0
            continue
        if before < size and (stuck := stuck + 1) > _STUCK:
            raise Conflict(f"The server takes no more of {path} than {before:,} bytes.")
        if before == size or stuck > 1:
            sleep(_IDLE)  # it is all there and not yet a blob, or others are at it too
    part.at(size)


def _next(
    http: Http, address: str, path: str, offset: int, size: int, part: Part
) -> dict[str, Any]:
    tries = iter([True])

    def body() -> Iterator[bytes]:
        part.at(offset)
        if not next(tries, False):
            return  # it was cut: ask how much has arrived, and send nothing twice
        for piece in pieces(path, offset, min(PART, size - offset)):
            yield part.counted((piece, len(piece)))

    where = {"offset": offset, "size": size}
    try:
        return http.request("PATCH", address, query=where, body=body).json()
    except Conflict:
        # It had arrived although its answer was lost, or others sent it: go on from there.
        return _state(http, address)


def _state(http: Http, address: str) -> dict[str, Any]:
    return http.request("GET", address).json()
