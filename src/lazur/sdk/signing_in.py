"""Signing a person in at a server: with the browser of this machine (RFC 8252), or with one
elsewhere (RFC 8628).

Either way what comes back is a token of their own, and no password passes through here. The first
listens on a loopback port for the time that it takes, for one answer that carries the state which
only this process and the browser know; whoever else knocks there is turned away. A code that is
stolen on the way is worth nothing without the verifier, which never leaves this process.
"""

from __future__ import annotations

import hashlib
import hmac
import html
import os
import queue
import secrets
import socket
import sys
import threading
import time
import webbrowser
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from lazur.errors import BackendError, Unauthenticated, Unavailable
from lazur.sdk.http import Http, checked

PAGE = "/sign-in/cli"
"""Asks the person whether the command line may sign in as them."""
TOKENS = "/api/v1/sign-in-tokens"
DEVICES = "/api/v1/device-codes"
_CALLBACK = "/callback"
_PATIENCE = 300.0
_LEAST_INTERVAL = 1.0
_SLOWEST_INTERVAL = 60.0
Say = Callable[[str], None]


@dataclass(frozen=True)
class SignedIn:
    token: str = field(repr=False)
    name: str
    """Whom the server takes us for."""
    expires_at: str | None


def has_browser(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> bool:
    """Whether a browser that is opened here would be in front of the person."""
    if environ.get("BROWSER"):
        return True
    if environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"):
        return False
    return platform == "darwin" or bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def by_browser(
    http: Http,
    say: Say,
    open_page: Callable[[str], bool] = webbrowser.open,
    seconds: float = _PATIENCE,
) -> SignedIn:
    """Send the browser to the server, and wait until it comes back. Raises Unauthenticated when
    the person says no or takes longer than `seconds`."""
    _check_private(http)
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    with _listening(state) as (redirect_uri, answers):
        url = _page(http, redirect_uri, state, verifier)
        say("Your browser asks whether you want to sign in here.")
        if not open_page(url):
            say(f"It could not be opened. Open this in a browser on this machine:\n  {url}")
        try:
            given = answers.get(timeout=seconds)
        except queue.Empty:
            raise Unauthenticated(
                f"Nobody signed in within {seconds:.0f} seconds.",
                hint="Try again, or sign in from another machine: lazur login --device",
            ) from None
    if "code" not in given:
        raise _declined()
    body = {"code": given["code"], "code_verifier": verifier, "redirect_uri": redirect_uri}
    return _signed_in(http.request("POST", TOKENS, json=body).json())


def by_code(
    http: Http,
    say: Say,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> SignedIn:
    """Show a code, and wait until somebody who is signed in types it in. Raises Unauthenticated
    when they say no or the code's time is over."""
    _check_private(http)
    started = http.request("POST", DEVICES, json={"label": socket.gethostname()[:255]}).json()
    end = clock() + float(started["expires_in"])
    interval = float(started["interval"])
    say(
        f"To sign in, open {_shown(started['verification_uri'])} in any browser and enter the "
        f"code {_shown(started['user_code'])}"
    )
    say(f"Waiting for that, for {float(started['expires_in']) / 60:.0f} minutes …")
    waiting = _Waiting(http, started["device_code"], say)
    while clock() < end:
        interval = min(max(interval, _LEAST_INTERVAL), _SLOWEST_INTERVAL)
        sleep(min(interval, max(0.0, end - clock())))
        found = waiting.ask(interval)
        if isinstance(found, SignedIn):
            return found
        interval = found
    raise Unauthenticated(
        "The code was not used in time.", hint="Get a new one: lazur login --device"
    )


class _Waiting:
    """A server that is away for a while is waited for: the person may be typing the code."""

    def __init__(self, http: Http, device_code: str, say: Say) -> None:
        self._http = http
        self._body = {"device_code": device_code}
        self._say = say
        self._is_away = False

    def ask(self, interval: float) -> SignedIn | float:
        """Who signed in, or how long to wait before asking again."""
        try:
            answer = self._http.request("POST", TOKENS, json=self._body)
        except Unavailable:
            if not self._is_away:
                self._say("The server does not answer just now. Still waiting …")
            self._is_away = True
            return interval * 2
        self._is_away = False
        given = answer.json()
        return float(given["interval"]) if answer.status == 202 else _signed_in(given)


@contextmanager
def _listening(state: str) -> Iterator[tuple[str, queue.Queue[dict[str, str]]]]:
    """The address for the browser to come back to, and what it brought, once it has."""
    answers: queue.Queue[dict[str, str]] = queue.Queue(1)
    server = _Listener(("127.0.0.1", 0), _Visit)
    server.state, server.answers = state, answers
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{_CALLBACK}", answers
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    """Browsers hold connections open that they never use."""
    state: str
    answers: queue.Queue[dict[str, str]]


class _Visit(BaseHTTPRequestHandler):
    timeout = 10.0
    wbufsize = -1
    server_version = "lazur"
    sys_version = ""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        given = dict(parse_qsl(parts.query))
        host = f"127.0.0.1:{self._listener.server_port}"
        if self.headers.get_all("Host") != [host] or parts.path != _CALLBACK:
            self._say(404, "There is nothing here.")
        elif not hmac.compare_digest(
            given.get("state", "").encode(), self._listener.state.encode()
        ):
            self._say(400, "This is not the sign-in that the command line is waiting for.")
        elif self._is_first(given):
            self._say(200, _END if "code" in given else "You are not signed in.")
        else:
            self._say(400, "This was answered already.")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        """Silent: the code is in the address."""

    @property
    def _listener(self) -> _Listener:
        assert isinstance(self.server, _Listener)
        return self.server

    def _is_first(self, given: dict[str, str]) -> bool:
        try:
            self._listener.answers.put_nowait(given)
        except queue.Full:
            return False
        return True

    def _say(self, status: int, text: str) -> None:
        page = f"<!doctype html><meta charset=utf-8><title>Lazur</title><p>{html.escape(text)}"
        body = page.encode()
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


_END = "You are signed in. You can close this window and go back to the command line."
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Connection": "close",
}


def _page(http: Http, redirect_uri: str, state: str, verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    query = {
        "redirect_uri": redirect_uri,
        "state": state,
        "code_challenge": urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    return f"{http.address.url}{PAGE}?{urlencode(query)}"


def _check_private(http: Http) -> None:
    """A token that comes back in clear is as lost as one that is sent so."""
    checked(replace(http.address, token="to come"))  # noqa: S106 - none yet


def _signed_in(given: Any) -> SignedIn:
    try:
        return SignedIn(given["token"], given["name"], given.get("expires_at"))
    except (KeyError, TypeError):
        raise BackendError(
            "The server's answer has no token.", hint="Is it a Lazur server, of this version?"
        ) from None


def _declined() -> Unauthenticated:
    return Unauthenticated("The sign-in was declined in the browser.", hint="lazur login")


def _shown(text: str) -> str:
    """A server's text, as far as a terminal may show it."""
    return "".join(c for c in str(text)[:500] if c.isprintable())
