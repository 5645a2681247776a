from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lazur.errors import Invalid, LazurError, NotFound
from lazur.sdk.client import Client
from lazur.sdk.http import Http
from tests.unit.sdk.conftest import Handler, Stage, hangs_up, says


@pytest.fixture
def client(stage: Stage, tmp_path: Path) -> Iterator[Client]:
    http = Http(stage.address)
    yield Client(http, workspace="my team", home=tmp_path)
    http.close()


def exported(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        for name in names:
            made.writestr(name, "x")
    return file.getvalue()


def breaks_off(handler: Handler) -> None:
    """In the middle of the file."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"PK")
    handler.close_connection = True


class TestList:
    def test_filter_and_order_are_for_the_server(self, client: Client, stage: Stage) -> None:
        stage.plays(says(200, {"value": [{"id": "a", "name": "x"}], "next": None}))
        found = list(client.runs.list(filter="metrics.auc > 0.9", order_by="metrics.auc DESC"))
        assert [run.id for run in found] == ["a"]
        path = stage.seen[0].path
        assert path.startswith("/api/v1/workspaces/my%20team/runs?")
        assert "filter=metrics.auc" in path
        assert "cursor" not in path

    def test_the_tracking_address_is_that_of_the_workspace(self, client: Client) -> None:
        assert client.tracking_uri == f"{client.url}/mlflow/workspaces/my%20team"


class TestExport:
    def test_a_file_that_broke_off_is_fetched_again(
        self, client: Client, stage: Stage, tmp_path: Path
    ) -> None:
        whole = exported("manifest.json")
        stage.plays(breaks_off, hangs_up, says(200, whole))
        path = client.runs.export("a", "b", path=tmp_path / "runs.zip")
        assert path.read_bytes() == whole
        assert [json.loads(seen.body) for seen in stage.seen][-1] == {"runs": ["a", "b"]}

    def test_children_come_along_unless_they_are_not_wanted(
        self, client: Client, stage: Stage, tmp_path: Path
    ) -> None:
        stage.plays(says(200, exported("manifest.json")))
        client.runs.export("a", path=tmp_path / "runs.zip", children=False)
        assert json.loads(stage.seen[0].body) == {"runs": ["a"], "children": False}

    def test_half_a_file_never_takes_the_place_of_a_whole_one(
        self, client: Client, stage: Stage, tmp_path: Path
    ) -> None:
        target = tmp_path / "runs.zip"
        target.write_bytes(b"an earlier one")
        stage.plays(says(200, exported("runs/a/run.json")))
        with pytest.raises(LazurError, match="broke off"):
            client.runs.export("a", path=target)
        assert target.read_bytes() == b"an earlier one"
        assert list(tmp_path.iterdir()) == [target]


class TestImport:
    def test_sends_the_file_and_tells_how_far_it_is(
        self, client: Client, stage: Stage, tmp_path: Path
    ) -> None:
        file = tmp_path / "runs.zip"
        file.write_bytes(exported("manifest.json"))
        size, seen = file.stat().st_size, list[tuple[int, int]]()
        stage.plays(says(201, {"runs": [{"id": "n", "name": "x", "imported": True}]}))
        made = client.runs.import_(file, progress=lambda done, total: seen.append((done, total)))
        assert [run.id for run in made] == ["n"]
        assert stage.seen[0].body == file.read_bytes()
        assert seen == [(size, size)]

    def test_a_file_that_is_not_there_is_told(self, client: Client, tmp_path: Path) -> None:
        with pytest.raises(NotFound, match=r"none\.zip"):
            client.runs.import_(tmp_path / "none.zip")


class TestWhich:
    def test_names_or_an_experiment_and_not_both(self, client: Client) -> None:
        with pytest.raises(Invalid, match="not both"):
            client.runs.delete("a", experiment_name="b")
