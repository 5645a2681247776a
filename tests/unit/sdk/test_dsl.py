# pyright: reportInvalidTypeForm=false
from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import lazur
from lazur import Input, Output
from lazur.errors import Invalid
from lazur.kinds import catalog
from lazur.sdk.entities import Component, Pipeline

ENVIRONMENT = {"image": "python:3.11"}


@lazur.command_component(environment=ENVIRONMENT)
def prepare(rows: int, table: Output(type="uri_folder"), seed: int | None = None):
    (Path(table) / "rows").write_text(str(rows + 1))


@lazur.command_component(environment=ENVIRONMENT)
def fit(table: Input(type="uri_folder"), model: Output(type="uri_folder"), rate: float = 0.1):
    """Fit."""


@lazur.command_component(environment=ENVIRONMENT)
def judge(again: Output(type="boolean")):
    """Decide."""


@lazur.command_component(environment=ENVIRONMENT)
def steers(again: Output(type="boolean", is_control=True)):
    """Decide."""


def count(rows: Output(type="integer"), more: int) -> None:
    Path(rows).write_text(str(more + 1))


class TestPipeline:
    def test_steps_are_called_as_their_variables(self) -> None:
        @lazur.pipeline
        def whole(rows: int) -> dict[str, Any]:
            """Small."""
            data = prepare(rows=rows)
            trained = fit(table=data.outputs.table, rate=0.5)
            fit(table=data.outputs.table)
            return {"model": trained.outputs.model}

        spec = whole(rows=3).to_spec()
        assert list(spec["jobs"]) == ["data", "trained", "fit"]
        assert (spec["inputs"], spec["description"]) == ({"rows": 3}, "Small.")
        assert spec["outputs"] == {"model": {"type": "uri_folder"}}
        assert spec["jobs"]["data"]["inputs"] == {"rows": "${{parent.inputs.rows}}"}
        bound = spec["jobs"]["trained"]
        assert bound["inputs"] == {"table": "${{parent.jobs.data.outputs.table}}", "rate": 0.5}
        assert bound["outputs"] == {"model": "${{parent.outputs.model}}"}
        assert _problems(spec) == []

    def test_a_pipeline_within_another_is_a_step(self) -> None:
        @lazur.pipeline
        def inner(table: Any) -> dict[str, Any]:
            first = fit(table=table)
            return {"model": first.outputs.model}

        @lazur.pipeline
        def outer() -> dict[str, Any]:
            data = prepare(rows=1)
            best = inner(table=data.outputs.table)
            return {"model": best.outputs.model}

        spec = outer().to_spec()
        component = spec["jobs"]["best"]["component"]
        assert component["inputs"] == {"table": {"type": "uri_folder"}}
        assert component["jobs"]["first"]["inputs"] == {"table": "${{parent.inputs.table}}"}
        assert _problems(spec) == []

    def test_what_a_step_says_over_its_component(self) -> None:
        @lazur.pipeline(force_rerun=True)
        def whole() -> None:
            data = prepare(rows=1)
            data.compute = "local"
            data.resources = lazur.JobResourceConfiguration(instance_count=1)
            data.outputs.table = Output(type="uri_folder", mode="upload")
            mended = prepare(rows=2)
            mended.on_failure = [data]

        spec = whole().to_spec()
        assert spec["settings"] == {"force_rerun": True}
        assert spec["jobs"]["data"]["resources"] == {"instance_count": 1}
        assert spec["jobs"]["data"]["outputs"] == {
            "table": {"type": "uri_folder", "mode": "upload"}
        }
        assert spec["jobs"]["mended"]["on_failure"] == ["data"]
        assert _problems(spec) == []

    def test_control_flow(self) -> None:
        @lazur.pipeline
        def whole() -> None:
            verdict = judge()
            one, other = prepare(rows=1), prepare(rows=2)
            lazur.dsl.condition(condition=verdict.outputs.again, true_block=one, false_block=other)
            body = judge()
            lazur.dsl.do_while(body=body, condition=body.outputs.again, max_iteration_count=3)
            each = prepare()
            lazur.dsl.parallel_for(body=each, items=[{"rows": 1}, {"rows": 2}])

        spec = whole().to_spec()
        found = spec["jobs"]["if_else"]
        assert found["condition"] == "${{parent.jobs.verdict.outputs.again}}"
        assert found["true_block"] == "${{parent.jobs.one}}"
        assert spec["jobs"]["do_while"]["limits"] == {"max_iteration_count": 3}
        assert spec["jobs"]["parallel_for"]["items"] == [{"rows": 1}, {"rows": 2}]
        assert _problems(spec) == []

    def test_values_are_control_outputs_as_in_yaml(self) -> None:
        """Of functions and of commands, and as they come out of a pipeline within another."""
        said = lazur.command(
            command="echo true > ${{outputs.more}}",
            environment="azureml:e:1",
            outputs={"more": Output(type="boolean", is_control=True)},
        )

        @lazur.pipeline
        def inner() -> dict[str, Any]:
            verdict, asked, other = steers(), said(), judge()
            other.outputs.again.is_control = True
            return {
                "again": verdict.outputs.again,
                "more": asked.outputs.more,
                "other": other.outputs.again,
            }

        @lazur.pipeline
        def whole() -> None:
            body = inner()
            lazur.dsl.do_while(body=body, condition=body.outputs.more, max_iteration_count=3)

        spec = whole().to_spec()
        component = spec["jobs"]["body"]["component"]
        control = {"type": "boolean", "is_control": True}
        assert component["outputs"] == {"again": control, "more": control, "other": control}
        verdict = component["jobs"]["verdict"]["component"]
        assert verdict["outputs"] == {"again": control}
        assert _problems(spec) == []
        assert catalog.validate("command-component", verdict)[1] == []

    def test_a_field_that_is_assigned_is_the_steps_as_in_yaml(self) -> None:
        """A slip of the pen is told, and not taken for a variable."""

        @lazur.pipeline
        def whole() -> None:
            data = prepare(rows=1)
            data.comment = "small"
            with pytest.raises(AttributeError, match=r"no 'comput'. Did you mean 'compute'"):
                data.comput = "local"
            data.set_limits(timeout=60)
            data.set_resources(instance_count=2, shm_size=None)
            data.set_resources(shm_size="2g")
            assert (data.comment, data.compute) == ("small", None)
            with pytest.raises(AttributeError, match="has no 'enviroment'"):
                data.enviroment  # noqa: B018 - that it can be read is the question

        data = whole().to_spec()["jobs"]["data"]
        assert data["comment"] == "small"
        assert data["limits"] == {"timeout": 60}
        assert data["resources"] == {"instance_count": 2, "shm_size": "2g"}

    def test_how_a_step_gets_its_input_is_assigned_as_in_azures_client(self) -> None:
        @lazur.pipeline
        def whole(files: Any) -> dict[str, Any]:
            data = prepare(rows=1)
            data.outputs.table.type = "mltable"
            first, second = fit(table=data.outputs.table), fit(table=files)
            first.inputs.table.mode = "eval_mount"
            second.inputs.table.mode = "download"
            second.inputs.rate = 0.5
            with pytest.raises(AttributeError, match=r"no 'moed'. Did you mean 'mode'"):
                first.inputs.table.moed = "download"
            with pytest.raises(AttributeError, match=r"no 'tabel'. Did you mean 'table'"):
                first.inputs.tabel = data.outputs.table
            with pytest.raises(AttributeError, match=r"output has no 'pth'. Did you mean 'path'"):
                data.outputs.table.pth = "azureml://elsewhere"
            return {"model": second.outputs.model}

        job = whole(files=Input(type="uri_folder", path="data"))
        job.inputs.files.path = "others"
        job.outputs.model = Output(type="uri_folder", path="azureml://datastores/d/paths/p")
        spec = job.to_spec()
        steps = spec["jobs"]
        assert steps["first"]["inputs"]["table"] == {
            "type": "mltable",
            "path": "${{parent.jobs.data.outputs.table}}",
            "mode": "eval_mount",
        }
        assert steps["second"]["inputs"] == {
            "table": {
                "type": "uri_folder",
                "path": "${{parent.inputs.files}}",
                "mode": "download",
            },
            "rate": 0.5,
        }
        assert spec["inputs"]["files"]["path"] == "others"
        assert spec["outputs"]["model"]["path"] == "azureml://datastores/d/paths/p"
        assert _problems(spec) == []

    def test_a_step_of_many_values_is_told_of_sweeps(self) -> None:
        @lazur.pipeline
        def whole(rate: Any = 1) -> None:
            trained = fit(table=Input(path="data"), rate=rate)
            trained.inputs.rate = lazur.Uniform(0, 1)

        @lazur.pipeline
        def takes(rate: Any) -> None:
            fit(table=Input(path="data"), rate=rate)

        with pytest.raises(Invalid, match="'rate' of the step 'trained' is a Uniform"):
            whole()
        with pytest.raises(Invalid, match="'rate' of the pipeline 'takes' is a Choice"):
            takes(rate=lazur.Choice([1]))

    def test_a_sweep_is_set_up_as_in_azures_client(self) -> None:
        @lazur.pipeline
        def whole() -> None:
            data = prepare(rows=1)
            fitted = fit(table=data.outputs.table, rate=lazur.Choice([0.1, 0.2]))
            best = fitted.sweep(
                primary_metric="loss",
                goal="minimize",
                compute="local",
                early_termination_policy=lazur.BanditPolicy(slack_factor=0.1),
            )
            best.set_limits(max_total_trials=4, max_concurrent_trials=2)
            best.sampling_algorithm = "grid"

        spec = whole().to_spec()
        (best,) = [step for step in spec["jobs"].values() if step["type"] == "sweep"]
        assert best["limits"] == {"max_total_trials": 4, "max_concurrent_trials": 2}
        assert (best["compute"], best["sampling_algorithm"]) == ("local", "grid")
        assert best["early_termination"]["slack_factor"] == 0.1
        assert _problems(spec) == []

    def test_a_pipeline_of_a_name_can_run_twice(self) -> None:
        @lazur.pipeline(name="small", version="2")
        def whole() -> None:
            prepare(rows=1)

        assert "name" not in whole().to_spec()

        @lazur.pipeline
        def outer() -> None:
            whole()

        component = outer().to_spec()["jobs"]["small"]["component"]
        assert (component["name"], component["version"]) == ("small", "2")

    def test_a_step_is_swept(self) -> None:
        @lazur.pipeline
        def whole() -> dict[str, Any]:
            data = prepare(rows=1)
            best = fit(table=data.outputs.table, rate=lazur.Uniform(min_value=0.1, max_value=1))
            best.sweep(primary_metric="loss", goal="minimize", max_total_trials=4)
            return {"model": best.outputs.model}

        spec = whole().to_spec()
        best = spec["jobs"]["best"]
        assert best["type"] == "sweep"
        assert best["search_space"]["rate"]["type"] == "uniform"
        assert best["inputs"] == {"table": "${{parent.jobs.data.outputs.table}}"}
        assert _problems(spec) == []

    def test_what_has_no_value_yet_decides_nothing_in_python(self) -> None:
        def tried(what: Callable[[Any], Any]) -> str:
            @lazur.pipeline
            def whole(rows: int) -> None:
                what(rows)
                prepare(rows=rows)

            with pytest.raises(Invalid, match="has no value yet") as caught:
                whole(rows=3)
            return caught.value.hint or ""

        assert "lazur.dsl.condition" in tried(lambda rows: 1 if rows else 2)
        assert "non_pipeline_inputs" in tried(lambda rows: rows == 3)
        for what in (lambda n: n + 1, lambda n: 2 * n, lambda n: n > 2, range, float, list):
            assert tried(what)

    def test_a_parameter_may_be_a_value_for_python(self) -> None:
        @lazur.pipeline(non_pipeline_inputs=["times"])
        def whole(rows: int, times: int = 1) -> None:
            for _ in range(times):
                prepare(rows=rows)

        spec = whole(rows=1, times=2).to_spec()
        assert (spec["inputs"], list(spec["jobs"])) == ({"rows": 1}, ["prepare", "prepare_1"])

    def test_inputs_in_groups(self) -> None:
        @lazur.dsl.group
        class Params:
            rows: int = 1

        @lazur.pipeline
        def whole(params: Any) -> None:
            prepare(rows=params.rows)

        spec = whole(Params(rows=7)).to_spec()
        assert spec["inputs"] == {"params": {"rows": 7}}
        assert spec["jobs"]["prepare"]["inputs"] == {"rows": "${{parent.inputs.params.rows}}"}

    def test_mistakes_are_said(self) -> None:
        @lazur.pipeline
        def unknown() -> None:
            prepare(lines=1)

        @lazur.pipeline
        def returns_a_step() -> Any:
            return prepare(rows=1)

        with pytest.raises(Invalid, match="no input 'lines'"):
            unknown()
        with pytest.raises(Invalid, match="by name"):
            returns_a_step()
        with pytest.raises(Invalid, match="within a pipeline's function"):
            Component(name="whole", type="pipeline", extra={"jobs": {}})()
        with pytest.raises(Invalid, match="missing a required argument"):
            lazur.pipeline(lambda rows: None)()


class TestComponents:
    def test_called_outside_of_pipelines_one_is_a_job(self) -> None:
        job = fit(table=Input(type="uri_folder", path="data"))
        job.compute = "local"
        spec = job.to_spec()
        assert spec["inputs"] == {"table": {"type": "uri_folder", "path": "data"}, "rate": 0.1}
        assert spec["outputs"] == {"model": {"type": "uri_folder"}}
        assert (spec["environment"], spec["description"]) == (ENVIRONMENT, "Fit.")
        assert catalog.validate("command-job", spec)[1] == []
        swept = fit(table=Input(path="data"), rate=lazur.Uniform(0, 1))
        sweep = swept.sweep(primary_metric="loss", goal="minimize", max_total_trials=2)
        assert catalog.validate("sweep-job", sweep.to_spec())[1] == []
        with pytest.raises(Invalid, match="'fit' needs the input 'table'"):
            fit(rate=1)

    def test_a_file_stays_a_file(self, tmp_path: Path) -> None:
        file = tmp_path / "c.yml"
        file.write_text("name: c\ntype: command\ncommand: 'true'\ninputs: {a: {type: integer}}\n")
        component = lazur.load_component(file)

        @lazur.pipeline
        def whole() -> None:
            component(a=1)

        assert whole().to_spec()["jobs"]["c"]["component"] == str(file)
        component.description = "changed"
        assert whole().to_spec()["jobs"]["c"]["component"]["description"] == "changed"

    def test_a_function_runs_where_there_is_no_lazur(self, tmp_path: Path) -> None:
        """Its own module is imported there, which asks for the package."""
        command = prepare.extra["command"].replace("${{outputs.table}}", str(tmp_path))
        command = command.replace("${{inputs.rows}}", "4").partition("$[[")[0]
        code = Path(prepare.extra["code"])
        (tmp_path / "mine.py").write_text(
            "from lazur import command_component, Input, Output\n"
            "@command_component(environment='x')\n"
            "def prepare(rows: int, table: Output(type='uri_folder'), seed: int = 0):\n"
            "    open(f'{table}/rows', 'w').write(str(rows + 1))\n"
        )
        command = command.replace(f" {code.stem} ", " mine ").replace("python", sys.executable, 1)
        subprocess.run(
            command.replace(" -c ", " -I -S -c ", 1),
            shell=True, check=True, cwd=tmp_path, env={"PATH": "/usr/bin:/bin"},
        )  # fmt: skip
        assert (tmp_path / "rows").read_text() == "5"

    @pytest.mark.parametrize("where", ["-I -S", ""])
    def test_a_file_may_make_a_pipeline_of_its_functions(self, tmp_path: Path, where: str) -> None:
        """It is loaded in the job, and must not begin all over again there."""
        (tmp_path / "mine.py").write_text(
            "import lazur\n"
            "from lazur import Output\n"
            "from lazur import dsl\n"
            "@lazur.command_component(environment={'image': 'x'})\n"
            "def count(rows: Output(type='integer'), more: int):\n"
            "    open(rows, 'w').write(str(more + 1))\n"
            "@dsl.pipeline(display_name='mine')\n"
            "def whole(n):\n"
            "    made = count(more=n)\n"
            "    return {'rows': made.outputs.rows}\n"
            "@lazur.pipeline\n"
            "def other():\n"
            "    count(more=1)\n"
            "job = whole(n=1), other()\n"
            + ("" if where == "" else "for one in lazur.connect().jobs.list(): print(one.name)\n")
        )
        counted = lazur.command_component(environment=ENVIRONMENT)(count)
        command = counted.extra["command"].replace("${{outputs.rows}}", "rows")
        command = command.replace("${{inputs.more}}", "4").replace(" test_dsl ", " mine ")
        command = command.replace("python -c", f"{sys.executable} {where} -c", 1)
        subprocess.run(command, shell=True, check=True, cwd=tmp_path)
        assert (tmp_path / "rows").read_text() == "5"

    def test_what_goes_wrong_as_it_is_loaded_says_where_it_belongs(self, tmp_path: Path) -> None:
        (tmp_path / "mine.py").write_text("raise ValueError('no server')\n")
        counted = lazur.command_component(environment=ENVIRONMENT)(count)
        command = counted.extra["command"].replace(" test_dsl ", " mine ").partition("rows $")[0]
        command = command.replace("python -c", f"{sys.executable} -I -S -c", 1)
        ended = subprocess.run(
            command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert "belongs below: if __name__ == '__main__':" in ended.stderr
        assert "ValueError: no server" in ended.stderr

    def test_a_value_that_a_function_makes_is_written_to_a_path(self, tmp_path: Path) -> None:
        counted = lazur.command_component(environment=ENVIRONMENT)(count)
        file = tmp_path / "rows"
        command = counted.extra["command"].replace("${{outputs.rows}}", str(file))
        command = command.replace("${{inputs.more}}", "4").replace("python", sys.executable, 1)
        subprocess.run(command, shell=True, check=True, cwd=Path(__file__).parent)
        assert file.read_text() == "5"


_NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)


class TestRoundTrip:
    @given(st.data())
    def test_python_to_yaml_to_python_loses_nothing(self, data: st.DataObject) -> None:
        job = _random(data)
        again = Pipeline.from_spec(yaml.safe_load(job.to_yaml()))
        assert again.to_spec() == job.to_spec()
        assert again.to_yaml() == job.to_yaml()
        assert _problems(job.to_spec()) == []

    def test_through_a_file(self, tmp_path: Path) -> None:
        @lazur.pipeline(experiment_name="mine", tags={"a": "b"})
        def whole(rows: int) -> None:
            prepare(rows=rows)

        job = whole(rows=1)
        job.dump(tmp_path / "p.yml")
        again = lazur.load_job(tmp_path / "p.yml")
        assert isinstance(again, Pipeline)
        assert again.to_spec() == job.to_spec()


def _random(data: st.DataObject) -> Pipeline:
    """Steps that each take outputs of some before, in a pipeline or in one within it."""
    count = data.draw(st.integers(1, 6))
    names = data.draw(st.lists(_NAMES, min_size=count, max_size=count, unique=True))
    component = Component(
        name="c",
        type="command",
        inputs={
            "x": {"type": "uri_folder", "optional": True},
            "n": {"type": "integer", "default": 1},
        },
        outputs={"y": {"type": "uri_folder"}},
        extra={"command": "echo ${{outputs.y}}", "environment": ENVIRONMENT},
    )

    def steps(first: Any) -> Any:
        made: list[Any] = []
        for name in names:
            before = data.draw(st.sampled_from([None, *made]))
            given: dict[str, Any] = {"x": before.outputs.y} if before else {}
            node = component(n=data.draw(st.sampled_from([first, 2])), **given)
            node.name = name
            node.depends_on = [n for n in made if data.draw(st.booleans())]
            made.append(node)
        return {"y": made[-1].outputs.y}

    @lazur.pipeline
    def inner(first: int) -> Any:
        return steps(first)

    @lazur.pipeline(continue_on_step_failure=data.draw(st.sampled_from([None, True, False])))
    def outer(first: int) -> Any:
        if data.draw(st.booleans()):
            step = inner(first=first)
            return {"y": step.outputs.y}
        return steps(first)

    made = outer(first=data.draw(st.integers(0, 9)))
    made.description = data.draw(st.none() | st.text("ab: #'\"\n-", min_size=1))
    return made


def _problems(spec: dict[str, Any]) -> list[str]:
    _, found = catalog.validate("pipeline-job", spec)
    return [one.render() for one in found if one.severity == "error"]
