from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.cli.conftest import Cli

KEY = "a2V5LW9mLXRoZS1jb21tYW5kLWxpbmU="
BLOB = {
    "$schema": "https://azuremlschemas.azureedge.net/latest/azureBlob.schema.json",
    "name": "blobs",
    "type": "azure_blob",
    "account_name": "account",
    "container_name": "files",
    "credentials": {"account_key": KEY},
}
GIT = {
    "name": "code",
    "type": "git",
    "target": "https://git.example.org",
    "credentials": {"type": "pat", "pat": KEY},
}


def write(lazur: Cli, spec: dict[str, Any]) -> str:
    path = lazur.folder / "resource.yml"
    path.write_text(json.dumps(spec))
    return str(path)


class TestDatastore:
    def test_is_made_shown_listed_updated_and_deleted(self, lazur: Cli) -> None:
        made = lazur.ok("datastore", "create", "-f", write(lazur, BLOB))
        assert (made["name"], made["credentials"]) == ("blobs", {"type": "account_key"})
        names = ("datastore", "list", "--query", "[].name")
        assert set(lazur.ok(*names)) >= {"blobs", "workspaceblobstore"}
        words = ("datastore", "update", "-n", "blobs", "--set", "tags.team=vision")
        assert lazur.ok(*words)["tags"] == {"team": "vision"}
        assert lazur.ok("datastore", "show", "-n", "blobs")["account_name"] == "account"
        assert lazur("datastore", "delete", "-n", "blobs", "--yes").code == 0
        assert lazur("datastore", "show", "-n", "blobs").code == 3

    def test_secrets_are_told_where_they_are_asked_for_and_nowhere_else(self, lazur: Cli) -> None:
        file = write(lazur, BLOB)
        for words in (
            ("create", "-f", file, "-n", "quiet"),
            ("show", "-n", "quiet"),
            ("list",),
            ("list", "-o", "table"),
            ("update", "-n", "quiet", "--set", "description=x"),
        ):
            done = lazur("datastore", *words)
            assert done.code == 0, done.err
            assert KEY not in done.out + done.err
        told = lazur.ok("datastore", "list-secrets", "-n", "quiet")
        assert told == {"type": "account_key", "account_key": KEY}
        assert KEY.encode() not in _logs(lazur.home)

    def test_mistakes_are_placed_in_the_file(self, lazur: Cli) -> None:
        path = lazur.folder / "wrong.yml"
        path.write_text("name: wrong\ntype: azure_blob\naccount_name: a\ncredentials:\n  pat: x\n")
        done = lazur("datastore", "create", "-f", str(path))
        assert done.code == 1
        assert "wrong.yml:4" in done.err
        assert "container_name" in done.err

    def test_the_default_changes(self, lazur: Cli) -> None:
        lazur.ok("datastore", "create", "-f", write(lazur, {**BLOB, "name": "chosen"}))
        default = ("datastore", "list", "--query", "[?is_default].name")
        for name in ("chosen", "workspaceblobstore"):
            lazur.ok("datastore", "update", "-n", name, "--set", "is_default=true")
            assert lazur.ok(*default) == [name]

    def test_those_of_the_server_are_there(self, lazur: Cli) -> None:
        told = lazur.ok("datastore", "check", "-n", "workspaceblobstore")
        assert told == {"name": "workspaceblobstore", "reachable": True}


class TestRootKey:
    def test_a_new_one_is_made_and_secrets_are_read_on(self, lazur: Cli) -> None:
        lazur.ok("datastore", "create", "-f", write(lazur, {**BLOB, "name": "sealed"}))
        made = [lazur.ok("server", "rotate-key")["key_id"] for _ in range(2)]
        assert made[0] != made[1]
        told = lazur.ok("datastore", "list-secrets", "-n", "sealed")
        assert told["account_key"] == KEY

    def test_one_that_is_kept_elsewhere_is_rotated_there(self, lazur: Cli) -> None:
        key = {"LAZUR_VAULT": "environment", "LAZUR_ROOT_KEY": "A" * 43 + "="}
        done = lazur("server", "rotate-key", **key)
        assert done.code == 1
        assert "where it is kept" in done.err


class TestConnection:
    def test_is_made_shown_listed_updated_and_deleted(self, lazur: Cli) -> None:
        made = lazur.ok("connection", "create", "-f", write(lazur, GIT))
        assert (made["type"], made["credentials"]) == ("git", {"type": "pat"})
        names = ("connection", "list", "--type", "git", "--query", "[].name")
        assert lazur.ok(*names) == ["code"]
        words = ("connection", "update", "-n", "code", "--set", "description=Ours")
        assert lazur.ok(*words)["description"] == "Ours"
        secrets = lazur.ok("connection", "list-secrets", "-n", "code")
        assert secrets == {"type": "pat", "pat": KEY}
        assert lazur("connection", "delete", "-n", "code", "--yes").code == 0
        assert lazur.ok(*names) == []


def _logs(home: Path) -> bytes:
    return b"".join(path.read_bytes() for path in (home / "logs").rglob("*") if path.is_file())
