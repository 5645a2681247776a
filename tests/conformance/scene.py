"""What a case is given: MLflow's client, its fluent API and plain HTTP, with everything that goes
in and out written down."""

from __future__ import annotations

import inspect
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote_plus

import mlflow
import requests
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from requests.adapters import HTTPAdapter

from tests.conformance import canon
from tests.conformance.surface import MODULES

_KEPT = 1 << 20
"""Bytes of a reply that are looked at."""


@dataclass
class Transcript:
    """What one case did. `exchanges` are (sent by the main thread, what)."""

    steps: list[str] = field(default_factory=list[str])
    exchanges: list[tuple[bool, str]] = field(default_factory=list[tuple[bool, str]])
    routes: list[tuple[str, str, int]] = field(default_factory=list[tuple[str, str, int]])
    called: set[str] = field(default_factory=set[str])
    heard: bool = True


class Scene:
    def __init__(self, uri: str, token: str, folder: Path, name: str) -> None:
        self.uri = uri
        self.folder = folder
        self.name = name
        self.transcript = Transcript()
        self.client: Any = Spoken(MlflowClient(), "MlflowClient", self.transcript)
        self.mlflow: Any = Spoken(mlflow, "mlflow", self.transcript)
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"

    def experiment(self, suffix: str = "") -> str:
        """A new one of this case's own."""
        return self.client.create_experiment(f"{self.name}{suffix}")

    def run(self, experiment: str | None = None, **more: Any) -> str:
        """A new run's id. Times are given, so that orders are the same on both sides."""
        made = self.client.create_run(
            experiment or self.experiment(), **{"start_time": 1000, "run_name": "a run", **more}
        )
        return made.info.run_id

    def http(self, method: str, path: str, **more: Any) -> requests.Response:
        """A plain request, below the tracking URI."""
        return self._session.request(method, f"{self.uri}{path}", timeout=60, **more)

    def hang_up(self) -> None:
        """Plain requests take a connection each from now on: upstream drops one on which it
        failed, sometimes under the next request."""
        self._session.headers["Connection"] = "close"

    def api(self, method: str, path: str, fields: dict[str, Any] | None = None) -> Any:
        """`2.0/mlflow/runs/get`, by both of upstream's prefixes when it reads."""
        where = "params" if method == "GET" else "json"
        if method == "GET":
            self.http(method, f"/ajax-api/{path}", **{where: fields})
        reply = self.http(method, f"/api/{path}", **{where: fields})
        return reply.json() if reply.headers["content-type"].startswith("application/json") else {}

    def note(self, what: str, value: Any) -> None:
        """Something that shall be the same on both sides."""
        self.transcript.steps.append(f"{what}: {canon.text(value)}")

    @contextmanager
    def judged(self) -> Iterator[None]:
        """Whether and how what is done inside is refused is upstream's to say; it is written
        down."""
        with suppress(MlflowException, requests.HTTPError, NotImplementedError):
            yield

    @contextmanager
    def unheard(self) -> Iterator[None]:
        """For replies in an order that is drawn: `note` what matters of them."""
        self.transcript.heard = False
        try:
            yield
        finally:
            self.transcript.heard = True


class Spoken:
    """Stands before an object or a module, and writes down calls and what they answer."""

    def __init__(self, target: Any, path: str, transcript: Transcript) -> None:
        self._target = target
        self._path = path
        self._transcript = transcript

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._target, name)
        path = f"{self._path}.{name}"
        if isinstance(found, ModuleType):
            return Spoken(found, path, self._transcript) if path in MODULES else found
        if inspect.isclass(found):
            return found
        if not callable(found):
            self._transcript.called.add(path)
            self._transcript.steps.append(f"{path} = {canon.text(found)}")
            return found
        return self._heard(found, path)

    def _heard(self, function: Callable[..., Any], path: str) -> Callable[..., Any]:
        def call(*args: Any, **more: Any) -> Any:
            self._transcript.called.add(path)
            try:
                answer = function(*args, **more)
            except Exception as error:
                code = getattr(error, "error_code", None)
                self._say(f"{path} raised {type(error).__name__} {code}: {error}")
                raise
            finally:
                _settle()
            self._say(f"{path} → {canon.text(answer)}")
            return answer

        return call

    def _say(self, line: str) -> None:
        if self._transcript.heard:
            self._transcript.steps.append(line)


def _settle() -> None:
    """The client links prompts by threads that nobody waits for."""
    for thread in threading.enumerate():
        if thread.name.startswith("link_prompt"):
            thread.join(10)


class Ear:
    """Hears every HTTP exchange of this process."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self.transcript = Transcript()
        self._send = HTTPAdapter.send

    @contextmanager
    def listening(self) -> Iterator[None]:
        ear = self

        def send(adapter: HTTPAdapter, request: Any, *args: Any, **more: Any) -> Any:
            reply = ear._send(adapter, request, *args, **more)
            ear.hear(request, reply)
            return reply

        HTTPAdapter.send = send  # type: ignore[method-assign]
        try:
            yield
        finally:
            HTTPAdapter.send = ear._send

    def hear(self, request: Any, reply: requests.Response) -> None:
        url = str(request.url)
        if not url.startswith(self._uri):
            return
        path = url.removeprefix(self._uri)
        kind = reply.headers.get("content-type", "")
        told = [f"{request.method} {unquote_plus(path)}", f"{reply.status_code} {kind}"]
        if name := reply.headers.get("content-disposition"):
            told.append(name)
        told.append(_content(reply, kind, sort="/traces" in path))
        self.transcript.routes.append((str(request.method), path, reply.status_code))
        if not self.transcript.heard:
            return
        main = threading.current_thread() is threading.main_thread()
        self.transcript.exchanges.append((main, "\n".join(told)))


def _content(reply: requests.Response, kind: str, *, sort: bool) -> str:
    """Maps of traces come in an order that upstream draws."""
    length = reply.headers.get("content-length")
    if length is not None and int(length) > _KEPT:
        return f"{length} bytes"
    data = reply.content
    if sort and kind.startswith("application/json"):
        return json.dumps(json.loads(data), sort_keys=True)
    readable = kind.startswith(("application/json", "text/"))
    return data.decode("utf-8", "replace") if readable else canon.digest(data)
