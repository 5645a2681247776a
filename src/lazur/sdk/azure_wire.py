"""HTTPS to a workspace of Azure, beside Azure's client: MLflow's protocol, the run history and its
metrics.

Runs in the Python of the user's that has Azure's client, which brings `requests` along.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import requests

from lazur.sdk.azure_tracking import Lost

_TRIES = 6
_BUSY = (408, 429, 500, 502, 503, 504)
_CHUNK = 1 << 20
_SILENCE = 120.0
"""Seconds."""
_EARLY = 300.0
"""Seconds before its end that a token is asked for anew."""
_LONGEST = 60.0


class Wire:
    def __init__(
        self,
        api: str,
        workspace: str,
        token: Callable[[], tuple[str, float]],
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        """`api`: what the discovery of the workspace says. `workspace`: its id in Azure. `token`
        and until when it is good."""
        self._mlflow = f"{api.rstrip('/')}/mlflow/v1.0{workspace}/api/2.0/mlflow/"
        self._history = f"{api.rstrip('/')}/history/v1.0{workspace}/"
        self._metrics = f"{api.rstrip('/')}/metric/v2.0{workspace}/runs/"
        self._token = token
        self._sleep = sleep
        self._held: tuple[str, float] = ("", 0.0)
        self._lock = threading.Lock()
        self._local = threading.local()
        self._open: list[Any] = []

    def close(self) -> None:
        for session in self._open:
            session.close()

    def mlflow(self, method: str, path: str, asked: dict[str, Any]) -> dict[str, Any]:
        if method == "GET":
            return self._json("GET", self._mlflow + path, params=asked)
        return self._json(method, self._mlflow + path, json=asked)

    def artifacts(self, experiment: str, run: str) -> Iterator[str]:
        """Paths of all files of a run."""
        url = self._of(experiment, run) + "/artifacts"
        for one in self._pages(lambda token: self._json("GET", url, params=token)):
            yield str(one["path"])

    def metrics(self, run: str) -> Iterator[dict[str, Any]]:
        """Which there are, of all kinds."""
        url = f"{self._metrics}{quote(run, safe='')}/list"
        return self._pages(lambda token: self._json("POST", url, json=token))

    def values(self, run: str, name: str, namespace: str) -> Iterator[dict[str, Any]]:
        """All that was logged of a metric."""
        url = f"{self._metrics}{quote(run, safe='')}/full"
        asked = {"metricName": name, **({"metricNamespace": namespace} if namespace else {})}
        return self._pages(lambda token: self._json("POST", url, json={**asked, **token}))

    def _pages(self, ask: Callable[[dict[str, Any]], dict[str, Any]]) -> Iterator[dict[str, Any]]:
        token: Any = None
        while True:
            page = ask({"continuationToken": token} if token else {})
            yield from page.get("value") or []
            before, token = token, page.get("continuationToken")
            if not token or token == before:
                return

    @contextlib.contextmanager
    def artifact(self, experiment: str, run: str, path: str) -> Iterator[Iterator[bytes]]:
        """Its bytes, from an address that is signed: no token goes there."""
        url = self._of(experiment, run) + "/artifacts/contentinfo"
        place = self._json("GET", url, params={"path": path}).get("contentUri")
        if not place:
            raise Lost("it has no address")
        with self._answer("GET", place, headers={}, stream=True) as answer:
            yield _chunks(answer)

    def _of(self, experiment: str, run: str) -> str:
        return (
            f"{self._history}experimentids/{quote(experiment, safe='')}/runs/{quote(run, safe='')}"
        )

    def _json(self, method: str, url: str, **more: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._secret()}"}
        answer = self._answer(method, url, headers=headers, **more)
        try:
            return answer.json()
        except ValueError:
            raise Lost(f"{url} answers with what is no JSON") from None

    def _answer(self, method: str, url: str, **more: Any) -> Any:
        """Again, a while later, where the server is busy or the line broke."""
        for left in range(_TRIES - 1, -1, -1):
            try:
                answer = self._session.request(method, url, timeout=_SILENCE, **more)
            except requests.RequestException as error:
                if not left:
                    raise Lost(f"{type(error).__name__}: {url.partition('?')[0]}") from None
                wait = 2.0 ** (_TRIES - 1 - left)
            else:
                if answer.ok:
                    return answer
                if answer.status_code not in _BUSY or not left:
                    raise Lost(_said(answer, url), answer.status_code)
                wait = _wait(answer, 2.0 ** (_TRIES - 1 - left))
            self._sleep(min(wait, _LONGEST))
        raise AssertionError

    def _secret(self) -> str:
        with self._lock:
            if self._held[1] - _EARLY < time.time():
                self._held = self._token()
            return self._held[0]

    @property
    def _session(self) -> Any:
        """One for each thread."""
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            self._open.append(self._local.session)
        return self._local.session


def _chunks(answer: Any) -> Iterator[bytes]:
    try:
        yield from answer.iter_content(_CHUNK)
    except requests.RequestException as error:
        raise Lost(f"broken off: {type(error).__name__}") from None


def _wait(answer: Any, otherwise: float) -> float:
    said = answer.headers.get("Retry-After", "")
    return float(said) if said.isdigit() else otherwise


def _said(answer: Any, url: str) -> str:
    try:
        body = answer.json()
        error = body.get("error") or body
        said = error.get("message") or error.get("error_code") or ""
    except (ValueError, AttributeError):
        said = ""
    return f"{url.partition('?')[0]} answers {answer.status_code}: {str(said)[:200]}"
