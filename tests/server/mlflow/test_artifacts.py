from __future__ import annotations

import asyncio
import fcntl
import json
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal
from sqlalchemy import select

from lazur.errors import LazurError
from lazur.server.app import Front, create_api
from lazur.server.gate import Gate
from lazur.server.mlflow import uploads
from lazur.server.settings import Settings
from lazur.server.topics import Closed
from lazur.services.base import artifact_uris, workspaces
from lazur.services.base.home import ARTIFACTSTORE
from lazur.services.jobs import jobs
from lazur.services.people import tokens
from lazur.services.tracking.artifacts import DRAFTS, Artifacts
from lazur.store.mlflow import sql
from lazur.store.tables import stored
from lazur.testing.fakes import Engine, FakeBuilder
from tests.server.native.conftest import Api, Http, W
from tests.site import ENVIRONMENT, OWNER, Clock, TestSite, call, open_site

FILES = "/mlflow/api/2.0/mlflow-artifacts/artifacts"
DEFAULT = "mlflow-artifacts:/workspaces/ws-1"


@pytest.fixture
def api(home: Path, tmp_path: Path) -> Iterator[Api]:
    site = open_site(
        home, f"sqlite:///{tmp_path / 'db'}", Engine(Clock()), FakeBuilder(str(tmp_path))
    )
    call(site, workspaces.create, {"name": "second"})
    settings = Settings(home=home, role="api")
    gate = Gate(
        Front(create_api(site, settings), site, settings), tokens.authenticator(site), settings
    )
    with start_blocking_portal() as portal:
        http = Http(portal, gate)
        yield Api(http, site, site.home.owner_token())
        http.close()
    site.db.close()


@pytest.fixture
def store(api: Api) -> Path:
    return api.site.home.datastore("default", ARTIFACTSTORE)


def add_run(site: TestSite, run: str, uri: str | None = None, experiment: int = 1) -> str:
    """Of experiment 1, which is that of the workspace `default`."""
    with site.context(OWNER) as context:
        sql.execute(
            context.db,
            """INSERT INTO runs (run_uuid, experiment_id, lifecycle_stage, status, artifact_uri)
               VALUES (:id, :experiment, 'active', 'RUNNING', :uri)""",
            {
                "id": run,
                "experiment": experiment,
                "uri": uri or f"{DEFAULT}/1/{run}/artifacts",
            },
        )
    return run


def add_model(site: TestSite, model: str, run: str) -> str:
    with site.context(OWNER) as context:
        sql.execute(
            context.db,
            """INSERT INTO logged_models
               (model_id, experiment_id, name, artifact_location, creation_timestamp_ms,
                last_updated_timestamp_ms, status, lifecycle_stage, source_run_id)
               VALUES (:id, 1, 'm', :uri, 1, 1, 1, 'active', :run)""",
            {"id": model, "run": run, "uri": f"{DEFAULT}/1/models/{model}/artifacts"},
        )
    return model


def files_in(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


class TestFiles:
    def test_what_was_put_is_got(self, api: Api, store: Path) -> None:
        content = os.urandom(3_000_000)
        put = api.request("PUT", f"{FILES}/1/r/artifacts/a/b.bin", content=content)
        assert (put.status_code, put.content) == (200, b"")
        got = api.get(f"{FILES}/workspaces/ws-1/1/r/artifacts/a/b.bin")
        assert got.content == content
        assert (store / "1/r/artifacts/a/b.bin").read_bytes() == content

    def test_a_file_is_replaced_whole(self, api: Api) -> None:
        for content in (b"a long beginning", b"short", b""):
            assert api.request("PUT", f"{FILES}/1/r/x", content=content).status_code == 200
            assert api.get(f"{FILES}/1/r/x").content == content

    def test_a_body_in_chunks_is_taken(self, api: Api) -> None:
        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(100):
                yield b"0123456789" * 2000

        assert api.request("PUT", f"{FILES}/1/r/x", content=chunks()).status_code == 200
        assert len(api.get(f"{FILES}/1/r/x").content) == 2_000_000

    def test_a_list_names_what_lies_directly_in_a_folder(self, api: Api, store: Path) -> None:
        for path in ("1/r/b.txt", "1/r/a/deep/x", "1/r/empty", "1/r/é"):
            api.request("PUT", f"{FILES}/{path}", content=b"" if "empty" in path else b"12")
        (store / "1/r/link").symlink_to("/etc/passwd")
        (store / "1/r/.artifact.uploading.x").touch()
        listed = api.get(FILES, params={"path": "1/r"})
        assert listed.text == json.dumps(
            {
                "files": [
                    {"path": "a", "is_dir": True},
                    {"path": "b.txt", "is_dir": False, "file_size": 2},
                    {"path": "empty", "is_dir": False},
                    {"path": "é", "is_dir": False, "file_size": 2},
                ]
            },
            indent=2,
        )
        for nothing in ("1/r/b.txt", "not/there"):
            assert api.get(FILES, params={"path": nothing}).text == "{}"
        assert api.get(FILES).json() == {"files": [{"path": "1", "is_dir": True}]}

    def test_a_folder_is_deleted_with_all_that_is_in_it(self, api: Api, store: Path) -> None:
        api.request("PUT", f"{FILES}/1/r/a/b", content=b"1")
        api.request("PUT", f"{FILES}/1/s/a", content=b"1")
        for _ in range(2):
            deleted = api.request("DELETE", f"{FILES}/1/r")
            assert (deleted.status_code, deleted.text) == (200, "{}")
        assert files_in(store) == {"1/s/a"}

    def test_the_store_itself_is_not_deleted(self, api: Api, store: Path) -> None:
        api.request("PUT", f"{FILES}/ExperimentRun/dcid.x/a", content=b"1")
        for path in ("workspaces/ws-1", "ExperimentRun", "experimentrun"):
            assert api.request("DELETE", f"{FILES}/{path}").status_code in {400, 403}
        assert files_in(store) == {"ExperimentRun/dcid.x/a"}

    def test_a_folder_is_no_file(self, api: Api) -> None:
        api.request("PUT", f"{FILES}/1/r/a", content=b"1")
        assert api.get(f"{FILES}/1/r").status_code == 400
        assert api.request("PUT", f"{FILES}/1/r", content=b"1").status_code == 409
        assert api.request("PUT", f"{FILES}/1/r/a/b", content=b"1").status_code == 409
        assert api.request("PUT", f"{FILES}/1/r/", content=b"1").status_code == 400

    def test_an_absent_file_is_said_as_upstream_says_it(self, api: Api) -> None:
        answer = api.get(f"{FILES}/1/r/x")
        assert answer.status_code == 404
        assert answer.json()["error_code"] == "RESOURCE_DOES_NOT_EXIST"
        assert answer.json()["message"] == "No such artifact: 'workspaces/ws-1/1/r/x'"

    def test_multipart_is_refused_in_the_words_that_make_clients_send_one_piece(
        self, api: Api
    ) -> None:
        for what in ("create", "complete", "abort"):
            url = f"/mlflow/ajax-api/2.0/mlflow-artifacts/mpu/{what}/1/r"
            answer = api.post(url, {"path": "x", "num_parts": 2})
            assert answer.status_code == 501
            assert answer.json()["error_code"] == "NOT_IMPLEMENTED"
            assert answer.json()["message"].startswith(
                "Multipart upload is not supported for the current artifact repository"
            )

    def test_pages_never_run_in_our_origin(self, api: Api) -> None:
        api.request("PUT", f"{FILES}/1/r/p.html", content=b"<script>alert(1)</script>")
        headers = api.get(f"{FILES}/1/r/p.html").headers
        assert headers["content-disposition"] == "attachment; filename=p.html"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("sandbox; default-src 'none'")

    def test_names_are_told_as_headers_can_hold_them(self, api: Api) -> None:
        for name, told in {
            'a "b".txt': 'attachment; filename="a \\"b\\".txt"',
            "ä.txt": "attachment; filename=a.txt; filename*=UTF-8''%C3%A4.txt",
            "日本": "attachment; filename=download; filename*=UTF-8''%E6%97%A5%E6%9C%AC",
        }.items():
            api.request("PUT", f"{FILES}/1/r/{name}", content=b"1")
            got = api.get(f"{FILES}/1/r/{name}")
            assert (got.status_code, got.headers["content-disposition"]) == (200, told)


class TestRanges:
    CONTENT = bytes(range(256)) * 8000

    @pytest.fixture
    def got(self, api: Api) -> Callable[..., Any]:
        api.request("PUT", f"{FILES}/1/r/x", content=self.CONTENT)

        def get(method: str = "GET", **headers: str) -> Any:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return api.request(method, f"{FILES}/1/r/x", headers=named)

        return get

    @pytest.mark.parametrize(
        "asked, start, end",
        [
            ("bytes=0-0", 0, 1),
            ("bytes=5-", 5, 2_048_000),
            ("bytes=-7", 2_047_993, 2_048_000),
            ("bytes=100-99999999", 100, 2_048_000),
            ("bytes=1000000-1999999", 1_000_000, 2_000_000),
            ("bytes=0-", 0, 2_048_000),
        ],
    )
    def test_one_range_is_answered(
        self, got: Callable[..., Any], asked: str, start: int, end: int
    ) -> None:
        answer = got(range=asked)
        assert answer.status_code == 206
        assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/2048000"
        assert answer.content == self.CONTENT[start:end]

    @pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "bytes=5-2", "lines=1-2", "bytes=x-"])
    def test_what_is_no_single_range_gets_the_whole(
        self, got: Callable[..., Any], asked: str
    ) -> None:
        answer = got(range=asked)
        assert (answer.status_code, answer.content) == (200, self.CONTENT)

    def test_a_range_behind_the_end_is_refused(self, got: Callable[..., Any]) -> None:
        answer = got(range="bytes=2048000-")
        assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */2048000")

    def test_a_head_has_the_length_and_no_body(self, got: Callable[..., Any]) -> None:
        answer = got("HEAD")
        assert (answer.status_code, answer.headers["content-length"]) == (200, "2048000")
        assert answer.content == b""

    def test_what_is_known_already_is_not_sent_again(
        self, api: Api, got: Callable[..., Any]
    ) -> None:
        tag = got("HEAD").headers["etag"]
        assert got(if_none_match=tag).status_code == 304
        assert got(range="bytes=0-1", if_range=tag).status_code == 206
        api.request("PUT", f"{FILES}/1/r/x", content=self.CONTENT)
        assert got(if_none_match=tag).status_code == 200
        assert got(range="bytes=0-1", if_range=tag).status_code == 200


class TestCounting:
    @staticmethod
    def kept(api: Api) -> dict[str, int]:
        with api.site.db.read() as db:
            rows = db.execute(select(stored).where(stored.c.gone_at.is_(None)))
            return {f"{row.kind}:{row.name}": row.bytes for row in rows}

    def test_what_is_uploaded_replaced_and_deleted_is_counted(self, api: Api) -> None:
        run = add_run(api.site, "r" * 32)
        for size in (1000, 300):
            api.request("PUT", f"{FILES}/1/{run}/artifacts/a/x", content=b"x" * size)
        api.request("PUT", f"{FILES}/1/{run}/artifacts/y", content=b"x" * 50)
        assert self.kept(api) == {f"run:{run}": 350}
        api.request("DELETE", f"{FILES}/1/{run}/artifacts/a")
        assert self.kept(api) == {f"run:{run}": 50}

    def test_what_belongs_to_no_run_is_counted_as_well(self, api: Api) -> None:
        api.request("PUT", f"{FILES}/1/nobody/x", content=b"x" * 10)
        api.request("PUT", f"{FILES}/loose", content=b"x" * 20)
        assert self.kept(api) == {"path:nobody": 10, "path:loose": 20}

    def test_over_the_quota_nothing_is_taken(self, api: Api, store: Path) -> None:
        run = add_run(api.site, "r" * 32)
        limits = {"limits": {"bytes": 1000}}
        assert api.request("PUT", f"{W}/quotas", json=limits).status_code == 200
        assert api.request("PUT", f"{FILES}/1/{run}/x", content=b"x" * 900).status_code == 200
        refused = api.request("PUT", f"{FILES}/1/{run}/y", content=b"x" * 200)
        assert refused.status_code == 403
        assert "quota of 1000 bytes stored in workspace 'default' is used up" in refused.text
        assert files_in(store) == {f"1/{run}/x"}


class TestIsolation:
    @pytest.mark.parametrize(
        "path",
        [
            "workspaces/ws-2/1/x",
            "workspaces",
            "%252e%252e/x",
            "1/%252e%252e/%252e%252e/second/workspaceartifactstore/x",
            "a%2523b",
            "..%255cx",
            ".lazur-uploads/x",
            "1/.artifact.uploading.x",
        ],
    )
    def test_a_path_stays_in_the_workspace(self, api: Api, path: str) -> None:
        for method in ("PUT", "GET", "DELETE"):
            assert api.request(method, f"{FILES}/{path}").status_code in {400, 404}

    def test_another_workspace_is_reached_only_by_those_who_may(self, api: Api) -> None:
        own = "/mlflow/workspaces/second/api/2.0/mlflow-artifacts/artifacts"
        assert api.request("PUT", f"{own}/x", content=b"1").status_code == 200
        assert api.get(f"{FILES}/x").status_code == 404
        stranger = api.as_("Contributor", "default")
        for method in ("PUT", "GET", "DELETE"):
            assert stranger.request(method, f"{own}/x").status_code == 404
        assert stranger.get(own, headers={"X-MLFLOW-WORKSPACE": "ws-2"}).status_code == 404

    def test_links_lead_nowhere(self, api: Api, store: Path, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text("s")
        api.request("PUT", f"{FILES}/1/r/x", content=b"1")
        (store / "1/r/file").symlink_to(tmp_path / "secret")
        (store / "1/r/folder").symlink_to(tmp_path)
        assert api.get(f"{FILES}/1/r/file").status_code == 404
        assert api.get(f"{FILES}/1/r/folder/secret").status_code == 404
        assert api.get(FILES, params={"path": "1/r/folder"}).text == "{}"
        assert api.request("PUT", f"{FILES}/1/r/folder/new", content=b"1").status_code == 409
        assert api.request("PUT", f"{FILES}/1/r/file", content=b"new").status_code == 200
        api.request("DELETE", f"{FILES}/1/r/folder")
        assert (tmp_path / "secret").read_text() == "s"

    def test_a_reader_reads_only(self, api: Api) -> None:
        api.request("PUT", f"{FILES}/1/r/x", content=b"1")
        reader = api.as_("Reader")
        assert reader.get(f"{FILES}/1/r/x").status_code == 200
        assert reader.request("PUT", f"{FILES}/1/r/x", content=b"2").status_code == 403
        assert reader.request("DELETE", f"{FILES}/1/r/x").status_code == 403
        assert api.with_(None).get(f"{FILES}/1/r/x").status_code == 401


class TestJobs:
    @pytest.fixture
    def names(self, api: Api) -> list[str]:
        spec = {"command": "true", "environment": ENVIRONMENT}
        names = [str(call(api.site, jobs.submit, "default", spec)["name"]) for _ in range(2)]
        with api.site.context(write=False) as context:
            known = sql.rows(context.db, "SELECT run_uuid FROM runs")
        for name in names:
            if (name,) not in known:
                add_run(api.site, name, f"{DEFAULT}/ExperimentRun/dcid.{name}")
        return names

    def test_a_job_writes_below_its_own_run(self, api: Api, names: list[str]) -> None:
        own, other = names
        job = api.as_job(own)
        put = job.request("PUT", f"{FILES}/ExperimentRun/dcid.{own}/model/x", content=b"1")
        assert put.status_code == 200, put.text
        for path in (
            f"ExperimentRun/dcid.{other}/x",
            f"ExperimentRun/dcid.{other}/{own}/x",
            f"1/{own}/x",
            "somewhere/x",
            f"experimentrun/dcid.{other}/x",
        ):
            assert job.request("PUT", f"{FILES}/{path}", content=b"1").status_code == 403, path
            assert job.request("DELETE", f"{FILES}/{path}").status_code == 403, path

    def test_a_job_writes_to_runs_that_are_no_jobs(self, api: Api, names: list[str]) -> None:
        job = api.as_job(names[0])
        free = add_run(api.site, "a" * 32)
        model = add_model(api.site, "m-1", free)
        others = add_model(api.site, "m-2", names[1])
        for path, status in {
            f"1/{free}/artifacts/x": 200,
            f"1/models/{model}/artifacts/x": 200,
            f"1/models/{others}/artifacts/x": 403,
            f"1/{free}/x": 403,
        }.items():
            answer = job.request("PUT", f"{FILES}/{path}", content=b"1")
            assert answer.status_code == status, (path, answer.text)


class TestRuns:
    def test_a_runs_files_are_listed_and_read(self, api: Api) -> None:
        run = add_run(api.site, "b" * 32)
        api.request("PUT", f"{FILES}/1/{run}/artifacts/d/x.txt", content=b"12")
        listed = api.get(
            "/mlflow/api/2.0/mlflow/artifacts/list", params={"run_id": run, "path": "d"}
        )
        assert listed.json() == {
            "root_uri": f"{DEFAULT}/1/{run}/artifacts",
            "files": [{"path": "d/x.txt", "is_dir": False, "file_size": 2}],
        }
        for name in ("run_id", "run_uuid"):
            got = api.get("/mlflow/get-artifact", params={name: run, "path": "d/x.txt"})
            assert (got.content, got.headers["content-type"]) == (b"12", "text/plain")

    def test_another_workspaces_run_is_not_there(self, api: Api) -> None:
        with api.site.context(write=False) as context:
            found = sql.row(
                context.db, "SELECT experiment_id FROM experiments WHERE workspace = 'ws-2'"
            )
        assert found is not None
        run = add_run(api.site, "c" * 32, f"{DEFAULT}/1/x", experiment=found[0])
        for path in ("/mlflow/get-artifact", "/mlflow/api/2.0/mlflow/artifacts/list"):
            answer = api.get(path, params={"run_id": run, "path": "x"})
            assert answer.status_code == 404
            assert answer.json()["message"] == f"Run with id={run} not found"

    def test_a_run_that_names_a_place_on_the_server_opens_nothing(
        self, api: Api, tmp_path: Path
    ) -> None:
        (tmp_path / "x").touch()
        for number, uri in enumerate((tmp_path.as_uri(), str(tmp_path))):
            run = add_run(api.site, f"{number}" * 32, uri)
            for path in ("/mlflow/get-artifact", "/mlflow/api/2.0/mlflow/artifacts/list"):
                assert api.get(path, params={"run_id": run, "path": "x"}).status_code == 403

    def test_a_page_uploads_to_where_the_run_keeps_its_files(self, api: Api, store: Path) -> None:
        run = add_run(api.site, "d" * 32, f"{DEFAULT}/elsewhere")
        url = "/mlflow/ajax-api/2.0/mlflow/upload-artifact"
        answer = api.request(
            "POST", url, params={"run_uuid": run, "path": "a/n.txt"}, content=b"x"
        )
        assert answer.status_code == 200, answer.text
        assert files_in(store) == {"elsewhere/a/n.txt"}
        large = api.request(
            "POST", url, params={"run_uuid": run, "path": "n"}, content=b"x" * ((10 << 20) + 1)
        )
        assert large.status_code == 413

    def test_a_models_files_are_listed_and_read(self, api: Api) -> None:
        model = add_model(api.site, "m-3", "none")
        api.request("PUT", f"{FILES}/1/models/{model}/artifacts/MLmodel", content=b"m")
        base = f"/mlflow/ajax-api/2.0/mlflow/logged-models/{model}/artifacts"
        assert api.get(f"{base}/directories").json()["files"][0]["path"] == "MLmodel"
        got = api.get(f"{base}/files", params={"artifact_file_path": "MLmodel"})
        assert (got.content, got.headers["content-type"]) == (b"m", "text/plain")


class TestInterrupted:
    def test_a_client_that_goes_away_leaves_nothing(self, tmp_path: Path) -> None:
        async def lost() -> dict[str, Any]:
            sent.append(1)
            if len(sent) < 4:
                return {"type": "http.request", "body": b"x" * 700_000, "more_body": True}
            return {"type": "http.disconnect"}

        sent: list[int] = []
        with pytest.raises(Closed):
            asyncio.run(uploads.receive(Artifacts(tmp_path), "a/b", lost))
        assert files_in(tmp_path) == set()

    def test_a_failing_disk_leaves_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(_fd: int, _data: bytes) -> int:
            raise OSError(28, "No space left on device")

        async def body() -> dict[str, Any]:
            return {"type": "http.request", "body": b"x" * 700_000, "more_body": True}

        monkeypatch.setattr("os.write", full)
        with pytest.raises(LazurError, match="no room") as caught:
            asyncio.run(uploads.receive(Artifacts(tmp_path), "a/b", body))
        assert caught.value.status == 413
        assert files_in(tmp_path) == set()

    def test_what_a_killed_server_left_is_swept_and_what_goes_on_is_not(
        self, tmp_path: Path
    ) -> None:
        files = Artifacts(tmp_path)
        draft = files.draft()
        draft.write([b"half"])
        left = tmp_path / DRAFTS / "left"
        left.write_bytes(b"x")
        young = tmp_path / DRAFTS / "young"
        young.write_bytes(b"x")
        for path in (tmp_path / DRAFTS).iterdir():
            if path != young:
                os.utime(path, (time.time() - 100, time.time() - 100))
        assert files.sweep() == 1
        assert not left.exists()
        assert young.exists()
        draft.publish("whole")
        assert (tmp_path / "whole").read_bytes() == b"half"

    def test_a_draft_is_locked_while_it_is_written(self, tmp_path: Path) -> None:
        draft = Artifacts(tmp_path).draft()
        (path,) = (tmp_path / DRAFTS).iterdir()
        with path.open() as other, pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        draft.discard()
        draft.discard()
        assert files_in(tmp_path) == set()


class TestUris:
    @pytest.mark.parametrize(
        "uri, path",
        [
            ("mlflow-artifacts:/workspaces/ws-1/1/r/artifacts", "1/r/artifacts"),
            ("mlflow-artifacts://host:5000/workspaces/ws-1/1/r", "1/r"),
            ("mlflow-artifacts:/plain/r", "plain/r"),
            ("http://h/api/2.0/mlflow-artifacts/artifacts/workspaces/ws-1/x", "x"),
            ("s3://bucket/x", None),
            ("models:/m/1", None),
        ],
    )
    def test_a_uri_means_a_path_in_the_store(self, uri: str, path: str | None) -> None:
        assert artifact_uris.inside("ws-1", uri) == path

    @pytest.mark.parametrize(
        "uri",
        [
            "mlflow-artifacts:/workspaces/ws-2/x",
            "mlflow-artifacts:/a/../b",
            "file:///x",
            "/x",
            "x",
        ],
    )
    def test_a_uri_that_leads_out_is_refused(self, uri: str) -> None:
        with pytest.raises(LazurError):
            artifact_uris.inside("ws-1", uri)
