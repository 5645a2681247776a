"""How far it is, as system metrics of the job's run: sent by a thread, so that a server that is
away holds nobody up."""

from __future__ import annotations

import json
import os
import ssl
import threading
import time
import urllib.request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_EVERY = 5.0
_PATIENCE = 5.0
_PATH = "/api/2.0/mlflow/runs/log-batch"


class Metrics:
    """`read` gives the values of now, by name."""

    def __init__(self, read: Callable[[], dict[str, float]]) -> None:
        self._read = read
        self._over = threading.Event()
        self._step = 0
        self._uri = os.environ.get("MLFLOW_TRACKING_URI", "")
        self._run = os.environ.get("MLFLOW_RUN_ID", "")
        self._thread = threading.Thread(target=self._work, daemon=True)
        if self._uri.startswith(("http://", "https://")) and self._run:
            self._thread.start()

    def stop(self) -> None:
        """After the last values were sent, or could not be."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join(_PATIENCE)

    def _work(self) -> None:
        over = False
        while not over:
            over = self._over.wait(_EVERY)
            try:
                self._send(self._read())
            except (OSError, ValueError):
                continue  # the next ones say more

    def _send(self, values: dict[str, float]) -> None:
        now = int(time.time() * 1000)
        metrics = [
            {"key": "system/" + name, "value": value, "timestamp": now, "step": self._step}
            for name, value in values.items()
        ]
        self._step += 1
        body = json.dumps({"run_id": self._run, "metrics": metrics}).encode()
        headers = {"Content-Type": "application/json"}
        token = os.environ.get("MLFLOW_TRACKING_TOKEN")
        if token:
            headers["Authorization"] = "Bearer " + token
        request = urllib.request.Request(self._uri + _PATH, body, headers)  # noqa: S310
        with urllib.request.urlopen(  # noqa: S310
            request, timeout=_PATIENCE, context=_context(self._uri)
        ) as answer:
            answer.read()


def _context(uri: str) -> Any:
    if not uri.startswith("https:"):
        return None
    return ssl.create_default_context(cafile=os.environ.get("MLFLOW_TRACKING_SERVER_CERT_PATH"))
