"""Upstream's app, as the child serves it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from lazur.server.mlflow import child

HEAD = {"type": "http.response.start", "status": 500, "headers": []}


class TestSettled:
    def test_a_failure_after_the_answer_does_not_cost_the_connection(self) -> None:
        last = {"type": "http.response.body", "body": b"no"}
        assert told([HEAD, last]) == [HEAD, last]

    def test_a_failure_before_the_answer_is_one(self) -> None:
        with pytest.raises(ZeroDivisionError):
            told([])

    def test_a_failure_within_the_answer_is_one(self) -> None:
        with pytest.raises(ZeroDivisionError):
            told([HEAD, {"type": "http.response.body", "body": b"n", "more_body": True}])


def told(messages: list[Any]) -> list[Any]:
    """What reaches the client of an app that says this and then fails."""
    seen: list[Any] = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)
        raise ZeroDivisionError

    async def send(message: Any) -> None:
        seen.append(message)

    asyncio.run(child.settled(app)({"type": "http"}, None, send))
    return seen
