"""Against gcp-storage-emulator; who signs, against a recorder. The emulator
gives the newest generation whichever is asked for, so that one test of the others is not here."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from lazur.datastores.gcs import Gcs
from lazur.egress import PUBLIC, Rule
from lazur.engine.contracts import Datastore
from lazur.engine.secret import Secret
from lazur.errors import BackendError, Forbidden, Invalid
from lazur.testing.datastores import DatastoreContract
from tests.datastores.recorder import recording

pytestmark = pytest.mark.filterwarnings("ignore:Please install grpcio-status:ImportWarning")
HERE = Rule.of(["127.0.0.1", "localhost"])
PROGRAM = str(Path(sys.executable).parent / "gcp-storage-emulator")


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    argv = [PROGRAM, "start", "--host=127.0.0.1", f"--port={port}", "--in-memory"]
    folder = tmp_path_factory.mktemp("gcs")
    process = subprocess.Popen(
        argv, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    end = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            assert process.poll() is None, "the emulator ended"
            assert time.monotonic() < end, "the emulator never listened"
            time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(20)


@pytest.fixture
def settings(endpoint: str) -> dict[str, Any]:
    made = {"name": "mine", "bucket_name": f"bucket-{uuid.uuid4().hex[:8]}", "endpoint": endpoint}
    Gcs(made, rule=HERE)._client.create()
    return made


class TestContract(DatastoreContract):
    @pytest.fixture
    def store(self, settings: dict[str, Any]) -> Datastore:
        return Gcs(settings, rule=HERE)

    def test_a_missing_bucket_is_told(self, settings: dict[str, Any]) -> None:
        with pytest.raises(BackendError, match="is not there"):
            Gcs({**settings, "bucket_name": "absent"}, rule=HERE).check()


class TestGcs:
    def test_without_credentials_nobody_signs(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / ".netrc").write_text("default login canary password canary\n")
        (tmp_path / ".netrc").chmod(0o600)
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "absent.json"))
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:9")
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        with recording() as (url, seen), pytest.raises(BackendError, match="403"):
            Gcs({"bucket_name": "b", "endpoint": url}, rule=HERE).check()
        assert seen
        assert not any("authorization" in headers for headers in seen)

    def test_a_private_endpoint_is_refused(self) -> None:
        with recording() as (url, seen), pytest.raises(Forbidden):
            Gcs({"bucket_name": "b", "endpoint": url}, rule=PUBLIC).check()
        assert seen == []

    @pytest.mark.parametrize("key", ["canary", "[]", json.dumps({"type": "external_account"})])
    def test_only_a_key_of_a_service_account_is_one(self, key: str) -> None:
        """Other forms may name a program to run or a file to read."""
        with pytest.raises(Invalid, match="service_account") as caught:
            Gcs({"bucket_name": "b"}, {"service_account": Secret(key)}, rule=HERE).check()
        assert "canary" not in str(caught.value)

    def test_a_key_does_not_say_who_is_asked_for_tokens(self) -> None:
        pem = rsa.generate_private_key(65537, 2048).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        key = {
            "type": "service_account",
            "client_email": "a@example.org",
            "private_key": pem.decode(),
            "token_uri": "http://169.254.169.254/token",
        }
        store = Gcs({"bucket_name": "b"}, {"service_account": Secret(json.dumps(key))}, rule=HERE)
        assert store._who()._token_uri == "https://oauth2.googleapis.com/token"

    @pytest.mark.parametrize("name", ["", "a/b", "../a"])
    def test_a_bucket_is_a_name(self, name: str) -> None:
        with pytest.raises(Invalid, match="bucket_name"):
            Gcs({"bucket_name": name}, rule=HERE).check()
