"""The whole application in this process, gate included, over real databases and fakes of what
runs jobs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from lazur.server.app import create_api
from lazur.server.asgi import App
from lazur.server.gate import Gate
from lazur.server.settings import Settings
from lazur.services.base import workspaces
from lazur.services.people import tokens
from lazur.services.people.refusals import Refusals
from lazur.testing.fakes import Engine, FakeBuilder
from tests.site import Clock, Server, TestSite, call, open_site

PATIENCE = 20.0
W = "/api/v1/workspaces/default"


class Http:
    """Requests from any thread, answered in one event loop, as in a server."""

    def __init__(self, portal: BlockingPortal, app: App) -> None:
        self._portal = portal
        transport = httpx.ASGITransport(app)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://localhost")

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self._portal.call(partial(self._ask, method, path, **more))

    async def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        with anyio.fail_after(PATIENCE):
            return await self._client.request(method, path, **more)

    def close(self) -> None:
        self._portal.call(self._client.aclose)


class Api:
    """HTTP as one person: `api.as_("Reader")` is another."""

    def __init__(self, http: Http, site: TestSite, secret: str | None) -> None:
        self.http = http
        self.site = site
        self.secret = secret
        self.live: Any = None
        self.ways: Any = None

    def request(self, method: str, path: str, **more: Any) -> Any:
        headers = dict(more.pop("headers", {}))
        if self.secret is not None:
            headers["Authorization"] = f"Bearer {self.secret}"
        return self.http.request(method, path, headers=headers, **more)

    def get(self, path: str, **more: Any) -> Any:
        return self.request("GET", path, **more)

    def post(self, path: str, json: Any = None, **more: Any) -> Any:
        return self.request("POST", path, **({} if json is None else {"json": json}), **more)

    def patch(self, path: str, json: Any, **more: Any) -> Any:
        return self.request("PATCH", path, json=json, **more)

    def as_(self, role: str, workspace: str | None = None) -> Api:
        secret = call(
            self.site,
            tokens.issue,
            "-".join([role.split(maxsplit=1)[0], "person", *([workspace] if workspace else [])]),
            role,
            workspace,
        )
        return Api(self.http, self.site, secret)

    def with_(self, secret: str | None) -> Api:
        return Api(self.http, self.site, secret)

    def as_job(self, job: str, workspace: str = "default") -> Api:
        return self.with_(call(self.site, tokens.job_token, workspace, job))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine(clock: Clock) -> Engine:
    return Engine(clock)


@pytest.fixture
def site(
    home: Path, ready_database_url: str, engine: Engine, tmp_path: Path
) -> Iterator[TestSite]:
    made = open_site(home, ready_database_url, engine, FakeBuilder(str(tmp_path / "envs")))
    yield made
    made.db.close()


@pytest.fixture
def api(site: TestSite) -> Iterator[Api]:
    yield from _served(site)


def _served(site: TestSite) -> Iterator[Api]:
    settings = Settings(home=site.home.path, role="api")
    app = create_api(site, settings)
    gate = Gate(app, tokens.authenticator(site), settings, Refusals(site).record)
    with start_blocking_portal() as portal:
        http = Http(portal, gate)
        made = Api(http, site, site.home.owner_token())
        made.live, made.ways = app.state.live, app.state.ways
        yield made
        http.close()


@pytest.fixture(scope="module")
def sqlite_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """One server for many calls that change nothing."""
    folder = tmp_path_factory.mktemp("server")
    engine, builder = Engine(Clock()), FakeBuilder(str(folder / "envs"))
    site = open_site(folder / "home", f"sqlite:///{folder}/l.db", engine, builder)
    yield from _served(site)
    site.db.close()


@pytest.fixture
def server(site: TestSite) -> Server:
    return Server(site)


@pytest.fixture
def other(site: TestSite) -> str:
    """Another workspace."""
    return call(site, workspaces.create, {"name": "other"})["name"]
