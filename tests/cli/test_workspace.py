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


NESTED = {
    "c/t.py": "pass",
    "c/run.sh": "true",
    "c/sub/x.txt": "x",
    "d/a.csv": "1",
    "ctx/Dockerfile": "FROM python:3.11",
    "inner.yml": """
        {name: inner, version: 1, type: command, code: ./c, command: python t.py,
         environment: {build: {path: ./ctx}}}""",
    "many.yml": """
        {name: many, version: 1, type: parallel, mini_batch_size: '1',
         inputs: {i: {type: uri_folder}}, outputs: {o: {type: uri_folder}},
         input_data: '${{inputs.i}}',
         task: {type: run_function, code: ./c, entry_script: t.py,
                environment: {image: 'python:3.11'}}}""",
    "line.yml": """
        {name: line, version: 1, type: pipeline,
         jobs: {a: {type: command, component: ./inner.yml},
                b: {type: command, component: ./inner.yml}}}""",
    "sweep.yml": """
        {name: sweep, version: 1, type: sweep, sampling_algorithm: random, trial: ./inner.yml,
         search_space: {x: {type: choice, values: [1]}},
         objective: {goal: maximize, primary_metric: m}, limits: {max_total_trials: 1}}""",
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
        lazur.ok("workspace", "create", "-n", "put-away")
        done = lazur("workspace", "delete", "-n", "put-away", "--yes")
        assert done.code == 0
        assert "lazur workspace recover -n put-away" in done.err
        assert "put-away" not in lazur("workspace", "list", "-o", "tsv", "--query", "[].name").out
        listed = lazur("workspace", "list", "--deleted", "-o", "table").out
        assert "Until" in listed
        assert "put-away" in listed
        again = lazur("workspace", "create", "-n", "put-away")
        assert again.code == 1
        assert "in the trash until" in again.err
        assert lazur.ok("workspace", "recover", "-n", "put-away")["name"] == "put-away"
        purged = lazur("workspace", "delete", "-n", "put-away", "--permanently-delete", "--yes")
        assert (purged.code, purged.err) == (0, "")
        lazur.ok("workspace", "create", "-n", "put-away")
        assert lazur("workspace", "purge", "-n", "put-away", "--yes").code == 0


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

    def test_components_bring_what_they_hold_inside(self, lazur: Cli, other: Cli) -> None:
        lazur.ok("workspace", "create", "-n", "nested")
        for path, text in NESTED.items():
            place = lazur.folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        (lazur.folder / "c" / "run.sh").chmod(0o755)
        names = ("many", "line", "sweep")
        for name in names:
            lazur.ok("component", "create", "-f", f"{name}.yml", "-w", "nested")
        lazur.ok("workspace", "export", "-n", "nested", "--to", "out")
        texts = [p.read_text() for p in (lazur.folder / "out" / "components").rglob("*.yml")]
        assert len(texts) == len(names)
        assert not [text for text in texts if "tree:" in text]
        done = other.ok("workspace", "import", "out")
        assert done["made"] == len(names), done["left_out"]
        for name in names:
            was = lazur.ok("component", "show", "-n", name, "-w", "nested")
            now = other.ok("component", "show", "-n", name, "-w", "nested")
            for key in ("task", "jobs", "trial"):
                assert now.get(key) == was.get(key), (name, key)

    def test_what_is_written_in_it_takes_nothing_from_elsewhere(
        self, lazur: Cli, other: Cli
    ) -> None:
        furnish(lazur, "lab3")
        lazur.ok("workspace", "export", "-n", "lab3", "--to", "out")
        secret = lazur.folder / "secret"
        secret.mkdir()
        (secret / "id_rsa").write_text("s3cr3t-file")
        (lazur.folder / "out" / "link").symlink_to(secret)
        data = lazur.folder / "out" / "data"
        text = "{{name: {}, version: 1, type: {}, path: {}}}"
        (data / "d" / "1.yml").write_text(text.format("d", "uri_folder", secret))
        (data / "one" / "1.yml").write_text(
            text.format("one", "uri_file", "../../../secret/id_rsa")
        )
        step = lazur.folder / "out" / "components" / "step" / "0.1.yml"
        step.write_text(step.read_text().replace("./0.1", "../../link"))
        done = other("workspace", "import", "out")
        assert done.code == 0, done.err
        assert done.json()["made"] == 3
        for named in ("data/d:1", "data/one:1", "components/step:0.1"):
            assert f"left out: {named}: " in done.err
        assert done.err.count("leads out of the folder") == 3
        assert "1.yml:1" in done.err
        stored = (path for path in (other.home / "blobs").rglob("*") if path.is_file())
        assert not [path for path in stored if path.read_bytes() == b"s3cr3t-file"]

    def test_what_cannot_be_read_is_left_out_and_named(self, lazur: Cli, other: Cli) -> None:
        furnish(lazur, "lab4")
        code = lazur.ok("component", "show", "-n", "step", "-w", "lab4")["code"]
        digest = code.removeprefix("tree:")
        blob = lazur.home / "blobs" / digest[:2] / digest
        held = blob.read_bytes()
        blob.unlink()
        try:
            told = lazur.ok("workspace", "export", "-n", "lab4", "--to", "out")
        finally:
            blob.write_bytes(held)
        left = [text for text in told["left_out"] if "step" in text]
        assert len(left) == 1
        assert left[0].startswith("components/step:0.1: ")
        assert told["assets"] == 4
        assert other.ok("workspace", "import", "out")["made"] == 5

    def test_what_is_there_with_other_content_stays_and_is_named(
        self, lazur: Cli, other: Cli
    ) -> None:
        furnish(lazur, "lab7")
        lazur.ok("workspace", "export", "-n", "lab7", "--to", "out")
        other.ok("workspace", "create", "-n", "lab7")
        words = ("-n", "d", "-v", "1", "-t", "uri_folder", "-w", "lab7")
        mine = other.ok("data", "create", *words, "-p", str(lazur.folder / "c"))
        done = other.ok("workspace", "import", "out")
        assert (done["made"], done["runs"]) == (5, 1)
        assert any(line.startswith("data/d:1: what is here stays") for line in done["left_out"])
        assert other.ok("data", "show", "d", "-v", "1", "-w", "lab7")["path"] == mine["path"]

    def test_one_that_was_interrupted_is_made_whole(self, lazur: Cli, other: Cli) -> None:
        furnish(lazur, "lab5")
        good = FILES["data.yml"].replace("}}", "}, labels: [good]}")
        (lazur.folder / "good.yml").write_text(good)
        lazur.ok("data", "create", "-f", "good.yml", "-w", "lab5")
        assert lazur("model", "archive", "-n", "net", "-v", "1", "-w", "lab5").code == 0
        lazur.ok("workspace", "export", "-n", "lab5", "--to", "out")
        head = lazur.folder / "out" / "workspace.json"
        whole = head.read_text()
        early = json.loads(whole)
        for asset in early["assets"]:  # as if killed before each of these steps
            asset |= {"labels": [], "archived": False}
        head.write_text(json.dumps(early))
        other.ok("workspace", "import", "out")
        mine = FILES["one.yml"].replace("}", ", version: 1, labels: [mine]}")
        (other.folder / "mine.yml").write_text(mine)
        other.ok("data", "create", "-f", "mine.yml", "-w", "lab5")
        head.write_text(whole)
        for _ in range(2):
            assert other.ok("workspace", "import", "out")["made"] == 0
            shown = other.ok("data", "show", "-n", "d", "-v", "1", "-w", "lab5")
            assert "good" in shown["labels"]
            assert other.ok("model", "show", "-n", "net", "-v", "1", "-w", "lab5")["archived"]
            shown = other.ok("data", "show", "-n", "one", "-v", "1", "-w", "lab5")
            assert "mine" in shown["labels"]

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
        (lazur.folder / "elsewhere.yml").write_text(FILES["env.yml"])
        (lazur.folder / "full" / "x.yml").symlink_to("../elsewhere.yml")
        lists["assets"] = [{**asset, "file": "x.yml"}]
        (lazur.folder / "full" / "workspace.json").write_text(json.dumps({**head, **lists}))
        told = lazur("workspace", "import", "full", "-n", "x").err
        assert "names 'x.yml', a link that leads out of the folder" in told


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
