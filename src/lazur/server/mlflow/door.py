"""Where processes of upstream's jobs reach its server: a port on loopback that opens with the
first of them, for those that hold the key."""

from __future__ import annotations

import base64
import hmac
import secrets
import socket
import threading
from collections.abc import Callable

from lazur.server.asgi import App, Receive, Scope, Send

PORT = "LAZUR_MLFLOW_DOOR"
Serve = Callable[[App, socket.socket], None]


class Door:
    def __init__(self, app: App, serve: Serve) -> None:
        self._app = app
        self._serve = serve
        self._key = secrets.token_urlsafe(32)
        self._port = 0
        self._lock = threading.Lock()

    def environ(self) -> dict[str, str]:
        """What a process needs to come in. Upstream's clients send user and password."""
        with self._lock:
            self._port = self._port or self._open()
        url = f"http://127.0.0.1:{self._port}"
        return {
            PORT: str(self._port),
            "MLFLOW_TRACKING_URI": url,
            "MLFLOW_GATEWAY_URI": url,
            "MLFLOW_TRACKING_USERNAME": "job",
            "MLFLOW_TRACKING_PASSWORD": self._key,
        }

    def _open(self) -> int:
        listening = socket.create_server(("127.0.0.1", 0))
        behind = (self, listening)
        threading.Thread(target=self._serve, args=behind, name="door", daemon=True).start()
        return int(listening.getsockname()[1])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        wanted = b"Basic " + base64.b64encode(f"job:{self._key}".encode())
        given = dict(scope["headers"]).get(b"authorization", b"")
        if hmac.compare_digest(given, wanted):
            await self._app(scope, receive, send)
        else:
            await send({"type": "http.response.start", "status": 401, "headers": []})
            await send({"type": "http.response.body", "body": b""})
