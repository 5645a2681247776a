from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from lazur.errors import Invalid, NotFound
from lazur.sdk.client import Client
from lazur.sdk.http import Http
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
