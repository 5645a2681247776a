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
from tests.journeys.tracking import look_in

KEY = "the-secret-access-key-of-the-server"


TRAIN = """\
printf 'flavors: {python_function: {loader_module: x}}\\n' > $1/MLmodel
head -c 12000000 /dev/zero | tr '\\0' w > $1/weights.bin
"""
MLMODEL = b"flavors: {python_function: {loader_module: x}}"
TRAINS = """\
type: command
code: ./src
command: bash main.sh ${{outputs.model}}
outputs: {model: {type: mlflow_model, name: mine}}
environment: {image: "python:3.11"}
"""
READS = """\
type: command
command: "cat ${{inputs.model}}/MLmodel > ${{outputs.copy}}/MLmodel"
inputs: {model: {type: mlflow_model, path: "azureml:mine:1"}}
outputs: {copy: {type: uri_folder}}
environment: {image: "python:3.11"}
"""


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    server: Any = importlib.import_module("moto.server").ThreadedMotoServer("127.0.0.1", 0, False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3: str) -> Any:
    return bucket_of(s3)


def bucket_of(s3: str) -> Any:
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


def at(name: str) -> str:
    return f"azureml://jobs/{name}/outputs/model"


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

    def test_a_model_made_there_is_shared_and_what_it_says_is_known(
        self, person: Person, bucket: Any
    ) -> None:
        person.write("src/main.sh", TRAIN)
        job = person.write("job.yml", TRAINS)
        name = person.run(job)
        made = person.ok("model", "show", "-n", "mine", "--version", "1")
        assert made["flavors"] == {"python_function": {"loader_module": "x"}}
        person.write("model.yml", f"{{name: again, type: mlflow_model, path: '{at(name)}'}}\n")
        assert person.ok("model", "create", "-f", "model.yml")["flavors"] == made["flavors"]
        person.ok("registry", "create", "-n", "everybody")
        share = ("model", "share", "-n", "mine", "-v", "1", "--registry-name", "everybody")
        assert person.ok(*share)["id"].startswith("azureml://registries/everybody/models/mine")
        get = ("model", "download", "-n", "mine", "--version", "1", "-p", "got")
        assert person(*get, "--registry-name", "everybody").code == 0
        found = next((person.folder / "got").rglob("weights.bin"))
        assert found.stat().st_size == 12_000_000

    def test_so_is_one_in_a_datastore_with_credentials(self, person: Person, bucket: Any) -> None:
        spec = {
            "name": "raw",
            "type": "s3",
            "bucket_name": bucket.settings["bucket_name"],
            "endpoint": bucket.settings["endpoint"],
            "credentials": {"access_key_id": "AKIDEXAMPLE", "secret_access_key": KEY},
        }
        person.ok("datastore", "create", "-f", person.write("raw.yml", json.dumps(spec)))
        for name, data in (("MLmodel", MLMODEL), ("a/w.bin", b"w" * 9_000_000)):
            bucket.put(f"elsewhere/m/{name}", iter([data]), len(data))
        path = "azureml://datastores/raw/paths/elsewhere/m"
        person.write("model.yml", f"{{name: m, type: mlflow_model, path: '{path}'}}\n")
        made = person.ok("model", "create", "-f", "model.yml")
        assert made["flavors"] == {"python_function": {"loader_module": "x"}}
        person.ok("registry", "create", "-n", "everybody")
        shared = person.ok("model", "share", "-n", "m", "-v", "1", "--registry-name", "everybody")
        assert shared["path"].startswith("tree:")
        assert KEY not in json.dumps([made, shared])

    def test_sharing_goes_on_after_a_kill(self, person: Person, bucket: Any) -> None:
        (person.home / "config.toml").write_text(
            f'storage = "{uri(bucket)}"\negress_allow = ["127.0.0.1"]\n'
        )
        person.ok("registry", "create", "-n", "everybody")
        data = os.urandom(1 << 20) * 150
        inside = "team/workspaces/1/workspaceblobstore/big"
        bucket.put(f"{inside}/weights.bin", iter([data]), len(data))
        path = "azureml://datastores/workspaceblobstore/paths/big"
        person.write("model.yml", f"{{name: big, type: custom_model, path: '{path}'}}\n")
        person.ok("model", "create", "-f", "model.yml")
        share = ("model", "share", "-n", "big", "-v", "1", "--registry-name", "everybody")
        with person.start(*share, "-o", "json") as sharing:
            fetched = await_bytes(person.home / "cache" / "remote" / "partial", 20 << 20)
            os.kill(person.server, signal.SIGKILL)
            assert person.ok("registry", "list")
            out, err = sharing.communicate(timeout=120)
        assert json.loads(out)["version"] == "1", err
        assert fetched < len(data)
        get = ("model", "download", "-n", "big", "--version", "1", "-p", "got")
        assert person(*get, "--registry-name", "everybody").code == 0
        found = next((person.folder / "got").rglob("weights.bin"))
        assert hashlib.sha256(found.read_bytes()).digest() == hashlib.sha256(data).digest()

    def test_mlflow_loads_a_model_made_there(
        self, person: Person, bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        person.write("src/main.sh", TRAIN)
        person.run(person.write("job.yml", TRAINS))
        scientist = look_in(person, monkeypatch)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", scientist.client.tracking_uri)
        artifacts = importlib.import_module("mlflow.artifacts")
        for _ in range(2):
            to = tempfile.mkdtemp(dir=tmp_path)
            got = Path(artifacts.download_artifacts("models:/mine/1", dst_path=to))
            sizes = {file.name: file.stat().st_size for file in got.iterdir()}
            assert sizes.pop("weights.bin") == 12_000_000
            assert "MLmodel" in sizes

    def test_all_of_it_comes_back_from_a_backup(self, person: Person, bucket: Any) -> None:
        person.write("src/main.sh", TRAIN)
        name = person.run(person.write("job.yml", TRAINS))
        left = person("backup", "create", "--to", "left", "--without-outputs")
        assert "workspaceblobstore of default" in left.err
        made = person.ok("backup", "create", "--to", "all")
        assert (made["elsewhere"], len(made["outputs"])) == ([], 3)
        person.stop()
        home = person.home.parent / "restored"
        told = person("restore", "all", "--home", str(home))
        assert f"What lay in {uri(bucket)} is in the home now" in told.err
        again = Person(home, person.folder, {})
        try:
            kept = again.download(name)
            assert len(kept["named-outputs/model/weights.bin"]) == 12_000_000
            again.run(person.write("next.yml", READS))
        finally:
            again.stop()

    def test_a_workspace_goes_along_as_plain_files(self, person: Person, bucket: Any) -> None:
        person.write("src/main.sh", TRAIN)
        person.run(person.write("job.yml", TRAINS))
        left = person.ok("workspace", "export", "-n", "default", "--to", "plain")["left_out"]
        assert not [text for text in left if "mine" in text]
        weights = person.folder / "plain" / "models" / "mine" / "1" / "weights.bin"
        assert weights.stat().st_size == 12_000_000
        made = person.ok("workspace", "import", "plain", "-n", "copy")
        assert made["made"] == 1
        shown = person.ok("model", "show", "-n", "mine", "-v", "1", "-w", "copy")
        assert shown["flavors"] == {"python_function": {"loader_module": "x"}}
        assert shown["path"].startswith("tree:")

    def test_outputs_move_with_the_server(self, person: Person, bucket: Any) -> None:
        person.write("src/main.sh", TRAIN)
        name = person.run(person.write("job.yml", TRAINS))
        person.stop()
        other = bucket_of(bucket.settings["endpoint"])
        moved = person.ok("admin", "storage", "--to", uri(other))
        assert (moved["outputs"], moved["outputs_copied"]) == (2, 2)
        there = Person(person.home, person.folder, settings(other))
        assert there.download(name)["named-outputs/model/MLmodel"]
        there.run(person.write("next.yml", READS))
        there.stop()
        moved = there.ok("admin", "storage", "--to", "home")
        assert moved["storage"] == "home"
        here = Person(person.home, person.folder, {})
        assert len(here.download(name)["named-outputs/model/weights.bin"]) == 12_000_000
        here.run(person.write("next.yml", READS))

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
        assert moved | {"outputs": 0} == moved
        assert (moved["storage"], moved["blobs"], moved["copied"]) == (uri(bucket), 2, 2)
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


def await_bytes(folder: Path, most: int) -> int:
    """What has come into it, once that is so much."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        size = sum(path.stat().st_size for path in folder.glob("*") if path.exists())
        if size > most:
            return size
        time.sleep(0.005)
    raise AssertionError("nothing came")


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
    end = time.monotonic() + 120
    while time.monotonic() < end and not list(person.home.glob("blobs/tmp/*")):
        time.sleep(0.02)
    assert list(person.home.glob("blobs/tmp/*")), "the server never began to write"
    with contextlib.suppress(OSError):
        connection.close()
