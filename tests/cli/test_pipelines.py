from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.conftest import Cli

PYTHON = {"image": "python:3.11"}


def _pipeline(lazur: Cli, broken: str = "exit 3") -> str:
    # The server is shared by all tests: what another one ran is not to be found again.
    make = f"seq ${{{{inputs.rows}}}} > ${{{{outputs.table}}}}/rows # {lazur.folder.name}"
    spec = {
        "type": "pipeline",
        "inputs": {"rows": 3},
        "outputs": {"late": {"type": "uri_folder"}},
        "jobs": {
            "make": {
                "command": make,
                "environment": PYTHON,
                "inputs": {"rows": "${{parent.inputs.rows}}"},
                "outputs": {"table": {"type": "uri_folder"}},
            },
            "count": {
                "command": "wc -l < ${{inputs.table}}/rows",
                "environment": PYTHON,
                "inputs": {"table": "${{parent.jobs.make.outputs.table}}"},
            },
            "broken": {
                "command": f"echo looking; {broken}",
                "environment": PYTHON,
                "depends_on": ["make"],
            },
            "after": {
                "command": "true",
                "environment": PYTHON,
                "depends_on": ["broken"],
                "outputs": {"o": "${{parent.outputs.late}}"},
            },
        },
    }
    (lazur.folder / "p.yml").write_text(json.dumps(spec))
    return "p.yml"


class TestPipelines:
    def test_from_the_plan_to_the_second_try(self, lazur: Cli) -> None:
        file = _pipeline(lazur)
        planned = lazur("job", "create", "-f", file, "--plan")
        assert planned.code == 0, planned.err
        assert "nothing like it has run here before" in planned.out
        assert "its inputs come of make, which runs" in planned.out
        assert lazur.ok("job", "list", "--experiment-name", lazur.folder.name) == []

        done = lazur("job", "create", "-f", file, "--set", "name=first", "--stream", "--logs")
        assert done.code == 1
        assert "count | 3\n" in done.out
        assert "broken | looking\n" in done.out
        assert "4 steps: 2 completed, 1 failed, 1 not run" in done.out
        assert "step broken failed" in done.err

        again = lazur.ok("job", "create", "-f", file, "--plan", "-o", "json")
        will = {step["name"]: (step["will"], step["reused_from"]) for step in again["steps"]}
        assert will["make"] == ("reuse", "first_make")
        assert will["count"] == ("reuse", "first_count")
        assert will["broken"][0] == "run"

        shown = lazur("job", "show", "-n", "first", "-o", "table").out
        assert "├─ make" in shown
        assert "a step that it needs did not end well" in shown
        tree = lazur("job", "list", "--tree", "-o", "table").out
        assert "├─ first_make" in tree

        late = lazur("job", "download", "-n", "first", "--output-name", "late")
        assert late.code != 0
        assert "Output 'late' of job first was not made: the job is Failed." in late.err

        tried = lazur("job", "retry", "-n", "first", "--stream")
        assert tried.code == 1
        assert "done before, by first_make" in tried.out
        assert "        | looking" in tried.out

    def test_a_step_that_was_done_before_shows_the_log_of_then(self, lazur: Cli) -> None:
        step = {"command": "echo once $RANDOM", "environment": {"image": "python:3.11"}}
        (lazur.folder / "p.yml").write_text(json.dumps({"type": "pipeline", "jobs": {"a": step}}))
        for name in ("then", "now"):
            lazur("job", "create", "-f", "p.yml", "--set", f"name={name}", "--stream")
        then, now = (lazur("job", "stream", "-n", f"{name}_a") for name in ("then", "now"))
        assert now.out == then.out
        assert now.out.startswith("once ")
        assert now.err == "now_a: Completed, done before by then_a\n"

    def test_a_graph_of_a_file_and_of_a_job(self, lazur: Cli) -> None:
        file = _pipeline(lazur, broken="true")
        drawn = lazur("job", "graph", "-f", file)
        assert drawn.out.startswith("flowchart LR\n")
        assert '-->|"table"|' in drawn.out
        lazur("job", "create", "-f", file, "--set", "name=drawn", "--stream")
        assert "make<br/>Completed" in lazur("job", "graph", "-n", "drawn").out
        assert lazur("job", "graph").code == 1

    def test_a_graph_shows_the_pipelines_within(self, lazur: Cli) -> None:
        leaf = {"command": "true", "environment": {"image": "python:3.11"}}
        spec = {"type": "pipeline", "name": "deep", "jobs": {"p": {"jobs": {"x": leaf}}}}
        (lazur.folder / "deep.yml").write_text(json.dumps(spec))
        lazur("job", "create", "-f", "deep.yml", "--stream")
        drawn = lazur("job", "graph", "-n", "deep").out
        assert 'subgraph s0["p<br/>Completed"]' in drawn
        assert 's0_0["x<br/>Completed"]' in drawn

    def test_a_mistake_is_shown_in_the_file_of_the_component(self, lazur: Cli) -> None:
        (lazur.folder / "c.yml").write_text(
            "type: command\ncommand: echo ${{inputs.b}}\nenvironment: {image: 'python:3.11'}\n"
        )
        (lazur.folder / "p.yml").write_text("type: pipeline\njobs:\n  one: {component: ./c.yml}\n")
        done = lazur("job", "validate", "-f", "p.yml")
        assert done.code == 1
        assert "c.yml:2:" in done.err

    def test_so_is_one_in_a_component_of_a_pipeline_that_is_a_component(self, lazur: Cli) -> None:
        (lazur.folder / "c.yml").write_text(
            "type: command\ncommand: ls\nenvironment: azureml:no@latest\n"
        )
        (lazur.folder / "inner.yml").write_text(
            "type: pipeline\njobs:\n  one:\n    component: ./c.yml\n"
        )
        (lazur.folder / "p.yml").write_text("type: pipeline\ncomponent: inner.yml\n")
        done = lazur("job", "validate", "-f", "p.yml")
        assert done.code == 1
        assert "c.yml:3:" in done.err
        assert "1 problem in" in done.err

    def test_code_that_was_never_sent_is_counted_and_its_change_told(self, lazur: Cli) -> None:
        (lazur.folder / "src").mkdir()
        (lazur.folder / "src" / "a.py").write_text("print(14)")
        step = {"command": "python a.py", "code": "./src", "environment": PYTHON}
        (lazur.folder / "p.yml").write_text(
            json.dumps({"type": "pipeline", "name": "coded", "jobs": {"a": step}})
        )
        plan = lazur.ok("job", "create", "-f", "p.yml", "--plan", "-o", "json")
        assert plan["upload"] == {"files": 1, "bytes": 9}
        assert plan["steps"][0]["why"] == "nothing like it has run here before"
        lazur.ok("job", "create", "-f", "p.yml", "--stream", "-o", "json")
        (lazur.folder / "src" / "a.py").write_text("print(22)")
        (lazur.folder / "src" / "c.py").write_text("# 4")
        again = lazur.ok("job", "create", "-f", "p.yml", "--plan", "-o", "json")
        assert again["upload"] == {"files": 2, "bytes": 12}
        assert again["steps"][0]["why"] == ("code/a.py changed, code/c.py is new (since coded_a)")

    def test_so_are_data_of_the_pipeline(self, lazur: Cli) -> None:
        (lazur.folder / "data").mkdir()
        (lazur.folder / "data" / "new").write_text(f"nobody has {lazur.folder}")
        bound = {"x": "${{parent.inputs.data}}"}
        step = {"command": "ls ${{inputs.x}}", "environment": PYTHON, "inputs": bound}
        items = {"type": "parallel_for", "body": "b", "items": [{}]}
        spec = {
            "type": "pipeline",
            "inputs": {"data": {"type": "uri_folder", "path": "./data"}},
            "jobs": {"a": step, "l": items, "b": {**step, "command": "cat ${{inputs.x}}/*"}},
        }
        (lazur.folder / "p.yml").write_text(json.dumps(spec))
        plan = lazur.ok("job", "create", "-f", "p.yml", "--plan", "-o", "json")
        assert plan["upload"]["files"] == 1
        why = {one["name"]: one["why"] for one in plan["steps"]}
        assert why["a"] == why["b.0"] == "nothing like it has run here before"

    def test_nobody_can_tell_of_a_build_that_was_not_sent(self, lazur: Cli) -> None:
        (lazur.folder / "image").mkdir()
        docker = lazur.folder / "image" / "Dockerfile"
        docker.write_text("FROM python:3.11\n")
        made = {"o": {"type": "uri_folder"}}
        build = {"build": {"path": "./image"}}
        step = {"command": f"echo {lazur.folder.name}", "environment": build, "outputs": made}
        bound = {"x": "${{parent.jobs.a.outputs.o}}"}
        last = {"command": "ls ${{inputs.x}}", "environment": PYTHON, "inputs": bound}
        (lazur.folder / "p.yml").write_text(
            json.dumps({"type": "pipeline", "name": "builds", "jobs": {"a": step, "b": last}})
        )
        lazur.ok("job", "create", "-f", "p.yml", "--stream", "-o", "json")
        docker.write_text(f"FROM python:3.11\n# {lazur.folder}\n")
        plan = lazur.ok("job", "create", "-f", "p.yml", "--plan", "-o", "json")
        assert {one["name"]: (one["will"], one["why"]) for one in plan["steps"]} == {
            "a": ("maybe", "what its environment is built from is not on the server yet"),
            "b": ("maybe", "it depends on what a gives"),
        }
        assert {"name": "inline", "state": "missing", "build": True} in plan["environments"]

    @pytest.mark.parametrize(
        "written",
        [
            ["python"],
            {"build": "./image"},
            {"build": ["image"]},
            {"image": "python:3.11", "environment_variables": ["A=1"]},
        ],
    )
    def test_an_environment_of_another_shape_is_told_where_it_is(
        self, lazur: Cli, written: Any
    ) -> None:
        step = {"command": "true", "environment": written}
        (lazur.folder / "p.yml").write_text(json.dumps({"type": "pipeline", "jobs": {"a": step}}))
        for what in (("--plan",), ()):
            done = lazur("job", "create", "-f", "p.yml", *what)
            assert done.code == 1
            assert "p.yml:1:" in done.err, done.err
            assert "incident" not in done.err
