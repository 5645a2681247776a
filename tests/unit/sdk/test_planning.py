"""What is told beside a job that is planned."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from lazur.errors import TooLarge
from lazur.sdk import planning
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


def ask(server: Server, trees: list[str]) -> dict[str, Any]:
    scope = SimpleNamespace(http=server, path=lambda *parts: "/".join(parts))
    planning._ask(cast("Scope", scope), {"jobs": {}}, trees)
    return server.asked[-1]


class TestAsk:
    def test_the_lists_go_along(self) -> None:
        assert ask(Server(1000), ["a"]) == {"job": {"jobs": {}}, "trees": ["a"]}

    def test_a_server_that_takes_less_is_asked_about_the_job_alone(self) -> None:
        server = Server(200)
        assert ask(server, ["x" * 500]) == {"job": {"jobs": {}}}
        assert len(server.asked) == 2

    def test_more_lists_than_there_is_room_for_are_left_out(self) -> None:
        assert planning._told([b"b" * (1 << 20), b"a"]) == ["a"]
