"""The whole server in this process, as Azure's clients see it: with a token of theirs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal

from lazur.server.app import Front, create_api, create_authenticator
from lazur.server.gate import Gate
from lazur.server.settings import Settings
from lazur.services.azure import tokens
from lazur.services.people import tokens as ours
from lazur.services.people.refusals import Refusals
from tests.server.native.conftest import (  # noqa: F401 - fixtures
    Http,
    clock,
    engine,
    other,
    server,
    site,
)
from tests.site import TestSite, call

BASE = "https://localhost"
GROUP = "/subscriptions/00000000-0000-0000-0000-000000000/resourceGroups/lazur"
MLS = f"{GROUP}/providers/Microsoft.MachineLearningServices"
WS = f"{MLS}/workspaces/default"
REG = f"{MLS}/registries"


class Arm:
    """Azure's wire as one person: `arm.as_("Reader")` is another."""

    def __init__(self, http: Http, there: TestSite, secret: str | None) -> None:
        self.http = http
        self.site = there
        self.secret = secret

    @property
    def token(self) -> str:
        return self.token_for(BASE)

    def token_for(self, audience: str) -> str:
        assert self.secret is not None
        return call(self.site, tokens.issue, self.secret, audience, write=False)["token"]

    def request(self, method: str, path: str, **more: Any) -> Any:
        headers = dict(more.pop("headers", {}))
        if self.secret is not None and "Authorization" not in headers:
            headers["Authorization"] = f"Bearer {self.token}"
        return self.http.request(method, path, headers=headers, **more)

    def get(self, path: str, **more: Any) -> Any:
        return self.request("GET", path, **more)

    def put(self, path: str, json: Any, **more: Any) -> Any:
        return self.request("PUT", path, json=json, **more)

    def post(self, path: str, json: Any = None, **more: Any) -> Any:
        return self.request("POST", path, **({} if json is None else {"json": json}), **more)

    def patch(self, path: str, json: Any, **more: Any) -> Any:
        return self.request("PATCH", path, json=json, **more)

    def delete(self, path: str, **more: Any) -> Any:
        return self.request("DELETE", path, **more)

    def as_(self, role: str, workspace: str | None = None) -> Arm:
        name = "-".join([role.split(maxsplit=1)[0], "person", *([workspace] if workspace else [])])
        return Arm(self.http, self.site, call(self.site, ours.issue, name, role, workspace))

    def with_(self, secret: str | None) -> Arm:
        return Arm(self.http, self.site, secret)

    def as_job(self, job: str, workspace: str = "default") -> Arm:
        return self.with_(call(self.site, ours.job_token, workspace, job))


@pytest.fixture
def arm(site: TestSite) -> Iterator[Arm]:  # noqa: F811
    yield from served(site, Settings(home=site.home.path, role="api"))


def served(site: TestSite, settings: Settings) -> Iterator[Arm]:  # noqa: F811
    front = Front(create_api(site, settings), site, settings)
    gate = Gate(front, create_authenticator(site), settings, Refusals(site).record)
    with start_blocking_portal() as portal:
        http = Http(portal, gate)
        yield Arm(http, site, site.home.owner_token())
        http.close()
