"""Whatever is sent to an operation, the answer is the caller's mistake or the operation's: never a
fault of the server."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from lazur.server.arm import operations
from lazur.server.arm.routes import OPEN, Route
from tests.server.arm.conftest import Arm
from tests.server.arm.test_access import named, path_of
from tests.site import submit

TRIES = 12
ROUTES = [route for route in operations.table().routes if route.action != OPEN]
WORDS = """
    properties id name value uri type tags inputs outputs jobType componentSpec dataType
    dataUri environmentId computeId codeId isArchived credentials datastoreType category
    authType trigger action jobDefinition jobs settings trial searchSpace objective limits
    command distribution resources instanceCount image condaFile build contextUri
    modelType modelUri codeUri parameters workspaceName computeType scaleSettings
    maxNodeCount values runId target metadata
""".split()
ODD: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1e300,
    10**30,
    "",
    "x",
    "\u0000",
    "\U0001f600",
    "../../etc/passwd",
    "${{parent.inputs.x}}",
    "azureml://datastores/x/paths/y",
    "azureml:/subscriptions/s",
    "Command",
    "Pipeline",
    "Sweep",
    "uri_folder",
    "AzureBlob",
    "AmlCompute",
    "P1D",
    "1",
    "²",
    "9" * 5000,
    f"PT{'9' * 5000}S",
    "x" * 5000,
    [],
    {},
    [[]],
]


@pytest.fixture
def ready_database_url(tmp_path: Path, ready_file: Path) -> str:
    """What is refused does not depend on the database."""
    return f"sqlite:///{shutil.copy(ready_file, tmp_path / 'lazur.db')}"


@pytest.mark.slow
class TestFuzz:
    @pytest.mark.parametrize("seed", range(3))
    def test_no_body_and_no_query_makes_the_server_fail(self, arm: Arm, seed: int) -> None:
        chance = random.Random(seed)
        submit(arm.site, name="j")
        for route in ROUTES:
            for _ in range(TRIES):
                _ask(arm, chance, route)

    @pytest.mark.parametrize("body", [b"{", b"[]", b"null", b"\xff\xfe", b'{"a":' * 2000, b'"x"'])
    def test_what_is_no_object_is_refused(self, arm: Arm, body: bytes) -> None:
        for route in ROUTES:
            if route.method not in {"GET", "HEAD", "DELETE"}:
                answer = arm.request(route.method, path_of(route), content=body)
                assert answer.status_code < 500 or answer.status_code == 501, named(route)

    def test_names_of_every_kind_are_answered(self, arm: Arm) -> None:
        for name in ("%F0%9F%98%80", "a%20b", "x" * 300, "%22", "a:b", "@latest", "%25", "~"):
            for route in ROUTES:
                path = path_of(route, name=name, version=name, path=name, container=name)
                answer = arm.request(route.method, path)
                assert answer.status_code < 500 or answer.status_code == 501, (named(route), name)


def _ask(arm: Arm, chance: random.Random, route: Route) -> None:
    params = {
        chance.choice(
            ("$top", "$skip", "$orderBy", "listViewType", "hash", "count", "prefix")
        ): str(chance.choice(ODD))
        for _ in range(chance.randrange(3))
    }
    more: dict[str, Any] = {}
    if route.method not in {"GET", "HEAD", "DELETE"}:
        more["json"] = {"properties": _made(chance, 0), **_mapping(chance, 1)}
    if "?" not in path_of(route):
        more["params"] = params
    answer = arm.request(route.method, path_of(route), **more)
    assert answer.status_code < 500 or answer.status_code == 501, (named(route), more, answer.text)


def _made(chance: random.Random, depth: int) -> Any:
    kind = chance.random()
    if depth > 3 or kind < 0.4:
        return chance.choice(ODD)
    if kind < 0.5:
        return [_made(chance, depth + 1) for _ in range(chance.randrange(3))]
    return _mapping(chance, depth)


def _mapping(chance: random.Random, depth: int) -> dict[str, Any]:
    count = chance.randrange(1, 8 if depth == 0 else 5)
    return {chance.choice(WORDS): _made(chance, depth + 1) for _ in range(count)}
