"""OpenLineage events arrive at a real server, whatever happens on the way."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, cast

import pytest

from lazur.egress import Rule
from lazur.loops.posts import Posts
from lazur.services.jobs import jobs
from lazur.store import posts as store
from lazur.store import tables
from lazur.testing.fakes import Engine
from tests.site import Clock, Server, TestSite, call, submit
from tests.unit.engine.test_openlineage import check


class Catalogue(HTTPServer):
    """Takes events, and answers what the test says."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 201
        self.taken: list[dict[str, Any]] = []
        self.passes: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/api/v1/lineage"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        catalogue = cast("Catalogue", self.server)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        catalogue.passes.append(self.headers["Authorization"])
        if catalogue.status == 201:
            catalogue.taken.append(json.loads(body))
        self.send_response(catalogue.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's word
        """Tests show what failed."""


@pytest.fixture
def catalogue() -> Iterator[Catalogue]:
    made = Catalogue()
    thread = threading.Thread(target=made.serve_forever, args=(0.02,))
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def posts(site: TestSite, catalogue: Catalogue) -> Posts:
    site.openlineage_url = catalogue.url
    site.egress = Rule.of([f"127.0.0.1:{catalogue.server_port}"])
    return Posts(site)


def waiting(site: TestSite) -> int:
    with site.db.read() as db:
        return len(db.execute(tables.lineage_posts.select()).all())


def run(site: TestSite, engine: Engine, clock: Clock) -> str:
    name = str(submit(site, inputs={"x": {"path": "https://example.org/x"}})["name"])
    server = Server(site)
    server.settle()
    for move in (engine.run, engine.end):
        clock.time += 1
        move(f"default/{name}/1")
        server.settle()
    return name


class TestPosts:
    def test_a_job_is_told_of_when_it_begins_and_when_it_ends(
        self, site: TestSite, engine: Engine, clock: Clock, posts: Posts, catalogue: Catalogue
    ) -> None:
        name = run(site, engine, clock)
        posts.round()
        assert [event["eventType"] for event in catalogue.taken] == ["START", "COMPLETE"]
        assert {event["job"]["name"] for event in catalogue.taken} == {name}
        assert len({event["run"]["runId"] for event in catalogue.taken}) == 1
        assert catalogue.taken[1]["inputs"][0]["namespace"] == "https://example.org"
        for event in catalogue.taken:
            check(event)
        assert waiting(site) == 0

    def test_one_that_never_began_has_both_as_well(
        self, site: TestSite, posts: Posts, catalogue: Catalogue
    ) -> None:
        name = submit(site)["name"]
        call(site, jobs.cancel, "default", name)
        Server(site).settle()
        posts.round()
        assert [event["eventType"] for event in catalogue.taken] == ["START", "ABORT"]

    @pytest.mark.parametrize("status", [500, 429, 400])
    def test_what_was_not_taken_is_sent_again(
        self,
        site: TestSite,
        engine: Engine,
        clock: Clock,
        posts: Posts,
        catalogue: Catalogue,
        status: int,
    ) -> None:
        catalogue.status = status
        run(site, engine, clock)
        posts.round()
        assert waiting(site) == 2
        catalogue.status = 201
        clock.time += 100
        posts.round()
        assert [event["eventType"] for event in catalogue.taken] == ["START", "COMPLETE"]
        assert waiting(site) == 0

    def test_nobody_answers_and_the_job_ends_all_the_same(
        self, site: TestSite, engine: Engine, clock: Clock
    ) -> None:
        site.openlineage_url = "http://127.0.0.1:1/"
        name = run(site, engine, clock)
        Posts(site).round()
        assert Server(site).show(name)["status"] == "Completed"
        assert waiting(site) == 2

    def test_a_private_address_takes_a_permission(
        self,
        site: TestSite,
        engine: Engine,
        clock: Clock,
        posts: Posts,
        catalogue: Catalogue,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        run(site, engine, clock)
        site.egress = Rule()
        Posts(site).round()
        assert catalogue.taken == []
        assert "may not connect" in caplog.text

    def test_a_token_lets_it_in_and_is_read_each_time(
        self,
        site: TestSite,
        engine: Engine,
        clock: Clock,
        posts: Posts,
        catalogue: Catalogue,
        tmp_path: Path,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        site.openlineage_token = tmp_path / "token"
        for secret, mode in (("first-secret", 0o600), ("second-secret", 0o600), ("open", 0o644)):
            site.openlineage_token.write_text(f"{secret}\n")
            site.openlineage_token.chmod(mode)
            run(site, engine, clock)
            posts.round()
        assert catalogue.passes == ["Bearer first-secret"] * 2 + ["Bearer second-secret"] * 2
        assert waiting(site) == 2
        assert "can be read by others" in caplog.text
        assert "secret" not in caplog.text

    @pytest.mark.parametrize("content", [b"", b"two words", b"\xff\xfe", b"a" * 20_000, None])
    def test_a_file_without_a_token_is_told(
        self,
        site: TestSite,
        engine: Engine,
        clock: Clock,
        posts: Posts,
        catalogue: Catalogue,
        tmp_path: Path,
        caplog: pytest.LogCaptureFixture,
        content: bytes | None,
    ) -> None:
        site.openlineage_token = tmp_path / "token"
        if content is not None:
            site.openlineage_token.write_bytes(content)
            site.openlineage_token.chmod(0o600)
        run(site, engine, clock)
        posts.round()
        assert catalogue.passes == []
        assert str(site.openlineage_token) in caplog.text

    def test_it_is_not_sent_where_others_may_read_it(
        self, site: TestSite, engine: Engine, clock: Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        site.openlineage_url = "http://catalogue.example.org/"
        site.openlineage_token = site.home.path / "token"
        run(site, engine, clock)
        Posts(site).round()
        assert "is not https" in caplog.text

    def test_a_server_that_was_killed_goes_on_where_it_was(
        self, site: TestSite, engine: Engine, clock: Clock, posts: Posts, catalogue: Catalogue
    ) -> None:
        """It had taken them, and sent none."""
        run(site, engine, clock)
        with site.db.write() as db:
            store.take(db, clock.time, 5, site.server)
        posts.round()
        assert catalogue.taken == []
        Posts(site).round()
        assert len(catalogue.taken) == 2

    def test_given_up_after_very_many_tries(
        self, site: TestSite, engine: Engine, clock: Clock, posts: Posts, catalogue: Catalogue
    ) -> None:
        catalogue.status = 500
        run(site, engine, clock)
        with site.db.write() as db:
            db.execute(tables.lineage_posts.update().values(tries=180))
        posts.round()
        assert waiting(site) == 1

    def test_without_the_setting_nothing_is_written(
        self, site: TestSite, engine: Engine, clock: Clock
    ) -> None:
        run(site, engine, clock)
        assert waiting(site) == 0
