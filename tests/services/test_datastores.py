"""Datastores and connections: what is kept, who sees secrets, and where they may lead."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import select, update

from lazur.egress import Rule
from lazur.engine.contracts import Rotates
from lazur.errors import (
    Conflict,
    Forbidden,
    Invalid,
    LazurError,
    NotFound,
    PreconditionFailed,
    TooManyTries,
    Unsupported,
)
from lazur.services.base import keyrings, workspaces
from lazur.services.base.access import Principal
from lazur.services.content import datastores
from lazur.services.jobs import jobs
from lazur.services.people import audits
from lazur.services.resources import resources, secrets
from lazur.services.resources.resources import CONNECTIONS, DATASTORES
from lazur.store import tables
from lazur.store.pages import Query
from tests.site import TestSite, call, command

KEY = "c2VjcmV0LWFjY291bnQta2V5LW9mLXRoZS10ZXN0"
BLOB = {
    "$schema": "https://azuremlschemas.azureedge.net/latest/azureBlob.schema.json",
    "name": "raw",
    "type": "azure_blob",
    "description": "A container.",
    "account_name": "account",
    "container_name": "files",
    "credentials": {"account_key": KEY},
}
LEADS_HERE = ["workspaceblobstore", "workspaceartifactstore"]
PRINCIPAL = {"tenant_id": "t", "client_id": "c", "client_secret": KEY}
DATASTORE_FILES: list[dict[str, Any]] = [
    BLOB,
    {**BLOB, "credentials": {"sas_token": "?sv=1&sig=abcdefgh"}},
    {**BLOB, "protocol": "wasbs", "endpoint": "core.chinacloudapi.cn"},
    {key: value for key, value in BLOB.items() if key != "credentials"},
    {
        "type": "azureFile",
        "account_name": "a",
        "file_share_name": "s",
        "credentials": {"account_key": KEY},
    },
    {"type": "azure_data_lake_gen1", "store_name": "lake", "credentials": PRINCIPAL},
    {
        "type": "AZURE_DATA_LAKE_GEN2",
        "account_name": "a",
        "filesystem": "f",
        "credentials": PRINCIPAL,
    },
    {
        "type": "one_lake",
        "one_lake_workspace_name": "w",
        "endpoint": "onelake.dfs.fabric.microsoft.com",
        "artifact": {"type": "lakeHouse", "name": "lake"},
    },
    {
        "type": "s3",
        "bucket_name": "b",
        "credentials": {"access_key_id": "i", "secret_access_key": KEY},
    },
    {"type": "gcs", "bucket_name": "b", "credentials": {"service_account": {"client_email": "a"}}},
    {"type": "http", "endpoint": "https://files.example.org", "credentials": {"token": KEY}},
]
CONNECTION_FILES: list[dict[str, Any]] = [
    {
        "type": "git",
        "target": "https://git.example.org",
        "credentials": {"type": "pat", "pat": KEY},
    },
    {
        "type": "python_feed",
        "target": "https://pypi.example.org",
        "credentials": {"type": "pat", "pat": KEY},
    },
    {
        "$schema": "http://azureml/sdk-2-0/Connection.json",
        "type": "snowflake",
        "target": "jdbc:snowflake://account.snowflakecomputing.com/?db=d&warehouse=w&role=r",
        "credentials": {"type": "username_password", "username": "u", "password": KEY},
    },
    {
        "type": "azuresqldb",
        "target": {"server_name": "s.database.windows.net", "database_name": "d"},
        "credentials": {"type": "sql_auth", "username": "u", "password": KEY},
    },
    {
        "type": "s3",
        "target": "bucket",
        "credentials": {"type": "access_key", "access_key_id": "i", "secret_access_key": KEY},
    },
    {
        "type": "container_registry",
        "target": "https://r.example.org",
        "credentials": {"type": "managed_identity", "client_id": "c", "resource_id": "r"},
    },
    {
        "type": "azureOpenAI",
        "azure_endpoint": "https://x.openai.azure.com",
        "api_version": "1",
        "api_key": KEY,
    },
    {"type": "open_ai", "api_key": KEY},
    {
        "type": "azure_blob",
        "account_name": "a",
        "container_name": "c",
        "credentials": {"type": "sas", "sas_token": KEY},
    },
    {
        "type": "custom",
        "target": "x",
        "metadata": {"region": "eu"},
        "credentials": {"type": "api_key", "key": KEY},
    },
]


def put(site: TestSite, spec: dict[str, Any], name: str = "raw", **more: Any) -> dict[str, Any]:
    return call(site, resources.put, DATASTORES, "default", name, spec, **more)


def shown(site: TestSite, name: str = "raw") -> dict[str, Any]:
    return call(site, resources.get, DATASTORES, "default", name)


def revealed(site: TestSite, name: str = "raw", **more: Any) -> dict[str, Any]:
    return call(site, resources.list_secrets, DATASTORES, "default", name, **more)["credentials"]


class TestKept:
    @pytest.mark.parametrize("spec", DATASTORE_FILES, ids=lambda spec: str(spec["type"]))
    def test_published_shapes_of_datastores(self, site: TestSite, spec: dict[str, Any]) -> None:
        made = put(site, {**spec, "name": "raw"})
        for field in spec.keys() - {"$schema", "type", "name", "credentials", "artifact"}:
            assert made[field] == spec[field]
        assert KEY not in json.dumps([made, shown(site)])
        opened = revealed(site)
        for field, value in spec.get("credentials", {}).items():
            assert opened[field] == (json.dumps(value) if isinstance(value, dict) else value)

    @pytest.mark.parametrize("spec", CONNECTION_FILES, ids=lambda spec: str(spec["type"]))
    def test_published_shapes_of_connections(self, site: TestSite, spec: dict[str, Any]) -> None:
        made = call(site, resources.put, CONNECTIONS, "default", "c", spec)
        assert KEY not in json.dumps(made)
        assert made["warnings"] == []
        opened = call(site, resources.list_secrets, CONNECTIONS, "default", "c")["credentials"]
        secret = {value for value in spec.get("credentials", {}).values() if value == KEY}
        assert KEY in opened.values() or not (secret or "api_key" in spec)

    def test_replacing_forgets_the_old_credentials(self, site: TestSite) -> None:
        put(site, BLOB)
        put(site, {**BLOB, "credentials": {"sas_token": "another"}})
        assert revealed(site) == {"type": "sas_token", "sas_token": "another"}
        put(site, {key: value for key, value in BLOB.items() if key != "credentials"})
        assert revealed(site) == {"type": "none"}
        assert sealed(site) == []

    def test_notes_change_and_credentials_stay(self, site: TestSite) -> None:
        put(site, BLOB)
        made = call(
            site,
            resources.update,
            DATASTORES,
            "default",
            "RAW",
            {"description": "new", "tags": {"a": 1}},
        )
        assert (made["description"], made["tags"], made["etag"]) == ("new", {"a": "1"}, "2")
        assert revealed(site)["account_key"] == KEY

    @pytest.mark.parametrize("spec", CONNECTION_FILES, ids=lambda spec: str(spec["type"]))
    def test_notes_of_each_connection_change(self, site: TestSite, spec: dict[str, Any]) -> None:
        call(site, resources.put, CONNECTIONS, "default", "c", spec)
        before = call(site, resources.list_secrets, CONNECTIONS, "default", "c")
        made = call(site, resources.update, CONNECTIONS, "default", "c", {"description": "x"})
        assert (made["description"], made["warnings"]) == ("x", [])
        assert call(site, resources.list_secrets, CONNECTIONS, "default", "c") == before

    def test_credentials_stay_with_the_address_they_were_given_for(self, site: TestSite) -> None:
        put(site, BLOB)
        change: dict[str, Any] = {"endpoint": "https://mine.example.org"}
        with pytest.raises(Invalid, match="stay with the address"):
            call(site, resources.update, DATASTORES, "default", "raw", change)
        change["credentials"] = {"account_key": "another-key"}
        made = call(site, resources.update, DATASTORES, "default", "raw", change)
        assert made["endpoint"] == "https://mine.example.org"
        assert revealed(site)["account_key"] == "another-key"

    def test_what_was_read_before_is_not_overwritten(self, site: TestSite) -> None:
        put(site, BLOB)
        put(site, BLOB, etag="1")
        with pytest.raises(PreconditionFailed):
            put(site, BLOB, etag="1")
        with pytest.raises(PreconditionFailed):
            call(site, resources.update, DATASTORES, "default", "raw", {"description": "x"}, "1")

    def test_deleting_takes_the_secret_along(self, site: TestSite) -> None:
        put(site, BLOB)
        call(site, resources.delete, DATASTORES, "default", "raw")
        assert sealed(site) == []
        with pytest.raises(NotFound):
            shown(site)

    @pytest.mark.parametrize(
        "spec, match",
        [
            ({**BLOB, "account_name": None}, "account_name"),
            (
                {**BLOB, "credentials": {"access_key_id": "i", "secret_access_key": "s"}},
                "takes no",
            ),
            ({**BLOB, "credentials": {"type": "account_key"}}, "lack a part"),
            ({**BLOB, "credentials": {"type": "magic"}}, "credentials"),
            ({**BLOB, "credentials": {"pat": "x"}}, "takes no"),
            ({"type": "http", "endpoint": "https://u:p4ssword@x.org"}, "secret in it"),
            ({"type": "http", "endpoint": "https://x.org/?sig=abc"}, "secret in it"),
            ({"type": "local", "path": "/etc"}, "local|no kind"),
            ({"type": "azure_blob", "name": "other"}, "other"),
            ({"$schema": "environment.schema.json"}, "expected"),
        ],
    )
    def test_what_cannot_be_is_refused(
        self, site: TestSite, spec: dict[str, Any], match: str
    ) -> None:
        with pytest.raises(Invalid, match=match):
            put(site, spec)
        assert sealed(site) == []

    def test_unknown_fields_are_left_out(self, site: TestSite) -> None:
        made = put(site, {**BLOB, "account_key": KEY})
        assert "account_key" in made["warnings"][0]
        assert KEY not in json.dumps([made, shown(site)])


class TestBuiltIn:
    def test_each_workspace_has_four(self, site: TestSite) -> None:
        call(site, workspaces.create, {"name": "lab"})
        listed = call(site, resources.find, DATASTORES, "lab", Query())["value"]
        assert [store["name"] for store in listed if store["is_default"]] == ["workspaceblobstore"]
        assert len(listed) == 4
        assert {store["type"] for store in listed} == {"local"}

    def test_they_stay_as_they_are(self, site: TestSite) -> None:
        for name in LEADS_HERE:
            with pytest.raises(Invalid, match="comes with"):
                call(site, resources.delete, DATASTORES, "default", name)
            with pytest.raises(Invalid, match="comes with"):
                put(site, {**BLOB, "name": name}, name)
            with pytest.raises(Invalid, match="comes with"):
                call(site, resources.update, DATASTORES, "default", name, {"description": "x"})

    def test_there_is_one_default(self, site: TestSite) -> None:
        put(site, BLOB)
        for name, chosen in (("raw", "raw"), ("workspaceblobstore", "workspaceblobstore")):
            call(site, resources.update, DATASTORES, "default", name, {"is_default": True})
            listed = call(site, resources.find, DATASTORES, "default", Query())["value"]
            assert [store["name"] for store in listed if store["is_default"]] == [chosen]
        call(site, resources.update, DATASTORES, "default", "raw", {"is_default": True})
        with pytest.raises(Conflict):
            call(site, resources.delete, DATASTORES, "default", "raw")
        put(site, BLOB)
        assert shown(site, "workspaceblobstore")["is_default"]

    def test_a_job_reads_from_one_that_is_elsewhere(self, site: TestSite) -> None:
        put(site, BLOB)
        given = {"d": {"type": "uri_file", "path": "azureml://datastores/raw/paths/a.csv"}}
        job = command(command="cat ${{inputs.d}}", inputs=given)
        call(site, jobs.submit, "default", job)
        given["d"]["path"] = "azureml://datastores/nowhere/paths/a.csv"
        with pytest.raises(NotFound, match="nowhere"):
            call(site, jobs.submit, "default", job)


class TestSecrets:
    def test_nothing_but_the_seal_is_kept(self, site: TestSite) -> None:
        put(site, BLOB)
        revealed(site)
        assert KEY.encode() not in everything(site)

    def test_readers_never_see_them(self, site: TestSite) -> None:
        put(site, BLOB)
        reader = Principal.of("rita", "user", "Reader")
        with pytest.raises(Forbidden):
            revealed(site, who=reader)
        assert call(site, resources.get, DATASTORES, "default", "raw", who=reader)["type"]

    def test_who_saw_them_is_in_the_audit_log(self, site: TestSite) -> None:
        put(site, BLOB)
        revealed(site)
        log = call(site, audits.find, "default", Query(limit=50))["value"]
        assert "secrets read" in {entry["action"] for entry in log}
        assert KEY not in json.dumps(log)

    def test_a_seal_opens_in_its_place_only(self, site: TestSite) -> None:
        put(site, BLOB)
        put(site, {**BLOB, "name": "other", "credentials": {"account_key": "others"}}, "other")
        first, second = sealed(site)
        swap(site, first, second)
        for name in ("raw", "other"):
            with pytest.raises(LazurError, match="does not open"):
                revealed(site, name)

    def test_rotation_wraps_all_anew_while_they_are_read(self, site: TestSite) -> None:
        for number in range(3):
            put(site, {**BLOB, "name": f"s{number}"}, f"s{number}")
        before = {row.key_id for row in sealed(site)}
        assert secrets.rotate(site) == 0
        vault = site.keyring.current
        assert isinstance(vault, Rotates)
        vault.rotate()
        assert revealed(site, "s0")["account_key"] == KEY
        assert secrets.rotate(site, stops_after(1)) == 3
        assert secrets.rotate(site) == 0
        assert before.isdisjoint(row.key_id for row in sealed(site))
        for key_id in before:
            vault.forget(key_id)
        assert revealed(site, "s2")["account_key"] == KEY

    def test_a_server_without_secrets_makes_no_root_key(self, site: TestSite) -> None:
        assert secrets.rotate(site) == 0
        assert not (site.home.path / "keys" / "root").exists()

    def test_one_that_does_not_open_holds_up_no_other(self, site: TestSite) -> None:
        put(site, BLOB)
        put(site, {**BLOB, "name": "other"}, "other")
        spoil(site, sealed(site)[0])
        vault = site.keyring.current
        assert isinstance(vault, Rotates)
        vault.rotate()
        with pytest.raises(LazurError):
            secrets.rotate(site)
        assert [row.key_id == vault.key_id() for row in sealed(site)] == [False, True]


class TestVaults:
    def test_secrets_move_to_another_vault(
        self, site: TestSite, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The key in the home is a former one by itself."""
        put(site, BLOB)
        monkeypatch.setenv("LAZUR_ROOT_KEY", "A" * 43 + "=")
        site.keyring = keyrings.of(site.home, "environment")
        assert revealed(site)["account_key"] == KEY
        assert secrets.rotate(site) == 1
        (site.home.path / "keys" / "root").unlink()
        site.keyring = keyrings.of(site.home, "environment")
        assert revealed(site)["account_key"] == KEY

    @pytest.mark.parametrize(
        "name, text, match",
        [
            ("magic", "", "no vault 'magic'"),
            ("file", "[magic]\n", "no vault 'magic'"),
            ("file", "folder = 'x'\n", "outside of a section"),
            ("file", "[file\n", "cannot be read"),
            ("hashicorp", "[hashicorp]\naddress = 'https://v.example.org'\n", "lacks 'key'"),
        ],
    )
    def test_what_is_set_up_wrongly_is_said(
        self, site: TestSite, name: str, text: str, match: str
    ) -> None:
        (site.home.path / keyrings.FILE).write_text(text)
        with pytest.raises(Invalid, match=match):
            keyrings.of(site.home, name)


class TestCheck:
    def test_a_yes_and_a_no(self, site: TestSite, files: str) -> None:
        put(site, {"type": "http", "endpoint": files, "credentials": {"token": KEY}})
        assert check(site) == {
            "name": "raw",
            "reachable": False,
            "message": "It cannot be reached or read with these settings and credentials.",
        }
        site.egress = Rule.of(["127.0.0.1"])
        assert check(site, 30.0) == {"name": "raw", "reachable": True}

    def test_a_closed_port_and_a_forbidden_address_are_one_answer(self, site: TestSite) -> None:
        seen: set[str] = set()
        for address in ("http://127.0.0.1:1", "http://169.254.169.254", "http://10.0.0.1"):
            put(site, {"type": "http", "endpoint": address})
            seen.add(json.dumps(check(site)))
        assert len(seen) == 1

    def test_it_is_not_asked_often(self, site: TestSite) -> None:
        put(site, {"type": "http", "endpoint": "http://127.0.0.1:1"})
        for _ in range(6):
            check(site)
        with pytest.raises(TooManyTries):
            check(site)

    def test_a_type_that_is_kept_and_not_read_says_so(self, site: TestSite) -> None:
        put(site, {"type": "azure_data_lake_gen1", "store_name": "lake", "credentials": PRINCIPAL})
        with pytest.raises(Unsupported, match="azure_data_lake_gen1"):
            check(site)

    def test_without_credentials_it_is_nobody_unless_the_owner_says_so(
        self, site: TestSite
    ) -> None:
        put(site, {"type": "s3", "bucket_name": "b"})
        with site.context(write=False) as context:
            home = workspaces.open_workspace(context, "default", "workspaces/read")
            row = resources.find_row(context, DATASTORES, home, "raw")
        assert not datastores.plug_of(site, home, row, {}).ambient
        site.ambient_datastores = frozenset({"default/raw"})
        assert datastores.plug_of(site, home, row, {}).ambient


@pytest.fixture
def files() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


class Answers(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        good = self.headers["Authorization"] == f"Bearer {KEY}"
        self.send_response(200 if good else 403)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name
        """Nobody reads it."""


def check(site: TestSite, patience: float = 0.1) -> dict[str, Any]:
    """A yes comes at once, and a no when patience ends."""
    return call(site, datastores.check, "default", "raw", patience, write=False)


def stops_after(rounds: int) -> Any:
    left = iter([False] * rounds)
    return lambda: next(left, True)


def sealed(site: TestSite) -> list[Any]:
    with site.db.read() as db:
        return list(db.execute(select(tables.secrets).order_by(tables.secrets.c.id)))


def swap(site: TestSite, first: Any, second: Any) -> None:
    """As somebody would who has the database and not the keys."""
    for row, other in ((first, second), (second, first)):
        with site.db.write() as db:
            there = tables.secrets.c.id == row.id
            db.execute(update(tables.secrets).where(there).values(sealed=other.sealed))


def spoil(site: TestSite, row: Any) -> None:
    """Its wrapped data key."""
    parts = row.sealed.split(".")
    parts[2] = parts[2][:-6] + ("AAAAAA" if parts[2][-6:] != "AAAAAA" else "BBBBBB")
    with site.db.write() as db:
        there = tables.secrets.c.id == row.id
        db.execute(update(tables.secrets).where(there).values(sealed=".".join(parts)))


def everything(site: TestSite) -> bytes:
    """Every row of every table, as text."""
    with site.db.read() as db:
        rows = [
            str(row)
            for table in tables.metadata.sorted_tables
            for row in db.execute(select(table))
        ]
    return "\n".join(rows).encode()
