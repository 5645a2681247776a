"""What is told beside a job that is planned."""

from __future__ import annotations

import hashlib
from types import SimpleNamespace
from typing import Any, cast

from lazur.engine.tree import File, Manifest
from lazur.errors import TooLarge
from lazur.sdk import planning
from lazur.sdk.localize import Localized
from lazur.sdk.scope import Scope


class Server:
    """Takes bodies of so many bytes."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.asked: list[dict[str, Any]] = []

    def request(self, _method: str, _path: str, json: dict[str, Any]) -> Any:
        self.asked.append(json)
        if len(str(json)) > self.most:
            raise TooLarge("the request's body is too large")
        return SimpleNamespace(json=lambda: {"steps": []})


def ask(server: Server, files: dict[str, bytes]) -> dict[str, Any]:
    """A job whose environment is built from these, of which nothing was sent."""
    blobs = {hashlib.sha256(data).hexdigest(): data for data in files.values()}
    tree = Manifest.of(
        [File(path, hashlib.sha256(data).hexdigest(), len(data)) for path, data in files.items()]
    )
    spec = {"jobs": {"a": {"environment": {"build": {"path": f"tree:{tree.digest}"}}}}}
    found = Localized(spec, {**blobs, tree.digest: tree.encode()}, {tree.digest})
    scope = SimpleNamespace(http=server, path=lambda *parts: "/".join(parts))
    planning._ask(cast("Scope", scope), found, set(found.blobs))
    return server.asked[-1]


class TestAsk:
    def test_lists_of_files_and_what_builds_are_told_and_nothing_else(self) -> None:
        files = {"Dockerfile": b"FROM python", "large": b"x" * (65 << 10), "binary": b"\xff"}
        told = ask(Server(1 << 20), files)
        assert told["files"] == ["FROM python"]
        assert [
            sorted(f.path for f in Manifest.decode(t.encode()).files) for t in told["trees"]
        ] == [["Dockerfile", "binary", "large"]]

    def test_a_server_that_takes_less_is_asked_about_the_job_alone(self) -> None:
        server = Server(200)
        told = ask(server, {"Dockerfile": b"FROM python\n" + b"#" * 500})
        assert list(told) == ["job"]
        assert len(server.asked) == 2

    def test_more_lists_than_there_is_room_for_are_left_out(self) -> None:
        some = [b"a", b"b" * (4 << 20)]
        assert planning._some(iter(some)) == ["a"]
