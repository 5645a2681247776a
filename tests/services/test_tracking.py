from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lazur.engine.plan import Exit
from lazur.testing.fakes import Engine
from tests.site import Server, TestSite, submit

KEY = "default/j/1"


@pytest.fixture
def server(site: TestSite, engine: Engine) -> Server:
    server = Server(site)
    submit(site, name="j")
    server.settle()
    engine.run(KEY)
    server.settle()
    return server


def run_file(site: TestSite) -> Path:
    (found,) = site.home.datastore("default", "mlruns").glob("*/j/meta.yaml")
    return found


def end(server: Server, engine: Engine, code: int = 0) -> dict[str, Any]:
    engine.finalize(KEY)
    engine.end(KEY, Exit("exit" if code else "ok", code=code))
    return server.show("j")


class TestEnd:
    def test_a_run_is_under_way_while_its_job_is(self, server: Server) -> None:
        run = json.loads(run_file(server.site).read_text())
        assert (run["status"], run["end_time"]) == (1, None)

    @pytest.mark.parametrize("code, state, status", [(0, "Completed", 3), (1, "Failed", 4)])
    def test_it_ends_as_its_job_did(
        self, server: Server, engine: Engine, code: int, state: str, status: int
    ) -> None:
        assert end(server, engine, code)["status"] == state
        run = json.loads(run_file(server.site).read_text())
        assert run["status"] == status
        assert run["end_time"] >= run["start_time"]

    def test_what_the_script_said_stays(self, server: Server, engine: Engine) -> None:
        run_file(server.site).write_text("status: 4\nend_time: 5\nrun_name: mine\n")
        assert end(server, engine)["status"] == "Completed"
        assert run_file(server.site).read_text() == "status: 4\nend_time: 5\nrun_name: mine\n"

    def test_what_mlflow_rewrote_as_yaml_is_read(self, server: Server, engine: Engine) -> None:
        run_file(server.site).write_text("status: 1\nend_time: null\nrun_name: mine\n")
        end(server, engine)
        run = json.loads(run_file(server.site).read_text())
        assert (run["status"], run["run_name"]) == (3, "mine")

    @pytest.mark.parametrize("text", ["[1, 2]", "status: [", "\x00", "- " * 2000])
    def test_nonsense_does_not_keep_a_job_from_ending(
        self, server: Server, engine: Engine, text: str
    ) -> None:
        run_file(server.site).write_text(text)
        assert end(server, engine)["status"] == "Completed"
        assert run_file(server.site).read_text() == text

    def test_a_link_in_its_place_is_left_alone(
        self, server: Server, engine: Engine, tmp_path: Path
    ) -> None:
        other = tmp_path / "other"
        other.write_text('{"status": 1}')
        run_file(server.site).unlink()
        run = next(server.site.home.datastore("default", "mlruns").glob("*/j"))
        (run / "meta.yaml").symlink_to(other)
        assert end(server, engine)["status"] == "Completed"
        assert other.read_text() == '{"status": 1}'
