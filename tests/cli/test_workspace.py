"""Workspaces, backups and exports, on the real command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Cli, stop

FILES = {
    "data.yml": "{name: d, version: 1, type: uri_folder, path: ./d, tags: {a: b}}",
    "one.yml": "{name: one, type: uri_file, path: ./d/a.csv}",
    "model.yml": "{name: net, type: custom_model, path: ./d}",
    "env.yml": "{name: e, image: 'python:3.11'}",
    "step.yml": """
        {name: step, version: 0.1, type: command, code: ./c, command: python t.py,
         environment: 'azureml:e:1'}""",
    "conn.yml": """
        {name: bucket, type: custom, target: 'https://x.example.org',
         credentials: {type: api_key, key: s3cr3t-k3y}}""",
}


def furnish(lazur: Cli, workspace: str) -> None:
    lazur.ok("workspace", "create", "-n", workspace, "--description", "A lab")
    for path, text in {**FILES, "d/a.csv": "1", "d/sub/b.csv": "2", "c/t.py": "pass"}.items():
        place = lazur.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    for noun, file in (
        ("environment", "env"),
        ("data", "data"),
        ("data", "one"),
        ("model", "model"),
        ("component", "step"),
        ("connection", "conn"),
    ):
        lazur.ok(noun, "create", "-f", f"{file}.yml", "-w", workspace)
    done = lazur("job", "create", "-f", lazur.job("echo hello", code="./c"), "-w", workspace)
    name = done.json()["name"]
    lazur("job", "stream", "-n", name, "-w", workspace)


@pytest.fixture
def other(home: Path, tmp_path: Path) -> Iterator[Cli]:
    """Another server."""
    yield Cli(home, tmp_path)
    stop(home)


class TestTrash:
    def test_deleted_recovered_and_purged(self, lazur: Cli) -> None:
        lazur.ok("workspace", "create", "-n", "gone")
        done = lazur("workspace", "delete", "-n", "gone", "--yes")
        assert done.code == 0
        assert "lazur workspace recover -n gone" in done.err
        assert "gone" not in lazur("workspace", "list", "-o", "tsv", "--query", "[].name").out
        listed = lazur("workspace", "list", "--deleted", "-o", "table").out
        assert "Until" in listed
        assert "gone" in listed
        again = lazur("workspace", "create", "-n", "gone")
        assert again.code == 1
        assert "in the trash until" in again.err
        assert lazur.ok("workspace", "recover", "-n", "gone")["name"] == "gone"
        purged = lazur("workspace", "delete", "-n", "gone", "--permanently-delete", "--yes")
        assert (purged.code, purged.err) == (0, "")
        lazur.ok("workspace", "create", "-n", "gone")
        assert lazur("workspace", "purge", "-n", "gone", "--yes").code == 0


class TestExport:
    def test_another_server_has_the_same_under_the_same_names(
        self, lazur: Cli, other: Cli
    ) -> None:
        furnish(lazur, "lab")
        told = lazur.ok("workspace", "export", "-n", "lab", "--to", "out")
        counts = {"assets": 5, "connections": 1, "datastores": 0, "jobs": 1, "runs": 1}
        assert {key: told[key] for key in counts} == counts
        assert "connections/bucket: its credentials" in told["left_out"]
        every = [path for path in (lazur.folder / "out").rglob("*") if path.is_file()]
        assert not [path for path in every if b"s3cr3t-k3y" in path.read_bytes()]
        first = other.ok("workspace", "import", "out")
        second = other.ok("workspace", "import", "out")
        assert (first["made"], first["there"], first["runs"]) == (6, 0, 1)
        assert (second["made"], second["there"], second["runs"]) == (0, 6, 0)
        for noun, name in (
            ("data", "d"),
            ("data", "one"),
            ("model", "net"),
            ("component", "step"),
        ):
            was = lazur.ok(noun, "show", "-n", name, "-w", "lab")
            now = other.ok(noun, "show", "-n", name, "-w", "lab")
            for key in ("version", "path", "code", "tags"):
                assert now.get(key) == was.get(key), (name, key)
        assert other.ok("workspace", "show", "-n", "lab")["description"] == "A lab"

    def test_a_file_of_it_can_be_used_by_itself(self, lazur: Cli) -> None:
        furnish(lazur, "lab2")
        lazur.ok("workspace", "export", "-n", "lab2", "--to", "out")
        lazur.ok("workspace", "create", "-n", "empty")
        lazur.ok("data", "create", "-f", "out/data/d/1.yml", "-w", "empty")
        (job,) = (lazur.folder / "out" / "jobs").iterdir()
        assert lazur("job", "validate", "-f", str(job), "-w", "empty").code == 0

    def test_mistakes_are_told(self, lazur: Cli) -> None:
        (lazur.folder / "full").mkdir()
        (lazur.folder / "full" / "x").write_text("x")
        full = lazur("workspace", "export", "-n", "default", "--to", "full")
        assert (full.code, "not empty" in full.err) == (1, True)
        none = lazur("workspace", "import", "full")
        assert "no exported workspace" in none.err
        head = {"format": "lazur-workspace", "version": 1, "name": "x", "jobs": [], "runs": []}
        asset = {"kind": "data", "name": "d", "version": "1", "file": "../../etc/passwd"}
        lists = {"datastores": [], "connections": [], "left_out": [], "assets": [asset]}
        (lazur.folder / "full" / "workspace.json").write_text(json.dumps({**head, **lists}))
        outside = lazur("workspace", "import", "full", "-n", "x")
        assert "not in the folder" in outside.err


class TestBackup:
    def test_of_a_server_that_runs(self, lazur: Cli, other: Cli) -> None:
        furnish(lazur, "backed-up")
        made = lazur("backup", "--to", "b.tar.gz", "-o", "table")
        assert made.code == 0, made.err
        assert "secrets are sealed, and the root key is not in it" in made.err
        assert "is whole" in lazur("backup", "verify", "b.tar.gz").err
        other.home.rmdir()
        done = other("restore", "b.tar.gz")
        assert "Start it: lazur server start" in done.err
        was = lazur.ok("data", "show", "-n", "d", "-v", "1", "-w", "backed-up")
        assert other.ok("data", "show", "-n", "d", "-v", "1", "-w", "backed-up") == was
        (job,) = other.ok("job", "list", "-w", "backed-up")
        assert job["status"] == "Completed"
        assert other.ok("audit", "verify")["whole"]
        refused = other("restore", "b.tar.gz")
        assert "is not empty" in refused.err

    def test_with_its_key_it_is_a_secret_itself(self, lazur: Cli, other: Cli) -> None:
        lazur.ok("workspace", "create", "-n", "sealed")
        (lazur.folder / "conn.yml").write_text(FILES["conn.yml"])
        lazur.ok("connection", "create", "-f", "conn.yml", "-w", "sealed")
        made = lazur("backup", "create", "--to", "k", "--with-key")
        assert "WARNING" in made.err
        other("restore", "k")
        shown = other.ok("connection", "list-secrets", "-n", "bucket", "-w", "sealed")
        assert shown["key"] == "s3cr3t-k3y"

    def test_mistakes_are_told(self, lazur: Cli) -> None:
        lazur("backup", "--to", "x.tar")
        there = lazur("backup", "--to", "x.tar")
        assert "is there already" in there.err
        assert "There is no" in lazur("backup", "verify", "nothing").err
        for option in ("--workspace", "-w"):
            both = lazur("backup", "--to", "y", option, "default", "--with-key")
            assert "the whole server's" in both.err
