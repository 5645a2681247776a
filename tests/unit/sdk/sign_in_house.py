"""A server that signs people in as ours does, on the same grants, over real HTTP."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from lazur.errors import LazurError, NotFound, Unauthenticated
from lazur.sdk import signing_in
from lazur.services.people.oidc import code_grants, codes, device_grants


@dataclass
class House:
    url: str = ""
    says_yes: bool = True
    is_away: int = 0
    """So many requests are answered 503."""
    codes: dict[str, code_grants.Grant] = field(default_factory=dict[str, code_grants.Grant])
    devices: dict[str, device_grants.Grant] = field(default_factory=dict[str, device_grants.Grant])
    polls: int = 0
    ahead: float = 0.0

    @classmethod
    @contextmanager
    def open(cls) -> Iterator[House]:
        class Own(_Door):
            house = cls()

        server = ThreadingHTTPServer(("127.0.0.1", 0), Own)
        Own.house.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield Own.house
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def now(self) -> float:
        return 1_800_000_000.0 + self.ahead

    def page(self, query: dict[str, str]) -> str:
        """Where the page sends the browser once the person has clicked."""
        request = code_grants.read(query)
        if not self.says_yes:
            return code_grants.decline(request)
        url, grant = code_grants.issue(request, "ada", self.now(), secrets.token_bytes)
        self.codes[grant.digest] = grant
        return url

    def decide(self, user_code: str, *, approved: bool) -> None:
        """Somebody who is signed in typed this in."""
        typed = device_grants.typed(user_code)
        (grant,) = (g for g in self.devices.values() if g.user_code == typed)
        decided = device_grants.decide(grant, "ada", self.now(), approved=approved)
        self.devices[grant.digest] = decided

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if path == signing_in.DEVICES:
            return 201, self._device(body["label"])
        if path != signing_in.TOKENS:
            raise NotFound(path)
        if "device_code" in body:
            return self._poll(body["device_code"])
        grant = self.codes.pop(codes.digest(body["code"]), None)
        if grant is None:
            raise Unauthenticated("unknown code")
        who = code_grants.redeem(grant, body["redirect_uri"], body["code_verifier"], self.now())
        return 201, {"token": "lzr_new", "name": who, "expires_at": None}

    def _device(self, label: str) -> dict[str, Any]:
        code, grant = device_grants.make(label, self.now(), secrets.token_bytes)
        self.devices[grant.digest] = grant
        return {
            "device_code": code,
            "user_code": grant.user_code,
            "verification_uri": f"{self.url}/device",
            "expires_in": device_grants.SECONDS,
            "interval": grant.interval,
        }

    def _poll(self, device_code: str) -> tuple[int, dict[str, Any]]:
        self.polls += 1
        key = codes.digest(device_code)
        answer, self.devices[key] = device_grants.poll(self.devices[key], self.now())
        if answer in {"authorization_pending", "slow_down"}:
            return 202, {"status": answer, "interval": self.devices[key].interval}
        if answer == "granted":
            return 201, {"token": "lzr_new", "name": self.devices[key].who, "expires_at": None}
        raise Unauthenticated(f"no: {answer}")


class _Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    """Head and body in one packet: two wait for each other."""
    house: House

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path != signing_in.PAGE:
            self.send_error(404)
            return
        self.send_response(303)
        self.send_header("Location", self.house.page(dict(parse_qsl(parts.query))))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        try:
            if self.house.is_away:
                self.house.is_away -= 1
                status, said = 503, {}
            else:
                status, said = self.house.answer(self.path, body)
        except LazurError as error:
            status, said = error.status, error.to_dict()
        text = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        """Silent."""
