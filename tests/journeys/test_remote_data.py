"""Data in stores elsewhere: a job reads them, another writes them, a third reads what came of it;
and nobody but the carrier ever sees the keys."""

from __future__ import annotations

import hashlib
import importlib
import os
import re
import shutil
import signal
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lazur.datastores.s3 import S3
from lazur.egress import Rule
from lazur.engine.secret import Secret
from tests.datastores.web import Web, serving
from tests.journeys.conftest import Person

KEY = "the-secret-access-key-of-the-team"
TOKEN = "the-token-of-the-web-server"
PASSWORD = "correct-horse-battery-staple"
SPY = "env; tr '\\\\0' '\\\\n' < /proc/$PPID/environ; tr '\\\\0' ' ' < /proc/$PPID/cmdline"
"""What a curious command finds around itself."""


@pytest.fixture(scope="module")
def remote_home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="lazur-"))
    yield folder / ".lazur"
    Person(folder / ".lazur", folder, {}).stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def person(remote_home: Path, tmp_path: Path) -> Person:
    return Person(remote_home, tmp_path, {"LAZUR_EGRESS_ALLOW": "127.0.0.1"})


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    server: Any = importlib.import_module("moto.server").ThreadedMotoServer("127.0.0.1", 0, False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(person: Person, s3: str) -> Any:
    """A new one, with three files, and a datastore of its name."""
    name = f"bucket-{uuid.uuid4().hex[:8]}"
    keys = {"access_key_id": "AKIDEXAMPLE", "secret_access_key": Secret(KEY)}
    store: Any = S3({"bucket_name": name, "endpoint": s3}, keys, rule=Rule.of(["127.0.0.1"]))
    store._client.create_bucket(Bucket=name)
    for number in range(3):
        store.put(f"raw/part{number}.csv", iter([b"%d\n" % number]), 2)
    person.write(
        "store.yml",
        f"""\
        {{name: {name}, type: s3, bucket_name: {name}, endpoint: "{s3}",
          credentials: {{access_key_id: AKIDEXAMPLE, secret_access_key: {KEY}}}}}
        """,
    )
    person.ok("datastore", "create", "-f", "store.yml")
    store.name = name
    return store


@pytest.fixture
def web(person: Person) -> Iterator[Web]:
    with serving(Web(token=TOKEN)) as web:
        person.write("web.yml", web_yml(web, TOKEN))
        person.ok("datastore", "create", "-f", "web.yml")
        yield web


def web_yml(web: Web, token: str) -> str:
    return f'{{name: web, type: http, endpoint: "{web.url}", credentials: {{token: {token}}}}}\n'


def job(person: Person, command: str, **more: str) -> str:
    lines = [f"{name}: {text}" for name, text in more.items()]
    lines += ["type: command", "environment: {image: 'python:3.11'}"]
    return person.write("job.yml", "\n".join([f'command: "{command}"', *lines]) + "\n")


def paths(store: Any) -> list[str]:
    return sorted(item.path for item in store.list())


class TestJourney:
    def test_from_a_store_to_a_store_and_on(self, person: Person, bucket: Any) -> None:
        place = f"azureml://datastores/{bucket.name}/paths"
        file = job(
            person,
            "cat ${{inputs.raw}}/* > ${{outputs.sum}}/all.csv",
            inputs=f"{{raw: {{type: uri_folder, path: '{place}/raw/'}}}}",
            outputs=f"{{sum: {{path: '{place}/sums/${{{{name}}}}/', name: sums}}}}",
        )
        first = person.run(file)
        log = person.log(first)
        assert f"input raw: 3 files, 6 bytes from {place}/raw/" in log
        assert "nothing is mounted over the network" in log
        assert f"output sum: 1 file, 6 bytes to {place}/sums/{first}" in log
        assert paths(bucket)[-1] == f"sums/{first}/all.csv"
        assert (
            person("job", "download", "-n", first, "--output-name", "sum", "-p", "got").code == 0
        )
        got = (person.folder / "got").rglob("all.csv")
        assert [path.read_text() for path in got] == ["0\n1\n2\n"]
        phases = person.ok("job", "show", "-n", first)["phases"]
        assert any("input raw: 3 files" in phase.get("detail", "") for phase in phases)

        asset = person.ok("data", "show", "-n", "sums", "--label", "latest")
        assert asset["path"] == f"{place}/sums/{first}/"
        file = job(
            person,
            "cat ${{inputs.sum}}/all.csv ${{inputs.again}}",
            inputs="{sum: {path: 'azureml:sums@latest'}, again: {type: uri_file, path: "
            f"'azureml://jobs/{first}/outputs/sum/paths/all.csv', mode: download}}}}",
        )
        log = person.log(person.run(file))
        assert log.endswith("0\n1\n2\n" * 2)
        assert "input again: 1 file, 6 bytes" in log
        assert "(all in this node's cache)" in log

    def test_a_clouds_own_address_is_that_of_its_datastore(
        self, person: Person, bucket: Any
    ) -> None:
        file = job(
            person,
            "cat ${{inputs.raw}} > ${{outputs.copy}}",
            inputs=f"{{raw: {{type: uri_file, path: 's3://{bucket.name}/raw/part1.csv'}}}}",
            outputs=f"{{copy: {{type: uri_file, path: 's3://{bucket.name}/copies/one'}}}}",
        )
        made = person.ok("job", "show", "-n", person.run(file))
        assert made["outputs"]["copy"]["path"] == (
            f"azureml://datastores/{bucket.name}/paths/copies/one"
        )
        assert "copies/one" in paths(bucket)

    def test_a_file_of_the_web_is_no_way_past_the_rule(self, person: Person) -> None:
        with serving(Web({"/x.csv": b"1,2\n"})) as web:
            there = job(
                person,
                "cat ${{inputs.x}}",
                inputs=f"{{x: {{type: uri_file, path: '{web.url}/x.csv'}}}}",
            )
            assert person.log(person.run(there)).endswith("1,2\n")
            read = len(web.reads)
            elsewhere = web.url.replace("127.0.0.1", "127.0.0.2")
            refused = job(
                person,
                "cat ${{inputs.x}}",
                inputs=f"{{x: {{type: uri_file, path: '{elsewhere}/x.csv'}}}}",
            )
            name = person.text("job", "create", "-f", refused, "--query", "name")
            assert person("job", "stream", "-n", name).code != 0
            assert "egress_allow" in str(person.ok("job", "show", "-n", name)["error"])
            assert len(web.reads) == read

    def test_an_address_that_nobody_knows_is_told_and_once(self, person: Person) -> None:
        address = "http://nowhere.invalid/x.csv"
        inputs = f"{{x: {{type: uri_file, path: '{address}'}}}}"
        made = person("job", "create", "-f", job(person, "cat ${{inputs.x}}", inputs=inputs))
        name = made.json()["name"]
        assert person("job", "stream", "-n", name).code != 0
        said = person.ok("job", "show", "-n", name)["error"]["message"]
        assert said.startswith(f"the input x: {address} cannot be reached: no machine of that")
        assert said.count(address) == 1

    def test_outputs_go_to_the_default_datastore(self, person: Person, bucket: Any) -> None:
        person.ok("datastore", "update", "-n", bucket.name, "--set", "is_default=true")
        try:
            file = job(person, "echo 1 > ${{outputs.o}}/a", outputs="{o: {type: uri_folder}}")
            name = person.run(file)
        finally:
            person.ok("datastore", "update", "-n", bucket.name, "--set", "is_default=false")
        assert f"azureml/{name}/o/a" in paths(bucket)
        assert not list((person.home / "workspaces").rglob(f"azureml/{name}/o"))

    def test_nothing_is_sent_of_a_command_that_failed(self, person: Person, bucket: Any) -> None:
        file = job(
            person,
            "echo 1 > ${{outputs.o}}/a; exit 3",
            outputs=f"{{o: {{path: 'azureml://datastores/{bucket.name}/paths/failed/'}}}}",
        )
        assert person("job", "create", "-f", file, "--stream").code == 1
        assert not [path for path in paths(bucket) if path.startswith("failed")]

    def test_what_is_not_whole_is_not_read(self, person: Person, bucket: Any) -> None:
        bucket.put("raw/.lazur-unfinished", iter([b""]), 0)
        place = f"azureml://datastores/{bucket.name}/paths/raw"
        file = job(person, "ls", inputs=f"{{raw: {{path: '{place}'}}}}")
        ran = person("job", "create", "-f", file, "--stream")
        assert ran.code == 1
        assert "is not whole" in ran.err
        assert "remove .lazur-unfinished" in ran.err

    def test_the_data_cannot_be_changed_by_who_reads_them(
        self, person: Person, bucket: Any
    ) -> None:
        place = f"azureml://datastores/{bucket.name}/paths/raw"
        for mode, verdict in (("ro_mount", "kept"), ("download", "changed")):
            file = job(
                person,
                "(echo x > ${{inputs.raw}}/part0.csv && echo changed || echo kept) 2>/dev/null",
                inputs=f"{{raw: {{path: '{place}', mode: {mode}}}}}",
            )
            assert person.log(person.run(file)).endswith(f"{verdict}\n")
        file = job(person, "cat ${{inputs.raw}}/part0.csv", inputs=f"{{raw: {{path: '{place}'}}}}")
        assert person.log(person.run(file)).endswith("\n0\n")


class TestTables:
    TABLE = """\
        type: mltable
        paths:
          - folder: azureml://datastores/{name}/paths/raw
          - pattern: azureml://datastores/{name}/paths/raw/part[12].csv
        transformations:
          - read_delimited: {{header: no_header, infer_column_types: true}}
        """
    SCRIPT = """\
        import sys
        from lazur import mltable
        print("rows", mltable.load(sys.argv[1]).to_arrow()["Column1"].to_pylist())
        """

    def test_a_table_names_files_of_a_store(self, person: Person, bucket: Any) -> None:
        """The job has no key of the store, and no package for it."""
        person.write("table/MLTable", self.TABLE.format(name=bucket.name))
        person.write("src/read.py", self.SCRIPT)
        command = f"{sys.executable} read.py ${{{{inputs.table}}}}; env"
        inputs = "{table: {type: mltable, path: ./table}}"
        log = person.log(person.run(job(person, command, code="./src", inputs=inputs)))
        assert "rows [0, 1, 2, 1, 2]" in log
        assert KEY not in log

    def test_a_store_that_is_not_there_is_told(self, person: Person) -> None:
        person.write("table/MLTable", self.TABLE.format(name="nowhere"))
        person.write("src/read.py", self.SCRIPT)
        command = f"{sys.executable} read.py ${{{{inputs.table}}}}"
        inputs = "{table: {type: mltable, path: ./table}}"
        name = person.text(
            *("job", "create", "--query", "name", "-f"),
            job(person, command, code="./src", inputs=inputs),
        )
        assert "There is no datastore 'nowhere'" in person("job", "stream", "-n", name).out


class TestCache:
    def test_a_second_job_asks_for_no_bytes_until_they_change(
        self, person: Person, web: Web
    ) -> None:
        web.files["/a.bin"] = b"one\n"
        place = "azureml://datastores/web/paths/a.bin"
        file = job(
            person, "cat ${{inputs.x}}", inputs=f"{{x: {{type: uri_file, path: '{place}'}}}}"
        )
        for _ in range(2):
            assert person.log(person.run(file)).endswith("\none\n")
        assert len(web.reads) == 1
        web.files["/a.bin"] = b"two\n"
        assert person.log(person.run(file)).endswith("\ntwo\n")
        assert len(web.reads) == 2

    def test_killed_in_the_middle_it_goes_on_where_it_was(self, person: Person, web: Web) -> None:
        web.files["/big.bin"] = os.urandom(6 << 20)
        web.stop_at = 4 << 20
        place = "azureml://datastores/web/paths/big.bin"
        file = job(
            person,
            "wc -c < ${{inputs.x}}",
            inputs=f"{{x: {{type: uri_file, path: '{place}'}}}}",
        )
        name = person.text("job", "create", "-f", file, "--query", "name")
        assert web.stopped.wait(60)
        pid = carrier_of(name)
        partial = person.home / "cache" / "remote" / "partial"
        until(lambda: any(p.stat().st_size >= 3 << 20 for p in partial.glob("*")))
        os.kill(pid, signal.SIGKILL)
        web.go_on.set()
        assert person("job", "stream", "-n", name).code == 0
        assert str(6 << 20) in person.log(name)
        ranges = [text for path, text in web.reads if path == "/big.bin"]
        assert ranges[0] == ""
        assert int(re.findall(r"\d+", ranges[1])[0]) >= 3 << 20

    def test_canceled_in_the_middle_nothing_goes_on(self, person: Person, web: Web) -> None:
        web.files["/slow.bin"] = os.urandom(3 << 20)
        web.stop_at = 1 << 20
        place = "azureml://datastores/web/paths/slow.bin"
        file = job(person, "true", inputs=f"{{x: {{type: uri_file, path: '{place}'}}}}")
        name = person.text("job", "create", "-f", file, "--query", "name")
        assert web.stopped.wait(60)
        pid = carrier_of(name)
        person("job", "cancel", "-n", name)
        person("job", "stream", "-n", name)
        assert person.ok("job", "show", "-n", name)["status"] == "Canceled"
        until(lambda: not Path(f"/proc/{pid}").exists())


class TestRefusals:
    def test_a_key_that_does_not_fit_is_told(self, person: Person, web: Web) -> None:
        web.files["/a.bin"] = b"x"
        person.write("wrong.yml", web_yml(web, "another-token-altogether"))
        person.ok("datastore", "create", "-f", "wrong.yml")
        ran = self._run(person, "azureml://datastores/web/paths/a.bin")
        assert "the input x (azureml://datastores/web/paths/a.bin)" in ran
        assert "answered 403" in ran
        assert "Look at its credentials." in ran
        assert "another-token" not in ran

    def test_what_is_not_there_is_told(self, person: Person, bucket: Any) -> None:
        ran = self._run(person, f"azureml://datastores/{bucket.name}/paths/absent/")
        assert "There is nothing at 'absent'" in ran

    def test_addresses_that_are_not_allowed_are_told(self, person: Person, s3: str) -> None:
        """The rule of the server is the carrier's, too."""
        private = s3.replace("127.0.0.1", "127.0.0.2")
        person.write(
            "p.yml", f'{{name: private, type: s3, bucket_name: b, endpoint: "{private}"}}'
        )
        person.ok("datastore", "create", "-f", "p.yml")
        ran = self._run(person, "azureml://datastores/private/paths/x")
        assert "is not a public address" in ran
        assert "egress_allow" in ran

    @pytest.mark.parametrize(
        "fields, said",
        [
            ("{x: {path: 'azureml://datastores/nowhere/paths/x'}}", "no datastore 'nowhere'"),
            ("{x: {path: 'azureml://datastores/old/paths/x'}}", "kept and not read here"),
            (
                "{x: {path: 's3://a-bucket/x', mode: rw_mount}}",
                "not written through an input",
            ),
        ],
    )
    def test_what_cannot_be_is_said_before_the_job_is_made(
        self, person: Person, fields: str, said: str
    ) -> None:
        person.write("old.yml", "{name: old, type: azure_data_lake_gen1, store_name: old}")
        person.ok("datastore", "create", "-f", "old.yml")
        ran = person("job", "create", "-f", job(person, "true", inputs=fields))
        assert ran.code != 0
        assert said in ran.err

    def _run(self, person: Person, place: str) -> str:
        file = job(person, "true", inputs=f"{{x: {{type: uri_file, path: '{place}'}}}}")
        ran = person("job", "create", "-f", file, "--stream")
        assert ran.code == 1
        return ran.out + ran.err


class TestSecrets:
    def test_a_stores_key_is_in_no_file_variable_or_argument(
        self, person: Person, bucket: Any
    ) -> None:
        place = f"azureml://datastores/{bucket.name}/paths"
        file = job(
            person,
            SPY,
            inputs=f"{{raw: {{path: '{place}/raw'}}}}",
            outputs=f"{{o: {{path: '{place}/spied'}}}}",
        )
        log = person.log(person.run(file))
        assert "LAZUR_ATTEMPT=" in log
        assert KEY not in log
        assert not holding(person.home, KEY)

    def test_a_connections_is_in_the_variable_and_nowhere_else(self, person: Person) -> None:
        person.write(
            "hub.yml",
            f"""\
            {{name: hub, type: python_feed, target: "https://feed.example.org",
              credentials: {{type: username_password, username: robot, password: {PASSWORD}}}}}
            """,
        )
        made = person.ok("connection", "create", "-f", "hub.yml")
        form = "${{azureml://connections/hub/credentials/password}}"
        assert form in made["in_jobs"]
        file = job(
            person,
            SPY
            + "; echo -n $PW | sha256sum; printf correct-horse; sleep 0.1; echo -battery-staple;"
            " echo $PW >&2; echo $AT",
            environment_variables=f"{{PW: '{form}', AT: "
            "'https://robot@${{azureml://connections/hub/target}}'}",
        )
        name = person.run(file)
        log = person.log(name)
        assert hashlib.sha256(PASSWORD.encode()).hexdigest() in log
        assert log.count("***") >= 3
        assert "https://robot@https://feed.example.org" in log
        assert not holding(person.home, PASSWORD)
        assert person.ok("job", "show", "-n", name)["environment_variables"]["PW"] == form
        told = person.ok("audit", "list")
        assert any(entry["action"] == "secrets given to a job" for entry in told)

    @pytest.mark.parametrize(
        "reference, said",
        [
            ("azureml://connections/absent/credentials/key", "no connection 'absent'"),
            ("azureml://connections/hub2/credentials/key", "have no 'key'"),
            ("azureml://connections/hub2", "names no part of a connection"),
        ],
    )
    def test_a_reference_that_leads_nowhere_is_told_at_once(
        self, person: Person, reference: str, said: str
    ) -> None:
        person.write(
            "hub.yml",
            "{name: hub2, type: git, target: 'https://git.example.org', "
            "credentials: {type: pat, pat: a-token-of-git}}",
        )
        person.ok("connection", "create", "-f", "hub.yml")
        file = job(person, "true", environment_variables=f"{{PW: '${{{{{reference}}}}}'}}")
        ran = person("job", "create", "-f", file)
        assert ran.code != 0
        assert said in ran.err


def holding(folder: Path, text: str) -> list[Path]:
    """Files with `text` in them, as it is."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return [path for path in files if text.encode() in path.read_bytes()]


def carrier_of(job: str) -> int:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes()
                marks = (entry / "environ").read_bytes()
            except OSError:
                continue
            if b"lazur.carrier" in words and f"/{job}/".encode() in marks:
                return int(entry.name)
    raise AssertionError(f"nothing moves files for {job}")


def until(true: Any, patience: float = 120.0) -> None:
    end = time.monotonic() + patience
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)
