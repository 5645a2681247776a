"""Code, as Azure's client uploads it."""

from __future__ import annotations

import hashlib
import os
import re
import uuid
from typing import Any

from lazur.loops.sweepup import Sweepup
from lazur.services.azure import staging
from lazur.services.azure.blocks import Blocks
from lazur.services.people import quotas
from tests.server.arm.conftest import WS, Arm
from tests.site import TestSite, call, put_tree

AZURES = "default.blob.core.windows.net"
FILES = {"main.py": b"print(1)\n", "Lib/a.py": b"", "lib2/b.py": b"x = 1\n"}


def hash_of(files: dict[str, bytes]) -> str:
    """As Azure's client makes it."""
    ordered = sorted(files.items(), key=lambda item: item[0].lower())
    made = hashlib.sha256(str(len(files)).encode())
    for path, data in ordered:
        made.update(f"#{path}#".encode() + str(len(data)).encode())
    for _, data in ordered:
        made.update(data)
    return made.hexdigest()


def upload(arm: Arm, name: str, files: dict[str, bytes], folder: str = "src") -> Any:
    one = f"{WS}/codes/{name}/versions/1"
    asked = {"pendingUploadType": "TemporaryBlobReference"}
    begun = arm.post(f"{one}/startPendingUpload", asked).json()["blobReferenceForConsumption"]
    area, _, query = begun["credential"]["sasUri"].partition("?")
    assert area == begun["blobUri"]
    assert not area.endswith("/")
    for path, data in files.items():
        where = f"{area.removeprefix('https://localhost')}/{folder}/{path}?{query}"
        made = arm.with_(None).request(
            "PUT", where, content=data, headers={"x-ms-blob-type": "BlockBlob"}
        )
        assert made.status_code == 201, made.text
    properties = {"hash_sha256": hash_of(files), "hash_version": 202208}
    told = {"codeUri": f"{begun['blobUri']}/{folder}", "isAnonymous": True}
    return arm.put(one, {"properties": {**told, "properties": properties}})


def find(arm: Arm, files: dict[str, bytes]) -> list[Any]:
    query = f"hash={hash_of(files)}&hashVersion=202208"
    return arm.get(f"{WS}/codes/{uuid.uuid4()}/versions?{query}").json()["value"]


class TestCodes:
    def test_it_is_uploaded_and_found_again_by_its_hash(self, arm: Arm) -> None:
        assert find(arm, FILES) == []
        made = upload(arm, str(uuid.uuid4()), FILES)
        assert made.status_code == 201, made.text
        [found] = find(arm, FILES)
        assert found["id"] == made.json()["id"]
        assert arm.get(found["id"]).json()["id"] == found["id"]
        assert find(arm, {**FILES, "main.py": b"print(2)\n"}) == []

    def test_its_files_are_where_it_says(self, arm: Arm) -> None:
        made = upload(arm, str(uuid.uuid4()), FILES).json()
        path = made["properties"]["codeUri"].removeprefix("https://localhost")
        for name, data in FILES.items():
            assert arm.get(f"{path}/{name}").content == data

    def test_the_same_files_under_another_name_are_the_same_code(self, arm: Arm) -> None:
        first = upload(arm, str(uuid.uuid4()), FILES).json()
        assert upload(arm, str(uuid.uuid4()), FILES).json()["id"] == first["id"]

    def test_code_that_has_a_name_keeps_it(self, arm: Arm) -> None:
        made = upload(arm, "trainer", FILES).json()
        assert made["id"].endswith("/codes/trainer/versions/1")
        assert arm.get(f"{WS}/codes/trainer/versions/1").status_code == 200
        assert [one["id"] for one in arm.get(f"{WS}/codes/trainer/versions").json()["value"]] == [
            made["id"]
        ]

    def test_said_once_more_it_is_the_same(self, arm: Arm) -> None:
        name = str(uuid.uuid4())
        first = upload(arm, name, FILES).json()
        properties = {"hash_sha256": hash_of(FILES)}
        begun = arm.post(f"{WS}/codes/{name}/versions/1/startPendingUpload", {}).json()
        url = f"{begun['blobReferenceForConsumption']['blobUri']}/src"
        body = {"properties": {"codeUri": url, "properties": properties}}
        again = arm.put(f"{WS}/codes/{name}/versions/1", body)
        assert (again.status_code, again.json()["id"]) == (201, first["id"])

    def test_nobody_takes_the_hash_of_other_code(self, arm: Arm) -> None:
        name = str(uuid.uuid4())
        one = f"{WS}/codes/{name}/versions/1"
        begun = arm.post(f"{one}/startPendingUpload", {}).json()["blobReferenceForConsumption"]
        area, _, query = begun["credential"]["sasUri"].partition("?")
        where = f"{area.removeprefix('https://localhost')}/src/main.py?{query}"
        headers = {"x-ms-blob-type": "BlockBlob"}
        arm.with_(None).request("PUT", where, content=b"evil", headers=headers)
        properties = {"hash_sha256": hash_of(FILES)}
        arm.put(one, {"properties": {"codeUri": f"{area}/src", "properties": properties}})
        assert find(arm, FILES) == []

    def test_an_upload_without_files_says_so(self, arm: Arm) -> None:
        assert upload(arm, str(uuid.uuid4()), {}).status_code == 400

    def test_a_tree_has_a_name_of_its_own(self, arm: Arm) -> None:
        digest = put_tree(arm.site, FILES)
        found = arm.get(f"{WS}/codes/{digest}/versions/1").json()
        assert found["properties"]["codeUri"].endswith(f"/workspaceblobstore/.tree.{digest}")
        assert arm.get(f"{WS}/codes/{'0' * 64}/versions/1").status_code == 404

    def test_a_tree_is_one_folder_to_who_lists_it(self, arm: Arm) -> None:
        digest = put_tree(arm.site, FILES)
        secrets = f"{WS}/datastores/workspaceblobstore/listSecrets"
        query = arm.post(secrets, {}).json()["sasToken"]
        store = f"/_blob/{AZURES}/workspaceblobstore"
        listed = arm.with_(None).get(
            f"{store}?restype=container&comp=list&prefix=.tree.{digest}&{query}"
        )
        found = re.findall("<Name>([^<]*)</Name>", listed.text)
        assert sorted(found) == sorted(f".tree.{digest}/{name}" for name in FILES)
        for name, data in FILES.items():
            assert arm.with_(None).get(f"{store}/.tree.{digest}/{name}?{query}").content == data
        absent = arm.with_(None).get(f"{store}/.tree.{digest}/none?{query}")
        assert absent.status_code == 404
        headers = {"x-ms-blob-type": "BlockBlob"}
        for path in (f".tree.{digest}/x", f".TREE.{digest.upper()}/x", f".tree.{digest}"):
            put = arm.with_(None).request(
                "PUT", f"{store}/{path}?{query}", content=b"x", headers=headers
            )
            assert put.status_code == 403, path

    def test_code_that_was_shown_is_sent_again(self, arm: Arm) -> None:
        digest = put_tree(arm.site, FILES)
        shown = arm.get(f"{WS}/codes/{digest}/versions/1").json()
        made = arm.put(f"{WS}/codes/again/versions/1", shown)
        assert made.status_code == 201, made.text
        assert made.json()["properties"]["codeUri"] == shown["properties"]["codeUri"]

    def test_the_area_is_gone_afterwards(self, arm: Arm) -> None:
        upload(arm, str(uuid.uuid4()), FILES)
        assert list((arm.site.home.path / "staging/default").iterdir()) == []

    def test_one_is_deleted(self, arm: Arm) -> None:
        made = upload(arm, str(uuid.uuid4()), FILES).json()
        assert arm.delete(made["id"]).status_code == 204
        assert arm.get(made["id"]).status_code == 404

    def test_a_reader_uploads_nothing(self, arm: Arm) -> None:
        reader = arm.as_("Reader", "default")
        one = f"{WS}/codes/{uuid.uuid4()}/versions/1"
        assert reader.post(f"{one}/startPendingUpload", {}).status_code == 403


class TestStaging:
    def test_two_people_put_files_into_areas_of_their_own(self, arm: Arm) -> None:
        one = f"{WS}/codes/trainer/versions/1/startPendingUpload"
        areas = [
            person.post(one, {}).json()["blobReferenceForConsumption"]["blobUri"]
            for person in (arm, arm, arm.as_("Contributor"))
        ]
        assert areas[0] == areas[1] != areas[2]

    def test_a_full_quota_bounds_them_too(self, arm: Arm, site: TestSite) -> None:
        call(site, quotas.put, "default", {"limits": {"bytes": 10}})
        one = f"{WS}/codes/{uuid.uuid4()}/versions/1"
        begun = arm.post(f"{one}/startPendingUpload", {}).json()["blobReferenceForConsumption"]
        url = begun["blobUri"].removeprefix("https://localhost")
        blob = {"x-ms-blob-type": "BlockBlob"}
        refused = arm.request("PUT", f"{url}/a", content=b"x" * 20, headers=blob)
        assert (refused.status_code, "quota" in refused.text) == (403, True)
        for name in "ab":  # what is there for a day is not counted
            put = arm.request("PUT", f"{url}/{name}", content=b"x" * 9, headers=blob)
            assert put.status_code == 201

    def test_who_only_looks_leaves_no_folder(self, arm: Arm, site: TestSite) -> None:
        area = f"/_blob/default/upload-{'0' * 40}"
        assert arm.get(f"{area}?comp=list").status_code == 200
        absent = arm.get(f"{area}/x")
        assert absent.status_code == 404
        assert str(site.home.path) not in absent.text
        assert not (site.home.path / "staging").exists()

    def test_what_comes_to_nothing_is_swept(self, arm: Arm, site: TestSite) -> None:
        one = f"{WS}/codes/{uuid.uuid4()}/versions/1"
        begun = arm.post(f"{one}/startPendingUpload", {}).json()["blobReferenceForConsumption"]
        url = begun["blobUri"].removeprefix("https://localhost") + "/src/main.py"
        put = arm.request("PUT", url, content=b"x", headers={"x-ms-blob-type": "BlockBlob"})
        assert put.status_code == 201
        blocks = Blocks(site.home, "default", "ann", "workspaceblobstore", "a")
        os.close(blocks.open("1")[0])
        top = site.home.path / "staging"
        staging.sweep(site.home, 0)
        assert list((top / "default").iterdir())
        staging.sweep(site.home, 4e9)
        assert not list((top / "default").iterdir())
        assert not list((top / ".blocks").iterdir())
        Sweepup(site).round()
