"""How soon somebody is out: from the answer that takes something away to the last call that is let
through, and to the end of what is open: events, a followed log, an upload."""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from bench.harness import Result, Row
from lazur.testing.server import Client, Server, W

QUICK = bool(os.environ.get("BENCH_QUICK"))
_ROUNDS = 1 if QUICK else 5  # one for each of _BEFORE
_PATIENCE = 20.0
_BEFORE = (1.0, 1.7, 2.4, 3.1, 3.8)
"""Seconds of use before it is taken away: sooner or later after the server's last look."""
_AT_ONCE, _SOON = 1.0, 5.0


def measure() -> list[Result]:
    with tempfile.TemporaryDirectory(prefix="lazur-bench-") as folder:
        server = Server(Path(folder) / "home")
        server.start()
        owner = server.client()
        job = owner.submit({"command": "sleep 3600", "environment": {"image": "python"}})
        try:
            _await(owner, job, "Running")
            return [_measured(server, job, way) for way in _WAYS]
        finally:
            owner.cancel(job)
            _await(owner, job, "Canceled")
            server.stop()


def _await(owner: Client, job: str, status: str) -> None:
    while owner.get(job)["status"] != status:
        time.sleep(0.1)


def _measured(server: Server, job: str, way: str) -> Result:
    samples: dict[str, list[float]] = {}
    for number in range(_ROUNDS):
        name = f"{way.replace(' ', '-')}-{number}"
        for what, seconds in _once(server, job, way, name, _BEFORE[number]).items():
            samples.setdefault(what, []).append(seconds)
    rows = [_row(what, found) for what, found in samples.items()]
    met = all(row.slowest <= (_AT_ONCE if row.name == _CALL else _SOON) for row in rows)
    goal = f"new calls at most {_AT_ONCE:.0f} s, what is open at most {_SOON:.0f} s"
    return Result(f"Taken away: {way}", "s", rows, goal, met)


_CALL = "a new call is refused"


def _once(server: Server, job: str, way: str, name: str, before: float) -> dict[str, float]:
    """Seconds from the answer to what took it away."""
    owner = server.client()
    member = f"{name}-group" if "group" in way else name
    token, take_away = _WAYS[way](owner, name, member)
    ended: dict[str, float] = {}
    opened = {
        "a stream of events ends": (f"GET {W}/jobs/{job}/events", False),
        "a followed log ends": (
            f"GET {W}/jobs/{job}/files/user_logs/std_log.txt?follow=true",
            False,
        ),
        "an upload ends": (f"POST {W}/blobs", True),
    }
    watched = [
        threading.Thread(target=_watch, args=(server, token, request, sends, ended, what))
        for what, (request, sends) in opened.items()
    ]
    for thread in watched:
        thread.start()
    calls = threading.Thread(target=_call, args=(server, token, ended))
    calls.start()
    time.sleep(before)
    assert not ended, ended
    take_away()
    taken = time.monotonic()
    for thread in [*watched, calls]:
        thread.join()
    owner.close()
    return {what: max(0.0, ended[what] - taken) for what in [_CALL, *opened]}


def _call(server: Server, token: str, ended: dict[str, float]) -> None:
    """Again and again, until one is refused."""
    client = server.client(token)
    until = time.monotonic() + _PATIENCE
    while client.call("GET", f"{W}/jobs?limit=1")[0] == 200:
        if time.monotonic() > until:
            break
        time.sleep(0.02)
    ended[_CALL] = time.monotonic()
    client.close()


def _watch(
    server: Server, token: str, request: str, sends: bool, ended: dict[str, float], what: str
) -> None:
    """Until the server closes, or answers while it is still being sent to."""
    until = time.monotonic() + _PATIENCE
    with _opened(server, token, request, sends) as connection:
        while time.monotonic() < until and not _is_over(connection, sends=sends):
            """Silence is no end."""
        ended[what] = time.monotonic()


def _is_over(connection: socket.socket, *, sends: bool) -> bool:
    try:
        if sends:
            connection.sendall(b"400\r\n" + b"x" * 1024 + b"\r\n")
        data = connection.recv(65536)
    except TimeoutError:
        return False
    return not data or (sends and data.startswith(b"HTTP/1.1 4"))


@contextlib.contextmanager
def _opened(server: Server, token: str, request: str, sends: bool) -> Iterator[socket.socket]:
    place = urlsplit(server.url)
    head = f"{request} HTTP/1.1\r\nHost: {place.netloc}\r\nAuthorization: Bearer {token}\r\n"
    head += "Transfer-Encoding: chunked\r\n" if sends else ""
    with socket.create_connection((place.hostname, place.port), timeout=0.05) as connection:
        connection.sendall(f"{head}\r\n".encode())
        if sends:
            first = f"{'0' * 64} {1 << 30}\n".encode()
            connection.sendall(b"%x\r\n%b\r\n" % (len(first), first))
        with contextlib.suppress(OSError):
            yield connection


_Way = Callable[[Client, str, str], tuple[str, Callable[[], None]]]


def _role(owner: Client, name: str, _member: str) -> tuple[str, Callable[[], None]]:
    token = _token(owner, name)

    def take_away() -> None:
        _, found = owner.call("GET", f"{W}/role-assignments?principal={name}")
        number = found["value"][0]["id"]
        _done(owner, "DELETE", f"{W}/role-assignments/{number}")

    return token, take_away


def _secret(owner: Client, name: str, _member: str) -> tuple[str, Callable[[], None]]:
    return _token(owner, name), lambda: _done(owner, "DELETE", f"/api/v1/tokens/{name}")


def _user(owner: Client, name: str, _member: str) -> tuple[str, Callable[[], None]]:
    change = {"disabled": True}
    return _token(owner, name), lambda: _done(owner, "PATCH", f"/api/v1/users/{name}", change)


def _group(owner: Client, name: str, group: str) -> tuple[str, Callable[[], None]]:
    token = _token(owner, name, role="AzureML Metrics Writer")
    _done(owner, "POST", "/api/v1/groups", {"name": group})
    _done(owner, "PUT", f"/api/v1/groups/{group}/members/{name}")
    _done(owner, "POST", f"{W}/role-assignments", {"principal": group, "role": "Contributor"})
    member = f"/api/v1/groups/{group}/members/{name}"
    return token, lambda: _done(owner, "DELETE", member)


_WAYS: dict[str, _Way] = {
    "the role": _role,
    "the token": _secret,
    "the user": _user,
    "the place in a group": _group,
}


def _token(owner: Client, name: str, role: str = "Contributor") -> str:
    body = {"name": name, "role": role, "workspace": "default"}
    status, made = owner.call("POST", "/api/v1/tokens", body)
    assert status == 201, made
    return str(made["token"])


def _done(owner: Client, method: str, path: str, body: object = None) -> None:
    status, answer = owner.call(method, path, body)
    assert status < 300, (method, path, answer)


def _row(name: str, samples: list[float]) -> Row:
    ordered = sorted(samples)
    middle = ordered[len(ordered) // 2]
    return Row(name, middle, ordered[0], ordered[-1], None, None, samples)
