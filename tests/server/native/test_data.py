"""Previews and profiles of data, over the wire: real processes look, at what a server has."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from lazur.datastores.local import Local
from lazur.services.assets import assets
from lazur.services.content import datastores
from lazur.services.looks import desk, material, process
from lazur.services.resources import registries
from lazur.services.resources.shelves import Registry
from tests.server.native.conftest import Api, W
from tests.site import TestSite, call, put_tree

SECRET = "hunter2-and-a-half"
CSV = b"n,t\n1,a\n2,b\n,b\n"


def make(site: TestSite, files: dict[str, bytes], kind: str = "uri_file", name: str = "d") -> None:
    path = f"tree:{put_tree(site, files)}"
    call(site, assets.create, "default", "data", {"name": name, "path": path, "type": kind})


def ask(api: Api, what: str, name: str = "d", status: int = 200, version: str = "1") -> Any:
    """As clients do: again while it is being computed."""
    answer = api.get(f"{W}/data/{name}/versions/{version}/{what}")
    while answer.status_code == 202:
        answer = api.get(f"{W}/data/{name}/versions/{version}/{what}")
    assert answer.status_code == status, answer.text
    return answer.json()


class TestPreview:
    def test_the_first_rows(self, api: Api) -> None:
        make(api.site, {"a.csv": CSV})
        found = ask(api, "preview?rows=2")
        assert found["status"] == "ready"
        assert found["columns"] == [
            {"name": "n", "type": "int64"},
            {"name": "t", "type": "string"},
        ]
        assert found["rows"] == [[1, "a"], [2, "b"]]
        assert found["more"] is True

    def test_a_label(self, api: Api) -> None:
        make(api.site, {"a.csv": CSV})
        assert ask(api, "preview", version="@latest")["version"] == "1"

    def test_a_table_of_a_folder(self, api: Api) -> None:
        table = b"paths: [{pattern: ./data/*.csv}]\ntransformations: [read_delimited]\n"
        files = {"MLTable": table, "data/a.csv": b"x\n1\n", "data/b.csv": b"x\n2\n"}
        make(api.site, files, "mltable")
        assert ask(api, "preview")["rows"] == [[1], [2]]

    def test_a_folder_of_a_datastore_as_it_is_now(self, api: Api) -> None:
        folder = api.site.home.datastore("default", "workspaceblobstore") / "x"
        folder.mkdir(parents=True)
        (folder / "a.jsonl").write_text('{"n": 1}\n')
        path = "azureml://datastores/workspaceblobstore/paths/x"
        call(api.site, assets.create, "default", "data", {"name": "d", "path": path})
        assert ask(api, "preview")["rows"] == [[1]]
        (folder / "a.jsonl").write_text('{"n": 1}\n{"n": 2}\n')
        assert ask(api, "preview")["rows"] == [[1], [2]]

    def test_of_a_registry(self, api: Api) -> None:
        call(api.site, registries.create, {"name": "shared"})
        path = f"tree:{put_tree(api.site, {'a.csv': CSV})}"
        call(api.site, assets.create, Registry("shared"), "data", {"name": "d", "path": path})
        answer = api.get("/api/v1/registries/shared/data/d/versions/1/preview?wait=30")
        assert answer.json()["rows"][0] == [1, "a"]

    def test_what_is_elsewhere_says_what_to_do(self, api: Api) -> None:
        spec = {"name": "d", "path": "https://example.org/a.csv", "type": "uri_file"}
        call(api.site, assets.create, "default", "data", spec)
        assert "read it in a job" in ask(api, "preview", status=501)["error"]["hint"]

    def test_what_is_not_there(self, api: Api) -> None:
        path = "azureml://datastores/workspaceblobstore/paths/nothing"
        call(api.site, assets.create, "default", "data", {"name": "d", "path": path})
        assert "'nothing'" in ask(api, "preview", status=404)["error"]["message"]
        assert api.get(f"{W}/data/other/versions/1/preview").status_code == 404

    @pytest.mark.parametrize("query", ["rows=0", "rows=1001", "wait=31", "rows=x"])
    def test_numbers_are_bounded(self, api: Api, query: str) -> None:
        make(api.site, {"a.csv": CSV})
        assert api.get(f"{W}/data/d/versions/1/preview?{query}").status_code == 400


class TestProfile:
    def test_of_all_columns(self, api: Api) -> None:
        make(api.site, {"a.csv": CSV})
        found = ask(api, "profile")
        assert found["rows"] == 3
        number, text = found["columns"]
        assert (number["count"], number["nulls"], number["min"], number["max"]) == (2, 1, 1, 2)
        assert number["mean"] == 1.5
        assert text["top"] == [{"value": "b", "count": 2}]
        assert json.dumps(found, allow_nan=False)

    def test_it_is_computed_once(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        make(api.site, {"a.csv": CSV})
        make(api.site, {"a.csv": CSV}, name="same")
        first = ask(api, "profile")
        monkeypatch.setattr(process, "look", None)
        assert ask(api, "profile")["computed_at"] == first["computed_at"]
        assert ask(api, "profile", "same")["computed_at"] == first["computed_at"]

    def test_it_says_that_it_computes(self, api: Api) -> None:
        make(api.site, {"a.csv": CSV})
        answer = api.get(f"{W}/data/d/versions/1/profile?wait=0")
        assert (answer.status_code, answer.json()["status"]) == (202, "computing")
        assert answer.headers["retry-after"] == "1"
        header = {"Prefer": "respond-async, wait=30"}
        answer = api.get(f"{W}/data/d/versions/1/profile?wait=0", headers=header)
        assert answer.status_code == 200

    def test_what_harms_its_reader_says_so_and_no_more(self, api: Api) -> None:
        make(api.site, {"a.parquet": b"PAR1" + b"\xff" * 5000 + b"PAR1"})
        error = ask(api, "profile", status=400)["error"]
        assert error["message"].startswith("d:1 cannot be looked at:")
        assert str(api.site.home.path) not in error["message"]
        assert api.get(f"{W}/data").status_code == 200


class TestRights:
    def test_a_reader_looks_and_a_stranger_does_not(self, api: Api) -> None:
        make(api.site, {"a.csv": CSV})
        assert ask(api.as_("Reader"), "preview")["status"] == "ready"
        stranger = api.as_("AzureML Compute Operator")
        assert stranger.get(f"{W}/data/d/versions/1/preview").status_code == 403

    def test_nothing_is_left_behind(self, api: Api) -> None:
        make(api.site, {"a.csv": CSV})
        ask(api, "preview")
        work = api.site.home.cache / "looks" / "work"
        end = time.monotonic() + 60
        while list(work.iterdir()) and time.monotonic() < end:
            time.sleep(0.02)
        assert list(work.iterdir()) == []


class TestKept:
    def kept(self, api: Api) -> list[str]:
        return sorted(p.name for p in (api.site.home.cache / "looks").glob("[0-9]*/*/*"))

    def test_it_goes_with_the_content(self, api: Api) -> None:
        make(api.site, {"a.csv": CSV})
        ask(api, "profile")
        desk.prune(api.site)
        assert len(self.kept(api)) == 1
        path = api.get(f"{W}/data/d/versions/1").json()["path"]
        api.site.blobs.delete(path.removeprefix("tree:"))
        desk.prune(api.site)
        assert self.kept(api) == []

    def test_it_goes_when_nobody_asked_for_long(
        self, api: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make(api.site, {"a.csv": CSV})
        ask(api, "profile")
        monkeypatch.setattr(desk, "_KEPT", -1.0)
        desk.prune(api.site)
        assert not list((api.site.home.cache / "looks").glob("[0-9]*"))

    def test_a_folder_keeps_its_last_state_alone(self, api: Api) -> None:
        folder = api.site.home.datastore("default", "workspaceblobstore") / "x"
        folder.mkdir(parents=True)
        path = "azureml://datastores/workspaceblobstore/paths/x"
        call(api.site, assets.create, "default", "data", {"name": "d", "path": path})
        for rows in range(1, 4):
            (folder / "a.csv").write_text("n\n" + "1\n" * rows)
            assert ask(api, "profile")["rows"] == rows
        assert len(self.kept(api)) == 1


class TestRemote:
    def test_it_is_fetched_by_the_server_within_its_rules(
        self, api: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """A datastore elsewhere: the process that looks has no network, so the server fetches."""
        (tmp_path / "far").mkdir()
        (tmp_path / "far" / "a.csv").write_bytes(CSV)
        store = Local({"path": str(tmp_path / "far")}, {})
        monkeypatch.setattr(datastores, "plug_of", lambda *_: store)
        spec = {"name": "far", "type": "s3", "bucket_name": "b", "endpoint": "https://s3.example"}
        assert api.request("PUT", f"{W}/datastores/far", json=spec).status_code == 200
        path = "azureml://datastores/far/paths/a.csv"
        spec = {"name": "d", "path": path, "type": "uri_file"}
        call(api.site, assets.create, "default", "data", spec)
        assert ask(api, "preview?rows=1")["rows"] == [[1, "a"]]
        monkeypatch.setattr(material, "MOST_REMOTE", 3)
        assert "3 bytes" not in ask(api, "preview?rows=2", status=400)["error"]["message"]


class TestImport:
    @pytest.fixture
    def connection(self, api: Api) -> Api:
        spec = {
            "name": "crm",
            "type": "azure_postgres_db",
            "target": "postgresql://db.example/crm",
            "credentials": {"type": "username_password", "username": "joe", "password": SECRET},
        }
        assert api.request("PUT", f"{W}/connections/crm", json=spec).status_code == 200
        return api

    def spec(self, **source: Any) -> dict[str, Any]:
        asked = {"type": "database", "connection": "azureml:crm", "query": "SELECT 1", **source}
        return {"name": "people", "type": "mltable", "source": asked}

    def test_it_is_a_job_that_has_no_secret_in_its_row(self, connection: Api) -> None:
        answer = connection.post(f"{W}/data-imports", self.spec())
        assert answer.status_code == 201, answer.text
        job = answer.json()
        assert job["command"] == "python -m importing ${{outputs.data}}"
        assert SECRET not in connection.get(f"{W}/jobs/{job['name']}").text
        variables = job["environment_variables"]
        reference = "${{azureml://connections/crm/credentials/password}}"
        assert variables["LAZUR_IMPORT_PASSWORD"] == reference
        assert "psycopg[binary]>=3.1" in json.dumps(job["environment"])

    @pytest.mark.parametrize(
        "change, status",
        [
            ({"connection": "azureml:other"}, 404),
            ({"query": None}, 422),
            ({"table_name": "t"}, 422),
            ({"type": "tape"}, 422),
        ],
    )
    def test_what_cannot_be(self, connection: Api, change: dict[str, Any], status: int) -> None:
        spec = self.spec(**change)
        spec["source"] = {key: value for key, value in spec["source"].items() if value}
        assert connection.post(f"{W}/data-imports", spec).status_code == status

    def test_a_database_gives_a_table(self, connection: Api) -> None:
        spec = {**self.spec(), "type": "uri_file"}
        assert connection.post(f"{W}/data-imports", spec).status_code == 422

    def test_files_of_a_database(self, connection: Api) -> None:
        source = {"type": "file_system", "connection": "crm", "path": "x"}
        answer = connection.post(f"{W}/data-imports", {"name": "people", "source": source})
        assert answer.status_code == 501
        assert "s3" in answer.json()["error"]["hint"]

    def test_a_reader_does_not(self, connection: Api) -> None:
        reader = connection.as_("Reader")
        assert reader.post(f"{W}/data-imports", self.spec()).status_code == 403
