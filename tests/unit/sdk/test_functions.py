# pyright: reportInvalidTypeForm=false
from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Optional

import pytest

import lazur
from lazur import Output
from lazur.errors import Invalid
from lazur.kinds import catalog

MODULE = """
import lazur
from lazur import Output

@lazur.dsl.group
class Found:
    rows: int = 0
    share: float
    said: str
    good: bool = None

@lazur.command_component(environment={"image": "python:3.11"})
def look(n: int, rate=0.5) -> Found:
    return Found(rows=n + 1, share=rate, said="it's", good=n > 3)

@lazur.command_component(environment={"image": "python:3.11"})
def count(n: int) -> int:
    return n + 1 if n else "nothing"

@lazur.command_component(environment={"image": "python:3.11"})
def write(n: int) -> Output(type="uri_folder"):
    with open("mine.txt", "w") as file:
        file.write(str(n))
    return "mine.txt"
"""


@lazur.dsl.group
class Found:
    rows: int = 0
    share: float
    said: str
    good: bool = False


class Pair(NamedTuple):
    first: int
    second: Output(type="uri_file")


@dataclass
class One:
    again: Output(type="boolean", is_control=True)


def look(n: int, rate=0.5) -> Found: ...
def count(n: int) -> int: ...
def write(n: int) -> Output(type="uri_folder"): ...
def noted() -> Annotated[float, "how good it is"]: ...
def pair() -> Pair: ...
def perhaps(n: int | None = None, x: Optional[float] = None) -> None: ...  # noqa: UP045
def steers() -> One: ...
def nothing() -> None: ...
def a_list() -> list[int]: ...
def twice(output: Output(type="uri_folder")) -> int: ...


def component(func: Callable[..., Any]) -> Any:
    return lazur.command_component(environment={"image": "python:3.11"})(func)


class TestReturns:
    @pytest.mark.parametrize(
        "func, outputs",
        [
            (count, {"output": {"type": "integer"}}),
            (write, {"output": {"type": "uri_folder"}}),
            (noted, {"output": {"type": "number", "description": "how good it is"}}),
            (pair, {"first": {"type": "integer"}, "second": {"type": "uri_file"}}),
            (steers, {"again": {"type": "boolean", "is_control": True}}),
            (nothing, {}),
        ],
    )
    def test_are_outputs(self, func: Callable[..., Any], outputs: dict[str, Any]) -> None:
        made = component(func)
        assert made.outputs == outputs
        assert catalog.validate("command-component", made.to_spec())[1] == []

    def test_what_cannot_be_one_is_told(self) -> None:
        with pytest.raises(Invalid, match=r"'a_list' returns cannot be an output: list\[int\]"):
            component(a_list)
        with pytest.raises(Invalid, match="'twice' has a parameter 'output'"):
            component(twice)

    def test_bind_to_other_steps(self) -> None:
        first, then = component(look), component(count)

        @lazur.pipeline
        def whole() -> None:
            found = first(n=1)
            then(n=found.outputs.rows)

        spec = whole().to_spec()
        assert spec["jobs"]["count"]["inputs"] == {"n": "${{parent.jobs.found.outputs.rows}}"}
        problems = catalog.validate("pipeline-job", spec)[1]
        assert [one.render() for one in problems if one.severity == "error"] == []

    def test_where_it_runs(self) -> None:
        bare = {"image": f"python:{sys.version_info.major}.{sys.version_info.minor}"}
        assert lazur.command_component(nothing).extra["environment"] == bare
        conda = lazur.command_component(environment="./conda.yml")(nothing).extra["environment"]
        assert conda == {**bare, "conda_file": str(Path(__file__).parent / "conda.yml")}
        named = lazur.command_component(environment="mine@latest")(nothing).extra["environment"]
        assert named == "azureml:mine@latest"

    def test_what_may_be_none_has_the_type_that_it_has_else(self) -> None:
        inputs = component(perhaps).inputs
        assert inputs["n"] == {"type": "integer", "optional": True}
        assert inputs["x"] == {"type": "number", "optional": True}

    def test_a_default_says_what_type_it_is(self) -> None:
        assert component(look).inputs["rate"] == {"type": "number", "default": 0.5}


@pytest.mark.parametrize("where", ["-I -S", ""], ids=["without lazur", "with it"])
class TestRuns:
    def test_fields_of_a_class_are_kept(self, tmp_path: Path, where: str) -> None:
        ran = _run(component(look), tmp_path, where, n="4", rate="0.25")
        assert ran.returncode == 0, ran.stderr
        kept = [(tmp_path / name).read_text() for name in ("rows", "share", "said", "good")]
        assert kept == ["5", "0.25", "it's", "true"]

    def test_a_value_is_kept(self, tmp_path: Path, where: str) -> None:
        assert _run(component(count), tmp_path, where, n="4").returncode == 0
        assert (tmp_path / "output").read_text() == "5"

    def test_what_lies_at_a_path_is_kept(self, tmp_path: Path, where: str) -> None:
        (tmp_path / "output").mkdir()
        assert _run(component(write), tmp_path, where, n="4").returncode == 0
        assert (tmp_path / "output" / "mine.txt").read_text() == "4"

    def test_a_value_of_another_type_is_told(self, tmp_path: Path, where: str) -> None:
        ran = _run(component(count), tmp_path, where, n="0")
        assert ran.returncode == 1
        assert "count of mine.py returned 'nothing' for its output output" in ran.stderr


def _run(made: Any, folder: Path, where: str, **inputs: str) -> subprocess.CompletedProcess[str]:
    """As in a job, in a folder with the module, which is also where its outputs go."""
    (folder / "mine.py").write_text(MODULE)
    command = made.extra["command"].replace(f" {Path(__file__).stem} ", " mine ")
    command = command.replace("python -c", f"{sys.executable} {where} -c", 1)
    for key, value in inputs.items():
        command = command.replace(f"${{{{inputs.{key}}}}}", value)
    for key in made.outputs:
        command = command.replace(f"${{{{outputs.{key}}}}}", str(folder / key))
    return subprocess.run(
        command, shell=True, cwd=folder, capture_output=True, text=True, check=False
    )
