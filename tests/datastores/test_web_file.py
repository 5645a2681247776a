"""Files of the web that a job's input names by their address, by way of the carrier."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.datastores.test_carrier import carry, files_in

SUNDAY = "Sun, 01 Nov 2026 10:00:00 GMT"
LONG = b"0123456789" * 300_000


class Site(BaseHTTPRequestHandler):
    """Knows no HEAD, as many do not."""

    protocol_version = "HTTP/1.1"
    asked: list[tuple[str, str]]

    def do_GET(self) -> None:
        part = self.headers.get("Range", "")
        self.asked.append((self.path, part))
        if self.path.startswith("/elsewhere"):
            self._say(302, b"", {"Location": self.path.partition("=")[2]})
        elif self.path.startswith("/gone"):
            self._say(404, b"", {})
        elif self.path.startswith("/busy") and len(self.asked) < 3:
            self._say(503, b"", {})
        elif self.path.startswith("/cut") and not part:
            self._say(200, LONG[: 2 << 20], {"ETag": '"v1"'}, length=len(LONG))
            self.close_connection = True
        elif self.path.startswith("/cut"):
            begin = int(part[6:-1])
            span = f"bytes {begin}-{len(LONG) - 1}/{len(LONG)}"
            self._say(206, LONG[begin:], {"ETag": '"v1"', "Content-Range": span})
        elif self.path.startswith("/endless"):
            self._say(200, b"1,2\n", {}, length=None)
            self.close_connection = True
        else:
            kinds = {"/dated": {"Last-Modified": SUNDAY}, "/plain": {}}
            version = kinds.get(self.path[:6], {"ETag": '"v1"'})
            evil = 'attachment; filename="../../evil"'
            self._say(200, b"1,2\n", {**version, "Content-Disposition": evil})

    def _say(
        self, status: int, body: bytes, headers: dict[str, str], length: int | None = -1
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if length is not None:
            self.send_header("Content-Length", str(len(body) if length < 0 else length))
        else:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
        """Quiet."""


@pytest.fixture
def site() -> Iterator[str]:
    Site.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def fetch(folder: Path, url: str, **more: Any) -> dict[str, Any]:
    store = {"type": "web_file", "settings": {"url": url}, "credentials": {}, "ambient": False}
    into = folder / f"into{len(list(folder.iterdir()))}"
    given = {"into": str(into), "cache": str(folder / "cache"), "limit": 1 << 30, **more}
    return {"into": into, **carry("fetch", store, "", **given)}


class TestFetch:
    @pytest.mark.parametrize("path", ["d/iris.csv?page=1", "dated/iris.csv"])
    def test_one_version_is_read_once(self, tmp_path: Path, site: str, path: str) -> None:
        found = [fetch(tmp_path, f"{site}/{path}") for _ in range(2)]
        assert [files_in(one["into"]) for one in found] == [{"iris.csv": b"1,2\n"}] * 2
        assert [one["done"]["cached_files"] for one in found] == [0, 1]
        assert len(Site.asked) == 2

    @pytest.mark.parametrize("path", ["plain.csv", "endless.csv"])
    def test_what_has_no_version_comes_each_time(
        self, tmp_path: Path, site: str, path: str
    ) -> None:
        found = [fetch(tmp_path, f"{site}/{path}") for _ in range(2)]
        assert [files_in(one["into"]) for one in found] == [{path: b"1,2\n"}] * 2
        assert [one["done"]["cached_files"] for one in found] == [0, 0]

    def test_the_address_and_not_the_server_gives_the_name(
        self, tmp_path: Path, site: str
    ) -> None:
        assert list(files_in(fetch(tmp_path, f"{site}/a%2F..%2F..%2Fb")["into"])) == ["a....b"]
        assert list(files_in(fetch(tmp_path, f"{site}/d/%2E%2E")["into"])) == ["data"]
        assert list(files_in(fetch(tmp_path, f"{site}/d/")["into"])) == ["data"]
        assert not list(tmp_path.rglob("evil"))

    def test_a_file_that_broke_off_goes_on(self, tmp_path: Path, site: str) -> None:
        assert files_in(fetch(tmp_path, f"{site}/cut.bin")["into"]) == {"cut.bin": LONG}
        assert [part[:6] for _, part in Site.asked] == ["", "bytes="]

    def test_a_server_that_is_busy_is_asked_again(self, tmp_path: Path, site: str) -> None:
        assert "done" in fetch(tmp_path, f"{site}/busy.csv")

    def test_a_refusal_is_told_and_not_repeated(self, tmp_path: Path, site: str) -> None:
        error = fetch(tmp_path, f"{site}/gone.csv?q=s3cret")["error"]
        assert "gone.csv: it answered 404" in error["message"]
        assert "s3cret" not in error["message"]
        assert len(Site.asked) == 1


class TestWhereItGoes:
    def test_nowhere_that_the_server_would_not(self, tmp_path: Path, site: str) -> None:
        error = fetch(tmp_path, f"{site}/x.txt", rule=[])["error"]
        assert error["code"] == "Forbidden"
        assert "egress_allow" in error["message"]
        assert Site.asked == []

    def test_neither_does_a_redirect(self, tmp_path: Path, site: str) -> None:
        port = site.rpartition(":")[2]
        url = f"{site}/elsewhere?to=http://127.0.0.2:{port}/secret"
        error = fetch(tmp_path, url, rule=["127.0.0.1"])["error"]
        assert error["code"] == "Forbidden"
        assert len(Site.asked) == 1

    def test_nor_does_it_leave_http(self, tmp_path: Path, site: str) -> None:
        error = fetch(tmp_path, f"{site}/elsewhere?to=ftp://127.0.0.1/secret")["error"]
        assert "not a URL of http or https" in error["message"]

    def test_the_cache_is_bounded(self, tmp_path: Path, site: str) -> None:
        found = fetch(tmp_path, f"{site}/cut.bin", limit=1 << 20)
        assert files_in(tmp_path / "cache" / "objects") == {}
        assert files_in(found["into"]) == {"cut.bin": LONG}
