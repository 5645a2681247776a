"""Plain HTTP against a real server: nothing is normalised, nothing is repeated that was
answered."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import quote, urlsplit

from lazur.testing.server import FINAL, Server

W = "/api/v1/workspaces/default"
ENVIRONMENT = {"image": "python"}
KINDS = ("environments", "data", "models", "components", "codes")
METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.json["error"]["code"])


@dataclass
class Wire:
    """Calls as one person. `headers` go with each call; `token` None is nobody."""

    server: Server
    token: str | None = None
    headers: dict[str, str] = field(default_factory=dict[str, str])
    _open: http.client.HTTPConnection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def ask(self, method: str, target: str, body: Any = None, **headers: str) -> Answer:
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        for last in (False, True):
            try:
                return self._once(method, target, data, {**self.headers, **named})
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                self.close()
                if last:
                    raise
        raise AssertionError("unreachable")

    def get(self, target: str, **headers: str) -> Answer:
        return self.ask("GET", target, **headers)

    def submit(self, command: str = "true", **spec: Any) -> str:
        made = {"type": "command", "command": command, "environment": ENVIRONMENT, **spec}
        got = self.ask("POST", f"{W}/jobs", made)
        assert got.status == 201, got.body
        return str(got.json["name"])

    def run(self, command: str = "true", **spec: Any) -> dict[str, Any]:
        """The job's view once it has ended."""
        return self.wait(self.submit(command, **spec))

    def wait(self, name: str, patience: float = 60.0) -> dict[str, Any]:
        until = time.monotonic() + patience
        while (view := self.get(f"{W}/jobs/{name}").json)["status"] not in FINAL:
            assert time.monotonic() < until, view
            time.sleep(0.05)
        return view

    def log(self, name: str) -> str:
        return self.get(f"{W}/jobs/{name}/files/user_logs/std_log.txt").body.decode()

    def upload(self, *blobs: bytes) -> None:
        parts = [b"%s %d\n%s" % (digest(b).encode(), len(b), b) for b in blobs]
        assert self.ask("POST", f"{W}/blobs", b"".join(parts)).status == 201

    def upload_tree(self, files: dict[str, bytes]) -> str:
        """The tree's hash."""
        entries = [[path, digest(data), len(data), 0] for path, data in sorted(files.items())]
        folder = {"dirs": [], "files": entries}
        manifest = json.dumps(folder, separators=(",", ":"), ensure_ascii=False).encode()
        self.upload(*files.values(), manifest)
        return digest(manifest)

    def _once(
        self, method: str, target: str, data: bytes | None, headers: dict[str, str]
    ) -> Answer:
        if self._open is None:
            host = urlsplit(self.server.url).netloc
            self._open = http.client.HTTPConnection(host, timeout=30)
        if self.token is not None:
            headers = {"Authorization": f"Bearer {self.token}", **headers}
        self._open.putrequest(method, target, skip_host="Host" in headers)
        for name, value in headers.items():
            self._open.putheader(name, value.encode("utf-8", "surrogateescape"))
        if data is not None:
            self._open.putheader("Content-Length", str(len(data)))
        self._open.endheaders(data)
        got = self._open.getresponse()
        body = got.read()
        found = Answer(got.status, {k.lower(): v for k, v in got.getheaders()}, body)
        if found.headers.get("connection") == "close":
            self.close()
        return found


@dataclass(frozen=True)
class Operation:
    """One (method, path) that the server says it has."""

    method: str
    path: str
    action: str | None
    parameters: tuple[str, ...]

    def at(self, **values: str) -> str:
        """The address, with the values as they are where they can stand in an address, else
        percent-encoded once."""
        path = self.path
        for name in self.parameters:
            path = path.replace(f"{{{name}}}", plain(values.get(name, "x")))
        return path


def operations(wire: Wire) -> list[Operation]:
    """All that the server's own description names, each asset kind for itself."""
    found: list[Operation] = []
    for path, verbs in wire.get("/api/v1/openapi.json").json["paths"].items():
        for kind in KINDS if "{kind}" in path else ("",):
            real = path.replace("{kind}", kind)
            names = tuple(p[1:-1] for p in _braced(real))
            for verb, told in verbs.items():
                action = (told.get("x-lazur-action") or "").replace("{kind}", kind) or None
                found.append(Operation(verb.upper(), real, action, names))
    return found


def _braced(path: str) -> Iterator[str]:
    return (part for part in path.split("/") if part.startswith("{"))


def plain(text: str) -> str:
    return quote(text, safe="/%;~:@!$&'()*+,=", errors="surrogatepass")


def encoded(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@contextlib.contextmanager
def serving(server: Server) -> Iterator[Server]:
    server.start()
    try:
        yield server
    finally:
        server.stop()


def until(happened: Any, patience: float = 60.0) -> bool:
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if happened():
            return True
        time.sleep(0.02)
    return bool(happened())
