"""The three types that are blobs underneath, against Azurite; who signs, against a recorder."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lazur import registry
from lazur.datastores.azure_blob import AzureBlob
from lazur.datastores.azure_data_lake_gen2 import AzureDataLakeGen2
from lazur.datastores.one_lake import OneLake
from lazur.egress import PUBLIC, Rule
from lazur.engine.contracts import Datastore
from lazur.engine.secret import Secret
from lazur.errors import BackendError, Conflict, Forbidden, Invalid, NotFound
from lazur.testing.datastores import DatastoreContract, ResumesContract
from tests.datastores import azurite
from tests.datastores.recorder import recording

HERE = Rule.of(["127.0.0.1"])
KEY = {"account_key": Secret(azurite.KEY)}
SETTINGS = {"name": "mine", "account_name": azurite.ACCOUNT, "container_name": "data"}


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if azurite.program() is None:
        pytest.skip(azurite.MISSING)
    with azurite.running(tmp_path_factory.mktemp("azurite")) as url:
        yield url


@pytest.fixture
def settings(endpoint: str) -> dict[str, Any]:
    container = f"container-{uuid.uuid4().hex[:8]}"
    made = {
        **SETTINGS,
        "endpoint": endpoint,
        "container_name": container,
        "filesystem": container,
        "one_lake_workspace_name": container,
        "artifact": {"type": "lake_house", "name": "house"},
    }
    AzureBlob(made, KEY, rule=HERE)._client.create_container()
    return made


@pytest.mark.needs_azurite
class TestContract(DatastoreContract, ResumesContract):
    @pytest.fixture(params=[AzureBlob, AzureDataLakeGen2, OneLake])
    def store(self, request: pytest.FixtureRequest, settings: dict[str, Any]) -> Datastore:
        return request.param(settings, KEY, rule=HERE)

    def test_two_versions_are_never_mixed(self, store: Any) -> None:
        """Replaced after it was looked at, before it is read."""
        store.put("a", iter([b"one"]), 3)
        found = store.info("a")
        store.put("a", iter([b"two"]), 3)
        with pytest.raises((Conflict, NotFound)), store._calling("a"):
            list(store._chunks(found, 0))


@pytest.mark.needs_azurite
class TestAzurite:
    def test_a_shared_access_signature_will_do(self, settings: dict[str, Any]) -> None:
        AzureBlob(settings, KEY, rule=HERE).put("a", iter([b"x"]), 1)
        for text in (_sas(settings), f"?{_sas(settings)}"):
            store = AzureBlob(settings, {"sas_token": Secret(text)}, rule=HERE)
            assert [item.path for item in store.list()] == ["a"]
            with pytest.raises(BackendError, match="403"):
                store.put("b", iter([b"x"]), 1)

    def test_a_folder_of_a_lake_is_no_file(self, settings: dict[str, Any]) -> None:
        store = AzureDataLakeGen2(settings, KEY, rule=HERE)
        store._client.get_blob_client("folder").upload_blob(b"", metadata={"hdi_isfolder": "true"})
        store.put("folder/a", iter([b"x"]), 1)
        assert [item.path for item in store.list()] == ["folder/a"]
        with pytest.raises(NotFound):
            store.info("folder")

    def test_a_lake_house_has_its_files_in_a_folder(self, settings: dict[str, Any]) -> None:
        OneLake(settings, KEY, rule=HERE).put("a", iter([b"x"]), 1)
        below = AzureBlob(settings, KEY, rule=HERE)
        assert [item.path for item in below.list()] == ["house.Lakehouse/Files/a"]

    def test_a_missing_container_is_told(self, settings: dict[str, Any]) -> None:
        with pytest.raises(BackendError, match="mine is not there"):
            AzureBlob({**settings, "container_name": "absent"}, KEY, rule=HERE).check()

    def test_a_wrong_key_is_told_and_not_shown(self, settings: dict[str, Any]) -> None:
        wrong = {"account_key": "Y2FuYXJ5LWNhbmFyeQ=="}
        with pytest.raises(BackendError, match="403") as caught:
            AzureBlob(settings, wrong, rule=HERE).check()
        assert "Y2FuYX" not in str(caught.value)

    def test_without_credentials_it_is_refused(
        self, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AZURE_STORAGE_KEY", azurite.KEY)
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", azurite.KEY)
        with pytest.raises(BackendError):
            AzureBlob(settings, rule=HERE).check()

    def test_a_private_endpoint_is_refused(self, settings: dict[str, Any]) -> None:
        with pytest.raises(Forbidden, match="egress_allow"):
            AzureBlob(settings, KEY, rule=PUBLIC).check()


class TestAmbient:
    @pytest.fixture(autouse=True)
    def machine(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        (tmp_path / ".netrc").write_text("default login canary password canary\n")
        (tmp_path / ".netrc").chmod(0o600)
        for name in ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET"):
            monkeypatch.setenv(name, str(uuid.uuid4()))
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", azurite.KEY)
        monkeypatch.setenv("AZURE_STORAGE_SAS_TOKEN", "sig=canary")
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("HOME", str(tmp_path))

    def test_without_credentials_nobody_signs(self) -> None:
        with recording() as (url, seen), pytest.raises(BackendError):
            AzureBlob({**SETTINGS, "endpoint": url}, rule=HERE).check()
        assert seen
        assert not any("authorization" in headers for headers in seen)
        assert not any("canary" in str(headers) for headers in seen)

    def test_given_ones_are_used(self) -> None:
        with recording() as (url, seen):
            for credentials in (KEY, {"sas_token": "sig=mine"}):
                at = {**SETTINGS, "endpoint": f"{url}/{azurite.ACCOUNT}"}
                with pytest.raises(BackendError) as caught:
                    AzureBlob(at, credentials, rule=HERE).check()
                assert "sig=mine" not in str(caught.value)
        assert seen[0]["authorization"].startswith("SharedKey devstoreaccount1:")
        assert "sig=mine" in seen[-1][":target"]

    def test_a_principal_asks_its_own_authority_and_no_other(self) -> None:
        """It is refused, since that is private: an authority is an address that people choose."""
        principal = {
            "tenant_id": "tenant",
            "client_id": "client",
            "client_secret": Secret("canary"),
            "authority_url": "https://127.0.0.1:9",
        }
        settings = {**SETTINGS, "endpoint": "core.windows.net"}
        with pytest.raises(Forbidden) as caught:
            AzureBlob(settings, principal, rule=PUBLIC).check()
        assert "canary" not in str(caught.value)


class TestSettings:
    @pytest.mark.parametrize(
        "wrong",
        [
            {"container_name": ""},
            {"container_name": "../other"},
            {"account_name": "evil.example.org/"},
            {"account_name": "a#"},
            {"endpoint": "core.windows.net/x"},
            {"endpoint": "ftp://x"},
            {"endpoint": "https://user:canary@x"},
            {"protocol": "file"},
        ],
    )
    def test_what_cannot_be_is_invalid(self, wrong: dict[str, str]) -> None:
        with pytest.raises(Invalid) as caught:
            AzureBlob({**SETTINGS, **wrong}, KEY, rule=PUBLIC).check()
        assert "canary" not in str(caught.value)

    def test_where_they_are(self) -> None:
        blob = AzureBlob({**SETTINGS, "endpoint": "core.chinacloudapi.cn"})
        assert blob._endpoint() == "https://devstoreaccount1.blob.core.chinacloudapi.cn"
        lake = OneLake({"endpoint": "msit-onelake.dfs.fabric.microsoft.com"})
        assert lake._endpoint() == "https://msit-onelake.blob.fabric.microsoft.com"
        house = str(uuid.uuid4())
        assert OneLake({"artifact": {"name": house}})._folder() == f"{house}/Files/"

    def test_a_certificate_is_not_taken_for_nobody(self) -> None:
        with pytest.raises(Invalid, match="client_secret"):
            AzureDataLakeGen2(
                {"account_name": "a", "filesystem": "f"},
                {"tenant_id": "t", "client_id": "c", "thumbprint": "x"},
            ).check()

    @pytest.mark.parametrize(
        "name", ["azure_blob", "azure_data_lake_gen2", "azure_file", "one_lake", "s3", "gcs"]
    )
    def test_they_are_found_by_azures_names(self, name: str) -> None:
        assert issubclass(registry.find("datastores", name, Datastore), Datastore)


def _sas(settings: dict[str, Any]) -> str:
    blob: Any = pytest.importorskip("azure.storage.blob")
    return blob.generate_container_sas(
        azurite.ACCOUNT,
        settings["container_name"],
        account_key=azurite.KEY,
        permission="rl",
        expiry=dt.datetime.now(dt.UTC) + dt.timedelta(hours=1),
    )
