"""Data, models, environments and components on Azure's wire."""

from __future__ import annotations

import time
from typing import Any

import pytest

from lazur.services.azure import forgotten
from tests.server.arm.conftest import MLS, WS, Arm
from tests.site import Clock, put_tree

LONG = (
    "azureml://subscriptions/00000000-0000-0000-0000-000000000/resourcegroups/lazur/workspaces/"
    "default/datastores/workspaceblobstore/paths/"
)
SHORT = "azureml://datastores/workspaceblobstore/paths/"


def data(path: str = f"{SHORT}a/b", **more: Any) -> dict[str, Any]:
    return {"properties": {"dataType": "uri_folder", "dataUri": path, **more}}


def put(arm: Arm, path: str, body: Any, status: int = 201) -> Any:
    answer = arm.put(f"{WS}/{path}", body)
    assert answer.status_code == status, answer.text
    return answer.json()


def names(arm: Arm, path: str) -> list[str]:
    return [one["name"] for one in arm.get(f"{WS}/{path}").json()["value"]]


class TestVersions:
    def test_one_is_made_and_shown(self, arm: Arm) -> None:
        made = put(arm, "data/d/versions/1", data(tags={"a": "b"}, description="x"))
        assert made["id"] == f"{WS}/data/d/versions/1"
        assert made["name"] == "1"
        assert made["properties"]["dataUri"] == f"{LONG}a/b"
        assert made["properties"]["tags"] == {"a": "b"}
        assert made["systemData"]["createdBy"]
        assert arm.get(made["id"]).json() == made

    def test_the_same_again_is_the_same(self, arm: Arm) -> None:
        first = put(arm, "data/d/versions/1", data())
        assert put(arm, "data/d/versions/1", data(), 200) == first
        assert put(arm, "data/d/versions/1", data(f"{LONG}a/b"), 200)["id"] == first["id"]

    def test_other_content_is_a_conflict(self, arm: Arm) -> None:
        put(arm, "data/d/versions/1", data())
        answer = arm.put(f"{WS}/data/d/versions/1", data(f"{SHORT}other"))
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "Conflict")

    def test_what_is_said_about_it_changes(self, arm: Arm) -> None:
        put(arm, "data/d/versions/1", data(tags={"a": "b"}))
        changed = data(tags={"c": "1"}, description="new", properties={"p": "q"})
        found = put(arm, "data/d/versions/1", changed, 200)["properties"]
        assert (found["tags"], found["description"]) == ({"c": "1"}, "new")
        assert found["properties"] == {"p": "q"}
        found = put(arm, "data/d/versions/1", data(), 200)["properties"]
        assert found["tags"] == {"c": "1"}

    @pytest.mark.parametrize("note", ["tags", "properties"])
    def test_what_is_no_note_is_refused_of_one_that_is_there(self, arm: Arm, note: str) -> None:
        put(arm, "data/d/versions/1", data())
        answer = arm.put(f"{WS}/data/d/versions/1", data(**{note: "x"}))
        assert answer.status_code == 400, answer.text

    def test_one_is_archived_and_restored(self, arm: Arm) -> None:
        put(arm, "data/d/versions/1", data())
        put(arm, "data/d/versions/2", data())
        put(arm, "data/d/versions/1", data(isArchived=True), 200)
        assert names(arm, "data/d/versions") == ["2"]
        assert names(arm, "data/d/versions?listViewType=ArchivedOnly") == ["1"]
        assert names(arm, "data/d/versions?listViewType=All") == ["2", "1"]
        put(arm, "data/d/versions/1", data(), 200)
        assert names(arm, "data/d/versions") == ["2", "1"]

    def test_one_is_deleted(self, arm: Arm) -> None:
        put(arm, "data/d/versions/1", data())
        assert arm.delete(f"{WS}/data/d/versions/1").status_code == 204
        assert arm.get(f"{WS}/data/d/versions/1").status_code == 404
        assert arm.get(f"{WS}/data/d").json()["properties"]["nextVersion"] == "2"

    def test_a_list_goes_on_in_its_next_link(self, arm: Arm) -> None:
        for number in range(1, 6):
            put(arm, f"data/d/versions/{number}", data())
        seen, url = list[str](), f"{WS}/data/d/versions?$top=2&$orderBy=createdtime desc"
        while url:
            page = arm.get(url.removeprefix("https://localhost")).json()
            seen += [one["name"] for one in page["value"]]
            url = page.get("nextLink")
        assert seen == ["5", "4", "3", "2", "1"]

    def test_a_name_that_is_not_there_has_no_versions(self, arm: Arm) -> None:
        assert names(arm, "models/none/versions") == []
        assert arm.get(f"{WS}/models/none").status_code == 404
        assert arm.get(f"{WS}/models/none/versions/1").status_code == 404

    def test_what_lies_in_another_workspace_is_not_read_from_here(self, arm: Arm) -> None:
        there = LONG.replace("/default/", "/elsewhere/")
        answer = arm.put(f"{WS}/data/d/versions/1", data(f"{there}a"))
        assert answer.status_code >= 400
        assert "elsewhere" in answer.json()["error"]["message"]

    @pytest.mark.parametrize("kind", ["data", "models", "environments", "components", "codes"])
    @pytest.mark.parametrize(
        "properties",
        [
            {},
            {"dataUri": 7},
            {"dataUri": "x://y"},
            {"modelUri": "\0"},
            {"build": {"contextUri": "a"}},
            {"componentSpec": {"type": "command", "inputs": [1]}},
            {"codeUri": "https://localhost/_blob/"},
            {"tags": 3},
            {"condaFile": "a: ["},
            {"image": 5},
        ],
    )
    def test_a_body_that_cannot_be_is_a_users_error(
        self, arm: Arm, kind: str, properties: dict[str, Any]
    ) -> None:
        for body in ({"properties": properties}, {"properties": [properties]}, {}):
            answer = arm.put(f"{WS}/{kind}/x/versions/1", body)
            assert answer.status_code in (200, 201, 400, 404, 409, 501), answer.text


class TestContainers:
    def test_one_knows_the_next_version(self, arm: Arm) -> None:
        put(arm, "data/d/versions/1", data())
        put(arm, "data/d/versions/7", data())
        found = arm.get(f"{WS}/data/d").json()
        assert found["id"] == f"{WS}/data/d"
        told = found["properties"]
        assert (told["latestVersion"], told["nextVersion"]) == ("7", "8")
        assert told["dataType"] == "uri_folder"
        assert names(arm, "data") == ["d"]

    def test_one_is_archived_with_all_versions(self, arm: Arm) -> None:
        put(arm, "data/d/versions/1", data())
        put(arm, "data/d", {"properties": {"isArchived": True}}, 200)
        assert names(arm, "data") == []
        assert names(arm, "data?listViewType=ListViewType.ARCHIVED_ONLY") == ["d"]
        put(arm, "data/d", {"properties": {"isArchived": False}}, 200)
        assert names(arm, "data?listViewType=ListViewType.ACTIVE_ONLY") == ["d"]


class TestModels:
    def test_one_has_flavors_always(self, arm: Arm) -> None:
        body = {"properties": {"modelType": "custom_model", "modelUri": f"{LONG}m"}}
        made = put(arm, "models/m/versions/1", body)["properties"]
        assert made["flavors"] == {}
        assert made["modelUri"] == f"{LONG}m"

    def test_flavors_and_stage_come_back(self, arm: Arm) -> None:
        flavors = {"sklearn": {"data": {"version": "1.0"}}}
        told = {"modelUri": f"{LONG}m", "flavors": flavors, "stage": "Production"}
        made = put(arm, "models/m/versions/1", {"properties": told})["properties"]
        assert (made["flavors"], made["stage"]) == (flavors, "Production")

    def test_what_is_kept_by_its_content_has_an_address(self, arm: Arm) -> None:
        digest = put_tree(arm.site, {"m/a.txt": b"a"})
        body = {"properties": {"modelUri": f"{LONG}.tree/{digest}/m"}}
        made = put(arm, "models/m/versions/1", body)["properties"]
        assert made["modelUri"] == f"{LONG}.tree/{digest}/m"
        headers = {"Authorization": f"Bearer {arm.secret}"}
        native = arm.get("/api/v1/workspaces/default/models/m/versions/1", headers=headers)
        assert native.json()["path"] == f"tree:{digest}/m"


class TestEnvironments:
    CONDA = "name: e\ndependencies:\n- python=3.11\n"

    def test_an_image_with_conda(self, arm: Arm) -> None:
        body = {"properties": {"image": "python:3.11", "condaFile": self.CONDA}}
        made = put(arm, "environments/e/versions/1", body)["properties"]
        assert made["environmentType"] == "UserCreated"
        assert made["condaFile"] == self.CONDA
        assert put(arm, "environments/e/versions/1", body, 200)["properties"] == made

    def test_a_folder_to_build_is_taken_as_it_is(self, arm: Arm) -> None:
        root = arm.site.home.datastore("default", "workspaceblobstore")
        (root / "LocalUpload/h/ctx").mkdir(parents=True)
        (root / "LocalUpload/h/ctx/Dockerfile").write_text("FROM python:3.11\n")
        for url in ("workspaceblobstore/", "default/workspaceblobstore/"):
            context = f"https://localhost/_blob/{url}LocalUpload/h/ctx/"
            body = {"properties": {"build": {"contextUri": context}}}
            answer = arm.put(f"{WS}/environments/b/versions/1", body)
            assert answer.status_code in (200, 201), answer.text
        build = answer.json()["properties"]["build"]
        assert build["dockerfilePath"] == "Dockerfile"
        path = build["contextUri"].removeprefix("https://localhost")
        assert arm.get(f"{path}/Dockerfile").text == "FROM python:3.11\n"
        again = {"properties": {"build": build}}
        put(arm, "environments/b/versions/1", again, 200)

    def test_what_was_taken_of_a_folder_is_not_kept_twice(self, arm: Arm, clock: Clock) -> None:
        digest = "ab" * 32
        upload = f"/_blob/default/workspaceblobstore/LocalUpload/{digest}"
        blob = {"x-ms-blob-type": "BlockBlob", "x-ms-meta-upload_status": "completed"}
        data = b"FROM python:3.11\n"
        arm.request("PUT", f"{upload}/ctx/Dockerfile", content=data, headers=blob)
        clock.time = time.time() + 1
        body = {"properties": {"build": {"contextUri": f"https://localhost{upload}/ctx/"}}}
        made = put(arm, "environments/b/versions/1", body)["properties"]["build"]
        for _ in range(2):
            forgotten.clear(arm.site, bool)
            clock.time += 3601
        assert arm.get(f"{upload}/ctx/Dockerfile").status_code == 404
        path = made["contextUri"].removeprefix("https://localhost")
        assert arm.get(f"{path}/Dockerfile").content == data

    def test_those_that_come_with_lazur_are_in_a_registry(self, arm: Arm) -> None:
        room = f"{MLS}/registries/azureml/environments"
        found = arm.get(room).json()["value"]
        assert len(found) > 3
        name = found[0]["name"]
        latest = arm.get(f"{room}/{name}").json()["properties"]["latestVersion"]
        one = arm.get(f"{room}/{name}/versions/{latest}").json()
        assert one["properties"]["environmentType"] == "Curated"
        assert one["id"].startswith("azureml://registries/azureml/environments/")


class TestComponents:
    SPEC = {  # noqa: RUF012
        "name": "train",
        "type": "command",
        "command": "python t.py --lr ${{inputs.lr}}",
        "environment": f"azureml:{WS}/environments/e/versions/1",
        "inputs": {
            "lr": {"type": "number", "default": "0.1"},
            "b": {"type": "boolean", "default": "True"},
        },
        "outputs": {"m": {"type": "uri_folder"}},
        "is_deterministic": True,
        "_source": "BUILDER",
    }

    def test_one_is_made_and_comes_back(self, arm: Arm) -> None:
        env = {"properties": {"image": "python:3.11"}}
        put(arm, "environments/e/versions/1", env)
        properties = {"client_component_hash": "abc"}
        body = {"properties": {"componentSpec": self.SPEC, "properties": properties}}
        made = put(arm, "components/train/versions/1", body)["properties"]
        spec = made["componentSpec"]
        assert spec["environment"] == self.SPEC["environment"]
        assert spec["inputs"]["lr"]["default"] == "0.1"
        assert spec["inputs"]["b"]["default"] == "true"
        assert (spec["name"], spec["version"]) == ("train", "1")
        assert made["properties"] == properties
        assert put(arm, "components/train/versions/1", body, 200)["properties"] == made

    def test_an_anonymous_one_may_be_said_again_and_again(self, arm: Arm) -> None:
        put(arm, "environments/e/versions/1", {"properties": {"image": "python:3.11"}})
        spec = {**self.SPEC, "name": "azureml_anonymous"}
        body = {"properties": {"componentSpec": spec, "isAnonymous": True}}
        put(arm, "components/azureml_anonymous/versions/abc", body)
        made = put(arm, "components/azureml_anonymous/versions/abc", body, 200)
        assert made["properties"]["isAnonymous"] is True

    def test_what_is_wrong_is_said_with_details(self, arm: Arm) -> None:
        spec = {**self.SPEC, "inputs": {"x": {"type": "nothing"}}}
        answer = arm.put(
            f"{WS}/components/train/versions/1", {"properties": {"componentSpec": spec}}
        )
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == "UserError"


class TestDatastores:
    def test_those_of_the_workspace(self, arm: Arm) -> None:
        found = arm.get(f"{WS}/datastores?isDefault=true&count=30&orderByAsc=false").json()
        [one] = found["value"]
        assert one["name"] == "workspaceblobstore"
        told = one["properties"]
        assert told["accountName"] == "localhost/_blob/default#"
        assert told["containerName"] == "workspaceblobstore"
        assert "workspaceartifactstore" in names(arm, "datastores")

    def test_one_of_azures_is_kept_with_its_secrets(self, arm: Arm) -> None:
        credentials = {"credentialsType": "AccountKey", "secrets": {"key": "a2V5"}}
        told = {"datastoreType": "AzureBlob", "accountName": "a", "containerName": "c"}
        body = {"properties": {**told, "credentials": credentials}}
        made = put(arm, "datastores/mine", body)
        assert "a2V5" not in str(made)
        assert made["properties"]["credentials"] == {"credentialsType": "AccountKey"}
        secrets = arm.post(f"{WS}/datastores/mine/listSecrets", {})
        assert secrets.json() == {"secretsType": "AccountKey", "key": "a2V5"}
        reader = arm.as_("Reader", "default")
        assert reader.post(f"{WS}/datastores/mine/listSecrets", {}).status_code == 403
        assert arm.delete(f"{WS}/datastores/mine").status_code == 204
        assert arm.get(f"{WS}/datastores/mine").status_code == 404

    def test_types_that_are_not_azures_are_made_elsewhere(self, arm: Arm) -> None:
        answer = arm.put(f"{WS}/datastores/x", {"properties": {"datastoreType": "S3"}})
        assert answer.status_code == 400
        assert "lazur datastore create" in answer.json()["error"]["message"]

    def test_the_workspaces_own_are_not_changed_nor_deleted(self, arm: Arm) -> None:
        one = arm.get(f"{WS}/datastores/workspaceblobstore").json()
        assert arm.put(one["id"], {"properties": one["properties"]}).status_code == 200
        noted = arm.put(one["id"], {"properties": {**one["properties"], "description": "mine"}})
        assert noted.status_code == 400
        assert "is not changed" in noted.json()["error"]["message"]
        told = {"datastoreType": "AzureBlob", "accountName": "a", "containerName": "c"}
        assert arm.put(one["id"], {"properties": told}).status_code == 400
        assert arm.delete(one["id"]).status_code == 400


class TestResolvedUris:
    def test_data_by_its_id(self, arm: Arm) -> None:
        made = put(arm, "data/d/versions/1", data())
        located = "azureml://locations/local/workspaces/default/data/d/versions/1"
        asked = {"values": [made["id"], located, "azureml://jobs/none/outputs/o"]}
        path = f"/data/v1.0{WS}/dataversion/batchGetResolvedUris"
        found = arm.post(path, asked).json()["values"]
        uri = f"{LONG}a/b"
        told = {"uri": uri, "path": uri, "type": "UriFolder", "isDirectory": True}
        assert found == {made["id"]: told, located: told}
        one = arm.post(f"/data/v1.0{WS}/dataversion/getByAssetId", {"value": located}).json()
        assert one["dataVersion"]["dataUri"] == f"{LONG}a/b"

    def test_models_by_their_ids(self, arm: Arm) -> None:
        body = {"properties": {"modelType": "custom_model", "modelUri": f"{LONG}m"}}
        made = put(arm, "models/m/versions/1", body)
        path = f"/modelregistry/v1.0{WS}/models/batchGetResolvedUris"
        found = arm.post(path, {"values": [made["id"]]}).json()["values"]
        assert found[made["id"]]["uri"] == f"{LONG}m"

    def test_what_is_of_another_kind_is_not_there(self, arm: Arm) -> None:
        put(arm, "data/d/versions/1", data())
        located = "azureml://locations/local/workspaces/default/models/d/versions/1"
        asked = [f"{WS}/models/d/versions/1", located]
        path = f"/data/v1.0{WS}/dataversion"
        found = arm.post(f"{path}/batchGetResolvedUris", {"values": asked})
        assert found.json() == {"values": {}}
        assert arm.post(f"{path}/getByAssetId", {"value": located}).status_code == 404
