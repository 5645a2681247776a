"""A job's way through its states, step by step."""

from __future__ import annotations

import pytest

from lazur.testing.fakes import Engine
from tests.site import Clock, Server, TestSite, submit


@pytest.fixture
def server(site: TestSite) -> Server:
    return Server(site)


class TestLife:
    def test_a_job_goes_through_all_states(
        self, server: Server, engine: Engine, clock: Clock
    ) -> None:
        made = submit(server.site, name="j")
        assert made["status"] == "Preparing"
        server.settle()
        assert server.show("j")["status"] == "Starting"
        states = []
        for move in (engine.run, engine.finalize, engine.end):
            clock.time += 1
            move("default/j/1")
            server.settle()
            states.append(server.show("j")["status"])
        assert states == ["Running", "Finalizing", "Completed"]
        job = server.show("j")
        assert [p["name"] for p in job["phases"]] == [
            "environment",
            "queued",
            "starting",
            "code",
            "running",
            "finalizing",
        ]
        assert engine.begun == {"default/j/1": 1}
