"""Registries on Azure's wire: found, filled, and read without a workspace."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lazur.loops.shares import Shares
from lazur.server.arm import registries as operations
from lazur.services.assets import assets
from lazur.services.azure import identity
from tests.server.arm.conftest import BASE, MLS, REG, WS, Arm
from tests.services import far_site
from tests.services.far_site import ROOM
from tests.site import Clock, call

MFE = "/mferp/managementfrontend"
SHARED = f"{REG}/shared"
BLOB = {"x-ms-blob-type": "BlockBlob"}


@pytest.fixture
def registry(arm: Arm) -> Arm:
    body = {"location": "local", "tags": {"a": "b"}, "properties": {"regionDetails": []}}
    assert arm.put(SHARED, body).status_code == 201
    return arm


def upload(arm: Arm, kind: str, name: str, files: dict[str, bytes]) -> str:
    """Where they lie now."""
    asset = f"azureml://registries/shared/{kind}/{name}/versions/1"
    asked = {"assetId": asset, "temporaryDataReferenceType": "TemporaryBlobReference"}
    begun = arm.put(f"{MFE}{SHARED}/tempdatarefs/{name}/versions/1", asked)
    assert begun.status_code == 200, begun.text
    area, _, query = begun.json()["blobReferenceForConsumption"]["credential"]["sasUri"].partition(
        "?"
    )
    for path, data in files.items():
        where = f"{area.removeprefix('https://localhost')}/folder/{path}?{query}"
        made = arm.with_(None).request("PUT", where, content=data, headers=BLOB)
        assert made.status_code == 201, made.text
    return f"{area}/folder"


class TestOtherRooms:
    def test_what_lies_in_a_workspace_is_not_taken_for_what_lies_here(self, arm: Arm) -> None:
        made = arm.put(f"{REG}/apart", {"location": "local", "properties": {}})
        assert made.status_code == 201, made.text
        spec = {"name": "c", "version": "1", "type": "command", "command": "true"}
        spec["environment"] = f"azureml:{WS}/environments/e/versions/1"
        asked = {"properties": {"componentSpec": spec}}
        answer = arm.put(f"{REG}/apart/components/c/versions/1", asked)
        assert answer.status_code == 400
        told = answer.json()["error"]["message"]
        assert "'default'" in told
        assert "the registry 'apart'" in told


class TestRegistries:
    def test_one_is_made_shown_listed_and_changed(self, registry: Arm) -> None:
        found = registry.get(SHARED).json()
        assert (found["name"], found["tags"]) == ("shared", {"a": "b"})
        assert found["properties"]["discoveryUrl"].endswith("/registries/shared/discovery")
        listed = registry.get(f"{MLS}/registries").json()["value"]
        assert {one["name"] for one in listed} == {"azureml", "shared"}
        assert registry.put(SHARED, {"tags": {"c": "d"}}).status_code == 200
        assert registry.get(SHARED).json()["tags"] == {"c": "d"}
        assert registry.patch(SHARED, {"sku": {"name": "S"}}).json()["tags"] == {"c": "d"}
        assert registry.patch(SHARED, {"tags": {}}).json()["tags"] == {}
        assert registry.put(SHARED, {"tags": ["x"]}).status_code == 400

    def test_one_is_deleted(self, registry: Arm) -> None:
        assert registry.delete(SHARED).status_code == 204
        assert registry.get(SHARED).status_code == 404

    def test_a_client_finds_it(self, registry: Arm) -> None:
        found = registry.get("/registrymanagement/v1.0/registries/shared/discovery").json()
        assert found["primaryRegionResourceProviderUri"] == "https://localhost/"
        assert found["resourceGroup"] == identity.GROUP
        absent = registry.get("/registrymanagement/v1.0/registries/none/discovery")
        assert absent.status_code == 404

    def test_the_audience_of_who_shares_is_good_there_only(self, registry: Arm) -> None:
        token = registry.token_for("https://management.azure.com")
        headers = {"Authorization": f"Bearer {token}"}
        assert registry.get(f"{MFE}{SHARED}/models", headers=headers).status_code == 200
        assert registry.get(f"{SHARED}/models", headers=headers).status_code == 401


class TestAssets:
    def test_a_model_is_put_and_fetched(self, registry: Arm) -> None:
        uri = upload(registry, "models", "m", {"a.txt": b"a", "d/b.txt": b"bb"})
        body = {"properties": {"modelType": "custom_model", "modelUri": uri}}
        made = registry.put(f"{MFE}{SHARED}/models/m/versions/1", body)
        assert made.status_code == 201, made.text
        told = made.json()
        assert told["id"] == "azureml://registries/shared/models/m/versions/1"
        assert told["properties"]["modelUri"].endswith("/folder")
        asked = {"assetId": told["id"], "blobUri": told["properties"]["modelUri"]}
        found = registry.post(f"{MFE}{SHARED}/datarefs/m/versions/1", asked).json()
        sas = found["blobReferenceForConsumption"]["credential"]["sasUri"]
        container, _, query = sas.removeprefix("https://localhost").partition("?")
        prefix = told["properties"]["modelUri"].removeprefix("https://localhost/trees/")
        anyone = registry.with_(None)
        listed = anyone.get(f"{container}?restype=container&comp=list&prefix={prefix}&{query}")
        assert f"<Name>{prefix}/d/b.txt</Name>" in listed.text
        assert anyone.get(f"{container}/{prefix}/d/b.txt?{query}").content == b"bb"
        other = hashlib.sha256(b"").hexdigest()
        assert anyone.get(f"{container}/{other}/x?{query}").status_code == 403
        assert list((registry.site.home.path / "staging/~shared").iterdir()) == []

    @pytest.mark.parametrize(
        "agent",
        ["azure-ai-ml/1.34.0 Python/3.11", "azsdk-python-mgmt-machinelearningservices/0.1.0"],
    )
    def test_releases_before_1_35_are_told_to_look_again(self, registry: Arm, agent: str) -> None:
        path = f"{MFE}{SHARED}/environments/e"
        body = {"properties": {"image": "python:3.11"}}
        old = {"User-Agent": agent}
        put = registry.put(f"{path}/versions/1", body, headers=old)
        assert put.status_code == 202
        where = put.headers["location"].removeprefix("https://localhost")
        assert registry.get(where, headers=old).status_code == 200
        archived = {"properties": {"isArchived": True}}
        assert registry.put(path, archived, headers=old).status_code == 201
        new = {"User-Agent": "azure-ai-ml/1.35.2 Python/3.11"}
        assert registry.put(f"{path}/versions/2", body, headers=new).status_code == 201

    def test_nothing_is_written_there(self, registry: Arm) -> None:
        url = "/_blob/~shared/trees/x/y"
        for asked in ("", "?comp=metadata", "?comp=block&blockid=MQ=="):
            answer = registry.request("PUT", url + asked, content=b"x", headers=BLOB)
            assert answer.status_code == 403
        assert registry.delete(url).status_code == 403

    def test_who_only_reads_puts_nothing(self, registry: Arm) -> None:
        reader = registry.as_("Reader", "default")
        one = f"{MFE}{SHARED}/tempdatarefs/m/versions/1"
        assert reader.put(one, {}).status_code in (403, 404)
        assert reader.put(f"{MFE}{SHARED}/models/m/versions/1", {}).status_code in (403, 404)

    def test_an_asset_of_a_workspace_is_taken(self, registry: Arm) -> None:
        told: dict[str, Any] = {"image": "python:3.11"}
        registry.put(f"{WS}/environments/e/versions/1", {"properties": told})
        number = identity.of(registry.site.home, "workspace", "default")
        source = f"azureml://locations/local/workspaces/{number}/environments/e/versions/1"
        asked = {"destinationName": "ee", "destinationVersion": "5", "sourceAssetId": source}
        answer = registry.post(f"{MFE}{SHARED}/import", {"properties": asked})
        assert (answer.status_code, answer.content) == (200, b"")
        found = registry.get(f"{MFE}{SHARED}/environments/ee/versions/5").json()
        assert found["properties"]["image"] == "python:3.11"

    def test_from_nowhere_nothing_is_taken(self, registry: Arm) -> None:
        for source in ("", "x", "azureml://locations/l/workspaces/none/models/m/versions/1"):
            asked = {"properties": {"sourceAssetId": source}}
            answer = registry.post(f"{MFE}{SHARED}/import", asked)
            assert answer.status_code in (400, 404), answer.text


class TestFilesElsewhere:
    """An asset whose files lie in an object store is copied by a loop."""

    ONE = f"{MFE}{SHARED}/import"

    @pytest.fixture
    def clock(self) -> Clock:
        """Stores have times of their own: the site's clock begins there."""
        return Clock(time.time())

    @pytest.fixture
    def far(self, registry: Arm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Arm:
        monkeypatch.setattr(operations, "_PATIENCE", 0.0)
        far_site.move_out(registry.site, tmp_path / "bucket")
        far_site.put(registry.site, "models/m/weights.bin", b"weights")
        at = "azureml://datastores/workspaceblobstore/paths/models/m"
        spec = {"name": "m", "version": "1", "type": "custom_model", "path": at}
        call(registry.site, assets.create, ROOM, "models", spec)
        return registry

    @pytest.fixture
    def loop(self, far: Arm) -> Iterator[Shares]:
        made = Shares(far.site)
        yield made
        made._pool.shutdown()

    def begin(self, far: Arm) -> str:
        number = identity.of(far.site.home, "workspace", ROOM)
        source = f"azureml://locations/local/workspaces/{number}/models/m/versions/1"
        asked = {"destinationName": "mm", "destinationVersion": "2", "sourceAssetId": source}
        answer = far.post(self.ONE, {"properties": asked})
        assert (answer.status_code, answer.content) == (202, b"")
        assert "azure-asyncoperation" not in answer.headers, "the end has no body"
        return answer.headers["location"].removeprefix(BASE)

    def test_who_shares_it_asks_until_it_is_there(self, far: Arm, loop: Shares) -> None:
        poll = self.begin(far)
        waits = far.get(poll)
        assert (waits.status_code, waits.headers["retry-after"]) == (202, "1")
        assert waits.headers["location"].removeprefix(BASE) == poll
        self.finish(loop)
        for _ in range(2):  # an answer may be lost
            answer = far.get(poll)
            assert (answer.status_code, answer.content) == (200, b"")
        assert far.get(f"{MFE}{SHARED}/models/mm/versions/2").status_code == 200

    def test_what_kept_it_from_being_shared_is_told(self, far: Arm, loop: Shares) -> None:
        poll = self.begin(far)
        far_site.place(far.site, "models/m/weights.bin").unlink()
        self.finish(loop)
        answer = far.get(poll)
        assert answer.status_code == 404, answer.text
        assert far.get(poll).status_code == 404
        other = poll.replace("kind=models", "kind=x")
        assert far.get(other).status_code == 400

    def test_others_are_not_told(self, far: Arm, loop: Shares) -> None:
        poll = self.begin(far)
        assert far.as_("Reader", "default").get(poll).status_code in (403, 404)

    def finish(self, loop: Shares) -> None:
        loop.round()
        for future in loop._going.values():
            future.result()
