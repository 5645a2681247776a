"""Against moto's S3, a real server on loopback."""

from __future__ import annotations

import importlib
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lazur.datastores.s3 import S3
from lazur.egress import PUBLIC, Rule
from lazur.engine.contracts import Datastore
from lazur.engine.secret import Secret
from lazur.errors import BackendError, Conflict, Forbidden, Invalid, NotFound, Unavailable
from lazur.testing.datastores import DatastoreContract, InMemory, ResumesContract
from tests.datastores.recorder import recording

KEYS = {"access_key_id": "AKIDEXAMPLE", "secret_access_key": Secret("secret-of-the-keys")}
HERE = Rule.of(["127.0.0.1"])


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server: Any = importlib.import_module("moto.server").ThreadedMotoServer("127.0.0.1", 0, False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def settings(endpoint: str) -> dict[str, Any]:
    bucket = f"bucket-{uuid.uuid4().hex[:8]}"
    S3({"bucket_name": bucket, "endpoint": endpoint}, KEYS, rule=HERE)._client.create_bucket(
        Bucket=bucket
    )
    return {"type": "s3", "name": "mine", "bucket_name": bucket, "endpoint": endpoint}


class TestContract(DatastoreContract, ResumesContract):
    @pytest.fixture
    def store(self, settings: dict[str, Any]) -> Datastore:
        return S3(settings, KEYS, rule=HERE)

    def test_two_versions_are_never_mixed(self, store: Any) -> None:
        """Replaced after it was looked at, before it is read."""
        store.put("a", iter([b"one"]), 3)
        found = store.info("a")
        store.put("a", iter([b"two"]), 3)
        with pytest.raises((Conflict, NotFound)), store._calling("a"):
            list(store._chunks(found, 0))

    def test_a_broken_off_upload_leaves_no_parts(self, store: Any) -> None:
        def chunks() -> Iterator[bytes]:
            yield b"x" * (9 << 20)
            raise ConnectionResetError

        with pytest.raises(ConnectionResetError):
            store.put("a", chunks(), 20 << 20)
        assert "Uploads" not in store._client.list_multipart_uploads(Bucket=store._bucket)

    def test_what_is_abandoned_leaves_no_parts(self, store: Any) -> None:
        notes = list[str]()
        with pytest.raises(ConnectionResetError):
            store.put_parts("a", InMemory(b"x" * (9 << 20), fails_at=8 << 20), "", notes.append)
        store.abandon("a", notes[0])
        assert "Uploads" not in store._client.list_multipart_uploads(Bucket=store._bucket)


class TestTrouble:
    def test_a_missing_bucket_is_told(self, settings: dict[str, Any]) -> None:
        with pytest.raises(BackendError, match="is not there"):
            S3({**settings, "bucket_name": "absent"}, KEYS, rule=HERE).check()

    def test_a_private_endpoint_is_refused(self, settings: dict[str, Any]) -> None:
        with pytest.raises(Forbidden, match="egress_allow"):
            S3(settings, KEYS, rule=PUBLIC).check()

    def test_nobody_there_is_worth_another_try(
        self, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(time, "sleep", lambda _: None)
        store = S3({**settings, "endpoint": "http://127.0.0.1:9"}, KEYS, rule=HERE)
        with pytest.raises(Unavailable, match="did not answer"):
            store.check()

    @pytest.mark.parametrize(
        "wrong",
        [
            {"bucket_name": ""},
            {"bucket_name": "a/../b"},
            {"bucket_name": "a?b"},
            {"endpoint": "file:///etc"},
            {"endpoint": "minio.lan"},
            {"endpoint": "http://user:canary@127.0.0.1"},
            {"addressing": "odd"},
        ],
    )
    def test_settings_that_cannot_be_are_invalid(
        self, settings: dict[str, Any], wrong: dict[str, str]
    ) -> None:
        with pytest.raises(Invalid) as caught:
            S3({**settings, **wrong}, KEYS, rule=HERE).check()
        assert "canary" not in str(caught.value)

    def test_half_a_key_is_invalid(self, settings: dict[str, Any]) -> None:
        with pytest.raises(Invalid, match="secret_access_key"):
            S3(settings, {"access_key_id": "A"}, rule=HERE).check()


class TestAmbient:
    """What the machine holds: keys in variables and files, and where to connect to."""

    @pytest.fixture(autouse=True)
    def machine(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        (tmp_path / "credentials").write_text(
            "[default]\naws_access_key_id = FROMFILE\naws_secret_access_key = canary\n"
        )
        (tmp_path / "config").write_text("[default]\nendpoint_url = http://127.0.0.1:9\n")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
        monkeypatch.setenv("AWS_PROFILE", "absent")
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")

    def test_without_credentials_nothing_is_signed(self) -> None:
        with recording() as (url, seen):
            with pytest.raises(BackendError):
                S3({"bucket_name": "bucket", "endpoint": url}, rule=HERE).check()
            assert seen
            assert not any("authorization" in headers for headers in seen)

    def test_nobody_is_asked_for_any(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Not the address either that containers are told to ask."""
        with recording() as (url, seen), recording() as (host, asked):
            monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{host}/credentials")
            monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "absent")
            with pytest.raises(BackendError):
                S3({"bucket_name": "bucket", "endpoint": url}, rule=HERE).check()
        assert seen
        assert asked == []

    def test_it_goes_to_amazon_unless_its_own_settings_say_otherwise(self) -> None:
        client = S3({"bucket_name": "bucket", "region": "eu-west-1"}, KEYS)._client
        assert client.meta.endpoint_url == "https://s3.eu-west-1.amazonaws.com"

    def test_given_ones_are_used_and_no_others(self) -> None:
        with recording() as (url, seen):
            with pytest.raises(BackendError) as caught:
                S3({"bucket_name": "bucket", "endpoint": url}, KEYS, rule=HERE).check()
            assert all("AKIDEXAMPLE" in headers["authorization"] for headers in seen)
            assert "secret-of-the-keys" not in str(caught.value)

    def test_the_machines_are_used_where_its_owner_allows_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("AWS_PROFILE", "HTTP_PROXY"):
            monkeypatch.delenv(name)
        with recording() as (url, seen):
            store = S3({"bucket_name": "bucket", "endpoint": url}, rule=HERE, ambient=True)
            with pytest.raises(BackendError):
                store.check()
            assert all("FROMFILE" in headers["authorization"] for headers in seen)
