"""The carrier as a program, against each kind of store: what it sends comes back, from the store
and then from the cache."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lazur.datastores.azure_blob import AzureBlob
from lazur.datastores.gcs import Gcs
from lazur.datastores.s3 import S3
from lazur.egress import Rule
from lazur.engine.secret import Secret
from tests.datastores import azurite
from tests.datastores.test_gcs import PROGRAM
from tests.datastores.web import Web, serving

pytestmark = pytest.mark.filterwarnings("ignore:Please install grpcio-status:ImportWarning")
HERE = Rule.of(["127.0.0.1", "localhost"])
KEYS = {"access_key_id": "AKIDEXAMPLE", "secret_access_key": "secret-of-the-keys"}
FILES = {"a.csv": b"one\n", "sub/b.bin": os.urandom(9 << 20), "sub/empty": b""}
Store = dict[str, Any]


@contextlib.contextmanager
def _local(folder: Path) -> Iterator[Store]:
    (folder / "store").mkdir()
    yield {"type": "local", "settings": {"path": str(folder / "store")}, "credentials": {}}


@contextlib.contextmanager
def _s3(folder: Path) -> Iterator[Store]:
    server: Any = importlib.import_module("moto.server").ThreadedMotoServer("127.0.0.1", 0, False)
    server.start()
    host, port = server.get_host_and_port()
    settings = {"bucket_name": "bucket", "endpoint": f"http://{host}:{port}"}
    S3(settings, dict(KEYS), rule=HERE)._client.create_bucket(Bucket="bucket")
    yield {"type": "s3", "settings": settings, "credentials": KEYS}
    server.stop()


@contextlib.contextmanager
def _azure_blob(folder: Path) -> Iterator[Store]:
    if azurite.program() is None:
        pytest.skip(azurite.MISSING)
    with azurite.running(folder) as url:
        settings = {"account_name": azurite.ACCOUNT, "container_name": "data", "endpoint": url}
        key = {"account_key": azurite.KEY}
        AzureBlob(
            settings, {"account_key": Secret(azurite.KEY)}, rule=HERE
        )._client.create_container()
        yield {"type": "azure_blob", "settings": settings, "credentials": key}


@contextlib.contextmanager
def _gcs(folder: Path) -> Iterator[Store]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    argv = [PROGRAM, "start", "--host=127.0.0.1", f"--port={port}", "--in-memory"]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(argv, cwd=folder, stdout=quiet, stderr=quiet)
    try:
        until(lambda: _answers(port))
        settings = {"bucket_name": "bucket", "endpoint": f"http://127.0.0.1:{port}"}
        Gcs(settings, rule=HERE)._client.create()
        yield {"type": "gcs", "settings": settings, "credentials": {}}
    finally:
        process.terminate()
        process.wait(20)


STORES = {"local": _local, "s3": _s3, "azure_blob": _azure_blob, "gcs": _gcs}


@pytest.fixture(
    params=["local", "s3", pytest.param("azure_blob", marks=pytest.mark.needs_azurite), "gcs"]
)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    folder = tmp_path / "server"
    folder.mkdir()
    with STORES[request.param](folder) as made:
        yield {**made, "ambient": False}


def carry(do: str, store: Store, path: str, **more: Any) -> dict[str, Any]:
    """Its last word. Its standard input stays open for as long, or it would end."""
    with _started(do, store, path, **more) as process:
        assert process.stdout is not None
        return json.loads(list(process.stdout)[-1])


def _started(do: str, store: Store, path: str, **more: Any) -> subprocess.Popen[str]:
    asked = {"do": do, "store": {**store, "path": path}, "rule": HERE.written(), **more}
    process = subprocess.Popen(
        [sys.executable, "-I", "-m", "lazur.carrier"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]},
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(asked) + "\n")
    process.stdin.flush()
    return process


def written(folder: Path) -> Path:
    for path, data in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


def fetch(store: Store, path: str, folder: Path, limit: int = 1 << 30) -> dict[str, Any]:
    into = folder / uuid.uuid4().hex
    return {
        "into": into,
        **carry("fetch", store, path, into=str(into), cache=str(folder / "cache"), limit=limit),
    }


def files_in(folder: Path) -> dict[str, bytes]:
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


class TestEveryStore:
    def test_what_is_sent_comes_back(self, store: Store, tmp_path: Path) -> None:
        sent = {"folder": str(written(tmp_path / "out")), "journal": str(tmp_path / "journal")}
        done = carry("send", store, "made/here/", file=False, **sent)
        assert done == {"done": {"files": 3, "bytes": sum(map(len, FILES.values()))}}
        first = fetch(store, "made/here", tmp_path)
        assert files_in(first["into"]) == FILES
        assert first["done"]["cached_files"] == 0
        again = fetch(store, "made/here", tmp_path)
        assert again["done"]["cached_files"] == 3
        assert (again["into"] / "a.csv").stat().st_mode & 0o222 == 0
        alone = fetch(store, "made/here/a.csv", tmp_path)
        assert files_in(alone["into"]) == {"a.csv": FILES["a.csv"]}

    def test_one_file(self, store: Store, tmp_path: Path) -> None:
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "model.bin").write_bytes(b"1")
        sent = {"folder": str(tmp_path / "out"), "journal": str(tmp_path / "journal")}
        carry("send", store, "models/model.bin", file=True, **sent)
        assert files_in(fetch(store, "models", tmp_path)["into"]) == {"model.bin": b"1"}

    def test_nothing_is_told(self, store: Store, tmp_path: Path) -> None:
        assert fetch(store, "absent", tmp_path)["error"]["code"] == "NotFound"


class TestParts:
    """Of a large file whose sending is killed."""

    @pytest.mark.parametrize(
        "name", ["s3", pytest.param("azure_blob", marks=pytest.mark.needs_azurite)]
    )
    def test_the_next_carrier_goes_on_with_it(self, name: str, tmp_path: Path) -> None:
        data = os.urandom(1 << 20) * 100
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "model.bin").write_bytes(data)
        journal = tmp_path / "journal"
        sent = {"folder": str(tmp_path / "out"), "journal": str(journal), "file": False}
        with STORES[name](tmp_path) as made:
            store = {**made, "ambient": False}
            plug = plug_of(store)
            process = _started("send", store, "parted", **sent)
            until(lambda: held(process, lambda: begun(journal) and parts(plug, journal) > 2))
            process.kill()
            process.communicate()
            assert [item.path for item in plug.list("parted")] == ["parted/.lazur-unfinished"]
            done = carry("send", store, "parted", **sent)
            assert done == {"done": {"files": 1, "bytes": len(data)}}
            assert len(begun(journal)) == 1, "what was there is not sent again"
            with plug.open("parted/model.bin") as file:
                assert file.read() == data


def held(process: subprocess.Popen[str], true: Callable[[], Any]) -> bool:
    """Whether it is so now. If it is, the process stands still: it cannot end before its time."""
    process.send_signal(signal.SIGSTOP)
    if not (found := bool(true())):
        process.send_signal(signal.SIGCONT)
    return found


def plug_of(store: Store) -> Any:
    kind = {"s3": S3, "azure_blob": AzureBlob}[store["type"]]
    return kind(dict(store["settings"]), dict(store["credentials"]), rule=HERE)


def begun(journal: Path) -> list[str]:
    """Notes of what was begun."""
    lines = journal.read_text().splitlines() if journal.exists() else []
    found = [json.loads(line) for line in lines if line.endswith("]")]
    return [line[3] for line in found if len(line) > 3]


def parts(plug: Any, journal: Path) -> int:
    return len(plug._known("parted/model.bin", begun(journal)[0]) or ())


class TestCache:
    def test_it_is_bounded_and_what_a_job_has_stays(self, tmp_path: Path) -> None:
        with _local(tmp_path) as made:
            store = {**made, "ambient": False}
            written(tmp_path / "store")
            found = fetch(store, "", tmp_path, limit=1 << 20)
            held = files_in(tmp_path / "cache" / "objects")
            assert sum(map(len, held.values())) <= 1 << 20
            assert files_in(found["into"]) == FILES
            assert files_in(fetch(store, "", tmp_path)["into"]) == FILES

    def test_one_that_cannot_be_tidied_costs_no_job(self, tmp_path: Path) -> None:
        with _local(tmp_path) as made:
            written(tmp_path / "store")
            (tmp_path / "cache" / "evicting").mkdir(parents=True)
            found = fetch({**made, "ambient": False}, "", tmp_path)
        assert files_in(found["into"]) == FILES
        assert "could not be tidied up" in found["done"]["warning"]

    def test_jobs_at_once_fetch_a_file_once(self, tmp_path: Path) -> None:
        with serving(Web({"/big": os.urandom(4 << 20)}, stop_at=1 << 20)) as web:
            settings = {"endpoint": web.url}
            store = {"type": "http", "settings": settings, "credentials": {}, "ambient": False}
            found: list[dict[str, Any]] = []
            work = [
                threading.Thread(target=lambda: found.append(fetch(store, "big", tmp_path)))
                for _ in range(3)
            ]
            for each in work:
                each.start()
            assert web.stopped.wait(60)
            web.go_on.set()
            for each in work:
                each.join()
            assert len(web.reads) == 1
            assert {files_in(one["into"])["big"] for one in found} == {web.files["/big"]}


class TestEnd:
    def test_it_ends_with_whoever_started_it(self, tmp_path: Path) -> None:
        with serving(Web({"/big": os.urandom(4 << 20)}, stop_at=1 << 20)) as web:
            settings = {"endpoint": web.url}
            store = {"type": "http", "settings": settings, "credentials": {}, "ambient": False}
            more = {"into": str(tmp_path / "i"), "cache": str(tmp_path / "cache"), "limit": 1}
            process = _started("fetch", store, "big", **more)
            assert web.stopped.wait(60)
            process.communicate(timeout=120)
            assert process.returncode == 1

    def test_no_word_of_it_has_a_credential(self, tmp_path: Path) -> None:
        with serving(Web({"/a": b"1"}, token="another")) as web:
            store = {"type": "http", "settings": {"endpoint": web.url}, "ambient": False}
            store["credentials"] = {"token": "canary-of-the-store"}
            found = fetch(store, "a", tmp_path)
        assert "403" in found["error"]["message"]
        assert "canary" not in json.dumps(found["error"])

    def test_it_goes_nowhere_that_the_server_would_not(self, tmp_path: Path) -> None:
        with serving(Web({"/a": b"1"})) as web:
            asked = {"type": "http", "settings": {"endpoint": web.url}, "credentials": {}}
            more = {"into": str(tmp_path / "i"), "cache": str(tmp_path / "c"), "limit": 1}
            found = carry("fetch", {**asked, "ambient": False}, "a", **{**more, "rule": []})
        assert found["error"]["code"] == "Forbidden"
        assert web.reads == []


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    return False


def until(true: Any, patience: float = 60.0) -> None:
    end = time.monotonic() + patience
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)
