"""The documentation is true: what it shows can be done, and what can be done is in it."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from knack.events import EVENT_INVOKER_POST_PARSE_ARGS

import lazur
from lazur.cli import nouns
from lazur.cli.app import App
from lazur.engine.contracts import Backend
from lazur.engine.states import State
from lazur.kinds import catalog
from lazur.kinds.jobs.command import CommandJob
from lazur.sdk.client import Client
from lazur.spec import yaml
from lazur.testing.backends import BackendContract
from tools import tables

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "examples" / "README.md", *sorted(DOCS.glob("**/*.md"))]
EXAMPLES = sorted((ROOT / "examples").glob("*/job.yml"))
LAZUR = [sys.executable, "-m", "lazur.cli"]
UV = [sys.executable, "-m", "uv"]
_FENCE = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
_MENTION = re.compile(r"`(lazur(?: [^`]+)?)`")


@dataclass(frozen=True)
class Block:
    page: str
    line: int
    language: str
    title: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(language: str) -> list[Block]:
    return [block for page in PAGES for block in _blocks(page) if block.language == language]


def _blocks(page: Path) -> Iterator[Block]:
    text = page.read_text()
    for found in _FENCE.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        yield Block(page.name, line, found[1], found[2] or "", found[3])


def shell_lines() -> list[str]:
    """Every `lazur …` that a page tells people to type, in blocks and in running text."""
    typed = [line.removeprefix("$ ") for b in blocks("console") for line in b.text.splitlines()]
    mentioned = [m for page in PAGES for m in _MENTION.findall(page.read_text())]
    candidates = {line.partition(" # ")[0].strip() for line in [*typed, *mentioned]}
    plain = {re.sub(r"^(?:[A-Z_]+=\S+ )+", "", line) for line in candidates}
    return sorted(line for line in plain if re.match(r"lazur [a-z]", line) and "<" not in line)


def commands() -> dict[str, object]:
    """Every command of the program."""
    modules = [nouns.module(noun) for noun in (*nouns.GROUPS, *nouns.SINGLE)]
    return {name: module for module in modules for name in module.COMMANDS}


class _Parsed(BaseException):
    """The command line was understood; nothing is to be done about it here."""


def _stop(*_: object, **__: object) -> None:
    raise _Parsed


class TestYaml:
    @pytest.mark.parametrize("block", blocks("yaml"), ids=str)
    def test_what_is_shown_is_accepted(self, block: Block) -> None:
        document = yaml.load(block.text, block.title or str(block))
        if block.title.startswith("conda"):
            return
        _, model, diagnostics = catalog.load_document(document)
        assert model is not None, diagnostics
        assert not [d for d in diagnostics if d.severity == "error"]

    def test_every_field_of_a_command_job_is_explained(self) -> None:
        page = (DOCS / "jobs.md").read_text()
        by_the_server = {"id", "creation_context", "status"}
        for field in set(CommandJob.model_fields) - by_the_server:
            assert f"`{field}`" in page, field

    def test_every_state_is_explained(self) -> None:
        page = (DOCS / "jobs.md").read_text()
        assert [state for state in State if f"`{state}`" not in page] == []


class TestCommandLine:
    @pytest.mark.parametrize("line", shell_lines())
    def test_what_is_shown_can_be_typed(self, line: str) -> None:
        words = shlex.split(line)[1:]
        if " ".join(words) in {*commands(), *nouns.GROUPS}:
            return
        app = App()
        app.register_event(EVENT_INVOKER_POST_PARSE_ARGS, _stop)
        with pytest.raises(_Parsed):
            app.invoke(words)

    def test_every_command_is_documented(self) -> None:
        page = (DOCS / "cli.md").read_text()
        shared = ("data", "model", "component")
        own = [name for name in commands() if name.split()[0] not in shared]
        assert [name for name in own if f"`lazur {name}" not in page] == []


class TestPython:
    @pytest.mark.parametrize("block", blocks("python"), ids=str)
    def test_names_that_are_used_exist(self, block: Block) -> None:
        for node in ast.walk(ast.parse(block.text)):
            match node:
                case ast.ImportFrom(module="lazur", names=names):
                    assert all(hasattr(lazur, alias.name) for alias in names)
                case ast.Attribute(value=ast.Name(id="lazur"), attr=name):
                    assert hasattr(lazur, name), name
                case ast.Attribute(
                    value=ast.Attribute(value=ast.Name(id="client"), attr=room), attr=name
                ):
                    offered = getattr(Client, room)
                    cls = getattr(offered, "func", None) or offered.fget
                    returned = cls.__annotations__["return"]
                    module = import_module(Client.__module__)
                    assert hasattr(getattr(module, returned), name), f"{room}.{name}"


class TestBackendGuide(BackendContract):
    """The backend that contributing/adding-a-backend.md shows, held to the contract."""

    pytestmark = pytest.mark.slow

    @pytest.fixture
    def backend(self, tmp_path: Path) -> Backend:
        start = tmp_path / "start"
        start.write_text('#!/bin/sh\nsetsid "$@" </dev/null >/dev/null 2>&1 &\n')
        start.chmod(0o755)
        return _shown_backend()({"argv": [str(start)]})


@cache
def _shown_backend() -> type[Backend]:
    shown = _blocks(ROOT / "contributing" / "adding-a-backend.md")
    code = next(block.text for block in shown if block.title.endswith("backends/launcher.py"))
    module = ModuleType("launcher")
    exec(compile(code, "adding-a-backend.md", "exec"), vars(module))
    return module.Launcher


class TestTables:
    @pytest.mark.parametrize("name", tables.TABLES)
    def test_they_are_what_the_code_says(self, name: str) -> None:
        page, table = tables.TABLES[name]
        assert table() in (DOCS / page).read_text()


class TestExamples:
    @pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.parent.name)
    def test_they_are_valid(self, path: Path) -> None:
        document = yaml.load(path.read_text(), str(path.relative_to(ROOT)))
        _, model, diagnostics = catalog.load_document(document, "job")
        assert isinstance(model, CommandJob)
        assert diagnostics == []
        assert (path.parent / str(model.code)).is_dir()

    def test_each_has_a_line_in_the_readme(self) -> None:
        listed = (ROOT / "examples" / "README.md").read_text()
        assert [p for p in EXAMPLES if f"({p.parent.name}/job.yml)" not in listed] == []


class TestExamplesRun:
    """As a person would: the program, a server that starts by itself, real processes."""

    pytestmark = pytest.mark.slow

    @pytest.fixture(scope="class")
    @classmethod
    def environ(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
        environ = {**os.environ, "LAZUR_HOME": str(tmp_path_factory.mktemp("examples") / "home")}
        yield environ
        subprocess.run([*LAZUR, "server", "stop"], env=environ, check=True)

    def run(self, name: str, environ: dict[str, str]) -> tuple[int, str, dict[str, Any]]:
        create = ["job", "create", "-f", f"examples/{name}/job.yml", "--name", name, "--stream"]
        done = subprocess.run(
            [*LAZUR, *create], env=environ, cwd=ROOT, check=False, text=True, capture_output=True
        )
        show = [*LAZUR, "job", "show", "-n", name]
        shown = subprocess.run(show, env=environ, check=True, capture_output=True)
        return done.returncode, done.stdout, json.loads(shown.stdout)

    def test_hello_greets(self, environ: dict[str, str]) -> None:
        code, log, job = self.run("hello", environ)
        assert (code, log, job["status"]) == (0, "Hello, world!\n", "Completed")

    def test_distributed_places_each_process(self, environ: dict[str, str]) -> None:
        code, log, _ = self.run("distributed", environ)
        assert code == 0
        assert log.startswith("RANK=0 LOCAL_RANK=0 WORLD_SIZE=4 NODE_RANK=0 MASTER_ADDR=")

    def test_failing_says_why(self, environ: dict[str, str]) -> None:
        code, _, job = self.run("failing", environ)
        assert code == 1
        assert job["error"]["code"] == "ModuleMissing"
        assert job["error"]["hint"].startswith("Add matplotlib to the conda.yml")

    def test_the_quick_start_works_as_written(
        self, environ: dict[str, str], tmp_path: Path
    ) -> None:
        shown = list(_blocks(DOCS / "quickstart.md"))
        for block in shown:
            if block.title:
                path = tmp_path / block.title
                path.parent.mkdir(exist_ok=True)
                path.write_text(block.text)
        create = ["job", "create", "-f", "job.yml", "--set", "inputs.rate=0.5", "--stream"]
        by_program = self.say([*LAZUR, *create], environ, tmp_path)
        assert by_program == "training with a rate of 0.5\n"
        program = next(b.text for b in shown if b.language == "python" and not b.title)
        in_python = self.say([sys.executable, "-c", program], environ, tmp_path)
        assert in_python == "training with a rate of 0.1\n"

    def say(self, argv: list[str], environ: dict[str, str], folder: Path) -> str:
        done = subprocess.run(
            argv, env=environ, cwd=folder, check=False, text=True, capture_output=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    @pytest.mark.network
    def test_train_learns(self, environ: dict[str, str]) -> None:
        code, log, job = self.run("train", environ)
        if code and job["error"]["code"] == "BuildFailed" and not _has_index():
            pytest.skip("no package index can be reached")
        assert code == 0, job["error"]
        assert "accuracy on 36 held-out flowers" in log


def _has_index() -> bool:
    resolve = [*UV, "pip", "compile", "--no-cache", "-"]
    done = subprocess.run(resolve, input=b"joblib", check=False, capture_output=True)
    return done.returncode == 0


class TestReadme:
    def test_it_says_to_try_and_to_test(self) -> None:
        text = (ROOT / "README.md").read_text()
        assert "make demo" in text
        assert "make test" in text
