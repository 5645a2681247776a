from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import Cli, stop


@pytest.fixture(scope="module")
def written_home() -> Iterator[Path]:
    """Of a server with a few deeds in its log, of itself and of a workspace."""
    folder = Path(tempfile.mkdtemp(prefix="lazur-"))
    lazur = Cli(folder / "home", folder)
    for name in ("ann", "bob", "cem"):
        lazur.ok("user", "create", "-n", name)
        lazur.ok("role", "assignment", "create", "--assignee", name, "--role", "Reader")
    yield lazur.home
    stop(lazur.home)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def written(written_home: Path, tmp_path: Path) -> Cli:
    """For what adds nothing to the log."""
    return Cli(written_home, tmp_path)


@contextmanager
def changed(lazur: Cli, statement: str) -> Iterator[None]:
    """For a while."""
    with closing(sqlite3.connect(lazur.home / "lazur.db", timeout=30)) as db:
        with db:
            db.execute("CREATE TEMP TABLE kept AS SELECT * FROM lazur_audit")
            db.execute(statement)
        yield
        with db:
            db.execute("DELETE FROM lazur_audit")
            db.execute("INSERT INTO lazur_audit SELECT * FROM kept")


class TestList:
    def test_is_of_the_workspace_or_of_all(self, written: Cli) -> None:
        here = written.ok("audit", "list")
        assert {entry["workspace"] for entry in here} == {"default"}
        assert [entry["name"] for entry in here] == ["cem", "bob", "ann"]
        assert {entry["kind"] for entry in written.ok("audit", "list", "--all")} >= {
            "principals",
            "assignments",
        }

    def test_filters(self, written: Cli) -> None:
        def names(*words: str) -> list[str]:
            return [entry["name"] for entry in written.ok("audit", "list", "--all", *words)]

        assert names("--name", "bob", "--kind", "principals") == ["bob"]
        assert names("--outcome", "refused") == []
        assert names("--who", "nobody") == []
        assert names("--until", "1h") == []
        assert len(names("--since", "1h")) == len(names())
        assert len(names("-r", "2")) == 2

    def test_a_table_says_what_was_given(self, written: Cli) -> None:
        lines = written("audit", "list", "-o", "table").out.splitlines()
        assert lines[0].split()[:4] == ["When", "Who", "From", "What"]
        assert "role=Reader" in lines[2]

    def test_a_refusal_is_in_it(self, alone: Cli) -> None:
        token = alone.ok("token", "create", "--role", "Reader", "--scope", "default")["token"]
        url = alone.ok("server", "status")["url"]
        assert alone("user", "list", LAZUR_SERVER=url, LAZUR_TOKEN=token).code == 1
        found = alone.ok("audit", "list", "--all", "--outcome", "refused")
        assert [entry["action"] for entry in found] == ["authorization/principals/read"]

    def test_what_is_no_time_is_said(self, written: Cli) -> None:
        assert "no time" in written("audit", "list", "--since", "yesterday").err


class TestVerify:
    def test_a_log_that_nobody_touched_is_whole(self, written: Cli) -> None:
        assert written.ok("audit", "verify", "--all")["whole"]
        assert written.ok("audit", "verify")["rows"] == 3

    def test_a_changed_row_is_named(self, written: Cli) -> None:
        eve = "UPDATE lazur_audit SET name = 'eve' WHERE chain = 1 AND place = 2"
        with changed(written, eve):
            done = written("audit", "verify", "--all")
            here = written("audit", "verify")
        assert done.code == 1
        assert "row 2 of the workspace default was changed" in done.err
        assert here.code == 1

    def test_a_row_that_was_taken_out_is_named(self, written: Cli) -> None:
        with changed(written, "DELETE FROM lazur_audit WHERE chain = 0 AND place = 2"):
            done = written("audit", "verify", "--all")
        assert done.code == 1
        assert "row 2 of the server is gone" in done.err


class TestExport:
    def test_can_be_verified_without_a_server(self, written: Cli) -> None:
        done = written.ok("audit", "export", "--all", "-f", "log.jsonl")
        file = written.folder / "log.jsonl"
        assert file.stat().st_mode & 0o777 == 0o600
        assert [path.name for path in written.folder.iterdir()] == ["log.jsonl"]
        written("server", "stop")
        found = written.ok("audit", "verify", "--file", "log.jsonl")
        assert (found["rows"], found["whole"]) == (done["rows"], True)
        assert not (written.home / "server.json").exists()

    def test_each_changed_byte_is_found(self, written: Cli) -> None:
        written.ok("audit", "export", "-f", "log.jsonl")
        file = written.folder / "log.jsonl"
        text = file.read_text()
        file.write_text(text.replace('"name": "bob"', '"name": "bop"'))
        done = written("audit", "verify", "-f", "log.jsonl")
        assert done.code == 1
        assert "row 2 of chain 1 was changed" in done.err

    def test_goes_to_standard_output_too(self, written: Cli) -> None:
        lines = written("audit", "export").out.splitlines()
        assert [json.loads(line)["name"] for line in lines] == ["ann", "bob", "cem"]

    @pytest.mark.parametrize("text", ["hi\n", "[]\n", '{"chain": 1}\n'])
    def test_another_file_is_none(self, alone: Cli, text: str) -> None:
        (alone.folder / "other").write_text(text)
        done = alone("audit", "verify", "-f", "other")
        assert done.code == 1
        assert "other is no export of an audit log: line 1" in done.err
