"""Blobs over datastores: whole and in blocks, ranges, lists, and who may."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from lazur.engine.contracts import Stored
from lazur.errors import Unsupported
from lazur.server.settings import Settings
from lazur.services.azure import elsewhere, sas
from lazur.services.content.far import Far
from lazur.services.people import people, quotas
from lazur.services.people import tokens as ours
from lazur.services.resources import resources
from lazur.services.resources.resources import DATASTORES
from tests.server.arm.conftest import WS, Arm, served
from tests.services import far_site
from tests.services.far_site import ROOM
from tests.site import Clock, Server, TestSite, call, command, put_tree, submit

STORE = "/_blob/default/workspaceblobstore"
BLOB = {"x-ms-blob-type": "BlockBlob"}


def signature(arm: Arm, place: str = "default/workspaceblobstore", **more: Any) -> str:
    assert arm.secret is not None
    return sas.sign(arm.site, ours.digest(arm.secret), place, **more)


class Storage:
    """As a client with a signed address."""

    def __init__(self, arm: Arm, query: str) -> None:
        self.arm = arm.with_(None)
        self.query = query

    def ask(self, method: str, path: str, asked: str = "", **more: Any) -> Any:
        query = "&".join(part for part in (asked, self.query) if part)
        return self.arm.request(method, f"{path}?{query}", **more)

    def put(self, path: str, data: bytes, asked: str = "", **headers: str) -> Any:
        return self.ask("PUT", path, asked, content=data, headers={**BLOB, **headers})

    def names(self, asked: str = "") -> list[str]:
        found = self.ask("GET", STORE, f"restype=container&comp=list&{asked}")
        assert found.status_code == 200, found.text
        return re.findall("<Name>(.*?)</Name>", found.text)


@pytest.fixture
def storage(arm: Arm) -> Storage:
    return Storage(arm, signature(arm, letters=sas.WRITE + "d"))


class TestBlobs:
    def test_one_is_put_and_fetched(self, storage: Storage) -> None:
        made = storage.put(f"{STORE}/a/b.txt", b"hello", **{"x-ms-meta-name": "x"})
        assert made.status_code == 201
        assert made.headers["x-ms-request-server-encrypted"] == "false"
        got = storage.ask("GET", f"{STORE}/a/b.txt")
        assert (got.status_code, got.content) == (200, b"hello")
        assert got.headers["etag"] == made.headers["etag"]
        head = storage.ask("HEAD", f"{STORE}/a/b.txt")
        assert (head.status_code, head.headers["content-length"]) == (200, "5")
        assert head.headers["x-ms-meta-name"] == "x"
        home = storage.arm.site.home
        assert (
            home.datastore("default", "workspaceblobstore") / "a/b.txt"
        ).read_bytes() == b"hello"

    def test_what_is_not_there_has_azures_code(self, storage: Storage) -> None:
        found = storage.ask("HEAD", f"{STORE}/none")
        assert (found.status_code, found.headers["x-ms-error-code"]) == (404, "BlobNotFound")
        assert storage.ask("GET", f"{STORE}/none").status_code == 404

    def test_who_wants_it_new_does_not_replace_it(self, storage: Storage) -> None:
        new = {"If-None-Match": "*"}
        assert storage.put(f"{STORE}/a", b"1", **new).status_code == 201
        again = storage.put(f"{STORE}/a", b"2", **new)
        assert (again.status_code, again.headers["x-ms-error-code"]) == (409, "BlobAlreadyExists")
        assert storage.put(f"{STORE}/a", b"3").status_code == 201
        assert storage.ask("GET", f"{STORE}/a").content == b"3"

    def test_who_goes_on_with_another_one_is_told(self, storage: Storage) -> None:
        """Large blobs are fetched in parts, each for the tag of the first."""
        path = f"{STORE}/a"
        first = storage.put(path, b"one").headers["etag"]
        part = {"x-ms-range": "bytes=1-2", "If-Match": first}
        assert storage.ask("GET", path, headers=part).content == b"ne"
        storage.put(path, b"another")
        refused = storage.ask("GET", path, headers=part)
        assert (refused.status_code, refused.headers["x-ms-error-code"]) == (
            412,
            "ConditionNotMet",
        )
        assert storage.ask("GET", path, headers={"If-Match": "*"}).status_code == 200

    def test_conditions_that_are_not_heeded_are_refused(self, storage: Storage) -> None:
        storage.put(f"{STORE}/a", b"one")
        old = {"If-Match": '"0"'}
        assert storage.put(f"{STORE}/a", b"two", **old).status_code == 501
        assert storage.ask("DELETE", f"{STORE}/a", headers=old).status_code == 501
        assert storage.ask("GET", f"{STORE}/a").content == b"one"

    def test_what_is_not_served_is_not_taken_for_something_else(self, storage: Storage) -> None:
        path = f"{STORE}/a"
        storage.put(path, b"one")
        copied = storage.put(path, b"", **{"x-ms-copy-source": f"https://localhost{STORE}/b"})
        assert copied.status_code == 501
        for asked in ("comp=blocklist", "comp=tags", "snapshot=2026-01-01", "versionid=1"):
            assert storage.ask("GET", path, asked).status_code == 501
            assert storage.ask("HEAD", path, asked).status_code == 501
        assert storage.put(path, b"x", "comp=appendblock").status_code == 501
        assert storage.ask("GET", path).content == b"one"

    def test_bytes_that_are_not_those_that_were_hashed_are_refused(self, storage: Storage) -> None:
        good = base64.b64encode(hashlib.md5(b"data").digest()).decode()
        assert storage.put(f"{STORE}/a", b"date", **{"Content-MD5": good}).status_code == 400
        assert storage.ask("HEAD", f"{STORE}/a").status_code == 404
        assert storage.put(f"{STORE}/a", b"data", **{"Content-MD5": good}).status_code == 201

    def test_blocks_become_a_blob(self, storage: Storage) -> None:
        blocks = {base64.b64encode(b"%03d" % n).decode(): os.urandom(70_000) for n in range(3)}
        for number, data in blocks.items():
            asked = f"comp=block&blockid={number}"
            assert storage.put(f"{STORE}/big", data, asked).status_code == 201
        assert storage.ask("HEAD", f"{STORE}/big").status_code == 404
        listed = "".join(f"<Latest>{number}</Latest>" for number in blocks)
        body = f"<?xml version='1.0'?><BlockList>{listed}</BlockList>".encode()
        assert storage.put(f"{STORE}/big", body, "comp=blocklist").status_code == 201
        assert storage.ask("GET", f"{STORE}/big").content == b"".join(blocks.values())

    def test_a_list_that_is_said_once_more_is_no_fault(self, storage: Storage) -> None:
        """Putting a large one together may outlast a client's patience."""
        path, body = f"{STORE}/big", b"<BlockList><Latest>MQ==</Latest></BlockList>"
        storage.put(path, b"x" * 9, "comp=block&blockid=MQ==")
        with ThreadPoolExecutor(4) as pool:
            said = list(pool.map(lambda _: storage.put(path, body, "comp=blocklist"), range(4)))
        assert {answer.status_code for answer in said} == {201}
        assert len({answer.headers["etag"] for answer in said}) == 1
        assert storage.ask("GET", path).content == b"x" * 9
        other = b"<BlockList><Latest>Mg==</Latest></BlockList>"
        assert storage.put(path, other, "comp=blocklist").status_code == 400
        storage.put(path, b"another")
        assert storage.put(path, body, "comp=blocklist").status_code == 400
        assert storage.ask("GET", path).content == b"another"

    def test_metadata_is_kept_until_the_blob_changes(self, storage: Storage) -> None:
        storage.put(f"{STORE}/a", b"1")
        noted = {"x-ms-meta-upload_status": "completed"}
        path = f"{STORE}/a"
        assert storage.ask("PUT", path, "comp=metadata", headers=noted).status_code == 200
        assert storage.ask("HEAD", path).headers["x-ms-meta-upload_status"] == "completed"
        listed = storage.ask("GET", STORE, "comp=list&restype=container&include=metadata")
        assert "<upload_status>completed</upload_status>" in listed.text
        storage.put(path, b"22")
        assert "x-ms-meta-upload_status" not in storage.ask("HEAD", path).headers
        wrong = {"x-ms-meta-a-b": "x"}
        assert storage.ask("PUT", path, "comp=metadata", headers=wrong).status_code == 400

    def test_ranges(self, storage: Storage) -> None:
        storage.put(f"{STORE}/a", b"0123456789")
        got = storage.ask("GET", f"{STORE}/a", headers={"x-ms-range": "bytes=2-4"})
        assert (got.status_code, got.content) == (206, b"234")
        assert got.headers["content-range"] == "bytes 2-4/10"
        got = storage.ask("GET", f"{STORE}/a", headers={"Range": "bytes=8-99"})
        assert (got.status_code, got.content) == (206, b"89")
        got = storage.ask("GET", f"{STORE}/a", headers={"x-ms-range": "bytes=10-20"})
        assert (got.status_code, got.headers["x-ms-error-code"]) == (416, "InvalidRange")
        storage.put(f"{STORE}/empty", b"")
        got = storage.ask("GET", f"{STORE}/empty", headers={"x-ms-range": "bytes=0-99"})
        assert got.status_code == 416
        assert storage.ask("GET", f"{STORE}/empty").content == b""

    def test_a_large_one_passes_in_pieces(self, storage: Storage) -> None:
        data = os.urandom(5 << 20)
        assert storage.put(f"{STORE}/a", data).status_code == 201
        assert storage.ask("GET", f"{STORE}/a").content == data

    def test_lists_by_prefix_folder_and_page(self, storage: Storage) -> None:
        names = ["a-b", "a/1", "a/2/x", "a/2/y", "a0", "b"]
        for name in names:
            storage.put(f"{STORE}/{name}", b"x")
        assert storage.names() == names
        assert storage.names("prefix=a/") == ["a/1", "a/2/x", "a/2/y"]
        assert storage.names("prefix=a/2") == ["a/2/x", "a/2/y"]
        assert storage.names("prefix=a&delimiter=/") == ["a-b", "a/", "a0"]
        assert storage.names("prefix=a/&delimiter=/") == ["a/1", "a/2/"]
        assert storage.names("prefix=nothing/here") == []
        seen, marker = list[str](), ""
        for _ in range(9):
            found = storage.ask("GET", STORE, f"comp=list&maxresults=2&marker={marker}").text
            seen += re.findall("<Name>(.*?)</Name>", found)
            marker = re.findall("<NextMarker>(.*?)</NextMarker>", found)[0]
            if not marker:
                break
        assert seen == names

    def test_one_is_deleted(self, storage: Storage) -> None:
        storage.put(f"{STORE}/a", b"x")
        assert storage.ask("DELETE", f"{STORE}/a").status_code == 202
        assert storage.ask("DELETE", f"{STORE}/a").status_code == 404

    def test_what_is_kept_by_its_content_is_shown_and_not_changed(self, storage: Storage) -> None:
        digest = put_tree(storage.arm.site, {"d/x.txt": b"x", "y.txt": b"yy"})
        top = f"{STORE}/.tree/{digest}"
        assert storage.ask("GET", f"{top}/d/x.txt").content == b"x"
        assert storage.names(f"prefix=.tree/{digest}") == [
            f".tree/{digest}/d/x.txt",
            f".tree/{digest}/y.txt",
        ]
        assert storage.put(f"{top}/z.txt", b"z").status_code == 403
        assert storage.put(f"{top}/y.txt", b"z").status_code == 403
        assert storage.ask("DELETE", f"{top}/y.txt").status_code == 403
        assert storage.ask("PUT", f"{top}/y.txt", "comp=metadata").status_code == 403
        file = hashlib.sha256(b"x").hexdigest()
        assert storage.ask("GET", f"{STORE}/.tree/{file}/x").status_code == 404

    def test_a_full_quota_is_said_before_the_bytes(self, storage: Storage) -> None:
        limit = {"limits": {"bytes": 10}}
        call(storage.arm.site, quotas.put, "default", limit)
        refused = storage.put(f"{STORE}/a", b"x" * 20)
        assert refused.status_code >= 400
        assert "quota" in refused.text
        assert storage.put(f"{STORE}/a", b"x" * 9).status_code == 201
        assert storage.put(f"{STORE}/b", b"x" * 9).status_code >= 400
        assert storage.ask("DELETE", f"{STORE}/a").status_code == 202
        assert storage.put(f"{STORE}/b", b"x" * 9).status_code == 201

    def test_blocks_count_before_their_list_comes(self, storage: Storage) -> None:
        call(storage.arm.site, quotas.put, "default", {"limits": {"bytes": 30}})

        def block(name: str, number: str, size: int) -> int:
            data = b"x" * size
            return storage.put(f"{STORE}/{name}", data, f"comp=block&blockid={number}").status_code

        assert block("a", "MQ==", 10) == 201
        assert block("a", "Mg==", 10) == 201
        assert block("b", "MQ==", 20) >= 400
        body = b"<BlockList><Latest>MQ==</Latest><Latest>Mg==</Latest></BlockList>"
        assert storage.put(f"{STORE}/a", body, "comp=blocklist").status_code == 201
        assert block("b", "MQ==", 10) == 201
        assert block("b", "Mg==", 10) >= 400


class TestHosts:
    """`account.blob.ml.example.org`, where the name resolves."""

    @pytest.fixture
    def named(self, site: TestSite) -> Iterator[Arm]:
        settings = Settings(
            home=site.home.path,
            role="api",
            allowed_hosts=("ml.example.org", "*.blob.ml.example.org", "own.blob.example.org"),
        )
        yield from served(site, settings)

    def test_the_account_is_in_the_host(self, named: Arm) -> None:
        host = {"Host": "default.blob.ml.example.org"}
        found = Storage(named, signature(named, letters=sas.WRITE))
        path = "/workspaceblobstore/a/b"
        assert found.ask("PUT", path, content=b"x", headers=BLOB | host).status_code == 201
        assert found.ask("GET", path, headers=host).content == b"x"
        assert (
            found.ask("GET", "/workspaceblobstore", "comp=list", headers=host).status_code == 200
        )
        assert named.with_(None).get(path, headers=host).status_code == 401

    def test_clients_are_told_so(self, named: Arm) -> None:
        for host, account in (
            ("ml.example.org", "default"),
            ("localhost", "localhost/_blob/default#"),
        ):
            token = named.token_for(f"https://{host}")
            headers = {"Host": host, "Authorization": f"Bearer {token}"}
            found = named.get(f"{WS}/datastores/workspaceblobstore", headers=headers).json()
            assert found["properties"]["accountName"] == account

    @pytest.mark.parametrize(
        "host",
        [
            "a.default.blob.ml.example.org",
            ".blob.ml.example.org",
            "default.blob.evil.org",
            "default.blob.localhost",
            "x.own.blob.example.org",
        ],
    )
    def test_other_names_are_refused(self, named: Arm, host: str) -> None:
        assert named.get("/workspaceblobstore/a", headers={"Host": host}).status_code == 421

    def test_a_name_that_only_looks_so_is_the_servers_own(self, named: Arm) -> None:
        assert named.get("/healthz", headers={"Host": "own.blob.example.org"}).status_code == 200


class TestWhoMay:
    def test_nobody_without_a_signature(self, arm: Arm) -> None:
        assert arm.with_(None).get(f"{STORE}/a").status_code == 401
        assert arm.with_(None).get(f"{STORE}?comp=list").status_code == 401

    def test_nobody_with_a_forged_one(self, arm: Arm) -> None:
        good = signature(arm)
        cut = re.sub(r"sig=[0-9a-f]{4}", "sig=0000", good)
        wider = good.replace("sp=rl", "sp=rwl")
        other = good.replace("workspaceblobstore", "workspaceartifactstore")
        later = re.sub(r"se=\d{4}", "se=2999", good)
        for query in (cut, wider, other, later, "sig=x", re.sub("&sv=[^&]*", "", good)):
            assert Storage(arm, query).ask("GET", STORE, "comp=list").status_code == 401
        assert Storage(arm, good).ask("GET", STORE, "comp=list").status_code == 200

    def test_nobody_when_it_is_over(self, arm: Arm, clock: Clock) -> None:
        storage = Storage(arm, signature(arm, seconds=60))
        assert storage.ask("GET", STORE, "comp=list").status_code == 200
        clock.time += 61
        storage.query += "&other=1"
        arm.http.request("GET", "/healthz")
        assert sas.principal(arm.site, storage.query.removesuffix("&other=1")) is None

    def test_it_ends_with_the_token_that_it_was_asked_with(self, arm: Arm) -> None:
        reader = arm.as_("Contributor")
        query = signature(reader)
        assert sas.principal(arm.site, query) is not None
        call(arm.site, ours.revoke, "Contributor-person")
        assert sas.principal(arm.site, query) is None

    def test_only_what_the_letters_say(self, arm: Arm) -> None:
        storage = Storage(arm, signature(arm, letters=sas.READ))
        assert storage.put(f"{STORE}/a", b"x").status_code == 403
        assert storage.ask("DELETE", f"{STORE}/a").status_code == 403
        storage = Storage(arm, signature(arm, letters="w"))
        assert storage.put(f"{STORE}/a", b"x").status_code == 201
        assert storage.ask("GET", f"{STORE}/a").status_code == 403
        assert storage.ask("GET", STORE, "comp=list").status_code == 403

    def test_only_where_it_says(self, arm: Arm) -> None:
        Storage(arm, signature(arm, letters="w")).put(f"{STORE}/a/b", b"x")
        storage = Storage(arm, signature(arm, "default/workspaceblobstore/a"))
        assert storage.ask("GET", f"{STORE}/a/b").status_code == 200
        assert storage.ask("GET", f"{STORE}/ab").status_code == 403
        assert storage.ask("GET", STORE, "comp=list&prefix=a/").status_code == 200
        assert storage.ask("GET", STORE, "comp=list").status_code == 403
        files = "/_blob/default/workspaceartifactstore"
        assert storage.ask("GET", f"{files}/a/b").status_code == 403
        one = Storage(arm, signature(arm, "default/workspaceblobstore/a/b"))
        assert one.ask("GET", f"{STORE}/a/b").status_code == 200
        assert one.ask("GET", f"{STORE}/a/b/c").status_code == 404

    def test_the_list_of_a_folder_has_none_of_the_folders_beside_it(self, arm: Arm) -> None:
        whole = Storage(arm, signature(arm, letters="w"))
        for name in ("a/b", "ab", "a-secret/c"):
            whole.put(f"{STORE}/{name}", b"x")
        storage = Storage(arm, signature(arm, "default/workspaceblobstore/a"))
        assert storage.names("prefix=a") == storage.names("prefix=a/") == ["a/b"]
        assert storage.ask("GET", STORE, "comp=list&prefix=ab").status_code == 403

    def test_a_second_letter_in_another_case_gives_nothing(self, arm: Arm) -> None:
        storage = Storage(arm, signature(arm, letters="r") + "&SP=rwdl&Si=default")
        assert storage.put(f"{STORE}/a", b"x").status_code == 403
        assert storage.ask("GET", STORE, "comp=list").status_code == 403

    def test_no_more_than_its_owner_may(self, arm: Arm, other: str) -> None:
        reader = arm.as_("Reader", "default")
        storage = Storage(arm, signature(reader, letters=sas.WRITE))
        assert storage.put(f"{STORE}/a", b"x").status_code == 403
        assert storage.ask("GET", STORE, "comp=list").status_code == 200
        foreign = Storage(arm, signature(reader, f"{other}/workspaceblobstore"))
        path = f"/_blob/{other}/workspaceblobstore"
        assert foreign.ask("GET", path, "comp=list").status_code == 404

    def test_files_of_jobs_are_not_written_so(self, arm: Arm) -> None:
        place = "default/workspaceartifactstore"
        storage = Storage(arm, signature(arm, place, letters=sas.WRITE))
        assert storage.put(f"/_blob/{place}/ExperimentRun/x", b"x").status_code == 403

    @pytest.mark.parametrize(
        "path",
        [
            "%2e%2e/x",
            "a/%2e%2e/%2e%2e/x",
            "%2fetc/passwd",
            "/etc/passwd",
            "a%00b",
            "a\\..\\x",
            "a//b",
            ".lazur-uploads/x",
        ],
    )
    def test_no_path_leads_out(self, arm: Arm, path: str) -> None:
        storage = Storage(arm, signature(arm, letters=sas.WRITE))
        for method in ("GET", "HEAD", "PUT"):
            found = storage.ask(method, f"{STORE}/{path}", headers=BLOB)
            assert found.status_code in (400, 403, 404), (method, found.status_code)

    def test_no_link_is_followed(self, arm: Arm) -> None:
        storage = Storage(arm, signature(arm, letters=sas.WRITE))
        storage.put(f"{STORE}/a", b"x")
        root = arm.site.home.datastore("default", "workspaceblobstore")
        (root / "link").symlink_to("/etc")
        (root / "file").symlink_to("/etc/passwd")
        assert storage.ask("GET", f"{STORE}/link/passwd").status_code == 404
        assert storage.ask("GET", f"{STORE}/file").status_code == 404
        assert storage.names() == ["a"]
        assert storage.put(f"{STORE}/link/new", b"x").status_code in (404, 409)

    def test_listing_secrets_gives_one_that_is_good_for_an_hour(self, arm: Arm) -> None:
        body = {"expirableSecret": True, "expireAfterHours": 1}
        found = arm.post(f"{WS}/datastores/workspaceblobstore/listSecrets", body).json()
        assert found["secretsType"] == "Sas"
        storage = Storage(arm, found["sasToken"])
        assert storage.put(f"{STORE}/a", b"x").status_code == 201
        assert storage.names() == ["a"]


class TestNames:
    """A datastore may be called much."""

    @pytest.mark.parametrize("name", ["upload-foo", "joblogs"])
    def test_none_stands_for_something_else(self, arm: Arm, name: str) -> None:
        spec = {"name": name, "type": "http", "endpoint": "http://127.0.0.1:1"}
        call(arm.site, resources.put, DATASTORES, "default", name, spec)
        for method in ("GET", "HEAD", "DELETE"):
            answer = arm.request(method, f"/_blob/default/{name}/a/b")
            assert answer.status_code == 403
        assert "127.0.0.1 is not a public address" in arm.get(f"/_blob/default/{name}/a/b").text

    @pytest.mark.parametrize("number", ["²", "0", "-1", "x", "9" * 20])
    def test_no_number_makes_a_list_fail(self, arm: Arm, number: str) -> None:
        asked = {"comp": "list", "maxresults": number}
        assert arm.get(STORE, params=asked).status_code == 200
        assert arm.get(f"{WS}/jobs", params={"$top": number}).status_code == 200


class TestJobs:
    """What a job may with its own token: upload what it registers."""

    UPLOAD = f"{STORE}/LocalUpload/ab/m/a.txt"

    @pytest.fixture
    def person(self, arm: Arm) -> Arm:
        return arm.as_("AzureML Data Scientist", "default")

    @pytest.fixture
    def room(self, arm: Arm, person: Arm, server: Server) -> Storage:
        spec = command(name="mine")
        headers = {"Authorization": f"Bearer {person.secret}"}
        made = person.post("/api/v1/workspaces/default/jobs", spec, headers=headers)
        assert made.status_code == 201, made.text
        server.settle()
        job = arm.as_job("mine")
        answer = job.post(
            f"{WS}/datastores/workspaceblobstore/listSecrets", {"expireAfterHours": 9}
        )
        assert answer.status_code == 200, answer.text
        return Storage(arm, answer.json()["sasToken"])

    def test_new_files_are_uploaded_and_registered(self, arm: Arm, room: Storage) -> None:
        assert room.put(self.UPLOAD, b"new").status_code == 201
        assert room.ask("PUT", self.UPLOAD, "comp=metadata").status_code == 200
        assert room.ask("GET", self.UPLOAD).content == b"new"
        uri = "azureml://datastores/workspaceblobstore/paths/LocalUpload/ab/m"
        body = {"properties": {"modelUri": uri, "modelType": "custom_model"}}
        assert arm.as_job("mine").put(f"{WS}/models/m/versions/1", body).status_code == 201

    def test_nothing_is_replaced_or_deleted(self, arm: Arm, room: Storage) -> None:
        Storage(arm, signature(arm, letters=sas.WRITE)).put(self.UPLOAD, b"old")
        assert room.put(self.UPLOAD, b"new").status_code == 409
        block = "<BlockList><Latest>YQ==</Latest></BlockList>"
        room.put(self.UPLOAD, b"new", "comp=block&blockid=YQ==")
        assert room.put(self.UPLOAD, block.encode(), "comp=blocklist").status_code == 409
        assert room.ask("DELETE", self.UPLOAD).status_code == 403
        assert arm.as_job("mine").delete(self.UPLOAD).status_code == 403
        assert room.ask("GET", self.UPLOAD).content == b"old"

    @pytest.mark.parametrize("path", ["a.txt", "LocalUpload", "azureml/x/y", "localupload/a"])
    def test_it_writes_nowhere_else(self, arm: Arm, room: Storage, path: str) -> None:
        assert room.put(f"{STORE}/{path}", b"x").status_code == 403
        token = arm.as_job("mine")
        put = token.request("PUT", f"{STORE}/{path}", content=b"x", headers=BLOB)
        assert put.status_code == 403
        store = "/_blob/default/workspaceartifactstore/LocalUpload/x"
        put = token.request("PUT", store, content=b"x", headers=BLOB)
        assert put.status_code == 403

    def test_it_may_no_more_than_who_submitted_it(
        self, arm: Arm, person: Arm, room: Storage
    ) -> None:
        room.put(self.UPLOAD, b"new")
        call(arm.site, people.update, "user", "AzureML-person-default", {"disabled": True})
        assert room.ask("GET", self.UPLOAD).status_code == 404
        assert room.put(f"{self.UPLOAD}2", b"x").status_code == 404

    def test_it_is_let_in_for_an_hour_and_as_long_as_it_runs(
        self, arm: Arm, room: Storage, clock: Clock, server: Server
    ) -> None:
        until = dict(parse_qsl(room.query))["se"]
        left = datetime.fromisoformat(until).timestamp() - clock.time
        assert 3590 < left <= 3600
        (key,) = arm.site.engine.going_on()
        arm.site.engine.end(key)
        server.settle()
        gate = arm.http._client._transport.app  # pyright: ignore[reportAttributeAccessIssue]
        gate.identities._known.clear()
        assert room.ask("GET", self.UPLOAD).status_code in (401, 403)

    def test_secrets_of_other_stores_stay_secret(self, arm: Arm, room: Storage) -> None:
        spec = {
            "name": "far",
            "type": "azure_blob",
            "account_name": "a",
            "container_name": "c",
            "credentials": {"account_key": "a2V5"},
        }
        call(arm.site, resources.put, DATASTORES, "default", "far", spec)
        at = f"{WS}/datastores/far/listSecrets"
        assert arm.as_job("mine").post(at, {}).status_code == 403
        assert "a2V5" not in arm.as_job("mine").get(f"{WS}/datastores/far").text


class TestFilesOfJobs:
    """Two workspaces have a job of one name."""

    @pytest.fixture
    def storage(self, arm: Arm, other: str) -> Storage:
        for room in ("default", other):
            job = submit(arm.site, name="j", workspace=room)
            folder = arm.site.home.artifacts(room, job.get("run_id") or "j") / "outputs"
            folder.mkdir(parents=True)
            (folder / "a.txt").write_text(f"of {room}")
            (folder.parent / "b.txt").write_text("b")
        return Storage(arm, signature(arm, f"{other}/workspaceartifactstore"))

    @pytest.mark.parametrize("top", ["ExperimentRun/dcid.j", "ExperimentRun/dcid.j/"])
    def test_each_has_its_own_by_the_name(self, storage: Storage, other: str, top: str) -> None:
        store = f"/_blob/{other}/workspaceartifactstore"
        found = storage.ask("GET", store, f"restype=container&comp=list&prefix={top}").text
        whole = ["ExperimentRun/dcid.j/b.txt", "ExperimentRun/dcid.j/outputs/a.txt"]
        assert re.findall("<Name>(.*?)</Name>", found) == whole
        assert storage.ask("GET", f"{store}/{whole[1]}").text == f"of {other}"
        assert storage.ask("HEAD", f"{store}/{whole[1]}").status_code == 200
        asked = f"restype=container&comp=list&prefix={top}&maxresults=1&marker={whole[0]}"
        assert re.findall("<Name>(.*?)</Name>", storage.ask("GET", store, asked).text) == whole[1:]

    def test_folders_and_what_is_no_jobs_stay_as_they_are(
        self, storage: Storage, other: str
    ) -> None:
        store = f"/_blob/{other}/workspaceartifactstore"
        asked = "restype=container&comp=list&delimiter=/&prefix=ExperimentRun/dcid."
        found = storage.ask("GET", store, f"{asked}j/").text
        names = re.findall("<Name>(.*?)</Name>", found)
        assert names == ["ExperimentRun/dcid.j/b.txt", "ExperimentRun/dcid.j/outputs/"]
        (folder,) = re.findall("<Name>(.*?)</Name>", storage.ask("GET", store, asked).text)
        assert folder.startswith("ExperimentRun/dcid.")
        assert folder != "ExperimentRun/dcid.j/"
        assert storage.ask("GET", f"{store}/{folder}outputs/a.txt").text == f"of {other}"


class TestElsewhere:
    """A workspace whose datastore lies in the server's object store."""

    @pytest.fixture
    def room(self, arm: Arm, tmp_path: Path) -> Storage:
        far_site.move_out(arm.site, tmp_path / "bucket")
        return Storage(arm, signature(arm, f"{ROOM}/workspaceblobstore", letters=sas.WRITE + "d"))

    def test_blobs_go_there_and_come_back(self, room: Storage) -> None:
        path = f"/_blob/{ROOM}/workspaceblobstore/a/b"
        assert room.put(path, b"hello", **{"x-ms-meta-name": "x"}).status_code == 201
        assert far_site.place(room.arm.site, "a/b").read_bytes() == b"hello"
        assert room.put(path, b"again", **{"If-None-Match": "*"}).status_code == 409
        head = room.ask("HEAD", path)
        assert (head.headers["content-length"], head.headers["x-ms-meta-name"]) == ("5", "x")
        ranged = room.ask("GET", path, headers={"x-ms-range": "bytes=1-2"})
        assert (ranged.status_code, ranged.content) == (206, b"el")
        listed = room.ask("GET", f"/_blob/{ROOM}/workspaceblobstore", "comp=list&prefix=a/")
        assert "<Name>a/b</Name>" in listed.text
        folders = room.ask("GET", f"/_blob/{ROOM}/workspaceblobstore", "comp=list&delimiter=/")
        assert "<BlobPrefix><Name>a/</Name></BlobPrefix>" in folders.text
        assert room.ask("DELETE", path).status_code == 202
        assert room.ask("HEAD", path).status_code == 404
        assert not any((room.arm.site.home.path / "staging/.drafts").glob("[!.]*"))

    def test_blocks_too(self, room: Storage) -> None:
        path = f"/_blob/{ROOM}/workspaceblobstore/big"
        for number in ("MQ==", "Mg=="):
            assert room.put(path, b"x" * 9, f"comp=block&blockid={number}").status_code == 201
        body = b"<BlockList><Latest>MQ==</Latest><Latest>Mg==</Latest></BlockList>"
        assert room.put(path, body, "comp=blocklist").status_code == 201
        assert room.ask("GET", path).content == b"x" * 18

    def test_half_a_list_is_not_given_for_the_whole(
        self, room: Storage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = f"/_blob/{ROOM}/workspaceblobstore"
        for name in ("a/1", "a/2", "b/1"):
            room.put(f"{store}/{name}", b"x")
        monkeypatch.setattr(elsewhere, "_MOST", 2)
        refused = room.ask("GET", store, "comp=list")
        assert refused.status_code == 413
        assert "More than 2 files" in refused.text
        assert room.ask("GET", store, "comp=list&prefix=a/").text.count("<Name>") == 2

    def test_names_that_no_path_could_have_are_left_out(self, arm: Arm) -> None:
        class Odd:
            def list(self, folder: str) -> Iterator[Stored]:
                return (Stored(name, 1, "") for name in ("good", "b\x01d", "a\\b", "/c", "d//e"))

        store: Any = Odd()
        found = elsewhere.Elsewhere(Far(store, ""), arm.site).scan("")
        assert [one if isinstance(one, str) else one.path for one in found] == ["good"]

    def test_what_is_only_read_says_so(self, arm: Arm) -> None:
        class OnlyRead:
            def info(self, path: str) -> Stored:
                return Stored(path, 1, "")

        store: Any = OnlyRead()
        box = elsewhere.Elsewhere(Far(store, ""), arm.site)
        with pytest.raises(Unsupported, match="only read"):
            box.delete("a")
        draft = box.draft()
        with pytest.raises(Unsupported, match="only read"):
            box.put(draft, "a")
        draft.discard()
