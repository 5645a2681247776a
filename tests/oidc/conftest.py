from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lazur.egress import Rule
from lazur.outbound import Client as Outbound
from lazur.services.people.oidc import settings
from lazur.services.people.oidc.client import Client
from tests.oidc import provider
from tests.oidc.browser import Browser
from tests.oidc.forging import Signer

Connect = Callable[..., Client]


class Clock:
    """The wall's, and as far off as a test wants it."""

    def __init__(self) -> None:
        self.off = 0.0

    def __call__(self) -> float:
        return time.time() + self.off


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def signers() -> dict[str, Signer]:
    """Keys of the provider: making one of RSA takes a while."""
    return {alg: Signer.make(alg, f"first-{alg}") for alg in ("RS256", "ES256", "EdDSA")}


@pytest.fixture(scope="session")
def server(signers: dict[str, Signer]) -> Iterator[provider.Server]:
    if reason := provider.missing():
        pytest.skip(reason)
    with provider.Server.start(_keys(signers)) as started:
        yield started


@pytest.fixture
def own_server(signers: dict[str, Signer]) -> Iterator[Callable[..., provider.Server]]:
    """One for tests that change it."""
    if reason := provider.missing():
        pytest.skip(reason)
    started: list[provider.Server] = []

    def start(**overrides: Any) -> provider.Server:
        made = provider.Server(overrides)
        started.append(made)
        made.move(_keys(signers))
        return made

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def connect(server: provider.Server, clock: Clock) -> Connect:
    return lambda at=server, **written: client_of(at, clock, **written)


@pytest.fixture
def browser() -> Browser:
    return Browser(provider.HOME)


def client_of(server: provider.Server, clock: Callable[[], float], **written: Any) -> Client:
    """Reaches the provider as the server would: checked addresses, this one allowed."""
    settled = settings.read(
        {
            "name": "local",
            "issuer": server.issuer,
            "client_id": "lazur",
            "client_secret": provider.SECRET,
            **written,
        }
    )
    return Client(settled, Outbound(Rule.of(["127.0.0.1"])).fetch, clock)


def _keys(signers: dict[str, Signer]) -> list[dict[str, Any]]:
    made = [
        provider.private_jwk(signer.private, signer.kid, alg) for alg, signer in signers.items()
    ]
    shared = provider.private_jwk(signers["RS256"].private, "first-PS256", "PS256")
    return [*made, shared]
