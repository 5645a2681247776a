from __future__ import annotations

import hashlib
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from lazur.errors import Invalid, NotFound, ServerUnreachable
from lazur.sdk import downloads
from lazur.sdk.client import Client
from lazur.sdk.http import LOST, Http
from tests.unit.sdk.conftest import Handler, Stage, says

TIME = "2026-01-02T03:04:05.678000+00:00"


class Files:
    """A finished job with the given files."""

    def __init__(self, files: dict[str, bytes], status: str = "Completed") -> None:
        self.files = files
        self.status = status
        self.fetched: list[str] = []

    def __call__(self, handler: Handler) -> None:
        url = urlsplit(handler.path)
        _, mark, rest = unquote(url.path).partition("/files")
        if not mark:
            says(
                200, {"name": "j", "status": self.status, "outputs": {"model": {}, "default": {}}}
            )(handler)
        elif rest:
            self.fetched.append(rest[1:])
            says(200, self.files[rest[1:]][int(parse_qs(url.query)["offset"][0]) :])(handler)
        else:
            prefix = parse_qs(url.query).get("prefix", [""])[0]
            found = {p: b for p, b in self.files.items() if p.startswith(prefix)}
            entries = [{"path": p, "size": len(b), "modified": TIME} for p, b in found.items()]
            says(200, {"value": entries})(handler)


@pytest.fixture
def client(stage: Stage, home: Path) -> Client:
    return Client(Http(stage.address), home=home)


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


class TestDownload:
    files = {  # noqa: RUF012
        "user_logs/std_log.txt": b"log",
        "model/MLmodel": b"logged with mlflow",
        "outputs/a b/ü.bin": b"\0" * 10,
        "named-outputs/model/m.pkl": b"model",
    }

    def test_logs_and_outputs_by_default(
        self, client: Client, stage: Stage, tmp_path: Path
    ) -> None:
        stage.plays(Files(self.files))
        client.jobs.download("j", download_path=tmp_path)
        assert tree(tmp_path) == {
            "artifacts/user_logs/std_log.txt": b"log",
            "artifacts/model/MLmodel": b"logged with mlflow",
            "artifacts/outputs/a b/ü.bin": b"\0" * 10,
        }

    def test_one_output(self, client: Client, stage: Stage, tmp_path: Path) -> None:
        stage.plays(Files(self.files))
        client.jobs.download("j", download_path=tmp_path, output_name="model")
        assert tree(tmp_path) == {"named-outputs/model/m.pkl": b"model"}

    def test_everything(self, client: Client, stage: Stage, tmp_path: Path) -> None:
        stage.plays(Files(self.files))
        client.jobs.download("j", download_path=tmp_path, all=True)
        assert len(tree(tmp_path)) == len(self.files)

    def test_what_is_there_already_is_not_fetched_again(
        self, client: Client, stage: Stage, tmp_path: Path
    ) -> None:
        story = Files(self.files)
        stage.plays(story)
        client.jobs.download("j", download_path=tmp_path, output_name="model")
        client.jobs.download("j", download_path=tmp_path, output_name="model")
        assert story.fetched == ["named-outputs/model/m.pkl"]

    def test_a_job_that_runs_is_refused(
        self, client: Client, stage: Stage, tmp_path: Path
    ) -> None:
        stage.plays(Files(self.files, "Running"))
        with pytest.raises(Invalid, match="not ended"):
            client.jobs.download("j", download_path=tmp_path)

    def test_an_output_that_is_not_there_is_named(
        self, client: Client, stage: Stage, tmp_path: Path
    ) -> None:
        stage.plays(Files(self.files))
        with pytest.raises(NotFound, match="modle") as caught:
            client.jobs.download("j", download_path=tmp_path, output_name="modle")
        assert "model" in (caught.value.hint or "")

    @pytest.mark.parametrize(
        "name", ["outputs/../../evil", "outputs/..", "outputs/\\evil", "outputs/a\0b"]
    )
    def test_a_server_cannot_write_elsewhere(
        self, client: Client, stage: Stage, tmp_path: Path, name: str
    ) -> None:
        stage.plays(Files({name: b"x"}))
        with pytest.raises(Invalid, match="unsafe"):
            client.jobs.download("j", download_path=tmp_path / "in")
        assert tree(tmp_path) == {}

    def test_nor_through_a_link_that_lies_there(
        self, client: Client, stage: Stage, tmp_path: Path
    ) -> None:
        (tmp_path / "in" / "artifacts").mkdir(parents=True)
        (tmp_path / "in" / "artifacts" / "outputs").symlink_to(tmp_path)
        stage.plays(Files({"outputs/evil": b"x"}))
        with pytest.raises(Invalid, match="link"):
            client.jobs.download("j", download_path=tmp_path / "in")
        assert not (tmp_path / "evil").exists()


class TestGoingOn:
    """A server that sends 100 kB more with each answer, and then hangs up."""

    data = bytes(range(256)) * 4000

    def test_a_connection_that_breaks_costs_nothing_twice(
        self, client: Client, stage: Stage, tmp_path: Path
    ) -> None:
        story = Breaking(self.data)
        stage.plays(story)
        client.jobs.download("j", download_path=tmp_path, output_name="model")
        assert tree(tmp_path) == {"named-outputs/model/m.pkl": self.data}
        assert story.offsets == list(range(0, len(self.data), 100_000))

    @pytest.mark.slow
    def test_what_was_begun_is_gone_on_with_another_day(
        self, client: Client, stage: Stage, tmp_path: Path
    ) -> None:
        story = Breaking(self.data, gone_after=3)
        stage.plays(story)
        with pytest.raises((*LOST, ServerUnreachable)):
            client.jobs.download("j", download_path=tmp_path, output_name="model")
        again = Breaking(self.data)
        stage.plays(again)
        client.jobs.download("j", download_path=tmp_path, output_name="model")
        assert tree(tmp_path) == {"named-outputs/model/m.pkl": self.data}
        assert again.offsets[0] == 300_000

    @pytest.mark.slow
    def test_another_version_is_not(self, client: Client, stage: Stage, tmp_path: Path) -> None:
        stage.plays(Breaking(self.data, gone_after=3))
        with pytest.raises((*LOST, ServerUnreachable)):
            client.jobs.download("j", download_path=tmp_path, output_name="model")
        again = Breaking(self.data[::-1], time="2026-01-02T03:04:05.999000+00:00")
        stage.plays(again)
        client.jobs.download("j", download_path=tmp_path, output_name="model")
        found = tree(tmp_path)
        assert found["named-outputs/model/m.pkl"] == self.data[::-1]
        assert again.offsets[0] == 0

    def test_what_was_begun_with_other_bytes_is_begun_anew(
        self, stage: Stage, tmp_path: Path
    ) -> None:
        stage.plays(Breaking(self.data))
        digest = hashlib.sha256(self.data).hexdigest()
        entry = {"path": "m.pkl", "size": len(self.data), "sha256": digest}
        (tmp_path / f".{downloads._mark(entry)}.partial").write_bytes(b"other")
        downloads.fetch(Http(stage.address), "/files", [("m.pkl", entry)], tmp_path, None)
        assert tree(tmp_path) == {"m.pkl": self.data}


class Breaking(Files):
    def __init__(self, data: bytes, *, gone_after: int = 1000, time: str = TIME) -> None:
        super().__init__({"named-outputs/model/m.pkl": data})
        self.offsets: list[int] = []
        self._data = data
        self._gone_after = gone_after
        self._time = time

    def __call__(self, handler: Handler) -> None:
        url = urlsplit(handler.path)
        if url.path.endswith("/files"):
            (path,) = self.files
            entry = {"path": path, "size": len(self._data), "modified": self._time}
            says(200, {"value": [entry]})(handler)
        elif "/files" in url.path:
            self._send(handler, int(parse_qs(url.query)["offset"][0]))
        else:
            super().__call__(handler)

    def _send(self, handler: Handler, offset: int) -> None:
        handler.close_connection = True
        if len(self.offsets) < self._gone_after:
            self.offsets.append(offset)
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(self._data) - offset))
            handler.end_headers()
            handler.wfile.write(self._data[offset : offset + 100_000])
