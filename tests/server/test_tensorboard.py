"""TensorBoard behind the real gate: real children over event files that are written meanwhile."""

from __future__ import annotations

import contextlib
import importlib.util
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from lazur.server.app import Front, create_api
from lazur.server.gate import Gate
from lazur.server.settings import Settings
from lazur.server.tensorboard import boards
from lazur.services.base import workspaces
from lazur.services.people import tokens
from lazur.testing.fakes import Engine, FakeBuilder
from tests.server.events import Events, claim, write
from tests.server.native.conftest import Api, Http
from tests.services.tracked import Tracked
from tests.site import Clock, Server, TestSite, call, open_site, submit

PATIENCE = 30.0
W = "/api/v1/workspaces/default/tensorboards"
NEAR_ALL = ["", "index.js", "data/runs", "data/plugin/scalars/tags", "data/plugins_listing"]


@contextlib.contextmanager
def serving(site: TestSite, **settings: Any) -> Iterator[Api]:
    made = Settings(home=site.home.path, role="api", **settings)
    api = create_api(site, made)
    gate = Gate(Front(api, site, made), tokens.authenticator(site), made)
    with start_blocking_portal() as portal:
        http = Http(portal, gate)
        yield Api(http, site, site.home.owner_token())
        _end(portal, http, api.state.endings)


def _end(portal: BlockingPortal, http: Http, endings: list[Callable[..., Any]]) -> None:
    http.close()
    for end in endings:
        portal.call(end)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def site(home: Path, tmp_path: Path, clock: Clock) -> Iterator[TestSite]:
    url = f"sqlite:///{tmp_path / 'lazur.db'}"
    made = open_site(home, url, Engine(clock), FakeBuilder(str(tmp_path / "envs")))
    for name in ("a", "b"):
        submit(made, name=name)
    yield made
    made.db.close()


@pytest.fixture
def api(site: TestSite) -> Iterator[Api]:
    with serving(site) as made:
        yield made


def folder(site: TestSite, job: str = "a") -> Path:
    return site.home.artifacts("default", job) / "outputs" / "tb"


def soon(look: Callable[[], Any], wanted: Any) -> None:
    """Event files are looked at every few seconds."""
    end = time.monotonic() + PATIENCE
    while (found := look()) != wanted:
        assert time.monotonic() < end, found
        time.sleep(0.2)


def runs(api: Api, board: str = "a") -> list[str]:
    return sorted(api.get(f"/tensorboard/default/{board}/data/runs").json())


def scalars(api: Api, run: str, tag: str = "loss", board: str = "a") -> list[float]:
    query = f"run={run}&tag={tag}"
    got = api.get(f"/tensorboard/default/{board}/data/plugin/scalars/scalars?{query}")
    return [value for _, _, value in got.json()] if got.status_code == 200 else []


class TestWhatIsSeen:
    def test_what_a_job_writes_while_it_writes(self, api: Api, site: TestSite) -> None:
        events = Events(folder(site))
        events.log("loss", [4.0, 3.0])
        soon(lambda: runs(api), ["a/outputs/tb"])
        assert scalars(api, "a/outputs/tb") == [4.0, 3.0]
        events.log("loss", [2.0])
        soon(lambda: scalars(api, "a/outputs/tb"), [4.0, 3.0, 2.0])
        write(folder(site).parent / "later", "loss", [1.0])
        soon(lambda: runs(api), ["a/outputs/later", "a/outputs/tb"])
        events.close()

    def test_several_jobs_and_runs_that_are_none(self, api: Api, site: TestSite) -> None:
        """What was logged as an artifact is shown as what a job wrote."""
        tracked = Tracked(site)
        run = tracked.run()
        place = tracked.place(f"{tracked.root}/{tracked.experiment}/{run}/artifacts")
        for where in (folder(site, "a"), folder(site, "b"), place / "lightning_logs"):
            write(where, "loss", [1.0])
        wanted = sorted(["a/outputs/tb", "b/outputs/tb", f"{run}/lightning_logs"])
        soon(lambda: runs(api, f"a,b,{run}"), wanted)

    def test_only_what_is_harmless_is_on(self, api: Api) -> None:
        listed = api.get("/tensorboard/default/a/data/plugins_listing").json()
        assert sorted(listed) == sorted(
            "timeseries scalars custom_scalars images audio graphs distributions histograms text "
            "pr_curves hparams mesh".split()
        )
        for path in ("plugin/projector/runs", "plugin/debugger-v2/runs", "plugin/profile/hosts"):
            assert api.get(f"/tensorboard/default/a/data/{path}").status_code == 404

    def test_the_page_may_run_its_own_scripts_and_data_none(self, api: Api) -> None:
        page = api.get("/tensorboard/default/a/")
        assert page.status_code == 200
        policy = page.headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "connect-src 'self';" in policy
        data = api.get("/tensorboard/default/a/data/runs")
        assert data.headers["content-security-policy"].startswith("sandbox; default-src 'none'")


class TestEscape:
    def test_links_lead_nowhere(self, api: Api, site: TestSite, tmp_path: Path) -> None:
        secret = write(tmp_path / "secret", "secret", [42.0])
        theirs = folder(site, "b")
        write(theirs, "loss", [1.0])
        mine = folder(site, "a")
        write(mine, "loss", [1.0])
        (mine / "one").mkdir()
        (mine / "one" / secret.name).symlink_to(secret)
        (mine / "two").symlink_to(secret.parent)
        (mine / "three").symlink_to(theirs)
        write(mine.parent / "last", "loss", [1.0])
        soon(lambda: runs(api), ["a/outputs/last", "a/outputs/tb"])

    def test_no_address_leads_elsewhere(self, api: Api) -> None:
        for path in ("%2e%2e/%2e%2e/etc/passwd", "/etc/passwd", "..%2fb/data/runs"):
            assert api.get(f"/tensorboard/default/a/{path}").status_code in {400, 404}

    def test_one_bad_file_hides_no_other(self, api: Api, site: TestSite) -> None:
        claim(folder(site) / "claim", 1 << 60, there=100)
        (folder(site) / "noise").mkdir()
        (folder(site) / "noise" / "x.tfevents").write_bytes(bytes(range(256)) * 100)
        write(folder(site), "loss", [1.0])
        soon(lambda: scalars(api, "a/outputs/tb"), [1.0])

    def test_memory_has_an_end(self, site: TestSite) -> None:
        claim(folder(site), 1 << 30, there=1 << 30)
        with serving(site, tensorboard_megabytes=300) as api:
            log = site.home.path / "logs" / "tensorboard.log"
            api.get("/tensorboard/default/a/data/runs")
            soon(lambda: log.exists() and "tensorboard_megabytes" in log.read_text(), wanted=True)
            assert api.get(W).status_code == 200


class TestWhoMayLook:
    @pytest.mark.parametrize("path", NEAR_ALL)
    def test_nobody_without_a_right_to_each_job(self, api: Api, site: TestSite, path: str) -> None:
        call(site, workspaces.create, {"name": "other"})
        outsider, job = api.as_("Owner", "other"), api.as_job("a")
        assert api.with_(None).get(f"/tensorboard/default/a/{path}").status_code == 401
        assert outsider.get(f"/tensorboard/default/a/{path}").status_code == 404
        assert outsider.get(f"/tensorboard/other/a/{path}").status_code == 404
        assert job.get(f"/tensorboard/default/a,b/{path}").status_code == 404
        assert api.get(W).json()["value"] == [], "something was started for them"

    def test_readers_and_the_job_itself(self, api: Api) -> None:
        for who in (api.as_("Reader", "default"), api.as_job("a")):
            assert who.get("/tensorboard/default/a/data/runs").status_code == 200

    def test_nothing_can_be_changed(self, api: Api) -> None:
        for method in ("PUT", "DELETE", "PATCH"):
            assert api.request(method, "/tensorboard/default/a/data/runs").status_code == 400

    def test_a_person_is_led_to_words(self, api: Api) -> None:
        html = {"Accept": "text/html"}
        got = api.get("/tensorboard/default/nobody/", headers=html)
        assert (got.status_code, got.headers["location"]) == (303, "/tensorboard/default/nobody")
        assert "TensorBoard" in api.get(got.headers["location"], headers=html).text
        data = api.get("/tensorboard/default/nobody/data/environment", headers=html)
        assert data.json()["error"]["code"] == "NotFound"


class TestLife:
    def test_it_is_told_where_it_is_and_whether_it_runs(self, api: Api) -> None:
        told = api.post(W, {"jobs": ["a", "b"]}).json()
        assert (told["id"], told["jobs"], told["status"]) == ("a,b", ["a", "b"], "Stopped")
        assert told["endpoint"].endswith("/tensorboard/default/a,b")
        api.get("/tensorboard/default/a,b/data/runs")
        (listed,) = api.get(W).json()["value"]
        assert (listed["id"], listed["status"]) == ("a,b", "Running")
        assert api.as_job("a").get(W).json()["value"] == []

    def test_it_is_told_whether_there_is_anything_to_see(self, api: Api, site: TestSite) -> None:
        assert api.post(W, {"jobs": ["a", "b"]}).json()["empty"] is True
        folder(site).mkdir(parents=True)
        (folder(site) / "notes.txt").write_text("none")
        assert api.post(W, {"jobs": ["a", "b"]}).json()["empty"] is True
        write(folder(site), "loss", [1.0])
        assert api.post(W, {"jobs": ["a", "b"]}).json()["empty"] is False
        assert api.post(W, {"jobs": ["b"]}).json()["empty"] is True

    def test_a_stopped_one_starts_at_the_next_look(self, api: Api, site: TestSite) -> None:
        write(folder(site), "loss", [1.0])
        soon(lambda: runs(api), ["a/outputs/tb"])
        assert api.request("DELETE", f"{W}/a").status_code == 204
        assert api.get(W).json()["value"] == []
        soon(lambda: runs(api), ["a/outputs/tb"])

    def test_what_was_moved_meanwhile_is_found(
        self, api: Api, site: TestSite, clock: Clock
    ) -> None:
        """An output of mode upload lies with the attempt, and in its place at the end."""
        submit(site, name="c", outputs={"logs": {"mode": "upload"}})
        loops = Server(site)
        loops.settle()
        write(site.home.attempt("default", "c", 1) / "named-outputs/logs/draft", "loss", [1.0])
        soon(lambda: runs(api, "c"), ["c/named-outputs/logs/draft"])
        for _ in range(3):  # a and b hold the slots first
            for key in site.engine.going_on():
                site.engine.end(key)
            clock.time += 60.0
            loops.settle()
        place = site.home.datastore("default", "workspaceblobstore") / "azureml/c/logs"
        write(place / "kept", "loss", [1.0])
        soon(lambda: runs(api, "c"), ["c/named-outputs/logs/kept"])
        assert len(api.get(W).json()["value"]) == 1

    def test_an_idle_one_stops(self, site: TestSite) -> None:
        with serving(site, tensorboard_idle_minutes=0.01) as api:
            assert api.get("/tensorboard/default/a/data/runs").status_code == 200
            soon(lambda: api.get(W).json()["value"], [])
            assert api.get("/tensorboard/default/a/data/runs").status_code == 200

    def test_there_are_only_so_many(self, site: TestSite, monkeypatch: pytest.MonkeyPatch) -> None:
        with serving(site, tensorboard_processes=1) as api:
            assert api.get("/tensorboard/default/a/data/runs").status_code == 200
            full = api.get("/tensorboard/default/b/data/runs")
            assert full.status_code == 503
            assert "tensorboard_processes" in full.json()["error"]["hint"]
            monkeypatch.setattr(boards, "QUIET", 0.0)
            assert api.get("/tensorboard/default/b/data/runs").status_code == 200
            assert [board["id"] for board in api.get(W).json()["value"]] == ["b"]

    def test_without_the_extra_it_says_which(
        self, api: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
        for got in (api.post(W, {"jobs": ["a"]}), api.get("/tensorboard/default/a/data/runs")):
            assert got.status_code == 501
            assert "lazur[tensorboard]" in got.json()["error"]["hint"]
