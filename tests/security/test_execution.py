"""Nothing that is sent is run, except by the job that says so (S15, S16, S21, S22, S49, S50)."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lazur.testing.server import Server
from tests.security.conftest import CANARIES
from tests.security.wire import ENVIRONMENT, W, Wire, digest, serving, until

MAY_RUN = ("lazur.backends", "lazur.builders", "lazur.shell")
"""Only these start processes."""
MARK = "canary_in_code"
AUDIT = Path(__file__).parent / "audit"


@pytest.fixture(scope="module")
def audited(servers: Path) -> Iterator[tuple[Server, Path]]:
    """A server that writes down what it executes."""
    folder = servers / "audited"
    folder.mkdir()
    server = Server(folder / "home", port="0")
    path = os.pathsep.join(filter(None, [str(AUDIT), os.environ.get("PYTHONPATH")]))
    server.environ |= {"AUDIT": str(folder / "audit"), "PYTHONPATH": path}
    with serving(server):
        yield server, folder / "audit"


class Canary:
    """Unpickling it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (os.mkdir, (str(self.path),))


class TestServer:
    def test_it_runs_nothing_itself(self, audited: tuple[Server, Path], tmp_path: Path) -> None:
        """S15: a whole job, uploads and hostile models; then what the server did is read."""
        server, audit = audited
        with Wire(server, server.token) as wire:
            tree = wire.upload_tree({"m.pkl": pickle.dumps(Canary(tmp_path / "x")), "a.py": b"1"})
            model = {"name": "m", "path": f"tree:{tree}", "type": "custom_model"}
            assert wire.ask("POST", f"{W}/models", model).status == 201
            for spec in hostile_specs(MARK):
                wire.ask("POST", f"{W}/jobs/validate", spec)
            assert wire.run("python a.py", code=f"tree:{tree}")["status"] == "Completed"
            failed = wire.run("exit 3")
            assert failed["status"] == "Failed"
        events = [line.split("\t") for line in audit.read_text().splitlines()]
        started = [line for line in events if line[0] in ("subprocess.Popen", "os.posix_spawn")]
        assert started, "the hook saw no process, so it saw nothing"
        assert [line for line in events if not allowed(line)] == []
        assert not (tmp_path / "x").exists()

    def test_the_hook_sees_what_it_must(self, tmp_path: Path) -> None:
        """The audit above is worth as much as this."""
        target = tmp_path / "audit"
        code = (
            "import pickle, collections, marshal, os; os.system('true'); exec('1');"
            "pickle.loads(pickle.dumps(collections.OrderedDict())); "
            "marshal.loads(marshal.dumps(1))"
        )
        environ = {**os.environ, "AUDIT": str(target), "PYTHONPATH": str(AUDIT)}
        subprocess.run([sys.executable, "-c", code], env=environ, check=True)
        seen = {line.partition("\t")[0] for line in target.read_text().splitlines()}
        assert {"pickle.find_class", "marshal.loads", "exec", "os.system"} <= seen


class TestModel:
    def test_it_is_bytes(self, owner: Wire, tmp_path: Path) -> None:
        """S16: registered, listed, shown, fetched, given to a job; and not once loaded."""
        canary = tmp_path / "loaded"
        data = pickle.dumps(Canary(canary))
        tree = owner.upload_tree(
            {"model.pkl": data, "MLmodel": b"loader: !!python/name:os.system"}
        )
        model = {"name": "bad", "path": f"tree:{tree}", "type": "custom_model"}
        assert owner.ask("POST", f"{W}/models", model).status == 201
        for target in ("models", "models/bad", "models/bad/versions/1", f"blobs/{digest(data)}"):
            assert owner.get(f"{W}/{target}").status == 200
        assert owner.get(f"{W}/blobs/{digest(data)}").body == data
        given = {"m": {"type": "custom_model", "path": "azureml:bad:1"}}
        assert owner.run("ls ${{inputs.m}}", inputs=given)["status"] == "Completed"
        assert not canary.exists()

    def test_a_job_may_load_it(self, owner: Wire, tmp_path: Path) -> None:
        """The canary above would sing."""
        tree = owner.upload_tree({"model.pkl": pickle.dumps(Canary(tmp_path / "loaded"))})
        load = "import pickle,sys; pickle.load(open(sys.argv[1],'rb'))"
        given = {"m": {"type": "custom_model", "path": f"tree:{tree}"}}
        owner.run(f'python -c "{load}" ${{{{inputs.m}}}}/model.pkl', inputs=given)
        assert (tmp_path / "loaded").exists()


class TestText:
    ATTACKS = (
        "$(touch {0})",
        "`touch {0}`",
        "; touch {0}",
        "x\ntouch {0}\n",
        "| touch {0}",
        "&& touch {0}",
        "' ; touch {0} ; '",
        '" ; touch {0} ; "',
        "--upload-pack=touch {0}",
        "ext::sh -c touch% {0}",
        "-c core.sshCommand='touch {0}'",
        "{{{{ ''.__class__.__mro__[1].__subclasses__() }}}} $(touch {0})",
    )

    @pytest.mark.parametrize(
        "attack", [*ATTACKS[:1], *(pytest.param(a, marks=pytest.mark.slow) for a in ATTACKS[1:])]
    )
    def test_nothing_runs_but_the_command(self, owner: Wire, tmp_path: Path, attack: str) -> None:
        """S21: in every string of a job, an environment, data, a model, a component."""
        canary = tmp_path / "ran"
        text = attack.format(canary)
        names: list[str] = []
        for spec in hostile_specs(text):
            got = owner.ask("POST", f"{W}/jobs", spec)
            assert got.status in (201, 400, 404, 409, 422, 424, 501), got.body
            names += [got.json["name"]] if got.status == 201 else []
        for kind in ("environments", "data", "models", "components"):
            for body in assets(text):
                got = owner.ask("POST", f"{W}/{kind}", body)
                assert got.status < 500 or got.code == "Unsupported", got.body
        assert len(names) >= 3, "too little was accepted to prove anything"
        for name in names:
            owner.wait(name)
        assert not canary.exists()

    @pytest.mark.parametrize("text", ["$(id)", "`id`", "; id", "a'b\"c", "$HOME", "x\ny", "*"])
    def test_values_arrive_as_they_are(self, owner: Wire, text: str) -> None:
        got = owner.run(
            "printf '%s' \"${{inputs.a}}\"; printf '%s' \"$B\"",
            inputs={"a": text},
            environment_variables={"B": text},
        )
        assert owner.log(got["name"]) == text + text

    @pytest.mark.parametrize(
        "text",
        [
            "$LAZUR_TEST_CANARY",
            "${DATABASE_PASSWORD}",
            "{{ env.PGPASSWORD }}",
            "%PATH%",
            "~",
            "$$",
        ],
    )
    def test_nothing_is_expanded_by_the_server(self, owner: Wire, text: str) -> None:
        """S49: what is written is what is kept, shown, and handed to the job."""
        name = owner.submit(
            'printf \'%s|\' "${{inputs.a}}" "$B"',
            display_name=text,
            description=text,
            tags={"t": text},
            properties={"p": text},
            environment_variables={"B": text},
            inputs={"a": text},
        )
        view = owner.wait(name)
        kept = [view["display_name"], view["description"], view["tags"]["t"]]
        kept += [view["properties"]["p"], view["environment_variables"]["B"]]
        assert kept == [text] * 5
        assert owner.log(name) == f"{text}|{text}|"

    @pytest.mark.parametrize(
        "expression",
        [
            "${{ __class__ }}",
            "${{inputs.__class__}}",
            "${{inputs.a.__class__.__mro__}}",
            "${{" * 10_000,
            "${{ 7*7 }}",
            "$[[${{inputs.__class__}}]] $[[${{inputs.a" + "]]" * 10_000,
            "${{inputs" + ".a" * 10_000 + "}}",
        ],
        ids=["class", "input", "attributes", "open", "sum", "nested", "long"],
    )
    def test_expressions_are_not_evaluated(self, caller: Wire, expression: str) -> None:
        """S22."""
        spec = {"type": "command", "environment": ENVIRONMENT, "inputs": {"a": "1"}}
        got = caller.ask("POST", f"{W}/jobs/validate", {**spec, "command": expression})
        assert got.status == 422, got.body


class TestJob:
    def test_it_sees_nothing_of_the_server(self, owner: Wire, running: Server) -> None:
        """S50: variables, and descriptors that the server has open."""
        name = owner.run("env -0 | tr '\\0' '\\n'; ls -l /proc/self/fd")["name"]
        log = owner.log(name)
        assert "LAZUR_JOB=" in log
        for variable, canary in CANARIES.items():
            assert variable not in log
            assert canary not in log
        assert "lazur.db" not in log
        assert "socket:" not in log

    def test_its_token_is_good_for_itself_alone(self, owner: Wire, running: Server) -> None:
        sibling = owner.submit("true")
        name = owner.submit("printf '%s' \"$LAZUR_TOKEN\"; sleep 60")
        assert until(lambda: owner.log(name).startswith("lzj_"))
        with Wire(running, owner.log(name)) as own:
            assert own.get(f"{W}/jobs/{name}").status == 200
            listed = own.get(f"{W}/jobs").json["value"]
            assert [job["name"] for job in listed] == [name]
            for target in ("", "/files", "/history", "/events", "/files/user_logs/std_log.txt"):
                unknown = own.get(f"{W}/jobs/no_such_job{target}")
                theirs = own.get(f"{W}/jobs/{sibling}{target}")
                assert theirs.status == unknown.status == 404
            for method, target in (
                ("POST", f"{W}/jobs"),
                ("POST", f"{W}/jobs/{name}/cancel"),
                ("PATCH", f"{W}/jobs/{name}"),
                ("POST", f"{W}/data"),
                ("POST", f"{W}/blobs"),
                ("POST", "/api/v1/tokens"),
                ("POST", "/api/v1/sign-in-codes"),
                ("POST", "/api/v1/workspaces"),
                ("DELETE", W),
                ("GET", f"{W}/environments"),
                ("GET", f"{W}/builds"),
                ("GET", f"{W}/computes"),
            ):
                got = own.ask(
                    method, target, {"name": "x", "type": "uri_file", "path": "https://h/x"}
                )
                assert got.status in (400, 403), (method, target, got.body)
            owner.ask("POST", f"{W}/jobs/{name}/cancel")
            owner.wait(name)
            assert until(lambda: own.get(f"{W}/jobs/{name}").status == 401)

    def test_changed_code_does_not_run(self, owner: Wire, running: Server, tmp_path: Path) -> None:
        """S50: one byte of the stored snapshot."""
        code = f"open({str(tmp_path / 'ran')!r}, 'w')  # {tmp_path}\n".encode()
        tree = owner.upload_tree({"main.py": code})
        blob = running.home / "blobs" / digest(code)[:2] / digest(code)
        blob.chmod(0o600)
        blob.write_bytes(code[:-2] + b"!\n")
        ended = owner.run("python main.py", code=f"tree:{tree}")
        assert ended["status"] == "Failed"
        assert ended["error"]["code"] == "InputUnavailable"
        assert not (tmp_path / "ran").exists()


def allowed(line: list[str]) -> bool:
    event, what, who = line
    if event in ("subprocess.Popen", "os.posix_spawn", "os.exec"):
        return any(module in who for module in MAY_RUN)
    # Libraries make classes from text, annotations are text that becomes types, and SQLAlchemy
    # makes a function for the rows of a query: all of it text of the code's own.
    makers = ("dataclasses", "inspect", "sqlalchemy")
    own = "importlib._bootstrap" in who or who.startswith(makers)
    return event == "exec" and own and MARK not in what


def hostile_specs(text: str) -> Iterator[dict[str, Any]]:
    spec: dict[str, Any] = {"type": "command", "command": "true", "environment": ENVIRONMENT}
    yield {
        **spec,
        "display_name": text,
        "description": text,
        "tags": {"t": text},
        "properties": {"p": text},
        "environment_variables": {"V": text},
    }
    yield {**spec, "command": "printf %s ${{inputs.a}}", "inputs": {"a": text}}
    yield {**spec, "command": "printf %s '${{inputs.a}}'", "inputs": {"a": text}}
    yield {**spec, "command": 'printf %s "${{inputs.a}}"', "inputs": {"a": text}}
    yield {
        **spec,
        "outputs": {"x": {"path": f"azureml://datastores/workspaceblobstore/paths/{text}"}},
    }
    yield {**spec, "inputs": {"x": {"path": f"https://127.0.0.1:9/{text}", "type": "uri_file"}}}
    for field in ("name", "experiment_name", "compute", "code", "environment"):
        yield {**spec, field: text}
    yield {**spec, "code": f"git+https://example.org/x@{text}"}
    yield {**spec, "environment_variables": {text: "x"}}
    yield {**spec, "environment": {"image": text}}
    for packages in ([text], [f"numpy {text}"], [{"pip": [text]}], [f"python={text}"]):
        conda = {"name": text, "channels": [text], "dependencies": packages}
        yield {**spec, "environment": {"image": "python", "conda_file": conda}}


def assets(text: str) -> Iterator[dict[str, Any]]:
    for path in (text, f"https://127.0.0.1:9/{text}", f"git+https://example.org/{text}"):
        yield {"name": "odd", "path": path, "type": "uri_file", "description": text}
    yield {"name": "odd", "image": text}
    yield {"name": text, "image": "python", "conda_file": {"dependencies": [text]}}
    yield {"name": "odd", "type": "command", "command": text, "environment": text}
