"""What the API says, to the letter: JSON, lists, tags of versions, errors, streams and files."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select

from lazur.engine.increments import merged
from lazur.engine.states import State
from lazur.errors import Unavailable
from lazur.services.jobs import jobs
from lazur.services.keeping import workspace_trash
from lazur.store.tables import idempotency
from lazur.testing.fakes import Engine
from tests.server.native.conftest import Api, W
from tests.site import Server, TestSite, call, command, put_tree, submit

JOBS = f"{W}/jobs"
WORKSPACES = "/api/v1/workspaces"
KEY = "default/j/1"

BAD_JSON = [
    b"",
    b"x",
    b"[",
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b'{"a": NaN}',
    b'{"a": Infinity}',
    b'{"a": -Infinity}',
    b'{"a": 1e999}',
    b'{"a": ' + b"9" * 5000 + b"}",
    b'{"a": 1, "a": 2}',
    b'{"name": "\\ud800"}',
    b'{"a": "\xff"}',
    b"\xff\xfe{",
    b"null",
    b"[]",
    b"1",
    b'"text"',
    b"{} {}",
    b'{"a": 1,}',
    b"{'a': 1}",
]


class TestBodies:
    @pytest.mark.parametrize("body", BAD_JSON, ids=lambda body: repr(body[:20]))
    @pytest.mark.parametrize(
        "method, path",
        [
            ("POST", JOBS),
            ("PATCH", f"{JOBS}/j"),
            ("POST", f"{W}/environments"),
            ("POST", f"{W}/blobs/missing"),
            ("POST", "/api/v1/workspaces"),
            ("POST", "/api/v1/builds/prune"),
            ("POST", "/api/v1/tokens"),
            ("POST", "/api/v1/sessions"),
        ],
    )
    def test_what_is_not_strict_json_is_refused(
        self, sqlite_api: Api, method: str, path: str, body: bytes
    ) -> None:
        answer = sqlite_api.request(method, path, content=body)
        assert answer.status_code in (400, 429), answer.text
        assert answer.json()["error"]["message"]

    @pytest.mark.parametrize(
        "body",
        [
            {"type": "command"},
            {"type": "command", "command": 5, "environment": {}},
            {"type": "pipeline", "jobs": {}},
            {"type": "sweep"},
            {"type": []},
            {"type": {"a": 1}},
            {"type": "command", "command": "x", "environment": 7},
            {"type": "command", "command": "x", "environment": []},
            {"type": "command", "command": "x", "environment": "azureml:nope:1"},
            command(inputs=[]),
            command(inputs={"a": {"type": "uri_file", "path": "./local"}}),
            command(inputs={"a": {"path": "azureml://datastores/nope/paths/x"}}),
            command(inputs={"a": {"path": "azureml://datastores/workspaceblobstore/paths/../x"}}),
            command(inputs={"a": {"path": "azureml://jobs/nope/outputs/x"}}),
            command(outputs={"o": {"path": "https://example.org/x"}}),
            command(code="../../etc"),
            command(code="tree:" + "0" * 64),
            command(code="azureml:nope:1"),
            command(name="../x"),
            command(name="a" * 300),
            command(name="nul\x00"),
            command(command="nul\x00"),
            command(tags={"nul\x00": "a"}),
            command(description="\x00"),
            command(experiment_name="a/b"),
            command(resources={"properties": {"memory": "99999PB"}}),
            command(resources={"properties": {"gpus": 64}}),
            command(resources={"properties": {"cpus": -1}}),
            command(limits={"timeout": -1}),
            command(tags={"a": {"b": 1}}),
            command(display_name=["x"]),
            command(compute="no-such-compute-at-all", queue_settings={"priority": "top"}),
        ],
        ids=lambda body: json.dumps(body)[-60:],
    )
    def test_a_wrong_job_is_the_callers_fault(self, api: Api, body: dict[str, Any]) -> None:
        answer = api.post(JOBS, body)
        assert 400 <= answer.status_code < 500 or answer.status_code == 501, answer.text
        error = answer.json()["error"]
        assert error["code"]
        assert error["message"]

    @pytest.mark.parametrize(
        "body",
        [
            {"name": 5},
            {"name": "x", "tags": []},
            {"name": "x", "display_name": []},
            {"name": ""},
            {"name": "a/b"},
            {"name": "default"},
            {"name": "DEFAULT"},
        ],
    )
    def test_a_wrong_workspace_is_the_callers_fault(self, api: Api, body: dict[str, Any]) -> None:
        assert api.post("/api/v1/workspaces", body).status_code in (400, 409, 422)

    @pytest.mark.parametrize(
        "body",
        [
            {"nope": 1},
            {"tags": []},
            {"tags": {"a": []}},
            {"tags": {str(i): "" for i in range(1001)}},
            {"tags": {"a": "x" * 70_000}},
            {"archived": "yes"},
            {"archived": None},
            {"display_name": 1},
            {"experiment_name": ""},
            {"status": "Completed"},
            {"name": "k"},
        ],
        ids=lambda body: json.dumps(body)[:40],
    )
    def test_a_wrong_change_is_the_callers_fault(self, api: Api, body: dict[str, Any]) -> None:
        submit(api.site, name="j")
        assert api.patch(f"{JOBS}/j", body).status_code == 400

    def test_a_body_beyond_the_limit_is_refused(self, sqlite_api: Api) -> None:
        assert sqlite_api.post(JOBS, {"x": "y" * (17 << 20)}).status_code == 413


class TestLists:
    @pytest.mark.parametrize(
        "query",
        [
            "limit=0",
            "limit=-1",
            "limit=1000000000",
            "limit=x",
            "limit=1e3",
            "cursor=x",
            "cursor=" + "x" * 3000,
            "order_by=nope",
            "order_by=created_at;drop",
            "nope=1",
            "status=nope",
            "archived=maybe",
            "Status=Running",
        ],
    )
    def test_a_wrong_query_is_the_callers_fault(self, api: Api, query: str) -> None:
        answer = api.get(f"{JOBS}?{query}")
        assert answer.status_code == 400, answer.text

    @pytest.mark.parametrize(
        "query",
        [
            "name_contains=%25",
            "name_contains=%27%20OR%201%3D1--",
            "tag=a%22b%3Dc",
            "tag=%24.x%3D1",
            "tag=" + "(" * 5000,
            "created_by=%00",
            "name_contains=%00",
            "experiment_name=%ff",
        ],
    )
    def test_odd_text_finds_nothing_and_breaks_nothing(self, api: Api, query: str) -> None:
        submit(api.site, name="j", tags={"x": "1"})
        answer = api.get(f"{JOBS}?{query}")
        assert answer.status_code in (200, 400)
        if answer.status_code == 200:
            assert answer.json()["value"] == []

    def test_pages_are_walked_by_the_cursor(self, api: Api) -> None:
        for i in range(7):
            submit(api.site, name=f"j{i}")
        seen: list[str] = []
        query = "limit=3&order_by=name"
        cursor: str | None = ""
        while cursor is not None:
            page = api.get(f"{JOBS}?{query}" + (f"&cursor={cursor}" if cursor else "")).json()
            seen += [job["name"] for job in page["value"]]
            cursor = page["next"]
        assert seen == [f"j{i}" for i in range(7)]

    def test_filters_are_those_that_are_documented(self, api: Api) -> None:
        submit(api.site, name="j", tags={"a": "1"}, experiment_name="e")
        for query in ("status=Preparing,Queued", "experiment_name=e", "type=command",
                      "created_by=ann", "archived=all", "tag=a%3D1", "tag=a",
                      "name_contains=J"):  # fmt: skip
            assert [j["name"] for j in api.get(f"{JOBS}?{query}").json()["value"]] == ["j"]
        assert api.get(f"{JOBS}?parent=j").json()["value"] == []


class TestEtags:
    def test_what_one_has_is_not_sent_again(self, api: Api) -> None:
        submit(api.site, name="j")
        answer = api.get(f"{JOBS}/j")
        tag = answer.headers["ETag"]
        assert tag == f'"{answer.json()["etag"]}"'
        for given in (tag, f"W/{tag}", f'"0", {tag}'):
            again = api.get(f"{JOBS}/j", headers={"If-None-Match": given})
            assert (again.status_code, again.content) == (304, b"")
        api.patch(f"{JOBS}/j", {"description": "new"})
        assert api.get(f"{JOBS}/j", headers={"If-None-Match": tag}).status_code == 200

    def test_a_change_to_what_is_no_longer_so_is_refused(self, api: Api) -> None:
        submit(api.site, name="j")
        tag = api.get(f"{JOBS}/j").headers["ETag"]
        first = api.patch(f"{JOBS}/j", {"description": "1"}, headers={"If-Match": tag})
        second = api.patch(f"{JOBS}/j", {"description": "2"}, headers={"If-Match": tag})
        assert (first.status_code, second.status_code) == (200, 412)
        assert second.json()["error"]["code"] == "PreconditionFailed"
        assert api.get(f"{JOBS}/j").json()["description"] == "1"
        anyhow = api.patch(f"{JOBS}/j", {"description": "3"}, headers={"If-Match": "*"})
        assert anyhow.status_code == 200

    def test_of_many_changes_to_one_version_one_is_made(self, api: Api) -> None:
        submit(api.site, name="j")
        headers = {"If-Match": api.get(f"{JOBS}/j").headers["ETag"]}
        with ThreadPoolExecutor(8) as pool:
            codes = list(
                pool.map(
                    lambda i: (
                        api.patch(
                            f"{JOBS}/j", {"description": str(i)}, headers=headers
                        ).status_code
                    ),
                    range(16),
                )
            )
        assert sorted(set(codes)) == [200, 412]
        assert codes.count(200) == 1

    def test_assets_and_workspaces_have_them_too(self, api: Api) -> None:
        api.post(f"{W}/environments", {"name": "e", "image": "python:3.11"})
        for path in (f"{W}/environments/e/versions/1", W):
            assert api.get(path).headers["ETag"]
        stale = {"If-Match": '"99"'}
        changes = {"description": "x"}
        path = f"{W}/environments/e/versions/1"
        assert api.patch(path, changes, headers=stale).status_code == 412


class TestIdempotency:
    def test_repeating_a_call_repeats_the_answer(self, api: Api) -> None:
        headers = {"Idempotency-Key": "k1"}
        first = api.post(JOBS, command(), headers=headers)
        second = api.post(JOBS, command(), headers=headers)
        assert first.status_code == second.status_code == 201
        assert first.json() == second.json()
        assert len(api.get(JOBS).json()["value"]) == 1

    def test_another_request_with_the_key_is_refused(self, api: Api) -> None:
        headers = {"Idempotency-Key": "k1"}
        api.post(JOBS, command(), headers=headers)
        for path, body in (
            (JOBS, command(description="other")),
            (f"{W}/environments", {"name": "e", "image": "x"}),
        ):
            assert api.post(path, body, headers=headers).status_code == 409

    def test_keys_of_different_people_are_different(self, api: Api) -> None:
        headers = {"Idempotency-Key": "k1"}
        person = api.as_("Contributor")
        one = api.post(JOBS, command(), headers=headers).json()
        two = person.post(JOBS, command(), headers=headers).json()
        assert one["name"] != two["name"]

    def test_an_answer_goes_with_the_workspace_that_it_tells_of(
        self, api: Api, site: TestSite
    ) -> None:
        spec = {"name": "e", "image": "secret.example.org/lab-image"}
        made = (
            (WORKSPACES, {"name": "Lab", "description": "lab-image"}, "k1"),
            (f"{WORKSPACES}/lab/environments", spec, "k2"),
            (f"{WORKSPACES}/LAB/environments", {**spec, "name": "f"}, "k3"),
            (JOBS, command(), "k4"),
        )
        for path, body, key in made:
            answer = api.post(path, body, headers={"Idempotency-Key": key})
            assert answer.status_code == 201, answer.text
        call(site, workspace_trash.delete, "lab", permanently=True)
        assert workspace_trash.finish(site)
        with site.db.read() as db:
            left = db.execute(select(idempotency.c.key)).scalars().all()
        assert list(left) == ["k4"]

    @pytest.mark.parametrize("key", ["", "x" * 201])
    def test_a_key_has_a_length(self, api: Api, key: str) -> None:
        answer = api.post(JOBS, command(), headers={"Idempotency-Key": key})
        assert answer.status_code == 400

    def test_a_refused_call_is_not_remembered(self, api: Api) -> None:
        headers = {"Idempotency-Key": "k1"}
        assert api.post(JOBS, {"type": "command"}, headers=headers).status_code == 422
        assert api.post(JOBS, command(), headers=headers).status_code == 201

    @pytest.mark.parametrize("more", [{}, {"name": "j"}])
    def test_fifty_at_once_with_one_key_are_one_job(self, api: Api, more: dict[str, str]) -> None:
        headers = {"Idempotency-Key": "k1"}
        with ThreadPoolExecutor(16) as pool:
            answers = list(
                pool.map(lambda _: api.post(JOBS, command(**more), headers=headers), range(50))
            )
        assert {a.status_code for a in answers} == {201}
        assert all(a.json() == answers[0].json() for a in answers)
        assert len(api.get(JOBS).json()["value"]) == 1

    def test_fifty_at_once_of_one_name_are_one_job_and_49_conflicts(self, api: Api) -> None:
        with ThreadPoolExecutor(16) as pool:
            codes = list(
                pool.map(
                    lambda _: api.post(JOBS, command(name="j")).status_code,
                    range(50),
                )
            )
        assert (codes.count(201), codes.count(409)) == (1, 49)

    def test_fifty_versions_at_once_are_numbered_without_gaps(self, api: Api) -> None:
        def create(i: int) -> str:
            body = {"name": "e", "image": f"python:3.{i}"}
            return api.post(f"{W}/environments", body).json()["version"]

        with ThreadPoolExecutor(16) as pool:
            made = sorted(int(version) for version in pool.map(create, range(50)))
        assert made == list(range(1, 51))


class TestErrors:
    @pytest.mark.parametrize(
        "method, path, status, code",
        [
            ("GET", "/api/v1/nope", 404, "NotFound"),
            ("GET", f"{JOBS}/nope", 404, "NotFound"),
            ("GET", f"{W}/nope", 404, "NotFound"),
            ("PUT", JOBS, 405, "Invalid"),
            ("DELETE", f"{JOBS}/j", 405, "Invalid"),
            ("GET", f"{W}/computes/nope", 404, "NotFound"),
            ("GET", f"{W}/environments/nope", 404, "NotFound"),
            ("GET", f"{W}/environments/nope/versions/1", 404, "NotFound"),
            ("GET", f"{W}/environments/nope/versions", 404, "NotFound"),
            ("GET", f"{W}/builds/nope", 404, "NotFound"),
            ("GET", f"{W}/blobs/xyz", 400, "Invalid"),
            ("GET", f"{W}/blobs/{'0' * 64}", 404, "NotFound"),
            ("GET", "/api/v1/registries/nope/environments", 404, "NotFound"),
            ("DELETE", W, 400, "Invalid"),
        ],
    )
    def test_every_error_has_one_shape(
        self, api: Api, method: str, path: str, status: int, code: str
    ) -> None:
        answer = api.request(method, path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
        assert answer.headers["content-type"] == "application/json"
        assert set(answer.json()) == {"error"}
        assert set(answer.json()["error"]) <= {"code", "message", "hint", "details"}

    def test_a_database_that_does_not_answer_says_when_to_come_back(
        self, api: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert api.get("/api/v1/me").status_code == 200

        def fail(*_: Any, **__: Any) -> Any:
            raise Unavailable("The database did not answer.", retry_after=3)

        monkeypatch.setattr(jobs, "submit", fail)
        answer = api.post(JOBS, command())
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "3"

    def test_a_bug_tells_a_number_and_no_more(
        self, api: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: Any, **__: Any) -> Any:
            raise RuntimeError("password=hunter2")

        monkeypatch.setattr(jobs, "submit", fail)
        answer = api.post(JOBS, command())
        assert answer.status_code == 500
        assert "incident" in answer.json()["error"]["message"]
        assert "hunter2" not in answer.text

    @pytest.mark.parametrize(
        "body, said",
        [
            ({"type": "pipeline", "jobs": {}}, '{"job": {…}, "trees": ["…"]}'),
            ({"job": {"type": "pipeline"}, "trees": [{"files": []}]}, '"trees": ["…"]'),
            ({"job": command(), "trees": ["{}"]}, "manifest"),
        ],
    )
    def test_a_plan_is_of_a_job_and_its_lists_of_files(
        self, api: Api, body: dict[str, Any], said: str
    ) -> None:
        answer = api.post(f"{W}/jobs/plan", body)
        assert answer.status_code == 400
        assert said in answer.json()["error"]["message"]

    def test_blobs_that_are_missing_are_listed(self, api: Api) -> None:
        answer = api.post(JOBS, command(code="tree:" + "0" * 64))
        assert answer.status_code == 424
        assert answer.json()["error"]["details"]["missing"] == ["0" * 64]


class TestEvents:
    def test_the_stream_tells_every_state_and_ends_with_the_job(
        self, api: Api, server: Server, engine: Engine
    ) -> None:
        submit(api.site, name="j")
        server.settle()
        with ThreadPoolExecutor(1) as pool:
            stream = pool.submit(api.get, f"{JOBS}/j/events")
            self._wait_for_listener(api)
            engine.run(KEY)
            engine.end(KEY)
            answer = stream.result(30)
        assert answer.headers["content-type"].startswith("text/event-stream")
        events = [part for part in answer.text.split("\n\n") if "event: job" in part]
        views = [json.loads(e.split("data: ", 1)[1]) for e in events]
        states = [view["status"] for view in views]
        assert states == sorted(states, key=list(State).index)
        assert states[-1] == "Completed"
        ids = [e.split("id: ")[1].split("\n")[0] for e in events]
        assert ids == [v["etag"] for v in views]

    def test_with_changes_the_view_comes_once_and_then_what_is_another(
        self, api: Api, server: Server, engine: Engine
    ) -> None:
        steps = {"a": {"command": "true"}, "b": {"command": "echo b", "depends_on": ["a"]}}
        environment = command()["environment"]
        for step in steps.values():
            step["environment"] = environment
        call(api.site, jobs.submit, "default", {"type": "pipeline", "name": "p", "jobs": steps})
        server.settle()
        with ThreadPoolExecutor(1) as pool:
            stream = pool.submit(api.get, f"{JOBS}/p/events?changes=true")
            self._wait_for_listener(api)
            for step in ("a", "b"):
                engine.run(f"default/p_{step}/1")
                engine.finalize(f"default/p_{step}/1")
                engine.end(f"default/p_{step}/1")
                server.settle()
            answer = stream.result(30)
        parts = [part for part in answer.text.split("\n\n") if "data: " in part]
        kinds = [part.split("event: ")[1].split("\n")[0] for part in parts]
        assert kinds == ["job", *["change"] * (len(kinds) - 1)]
        view, *told = [json.loads(part.split("data: ", 1)[1]) for part in parts]
        assert all("jobs" not in change["fields"] for change in told)
        for change in told:
            view = merged(view, change)
        now = api.get(f"{JOBS}/p").json()
        assert view == now
        assert [step["status"] for step in view["steps"]] == ["Completed"] * 2

    def test_a_job_that_is_over_is_told_once(self, api: Api, server: Server) -> None:
        submit(api.site, name="j")
        call(api.site, jobs.cancel, "default", "j")
        server.settle()
        answer = api.get(f"{JOBS}/j/events")
        assert answer.text.count("event: job") == 1
        assert '"Canceled"' in answer.text

    def test_the_stream_of_what_is_not_there_is_an_error(self, api: Api) -> None:
        assert api.get(f"{JOBS}/nope/events").status_code == 404

    def _wait_for_listener(self, api: Api) -> None:
        for _ in range(500):
            if api.live.topics._listeners:
                return
            threading.Event().wait(0.01)
        raise AssertionError("nobody listens")


class TestFiles:
    @pytest.fixture
    def log(self, api: Api, server: Server) -> bytes:
        submit(api.site, name="j", outputs={"o": {}, "f": {"type": "uri_file"}})
        server.settle()
        artifacts = api.site.home.artifacts("default", "j")
        for path, text in (
            ("user_logs/std_log.txt", b"0123456789"),
            ("outputs/deep/model.pkl", b"model"),
        ):
            (artifacts / path).parent.mkdir(parents=True, exist_ok=True)
            (artifacts / path).write_bytes(text)
        (api.site.home.path / "secret").write_text("s3cret")
        (artifacts / "outputs" / "link").symlink_to(api.site.home.path / "secret")
        (artifacts / "outputs" / "folder").symlink_to(api.site.home.path)
        store = api.site.home.datastore("default", "workspaceblobstore") / "azureml/j"
        (store / "o").mkdir(parents=True)
        (store / "o" / "a.txt").write_bytes(b"a")
        return b"0123456789"

    def test_files_are_listed_and_links_that_leave_are_not(self, api: Api, log: bytes) -> None:
        listed = api.get(f"{JOBS}/j/files").json()["value"]
        paths = [f["path"] for f in listed]
        assert {"user_logs/std_log.txt", "outputs/deep/model.pkl"} <= set(paths)
        assert "named-outputs/o/a.txt" in paths
        assert not any("secret" in path or "link" in path for path in paths)
        some = api.get(f"{JOBS}/j/files?prefix=outputs/").json()["value"]
        assert [f["path"] for f in some] == ["outputs/deep/model.pkl"]
        assert some[0]["size"] == 5

    @pytest.mark.parametrize(
        "path",
        [
            "../secret",
            "../dcid.other/user_logs/std_log.txt",
            "user_logs/%2e%2e/%2e%2e/secret",
            "outputs/../../../../../../secret",
            "outputs/%2e%2e/secret",
            "outputs/%2e%2e%2fsecret",
            "outputs/..%5csecret",
            "outputs//etc/passwd",
            "/etc/passwd",
            "outputs/link",
            "outputs/folder/secret",
            "outputs/folder/token",
            "outputs",
            "outputs/",
            "outputs/deep",
            "outputs/model.pkl%00.txt",
            "named-outputs/nope/a.txt",
            "named-outputs/o/../../../x",
            "named-outputs/o",
            "user_logs/CON",
            "C:/Windows",
            "outputs/deep/model.pkl/x",
            "outputs/" + "a/" * 2000 + "b",
            "outputs/" + "a" * 5000,
        ],
    )
    @pytest.mark.parametrize("follow", ["", "?follow=false&offset=0"])
    def test_nothing_else_is_read(self, api: Api, log: bytes, path: str, follow: str) -> None:
        answer = api.get(f"{JOBS}/j/files/{path}{follow}")
        assert answer.status_code in (400, 404), (path, answer.text)
        assert "s3cret" not in answer.text

    def test_bytes_from_an_offset(self, api: Api, log: bytes) -> None:
        path = f"{JOBS}/j/files/user_logs/std_log.txt"
        for offset, wanted in ((0, log), (4, log[4:]), (10, b""), (99, b"")):
            answer = api.get(f"{path}?offset={offset}")
            assert (answer.status_code, answer.content) == (200, wanted)
        for offset in ("-1", "x", str(1 << 70), "1e3"):
            assert api.get(f"{path}?offset={offset}").status_code == 400

    def test_following_ends_with_the_job_and_has_all(
        self, api: Api, server: Server, engine: Engine, log: bytes
    ) -> None:
        engine.run(KEY)
        path = api.site.home.artifacts("default", "j") / "user_logs/std_log.txt"
        with ThreadPoolExecutor(1) as pool:
            url = f"{JOBS}/j/files/user_logs/std_log.txt?follow=true&offset=2"
            stream = pool.submit(api.get, url)
            with path.open("ab") as file:
                file.write(b"more")
            engine.end(KEY)
            answer = stream.result(30)
        assert answer.content == b"23456789more"

    def test_a_file_that_never_comes_ends_with_the_job(
        self, api: Api, server: Server, engine: Engine, log: bytes
    ) -> None:
        engine.run(KEY)
        engine.end(KEY)
        answer = api.get(f"{JOBS}/j/files/outputs/never.txt?follow=true")
        assert (answer.status_code, answer.content) == (200, b"")


class TestBlobs:
    def test_what_was_stored_comes_back(self, api: Api) -> None:
        tree = put_tree(api.site, {"a.txt": b"0123456789"})
        digest = "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882"
        asked = api.post(f"{W}/blobs/missing", {"sha256": [digest, "0" * 64, tree]})
        assert asked.json() == {"missing": ["0" * 64]}
        assert api.get(f"{W}/blobs/{digest}").content == b"0123456789"

    def test_uploads_are_verified(self, api: Api) -> None:
        digest = "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882"
        good = f"{digest} 10\n".encode() + b"0123456789"
        for bad in (
            good[:-1],
            good[:-1] + b"x",
            b"x" * 200,
            digest.encode() + b" -1\n",
            digest.encode() + b" 99999999999999999999\n",
            good + b"x",
        ):
            asked = api.post(f"{W}/blobs/missing", {"sha256": [digest]})
            assert asked.json() == {"missing": [digest]}
            assert api.post(f"{W}/blobs", content=bad).status_code == 400, bad
        assert api.post(f"{W}/blobs", content=good).json() == {"stored": 1}

    @pytest.mark.parametrize(
        "header, status, content",
        [
            ("bytes=0-3", 206, b"0123"),
            ("bytes=4-", 206, b"456789"),
            ("bytes=8-99", 206, b"89"),
            ("bytes=0-0", 206, b"0"),
        ],
    )
    def test_ranges(self, api: Api, header: str, status: int, content: bytes) -> None:
        put_tree(api.site, {"a.txt": b"0123456789"})
        digest = "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882"
        answer = api.get(f"{W}/blobs/{digest}", headers={"Range": header})
        assert (answer.status_code, answer.content) == (status, content)
        assert answer.headers["content-range"].endswith("/10")
        assert int(answer.headers["content-length"]) == len(content)

    @pytest.mark.parametrize(
        "header",
        [
            "bytes=10-",
            "bytes=5-3",
            "bytes=-3",
            "bytes=0-1,3-4",
            "bytes=" + "0-1," * 5000,
            "items=0-1",
            "bytes=x-",
            "bytes=" + "9" * 30 + "-",
        ],
    )
    def test_odd_ranges_are_refused(self, api: Api, header: str) -> None:
        put_tree(api.site, {"a.txt": b"0123456789"})
        digest = "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882"
        answer = api.get(f"{W}/blobs/{digest}", headers={"Range": header})
        assert answer.status_code in (400, 416)

    @pytest.mark.parametrize("digests", [None, "x", [1], ["x"], ["0" * 64] * 20_001])
    def test_odd_questions_are_refused(self, api: Api, digests: Any) -> None:
        assert api.post(f"{W}/blobs/missing", {"sha256": digests}).status_code == 400


class TestSessions:
    def test_a_code_is_good_once(self, api: Api) -> None:
        code = api.post("/api/v1/sign-in-codes").json()["code"]
        nobody = api.with_(None)
        first = nobody.post("/api/v1/sessions", {"code": code})
        assert first.status_code == 201
        assert "HttpOnly" in first.headers["set-cookie"]
        assert nobody.post("/api/v1/sessions", {"code": code}).status_code == 401

    def test_a_code_grows_old(self, api: Api, site: TestSite, clock: Any) -> None:
        code = api.post("/api/v1/sign-in-codes").json()["code"]
        clock.time += 121
        assert api.with_(None).post("/api/v1/sessions", {"code": code}).status_code == 401

    def test_a_code_is_no_token(self, api: Api) -> None:
        code = api.post("/api/v1/sign-in-codes").json()["code"]
        assert api.with_(code).get("/api/v1/me").status_code == 401
