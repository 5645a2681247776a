"""Paths from outside lead nowhere else (S1, S3, S10, S11, S12)."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lazur.testing.server import Server
from tests.security.wire import ENVIRONMENT, Answer, W, Wire, encoded, operations, plain, until
from tests.unit.test_safe import hostile

OWN = ("lazur.db", "token", "server.json", "server.lock", "config.toml", "logs/server.log")
CORPUS = hostile()
SAMPLE = ["%2e%2e%2fsecret", "%2e%2e/%2e%2e/secret", *CORPUS[::197], *CORPUS[-64::13]]
MANY = [*SAMPLE, *CORPUS[::8], *CORPUS[-64:]]
"""All strings against the part that opens files are in tests/unit/test_safe.py; over every place
of a server they would take half an hour."""


@pytest.fixture(scope="module")
def prey(answering: Server, servers: Path) -> Iterator[Server]:
    """What must not be had: files beside and inside the home, each with a mark in it."""
    (answering.home / "config.toml").write_text("# not-for-you\n")
    store = answering.home / "workspaces" / "default" / "workspaceartifactstore"
    around = (store / "ExperimentRun", *(store / "ExperimentRun").parents[: -len(servers.parents)])
    for folder in around:
        (folder / "out").mkdir(parents=True, exist_ok=True)
        for place in ("secret", "secret.txt", "out/secret"):
            (folder / place).write_text("not-for-you")
    yield answering
    for folder in around:
        (folder / "secret").unlink()
        (folder / "secret.txt").unlink()
        shutil.rmtree(folder / "out")


@pytest.fixture(scope="module")
def job(prey: Server) -> str:
    """A job that has a log and an output, as if it had run."""
    with Wire(prey, prey.token) as wire:
        made = wire.submit(outputs={"x": {"type": "uri_folder"}})
    artifacts = prey.home / "workspaces/default/workspaceartifactstore/ExperimentRun"
    log = artifacts / f"dcid.{made}" / "user_logs" / "std_log.txt"
    log.parent.mkdir(parents=True)
    log.write_text("a line\n")
    kept = prey.home / f"workspaces/default/workspaceblobstore/azureml/{made}/x/kept"
    kept.parent.mkdir(parents=True)
    kept.write_text("kept")
    return made


class TestTraversal:
    @pytest.mark.parametrize(
        "strings, share",
        [(SAMPLE, 1), pytest.param(MANY, 4, marks=pytest.mark.slow)],
        ids=["some", "many"],
    )
    def test_no_address_leads_out(
        self, caller: Wire, prey: Server, job: str, strings: list[str], share: int
    ) -> None:
        """S1, S3, S11: in every part of every address some strings, plainly and encoded; of many,
        each in its share of these places, which are all of them together."""
        places = [(one, part) for one in operations(caller) for part in one.parameters]
        before = belongings(prey)
        for number, text in enumerate(strings):
            for operation, part in places[number % share :: share]:
                name = part.strip("{}")
                values = {"workspace": "default", "name": job, "path": "outputs/x"}
                values |= {"version": "1", "registry": "azureml", "key": "k"}
                target = operation.at(**values | {name: "\0"})
                for form in {plain(text), encoded(text)}:
                    refused(caller, operation.method, target.replace("%00", form))
        assert belongings(prey) == before

    @pytest.mark.parametrize(
        "strings", [SAMPLE, pytest.param(MANY, marks=pytest.mark.slow)], ids=["some", "many"]
    )
    def test_no_query_or_header_leads_out(
        self, caller: Wire, prey: Server, job: str, strings: list[str]
    ) -> None:
        before = belongings(prey)
        queries = [f"{W}/jobs/{job}/files?prefix=", f"{W}/jobs/{job}/files/user_logs/x?offset="]
        filters = "status experiment_name type archived parent created_by tag name_contains"
        names = [*filters.split(), "cursor", "order_by", "limit"]
        queries += [f"{W}/jobs?{name}=" for name in names] + [f"{W}/{name}=" for name in OWN]
        headers = "If-Match If-None-Match Range Idempotency-Key Referer X-Original-URL".split()
        for text in strings:
            for query in queries:
                refused(caller, "GET", query + encoded(text))
            value = "".join(c for c in text if c.isprintable() and ord(c) < 0xD800)
            for header in headers:
                shown = caller.get(
                    f"{W}/jobs/{job}/files/user_logs/std_log.txt", **{header: value}
                )
                assert (shown.status, shown.body) == (200, b"a line\n")
        assert belongings(prey) == before

    @pytest.mark.parametrize(
        "strings",
        [SAMPLE[::3], pytest.param(MANY, marks=pytest.mark.slow)],
        ids=["some", "many"],
    )
    def test_no_body_leads_out(self, caller: Wire, prey: Server, strings: list[str]) -> None:
        before = belongings(prey)
        for text in strings:
            if "\ud800" in text:
                continue
            for target, body in bodies(text):
                got = caller.ask("POST", target, body)
                assert got.status < 500 or got.code == "Unsupported", (target, body, got.body)
                assert b"not-for-you" not in got.body
        assert belongings(prey) == before

    @pytest.mark.skipif(shutil.which("strace") is None, reason="no strace on this machine")
    def test_the_kernel_sees_no_open_elsewhere(
        self, caller: Wire, prey: Server, job: str, tmp_path: Path
    ) -> None:
        """S1. Resolved names of all files that the server opens meanwhile."""
        if not (trace := Trace(prey.pid, tmp_path / "trace")).attached:
            pytest.skip("this machine lets nobody trace")
        for text in SAMPLE:
            for form in {plain(text), encoded(text)}:
                caller.get(f"{W}/jobs/{job}/files/{form}")
                caller.get(f"{W}/jobs/{job}/files/outputs/{form}")
                caller.get(f"{W}/jobs/{job}/files/named-outputs/x/{form}")
                caller.get(f"{W}/blobs/{form}")
        assert caller.get(f"{W}/jobs/{job}/files/named-outputs/x/kept").body == b"kept"
        opened = trace.opened()
        stores = str(prey.home / "workspaces/default")
        assert any(path.endswith("/x/kept") for path in opened), "the trace saw nothing"
        home = [path for path in opened if path.startswith(str(prey.home.parent.parent))]
        database = (str(prey.home / "lazur.db"), str(prey.home / "server.lock"))
        assert [p for p in home if not p.startswith((stores, *database))] == []
        assert not {"/etc/passwd", "/proc/self/environ"} & set(opened)


class TestOwnFiles:
    """S12: the server's own files, asked for as artifacts in every form."""

    FORMS = (
        "azureml://datastores/workspaceblobstore/paths/../../../{}",
        "azureml://datastores/workspaceblobstore/paths/..%2f..%2f../{}",
        "azureml://datastores/workspaceblobstore/paths//{home}/{}",
        "azureml://datastores/../paths/{}",
        "azureml://datastores/.%2e/paths/{}",
        "azureml://datastores/token/paths/{}",
        "azureml://jobs/{job}/outputs/../paths/{}",
        "azureml://jobs/{job}/outputs/artifacts/paths/../../../../../{}",
        "azureml://jobs/../outputs/artifacts/paths/{}",
        "runs:/{job}/../../../../{}",
        "file://{home}/{}",
        "{home}/{}",
        "~/.lazur/{}",
        "azureml:{home}/{}",
    )

    @pytest.mark.parametrize("form", FORMS)
    @pytest.mark.parametrize("mode", ["ro_mount", "rw_mount", "download", "direct"])
    def test_they_are_no_input(
        self, caller: Wire, prey: Server, job: str, form: str, mode: str
    ) -> None:
        for name in OWN[:2]:
            path = form.replace("{home}", str(prey.home)).replace("{job}", job).format(name)
            spec = {"x": {"type": "uri_file", "path": path, "mode": mode}}
            got = created(caller, command="echo ${{inputs.x}}", inputs=spec)
            if got.status == 201:
                (source,) = [i["source"] for i in resolved(prey, got.json["name"])["inputs"]]
                beneath = f"{prey.home}/workspaces/default/workspaceblobstore/"
                real = os.path.normpath(source["path"] or beneath + "direct")
                assert real.startswith(beneath), (path, source)
            else:
                assert got.status < 500 or got.code == "Unsupported", got.body

    @pytest.mark.parametrize("form", [*FORMS, "{home}", "file://{home}"])
    @pytest.mark.parametrize("mode", ["rw_mount", "upload", "direct"])
    @pytest.mark.parametrize("type_", ["uri_folder", "uri_file"])
    def test_they_are_no_output(
        self, caller: Wire, prey: Server, job: str, form: str, mode: str, type_: str
    ) -> None:
        path = form.replace("{home}", str(prey.home)).replace("{job}", job)
        for name in ("token", ""):
            output = {"type": type_, "mode": mode, "path": path.replace("{}", name)}
            got = created(caller, outputs={"x": output})
            if got.status != 201:
                assert got.status < 500 or got.code == "Unsupported", got.body
                continue
            made = got.json["name"]
            (kept,) = resolved(prey, made)["outputs"]
            store = f"{prey.home}/workspaces/default/workspaceblobstore"
            where = os.path.normpath(kept["destination"])
            assert not where.startswith("/") or where.startswith(store), kept
            listed = caller.get(f"{W}/jobs/{made}/files").json["value"]
            assert listed == [], output
            for asked in ("token", "x", "lazur.db"):
                found = caller.get(f"{W}/jobs/{made}/files/named-outputs/x/{asked}")
                assert found.status == 404, (output, found.body[:100])

    def test_links_of_a_job_do_not_show_them(self, owner: Wire, running: Server) -> None:
        """S7: inside its folders, and in place of them."""
        home = running.home
        inside = owner.run(
            f"mkdir -p outputs logs; ln -s {home}/token outputs/token; ln -s {home} outputs/home; "
            f"ln -s {home}/lazur.db logs/db; ln -s {home} ${{{{outputs.x}}}}/home; "
            f"ln -s /proc/self/environ outputs/environ; echo fine > outputs/fine",
            outputs={"x": {"type": "uri_folder"}},
        )
        assert inside["status"] == "Completed", inside
        listed = self.listed(owner, inside["name"])
        assert "outputs/fine" in listed
        assert not [p for p in listed if "home" in p or p.endswith(("token", "db", "environ"))]
        for path in ("outputs/token", "outputs/home/token", "logs/db", "outputs/environ"):
            assert self.asked(owner, inside["name"], path) == 404
        assert self.asked(owner, inside["name"], "named-outputs/x/home/token") == 404

    def test_folders_that_became_links_do_not_show_them(
        self, owner: Wire, running: Server
    ) -> None:
        home, artifacts = running.home, "$AZUREML_OUTPUT_DIRECTORY"
        replaced = owner.run(
            f'rm -rf "${{{{outputs.x}}}}"; ln -s {home} "${{{{outputs.x}}}}"; '
            f'a=$(dirname "{artifacts}"); rm -rf "$a"; ln -s {home} "$a"',
            outputs={"x": {"type": "uri_folder"}},
        )
        name = replaced["name"]
        assert not [p for p in self.listed(owner, name) if "token" in p or "lazur.db" in p]
        for path in ("named-outputs/x/token", "outputs/../token", "token", "logs/server.log"):
            assert self.asked(owner, name, path) in (400, 404)

    def test_a_log_that_became_a_link_is_not_quoted(self, owner: Wire, running: Server) -> None:
        log = '"$(dirname "$AZUREML_OUTPUT_DIRECTORY")/user_logs/std_log.txt"'
        ended = owner.run(f"rm {log}; ln -s {running.home}/token {log}; exit 3")
        assert ended["status"] == "Failed"
        assert running.token not in str(ended)
        assert self.asked(owner, ended["name"], "user_logs/std_log.txt") == 404

    def test_a_fifo_in_place_of_a_log_holds_nothing_up(self, owner: Wire) -> None:
        log = '"$(dirname "$AZUREML_OUTPUT_DIRECTORY")/user_logs/std_log.txt"'
        ended = owner.run(f"rm {log}; mkfifo {log}; exit 3")
        assert ended["status"] == "Failed"
        assert self.asked(owner, ended["name"], "user_logs/std_log.txt") == 404
        assert owner.run()["status"] == "Completed"

    def listed(self, wire: Wire, name: str) -> list[str]:
        return [file["path"] for file in wire.get(f"{W}/jobs/{name}/files").json["value"]]

    def asked(self, wire: Wire, name: str, path: str) -> int:
        return wire.get(f"{W}/jobs/{name}/files/{path}").status


class TestReceivedNames:
    def test_a_files_name_never_becomes_a_name_of_the_store(
        self, caller: Wire, answering: Server
    ) -> None:
        """S10: names lie in the tree's manifest, contents under their hash."""
        tree = caller.upload_tree({"a b;rm -rf $HOME'\".txt": b"one", "deep/ü": b"two"})
        got = caller.ask(
            "POST", f"{W}/data", {"name": "odd", "type": "uri_folder", "path": f"tree:{tree}"}
        )
        assert got.status == 201, got.body
        names = [p.name for p in (answering.home / "blobs").rglob("*")]
        assert tree in names
        assert [n for n in names if not re.fullmatch("[0-9a-f]{2}|[0-9a-f]{64}|tmp", n)] == []


def refused(wire: Wire, method: str, target: str) -> None:
    got = wire.ask(method, target, {} if method in ("POST", "PATCH", "PUT") else None)
    assert got.status < 500, (method, target, got.body)
    assert b"not-for-you" not in got.body, (method, target)
    assert b"root:" not in got.body, (method, target)
    assert wire.server.token.encode() not in got.body, (method, target)


def created(wire: Wire, **more: Any) -> Answer:
    spec = {"type": "command", "command": "true", "environment": ENVIRONMENT}
    return wire.ask("POST", f"{W}/jobs", {**spec, **more})


def resolved(server: Server, job: str) -> dict[str, Any]:
    """What the server made of the job's references."""
    with contextlib.closing(sqlite3.connect(server.home / "lazur.db")) as db:
        row = db.execute("SELECT resolved FROM lazur_jobs WHERE name = ?", [job]).fetchone()
    return json.loads(row[0])


def bodies(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The string in every field that is a path, a name, a version or a reference."""
    spec: dict[str, Any] = {"type": "command", "command": "true", "environment": ENVIRONMENT}
    jobs = f"{W}/jobs/validate"
    for name in ("name", "code", "compute", "environment", "experiment_name", "command"):
        yield jobs, {**spec, name: text}
    yield jobs, {**spec, "tags": {text: text}, "environment_variables": {text: text}}
    for field in ("image", "conda_file", "build"):
        yield jobs, {**spec, "environment": {field: {"path": text} if field == "build" else text}}
    for mode in ("ro_mount", "download", "rw_mount", "direct"):
        put = {"path": text, "mode": mode, "type": "uri_file"}
        yield jobs, {**spec, "command": "echo ${{inputs.x}}", "inputs": {"x": put}}
        yield jobs, {**spec, "inputs": {text: "x"}}
    for mode in ("rw_mount", "upload", "direct"):
        yield jobs, {**spec, "outputs": {"x": {"path": text, "mode": mode}}}
        yield jobs, {**spec, "outputs": {text: {"mode": mode, "name": text, "version": text}}}
    for kind in ("data", "models", "environments", "components", "codes"):
        yield f"{W}/{kind}", {"name": text, "path": text, "type": "uri_file"}
        yield f"{W}/{kind}", {"name": "fine", "version": text, "path": text, "image": text}
    yield "/api/v1/workspaces", {"name": text}
    yield "/api/v1/tokens", {"name": text, "workspace": text}
    yield "/api/v1/sign-in-codes", {"code": text}
    yield f"{W}/blobs/missing", {"sha256": [text]}


def belongings(server: Server) -> dict[str, int]:
    """Files of the home and around it, but for what a request may change."""
    kept: dict[str, int] = {}
    for path in server.home.parent.parent.rglob("*"):
        name = str(path)
        theirs = ("lazur.db", "/logs/", "/running/", "server.out", "/workspaces/", "/blobs/")
        if path.is_file() and not any(part in name for part in theirs):
            kept[name] = path.stat().st_mtime_ns
    return kept


class Trace:
    """What a process opens, by its final name."""

    def __init__(self, pid: int, out: Path) -> None:
        self._out = out
        calls = "trace=open,openat,openat2,creat"
        command = ["strace", "-f", "-y", "-e", calls, "-o", str(out), "-p", str(pid)]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE)
        self.attached = until(lambda: self._ready(pid), 15.0)

    def opened(self) -> list[str]:
        self._process.send_signal(signal.SIGINT)
        self._process.communicate(timeout=10)
        text = self._out.read_text(errors="replace")
        ends = [line.rpartition(" = ")[2] for line in text.splitlines()]
        return [end.partition("<")[2].rstrip(">\n") for end in ends if "<" in end]

    def _ready(self, pid: int) -> bool:
        status = Path(f"/proc/{pid}/status").read_text()
        return f"TracerPid:\t{self._process.pid}" in status and self._out.exists()
