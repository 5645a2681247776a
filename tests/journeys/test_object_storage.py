"""A server whose content lies in an object store: people notice nothing of it."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import importlib
import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from lazur.datastores.s3 import S3
from lazur.egress import Rule
from tests.journeys.conftest import Person

KEY = "the-secret-access-key-of-the-server"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    server: Any = importlib.import_module("moto.server").ThreadedMotoServer("127.0.0.1", 0, False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3: str) -> Any:
    keys = {"access_key_id": "AKIDEXAMPLE", "secret_access_key": KEY}
    name = f"bucket-{time.time_ns()}"
    store = S3({"bucket_name": name, "endpoint": s3}, keys, rule=Rule.of(["127.0.0.1"]))
    store._client.create_bucket(Bucket=name)
    return store


@pytest.fixture
def person(bucket: Any, tmp_path: Path) -> Iterator[Person]:
    folder = Path(tempfile.mkdtemp(prefix="lazur-"))
    home = folder / ".lazur"
    home.mkdir(mode=0o700)
    (home / "storage.toml").touch(mode=0o600)
    (home / "storage.toml").write_text(
        f'[settings]\nendpoint = "{bucket.settings["endpoint"]}"\n'
        f'[credentials]\naccess_key_id = "AKIDEXAMPLE"\nsecret_access_key = "{KEY}"\n'
    )
    made = Person(home, tmp_path, settings(bucket))
    yield made
    made.stop()
    shutil.rmtree(folder, ignore_errors=True)


def settings(bucket: Any) -> dict[str, str]:
    """What carries outputs goes where datastores may."""
    return {"LAZUR_STORAGE": uri(bucket), "LAZUR_EGRESS_ALLOW": "127.0.0.1"}


def uri(bucket: Any) -> str:
    return f"s3://{bucket.settings['bucket_name']}/team"


def contents(bucket: Any) -> set[str]:
    """Digests of what is there."""
    return {item.path.split("/")[-2] for item in bucket.list("team/content")}


def outputs(bucket: Any) -> dict[str, str]:
    """What jobs of the default workspace wrote."""
    found: dict[str, str] = {}
    for item in bucket.list("team/workspaces"):
        with bucket.open(item.path) as file:
            found[item.path.split("/workspaceblobstore/")[1]] = file.read().decode()
    return found


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class TestJourney:
    def test_from_data_to_a_model_and_back(self, person: Person, bucket: Any) -> None:
        person.write("data/a.csv", "x\n1\n")
        person.write("data.yml", "{name: numbers, type: uri_folder, path: ./data}\n")
        person.ok("data", "create", "-f", "data.yml")
        assert digest("x\n1\n") in contents(bucket)
        forget(person)
        person.write("src/main.sh", "cat $1/a.csv; echo weights > $2/model.txt\n")
        job = person.write(
            "job.yml",
            """\
            type: command
            code: ./src
            command: bash main.sh ${{inputs.numbers}} ${{outputs.model}}
            inputs: {numbers: {type: uri_folder, path: "azureml:numbers@latest"}}
            outputs: {model: {type: custom_model, name: first}}
            environment: {image: "python:3.11"}
            """,
        )
        name = person.run(job)
        assert "x\n1\n" in person.log(name)
        assert outputs(bucket) == {f"azureml/{name}/model/model.txt": "weights\n"}
        assert not list(person.home.glob("workspaces/*/workspaceblobstore/azureml/*"))
        assert person.download(name)["named-outputs/model/model.txt"] == "weights\n"
        place = f"azureml://jobs/{name}/outputs/model"
        person.write("model.yml", f"{{name: mine, type: custom_model, path: '{place}'}}\n")
        assert person.ok("model", "create", "-f", "model.yml")["version"] == "1"
        assert person("model", "download", "-n", "mine", "--version", "1", "-p", "m").code == 0
        found = (person.folder / "m").rglob("model.txt")
        assert [path.read_text() for path in found] == ["weights\n"]
        assert person("data", "download", "-n", "numbers", "--version", "1", "-p", "got").code == 0
        assert [p.read_text() for p in (person.folder / "got").rglob("a.csv")] == ["x\n1\n"]

    def test_outputs_are_read_looked_at_and_purged(self, person: Person, bucket: Any) -> None:
        write = person.write(
            "write.yml",
            """\
            type: command
            command: "printf 'x,y\\n1,2\\n3,4\\n' > ${{outputs.table}}/a.csv"
            outputs: {table: {type: uri_folder, name: table}}
            environment: {image: "python:3.11"}
            """,
        )
        first = person.run(write)
        read = person.write(
            "read.yml",
            """\
            type: command
            command: "cat ${{inputs.table}}/a.csv"
            inputs: {table: {type: uri_folder, path: "azureml:table@latest"}}
            environment: {image: "python:3.11"}
            """,
        )
        second = person.run(read)
        assert "3,4" in person.log(second)
        looked = json.dumps(person.ok("data", "preview", "table", "-o", "json"))
        assert all(name in looked for name in ('"x"', '"y"', "3"))
        assert first in json.dumps(person.ok("lineage", "show", f"job:{second}", "-o", "json"))
        other = person.run(write, "--set", "outputs.table.name=other")
        person.ok("data", "delete", "-n", "other")
        person.ok("data", "purge", "-n", "other", "--yes")
        assert len(outputs(bucket)) == 2
        assert person("run", "delete", other).code == 0
        assert person("run", "purge", other, "--yes").code == 0
        assert list(outputs(bucket)) == [f"azureml/{first}/table/a.csv"]

    def test_the_key_is_told_to_nobody(self, person: Person) -> None:
        person.write("src/main.sh", "env; cat /proc/$PPID/environ /proc/$PPID/cmdline || true\n")
        job = person.write(
            "job.yml",
            "{type: command, code: ./src, command: bash main.sh, "
            "environment: {image: 'python:3.11'}}\n",
        )
        name = person.run(job)
        told = [person.log(name), json.dumps(person.ok("server", "status"))]
        told += [path.read_text() for path in (person.home / "logs").glob("server.*")]
        told += [path.read_bytes().decode(errors="replace") for path in databases(person.home)]
        assert not [text for text in told if KEY in text]

    def test_a_server_killed_in_an_upload_leaves_nothing_that_is_seen(
        self, person: Person, bucket: Any
    ) -> None:
        person.ok("workspace", "show", "-n", "default")
        large = os.urandom(3 << 20).hex()
        half_sent(person, large)
        os.kill(person.server, signal.SIGKILL)
        assert digest(large) not in contents(bucket)
        person.write("data/large.txt", large)
        person.write("data.yml", "{name: large, type: uri_folder, path: ./data}\n")
        person.ok("data", "create", "-f", "data.yml")
        assert digest(large) in contents(bucket)

    def test_it_is_moved_there_and_back(self, person: Person, bucket: Any) -> None:
        here = Person(person.home, person.folder, {"LAZUR_EGRESS_ALLOW": "127.0.0.1"})
        here.write("data/a.csv", "x\n1\n")
        here.write("data.yml", "{name: numbers, type: uri_folder, path: ./data}\n")
        here.ok("data", "create", "-f", "data.yml")
        running = here("admin", "storage", "--to", uri(bucket))
        assert running.code != 0
        assert "lazur server stop" in running.err
        here.stop()
        refused = person("workspace", "list")
        assert refused.code != 0
        assert f"lazur admin storage --to {uri(bucket)}" in refused.err
        moved = here.ok("admin", "storage", "--to", uri(bucket))
        assert moved == {"storage": uri(bucket), "blobs": 2, "copied": 2}
        assert here.ok("admin", "storage", "--to", uri(bucket))["copied"] == 0
        refused = here("workspace", "list")
        assert refused.code != 0
        assert f'storage = "{uri(bucket)}"' in refused.err.replace("'", '"')
        forget(person)
        assert person("data", "download", "-n", "numbers", "--version", "1", "-p", "got").code == 0
        person.stop()
        forget(person)
        assert here.ok("admin", "storage", "--to", "home")["copied"] == 2
        assert here("data", "download", "-n", "numbers", "--version", "1", "-p", "again").code == 0
        for folder in ("got", "again"):
            files = (here.folder / folder).rglob("a.csv")
            assert [path.read_text() for path in files] == ["x\n1\n"]


def forget(person: Person) -> None:
    """The copies on this machine."""
    for path in person.home.glob("blobs/??/*"):
        path.unlink()


def databases(home: Path) -> Iterator[Path]:
    yield from home.glob("lazur.db*")


def half_sent(person: Person, text: str) -> None:
    """A request whose second half never comes."""
    advert = json.loads((person.home / "server.json").read_text())
    parts = urlsplit(advert["url"])
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=20)
    connection.putrequest("POST", "/api/v1/workspaces/default/blobs")
    head = f"{digest(text)} {len(text)}\n".encode()
    token = (person.home / "token").read_text().strip()
    connection.putheader("Authorization", f"Bearer {token}")
    connection.putheader("Content-Length", str(len(head) + len(text)))
    connection.endheaders()
    connection.send(head + text[: len(text) // 2].encode())
    end = time.monotonic() + 20
    while time.monotonic() < end and not list(person.home.glob("blobs/tmp/*")):
        time.sleep(0.02)
    assert list(person.home.glob("blobs/tmp/*")), "the server never began to write"
    with contextlib.suppress(OSError):
        connection.close()
