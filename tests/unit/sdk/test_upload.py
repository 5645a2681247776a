from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from lazur.blobs import framing
from lazur.blobs.local import Local
from lazur.errors import Invalid, LazurError
from lazur.sdk import upload as module
from lazur.sdk.http import Address, Http
from lazur.sdk.localize import Localized, localize
from lazur.sdk.upload import upload


class _Handler(BaseHTTPRequestHandler):
    """The two routes of the native API that take blobs, on a real store."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        try:
            body = self._answer()
            status = 200
        except LazurError as error:
            body, status = error.to_dict(), error.status
            self.close_connection = True
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    @property
    def _own(self) -> _Server:
        assert isinstance(self.server, _Server)
        return self.server

    def _answer(self) -> dict[str, Any]:
        chunks = self._chunks()
        if self.path.endswith("/blobs/missing"):
            asked = json.loads(b"".join(chunks))["sha256"]
            self._own.asked.append(len(asked))
            return {"missing": self._own.blobs.missing(asked)}
        assert self.path == "/api/v1/workspaces/my%20space/blobs"
        stored = framing.store(chunks, self._own.blobs)
        self._own.posts.append(stored)
        return {"stored": stored}

    def _chunks(self) -> Iterator[bytes]:
        if length := self.headers.get("Content-Length"):
            yield self.rfile.read(int(length))
            return
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Tests do not talk."""


class _Server(ThreadingHTTPServer):
    def __init__(self, blobs: Local) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.blobs = blobs
        self.posts: list[int] = []
        self.asked: list[int] = []


@pytest.fixture
def server(tmp_path: Path) -> Iterator[_Server]:
    with _Server(Local(tmp_path / "blobs")) as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture
def http(server: _Server) -> Iterator[Http]:
    made = Http(Address(f"http://127.0.0.1:{server.server_port}"), patience=0)
    yield made
    made.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "src"
    (made / "d").mkdir(parents=True)
    for n in range(20):
        (made / "d" / f"{n}.py").write_text(f"print({n})")
    (made / "large").write_bytes(os.urandom(3_000_000))
    (made / "empty").touch()
    return made


@pytest.fixture
def localized(folder: Path) -> Localized:
    return localize("job", {"code": str(folder)}, folder)


def tree(localized: Localized) -> str:
    return str(localized.spec["code"]).removeprefix("tree:")


class TestUpload:
    def test_the_server_has_everything_afterwards(
        self, http: Http, server: _Server, localized: Localized
    ) -> None:
        sent = upload(http, "my space", localized, [tree(localized)])
        assert server.blobs.missing(list(localized.blobs)) == []
        assert sent == sum(server.blobs.size(digest) for digest in localized.blobs)

    def test_only_what_is_missing_travels(
        self, http: Http, server: _Server, localized: Localized, folder: Path
    ) -> None:
        upload(http, "my space", localized, [tree(localized)])
        (folder / "d" / "1.py").write_text("changed")
        again = localize("job", {"code": str(folder)}, folder)
        sent = upload(http, "my space", again, [tree(again)])
        assert sent == len("changed") + server.blobs.size(tree(again))
        assert server.posts[-2:] == [1, 1]

    def test_nothing_is_asked_when_the_manifest_is_there(
        self, http: Http, server: _Server, localized: Localized
    ) -> None:
        missing = [digest for digest in localized.blobs if digest not in localized.trees]
        upload(http, "my space", localized, missing)
        assert server.asked == []
        assert server.blobs.missing(missing) == []

    def test_a_manifest_comes_after_its_files(
        self, http: Http, server: _Server, localized: Localized
    ) -> None:
        with pytest.raises(Invalid):
            upload(http, "my space", _with_changed_file(localized), [tree(localized)])
        assert not server.blobs.has(tree(localized))

    def test_batches_are_bounded_in_number_and_size(
        self, http: Http, server: _Server, localized: Localized, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "BATCH_COUNT", 6)
        monkeypatch.setattr(module, "BATCH_BYTES", 1_000_000)
        upload(http, "my space", localized, [tree(localized)])
        assert max(server.posts) <= 6
        assert 1 in server.posts
        assert sum(server.posts) == len(localized.blobs)
        assert server.blobs.missing(list(localized.blobs)) == []

    def test_progress_goes_up_to_the_total(self, http: Http, localized: Localized) -> None:
        seen: list[tuple[int, int]] = []
        total = upload(http, "my space", localized, [tree(localized)], lambda *at: seen.append(at))
        assert seen == sorted(seen)
        assert seen[-1] == (total, total)
        assert len(seen) > 10

    def test_a_file_that_changed_is_named(
        self, http: Http, localized: Localized, folder: Path
    ) -> None:
        (folder / "d" / "7.py").write_text("print(8)")
        with pytest.raises(Invalid, match=r"7\.py changed or vanished"):
            upload(http, "my space", localized, [tree(localized)])

    def test_a_file_that_shrank_while_it_was_sent_is_named(
        self, http: Http, localized: Localized, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "_size", lambda blob: 3_000_001 if "large" in str(blob) else 0)
        large = next(d for d, blob in localized.blobs.items() if "large" in str(blob))
        with pytest.raises(Invalid, match="large changed or vanished"):
            upload(http, "my space", localized, [large])

    def test_a_file_that_vanished_is_named(
        self, http: Http, localized: Localized, folder: Path
    ) -> None:
        (folder / "d" / "7.py").unlink()
        with pytest.raises(Invalid, match=r"7\.py changed or vanished"):
            upload(http, "my space", localized, [tree(localized)])

    def test_content_that_is_not_here_cannot_be_sent(
        self, http: Http, localized: Localized
    ) -> None:
        with pytest.raises(Invalid, match="not on this machine"):
            upload(http, "my space", localized, ["a" * 64])

    def test_nothing_missing_is_nothing_sent(
        self, http: Http, server: _Server, localized: Localized
    ) -> None:
        assert upload(http, "my space", localized, []) == 0
        assert server.posts == []


def _with_changed_file(localized: Localized) -> Localized:
    path = next(blob for blob in localized.blobs.values() if "large" in str(blob))
    assert isinstance(path, str)
    with Path(path).open("r+b") as file:
        file.write(b"changed")
    return localized
