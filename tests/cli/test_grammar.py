from __future__ import annotations

import inspect
import shlex
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
from knack.events import EVENT_INVOKER_POST_PARSE_ARGS

from lazur.cli import nouns
from lazur.cli.app import App
from tests.cli.conftest import Cli

MODULES = [nouns.module(noun) for noun in (*nouns.GROUPS, *nouns.SINGLE)]
COMMANDS = {name: module for module in MODULES for name in module.COMMANDS}
EXAMPLES = [
    example["text"]
    for name, module in COMMANDS.items()
    for example in module.HELP[name]["examples"]
    if example["text"].startswith("lazur ")
]


def _needs_a_name(command: str) -> bool:
    function = getattr(COMMANDS[command], COMMANDS[command].COMMANDS[command][0])
    found = inspect.signature(function).parameters.get("name")
    return found is not None and found.default is inspect.Parameter.empty


class Parsed(BaseException):
    """The command line was understood."""


def parse(words: list[str], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    got: dict[str, Any] = {}

    def stop(_: Any, **event: Any) -> None:
        got.update(vars(event["args"]))
        raise Parsed

    app = App()
    app.register_event(EVENT_INVOKER_POST_PARSE_ARGS, stop)
    monkeypatch.setattr("sys.argv", ["lazur", *words])
    with pytest.raises(Parsed):
        app.invoke(words)
    return got


class TestHelp:
    @pytest.mark.parametrize("name", COMMANDS)
    def test_every_command_has_a_summary_and_an_example(self, name: str) -> None:
        text = COMMANDS[name].HELP[name]
        assert text["short-summary"]
        assert text["examples"]

    @pytest.mark.parametrize("line", EXAMPLES)
    def test_every_example_can_be_typed(self, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
        words = list(takewhile(lambda word: word not in (">", "|"), shlex.split(line)))[1:]
        if words == ["server"] or words[:2] == ["server", "--host"]:
            words.insert(1, "run")
        parse(words, monkeypatch)

    @pytest.mark.parametrize("name", COMMANDS)
    def test_every_option_is_explained(
        self, name: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit) as done:
            App().invoke([*name.split(), "-h"])
        assert done.value.code == 0
        arguments = (
            capsys.readouterr().out.partition("Arguments\n")[2].partition("Global Arguments")[0]
        )
        options = [line for line in arguments.splitlines() if line.strip().startswith(("--", "-"))]
        assert [line for line in options if " : " not in line] == []

    @pytest.mark.parametrize("name, default", [("run list", "text to read"), ("job list", "json")])
    def test_the_form_of_answers_is_told(
        self, name: str, default: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit):
            App().invoke([*name.split(), "-h"])
        told = " ".join(capsys.readouterr().out.split())
        assert f"table, tsv, yaml, yamlc. Default: {default}." in told

    def test_of_the_whole_names_all_nouns(self, alone: Cli) -> None:
        done = alone("--help")
        assert done.code == 0
        assert [noun for noun in (*nouns.GROUPS, *nouns.SINGLE) if noun not in done.out] == []

    def test_of_a_noun_is_shown_for_the_noun_alone(self, alone: Cli) -> None:
        done = alone("job")
        assert (done.code, done.err) == (0, "")
        assert done.out == alone("job", "--help").out
        assert "show-services" in done.out

    def test_makes_no_home(self, tmp_path: Path) -> None:
        home = tmp_path / "none"
        assert Cli(home, tmp_path)("job", "create", "-h").code == 0
        assert not home.exists()


class TestParser:
    @pytest.mark.parametrize(
        "line, expected",
        [
            ("job create --f a.yml", {"file": "a.yml"}),
            ("job create -f a.yml --str", {"stream": True}),
            ("job show --n x --out tsv", {"name": "x", "_output_format": "tsv"}),
            ("job create -f a --set a=1 b=2 --set c=3", {"sets": [["a=1", "b=2"], ["c=3"]]}),
            ("JOB show -n x", {"name": "x"}),
            (
                "environment show -n e --label latest --registry azureml",
                {"registry_name": "azureml"},
            ),
            ("job download --name j --download-path p --output-name o", {"output_name": "o"}),
            ("workspace create -n w -l westeurope -g rg", {"location": "westeurope"}),
            (
                "role assignment create --assignee-object-id x --role Reader --scope /",
                {"assignee": "x", "role": "Reader", "scope": "/"},
            ),
            ("role definition list --name Reader --custom-role-only", {"name": "Reader"}),
            ("job list -o TABLE", {"_output_format": "table"}),
            (
                "server run --port 9000 --tls --database sqlite:// --role api",
                {"port": 9000, "tls": True, "database": "sqlite://", "role": "api", "host": None},
            ),
            ("server start --log-level debug", {"log_level": "debug", "insecure_bind": None}),
        ],
    )
    def test_reads_what_azures_scripts_type(
        self, line: str, expected: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        got = parse(line.split(), monkeypatch)
        assert {key: got[key] for key in expected} == expected

    @pytest.mark.parametrize(
        "line, said",
        [
            ("jobs list", "job"),
            ("job lst", "list"),
            ("role assignment lst", "list"),
            ("role assignment list --asignee x", "--assignee"),
            ("role assignment create --role x", "See: lazur role assignment create -h"),
            ("job create", "--file/-f"),
            ("job list --statsu Failed", "--status"),
            ("job list -o xml", "table"),
            ("job list --query [", "--query"),
            ("job create -f a --name", "expected one argument"),
        ],
    )
    def test_what_it_cannot_read_is_exit_code_2_in_a_few_lines(
        self, alone: Cli, line: str, said: str
    ) -> None:
        done = alone(*line.split())
        assert (done.code, done.out) == (2, "")
        assert said in done.err
        assert len(done.err.splitlines()) <= 6

    def test_errors_exclude_debug(self, alone: Cli) -> None:
        assert alone("version", "--debug", "--only-show-errors").code == 1


class TestBareNames:
    """`lazur job retry NAME` is `lazur job retry -n NAME`."""

    @pytest.mark.parametrize(
        "line, name",
        [
            ("job retry j", "j"),
            ("job show --web j", "j"),
            ("job retry J --stream", "J"),
            ("job show show-services", "show-services"),
            ("job cancel j -n j", "j"),
            ("job graph j", "j"),
            ("job graph -f pipeline.yml", None),
            ("run metrics r --metric loss", "r"),
            ("model show iris -v 3", "iris"),
            ("model list iris", "iris"),
            ("workspace show team", "team"),
            ("workspace show", None),
            ("user create bea", "bea"),
            ("group member add vision --member bea tom", "vision"),
            ("service secret list nightly", "nightly"),
        ],
    )
    def test_are_names(self, line: str, name: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
        assert parse(line.split(), monkeypatch)["name"] == name

    @pytest.mark.parametrize(
        "line, said",
        [
            ("job retry", "NAME, or --name/-n"),
            ("job show a --name b", "two names are given: a and b"),
            ("job show a b", "unrecognized arguments: b"),
            ("job create job.yml", "--file/-f"),
            ("data create iris.csv", "unrecognized arguments: iris.csv"),
        ],
    )
    def test_what_is_no_name_is_refused(self, alone: Cli, line: str, said: str) -> None:
        done = alone(*line.split())
        assert (done.code, done.out) == (2, "")
        assert said in done.err

    @pytest.mark.parametrize("command", [name for name in COMMANDS if _needs_a_name(name)])
    def test_every_command_that_needs_one_takes_it(
        self, command: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit):
            App().invoke([*command.split(), "-h"])
        assert "As --name" in capsys.readouterr().out

    def test_help_tells(self, alone: Cli) -> None:
        told = alone("job", "retry", "-h").out
        assert "NAME" in told
        assert "As --name, which need not be written. One of them is needed." in told


class TestSlips:
    @pytest.mark.parametrize(
        "line, meant",
        [
            ("job extend a --total 8", "--max-total-trials"),
            ("job extend a --timout 8", "--timeout"),
        ],
    )
    def test_the_option_that_was_meant_is_named(self, alone: Cli, line: str, meant: str) -> None:
        done = alone(*line.split())
        assert done.code == 2
        assert f"Did you mean {meant}?" in done.err

    def test_of_what_is_like_nothing_nothing_is_said(self, alone: Cli) -> None:
        assert "Did you mean" not in alone("job", "extend", "a", "--qqqqqq", "8").err


class TestOutput:
    @pytest.mark.parametrize(
        "words, out",
        [
            (("-o", "tsv", "--query", "lazur"), "0.1.0\n"),
            (("-o", "json", "--query", "lazur"), '"0.1.0"\n'),
            (("-o", "none"), ""),
            (("-o", "tsv", "--query", "[lazur, lazur]"), "0.1.0\n0.1.0\n"),
            (("-o", "table", "--query", "{Version: lazur}"), "Version\n---------\n0.1.0\n"),
            (("-o", "yaml", "--query", "{v: lazur}"), "v: 0.1.0\n"),
            (("-o", "jsonc", "--query", "{v: lazur}"), '{\n  "v": "0.1.0"\n}\n'),
            (("--query", "nothing"), ""),
        ],
    )
    def test_is_azures(self, alone: Cli, words: tuple[str, ...], out: str) -> None:
        assert alone("version", *words).out == out

    def test_is_sorted_by_key(self, alone: Cli) -> None:
        assert list(alone.ok("version")) == sorted(alone.ok("version"))

    def test_a_reader_that_has_enough_is_no_error(self, alone: Cli) -> None:
        running = alone.start("schema", "command-job")
        assert running.stdout is not None
        running.stdout.close()
        assert running.stderr is not None
        assert running.stderr.read() == ""
        running.stderr.close()
        assert running.wait(30) == 0


class TestSchema:
    def test_of_a_job_is_json_schema(self, alone: Cli) -> None:
        assert "command" in alone.ok("schema", "command-job")["properties"]

    def test_what_there_is(self, alone: Cli) -> None:
        assert "command-job" in alone.ok("schema")

    def test_a_kind_that_is_misspelt(self, alone: Cli) -> None:
        done = alone("schema", "comand-job")
        assert done.code == 3
        assert "command-job" in done.err


class TestCompletion:
    def test_is_printed_for_a_shell(self, alone: Cli) -> None:
        assert "_ARGCOMPLETE" in alone("completion", "bash").out

    @pytest.mark.parametrize(
        "line, offered",
        [
            ("lazur jo", {"job"}),
            ("lazur job show", {"show", "show-services"}),
            ("lazur job create --str", {"--stream"}),
        ],
    )
    def test_completes(self, alone: Cli, line: str, offered: set[str]) -> None:
        file = alone.folder / "offered"
        done = alone(
            _ARGCOMPLETE="1",
            COMP_LINE=line,
            COMP_POINT=str(len(line)),
            _ARGCOMPLETE_STDOUT_FILENAME=str(file),
            _ARGCOMPLETE_IFS="\n",
        )
        words = {word.strip() for word in file.read_text().split("\n")}
        assert offered <= words, done.err
