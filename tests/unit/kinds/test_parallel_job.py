from __future__ import annotations

import json
import shlex
from typing import Any

import pytest

from lazur.engine.decisions import EnvironmentView, Finish, JobView, Progress, Retry
from lazur.engine.plan import Exit, Status
from lazur.engine.states import State
from lazur.kinds.catalog import validate
from lazur.kinds.jobs.command import CommandJob
from lazur.kinds.jobs.parallel import Parallel, ParallelJob, as_command

TASK = {
    "type": "run_function",
    "code": "./src",
    "entry_script": "score.py",
    "environment": "azureml:e:1",
    "append_row_to": "${{outputs.scores}}",
}
MINIMAL: dict[str, Any] = {
    "type": "parallel",
    "inputs": {"files": {"type": "uri_folder", "path": "azureml:d:1"}, "word": "a b"},
    "outputs": {"scores": {"type": "uri_file"}},
    "input_data": "${{inputs.files}}",
    "task": TASK,
}


def job(**more: Any) -> ParallelJob:
    model, diagnostics = validate("parallel-job", MINIMAL | more)
    assert diagnostics == []
    assert isinstance(model, ParallelJob)
    return model


def problem(**more: Any) -> str:
    _, found = validate("parallel-job", MINIMAL | more)
    return found[0].message


def command(cores: int = 8, **more: Any) -> CommandJob:
    return as_command(job(**more), cores)


def told(made: CommandJob) -> dict[str, Any]:
    return json.loads(str(made.environment_variables["LAZUR_PARALLEL"]))


class TestSpec:
    @pytest.mark.parametrize(
        "more,message",
        [
            ({"input_data": None}, "`input_data` is missing"),
            ({"input_data": "${{inputs.file}}"}, "which is no input"),
            ({"input_data": "${{inputs.word}}"}, "no files or rows"),
            ({"input_data": 3}, "which is no input"),
            ({"mini_batch_size": "many"}, "no size of a mini-batch"),
            ({"mini_batch_size": "0kb"}, "no size of a mini-batch"),
            ({"error_threshold": -2}, "greater than or equal to -1"),
            ({"retry_settings": {"timeout": 0}}, "not a whole number from 1"),
            ({"retry_settings": {"max_retries": "often"}}, "not a whole number"),
            ({"task": {**TASK, "append_row_to": "${{outputs.score}}"}}, "score"),
            ({"task": {**TASK, "append_row_to": "scores.csv"}}, "no output of the job"),
            ({"task": {**TASK, "entry_script": "../score.py"}}, "must lie in the folder"),
            ({"task": {**TASK, "entry_script": "/score.py"}}, "must lie in the folder"),
            ({"task": {**TASK, "entry_script": "score.sh"}}, "is no Python file"),
            ({"task": {}}, "`task.entry_script` is missing"),
            ({"task": None}, "expected a mapping"),
            ({"task": {**TASK, "entry_script": None}}, "`task.entry_script` is missing"),
            ({"task": {**TASK, "environment": None}}, "`task.environment` is missing"),
            ({"task": {**TASK, "code": None}}, "`task.code` is missing"),
            ({"task": {**TASK, "type": "model"}}, "only tasks of type run_function"),
            ({"task": {**TASK, "program_arguments": "'open"}}, "split into words"),
        ],
    )
    def test_mistakes_are_told(self, more: dict[str, Any], message: str) -> None:
        assert message in problem(**more)

    def test_rows_need_not_be_gathered(self) -> None:
        assert job(task={**TASK, "append_row_to": None}).task.append_row_to is None

    def test_what_goes_wrong_may_be_an_input(self) -> None:
        made = job(
            inputs={**MINIMAL["inputs"], "n": 3}, retry_settings={"timeout": "${{inputs.n}}"}
        )
        assert made.retry_settings is not None
        assert made.retry_settings.timeout == "${{inputs.n}}"

    def test_a_component_is_checked_alike(self) -> None:
        body = {**MINIMAL, "name": "c", "inputs": {"files": {"type": "uri_folder"}}}
        assert validate("parallel-component", body)[1] == []
        _, found = validate("parallel-component", {**body, "input_data": "${{inputs.x}}"})
        assert "which is no input" in found[0].message


class TestAsCommand:
    def test_it_is_one_program_of_ours(self) -> None:
        made = command(task={**TASK, "program_arguments": "--x ${{inputs.word}}"})
        assert made.command == (
            'exec python3 "$LAZUR_RUNTIME/parallel" "${{inputs.files}}" "${{outputs.scores}}"'
            ' --x "${{inputs.word}}"'
        )
        assert made.code == "./src"

    def test_what_all_jobs_say_of_themselves_stays(self) -> None:
        said = {
            "name": "j",
            "display_name": "Scores",
            "description": "all of them",
            "experiment_name": "e",
            "tags": {"a": "1"},
            "properties": {"b": "2"},
            "compute": "azureml:c",
            "outputs": {"scores": {"type": "uri_file", "name": "s"}},
        }
        told = command(**said).dump()
        assert {key: told[key] for key in said} == said

    def test_variables_of_the_job_go_along_and_stay_its_own(self) -> None:
        asked = job(environment_variables={"A": "1"})
        assert as_command(asked, 1).environment_variables["A"] == "1"
        assert asked.environment_variables == {"A": "1"}

    def test_the_environment_is_the_tasks_or_else_the_jobs(self) -> None:
        assert command(environment="azureml:f:1").environment == "azureml:e:1"
        bare = {key: value for key, value in TASK.items() if key != "environment"}
        assert command(task=bare, environment="azureml:f:1").environment == "azureml:f:1"

    @pytest.mark.parametrize(
        "written", ["a;b", "''", "*.csv", "$HOME", "`id`", '"a b"', "x > y", "'q'"]
    )
    def test_arguments_are_text_and_nothing_else(self, written: str) -> None:
        made = command(task={**TASK, "program_arguments": f"--x {written}"})
        words = shlex.split(made.command)[5:]
        assert words == ["--x", *shlex.split(written)]

    def test_inputs_may_stand_within_words(self) -> None:
        made = command(task={**TASK, "program_arguments": "--x=${{inputs.word}}/y 'a b'"})
        assert made.command.endswith(""" --x="${{inputs.word}}"/y 'a b'""")

    def test_rows_that_are_not_gathered_have_no_place(self) -> None:
        made = command(task={**TASK, "append_row_to": None})
        assert made.command.endswith(' "${{inputs.files}}" ""')

    def test_a_table_is_cut_by_its_rows(self) -> None:
        inputs = {"files": {"type": "mltable", "path": "azureml:t:1"}}
        assert told(command(inputs=inputs))["type"] == "mltable"
        assert told(command(inputs={"files": {"path": "azureml:d:1"}}))["type"] == "uri_folder"

    def test_optional_blocks_stay(self) -> None:
        made = command(task={**TASK, "program_arguments": "$[[--x ${{inputs.word}}]] --y"})
        assert made.command.endswith('$[[--x "${{inputs.word}}"]] --y')
        made = command(task={**TASK, "program_arguments": "$[['a b' ${{inputs.word}}]]"})
        assert made.command.endswith("""$[['a b' "${{inputs.word}}"]]""")

    def test_lines_are_words_apart(self) -> None:
        made = command(task={**TASK, "program_arguments": "--x 1\n--y 2\n"})
        assert made.command.endswith(" --x 1 --y 2")

    def test_settings_travel_as_json(self) -> None:
        made = command(
            mini_batch_size="10kb",
            partition_keys=["Store"],
            retry_settings={"timeout": 5, "max_retries": 1},
            error_threshold=3,
            mini_batch_error_threshold=4,
            logging_level="DEBUG",
            max_concurrency_per_instance=2,
        )
        assert told(made) == {
            "entry_script": "score.py",
            "type": "uri_folder",
            "mini_batch_size": "10kb",
            "partition_keys": ["Store"],
            "workers": 2,
            "nodes": 1,
            "max_retries": 1,
            "timeout": 5,
            "error_threshold": 3,
            "mini_batch_error_threshold": 4,
            "logging_level": "DEBUG",
        }

    def test_an_input_may_be_the_size(self) -> None:
        inputs = {**MINIMAL["inputs"], "size": 7}
        assert (
            told(command(inputs=inputs, mini_batch_size="${{inputs.size}}"))["mini_batch_size"]
            == "7"
        )

    @pytest.mark.parametrize("kind", ["uri_folder", "mltable"])
    def test_what_is_cut_lies_on_the_node_and_nothing_else_has_to(self, kind: str) -> None:
        table = {"type": kind, "path": "azureml:d:1", "mode": "direct"}
        made = command(inputs={"files": table, "other": table, "word": "a"})
        modes = {key: getattr(made.inputs[key], "mode", None) for key in ("files", "other")}
        assert modes == {"files": "ro_mount", "other": "direct"}
        assert getattr(made.inputs["files"], "path", None) == "azureml:d:1"
        made = command(inputs={"files": {**table, "mode": "download"}})
        assert getattr(made.inputs["files"], "mode", None) == "download"

    @pytest.mark.parametrize("written", ["run_function", "RunFunction", "function"])
    def test_both_names_of_the_task_are_the_same(self, written: str) -> None:
        assert "parallel" in str(command(task={**TASK, "type": written}).command)

    def test_a_node_has_as_many_workers_as_its_share_of_the_cores(self) -> None:
        made = command(resources={"instance_count": 2})
        assert told(made)["workers"] == 4
        assert made.resources is not None
        assert made.resources.properties == {"cpus": 4}
        assert made.resources.instance_count == 2
        assert told(command(cores=3, resources={"instance_count": 4}))["workers"] == 1

    def test_cores_that_were_asked_for_stay(self) -> None:
        made = command(resources={"properties": {"cpus": 3}}, max_concurrency_per_instance=2)
        assert made.resources is not None
        assert made.resources.properties == {"cpus": 3}
        own = {"lazur": {"cpus": 3}}
        made = command(resources={"properties": own}, max_concurrency_per_instance=2)
        assert made.resources is not None
        assert made.resources.properties == own

    def test_cores_are_written_where_the_rest_is(self) -> None:
        made = command(resources={"properties": {"lazur": {"memory_gb": 1}}})
        assert made.resources is not None
        assert made.resources.properties == {"lazur": {"memory_gb": 1, "cpus": 8}}


def view(status: Status | None, **more: Any) -> JobView:
    given: dict[str, Any] = {
        "name": "j",
        "state": State.RUNNING,
        "spec": {},
        "attempt": 1,
        "cancel_requested": False,
        "environment": EnvironmentView("none"),
        "placed": True,
        "submitted": True,
        "status": status,
    }
    return JobView(**{**given, **more})


KILLED = Status("ended", exit=Exit("signal", signal=9))


class TestAdvance:
    @pytest.mark.parametrize(
        "status",
        [
            KILLED,
            Status("lost"),
            Status("lost", exit=Exit("exit", code=3)),
            Status("ended"),
            Status("ended", exit=Exit("lost")),
        ],
    )
    def test_what_was_killed_goes_on(self, status: Status) -> None:
        (decision,) = Parallel().advance(view(status))
        assert isinstance(decision, Retry)

    def test_but_not_for_ever(self) -> None:
        (decision,) = Parallel().advance(view(KILLED, attempt=8))
        assert isinstance(decision, Finish)
        assert decision.state is State.FAILED

    def test_canceled_stays_canceled(self) -> None:
        assert Parallel().advance(view(KILLED, cancel_requested=True)) == [Finish(State.CANCELED)]

    @pytest.mark.parametrize("status", [Status("lost"), Status("ended", exit=Exit("lost"))])
    def test_nothing_begins_after_a_wish_to_end(self, status: Status) -> None:
        (decision,) = Parallel().advance(view(status, cancel_requested=True))
        assert isinstance(decision, Finish)

    @pytest.mark.parametrize(
        "end",
        [
            Exit("exit", code=1),
            Exit("signal", signal=15),
            Exit("timeout", signal=9),
            Exit("memory", signal=9),
        ],
    )
    def test_a_job_that_gave_up_has_failed(self, end: Exit) -> None:
        (decision,) = Parallel().advance(view(Status("ended", exit=end)))
        assert isinstance(decision, Finish)
        assert decision.state is State.FAILED

    def test_without_its_environment_it_never_began(self) -> None:
        environment = EnvironmentView("failed", error={"code": "BuildFailed"})
        waiting = view(None, state=State.QUEUED, submitted=False, environment=environment)
        assert Parallel().advance(waiting) == [Finish(State.FAILED, {"code": "BuildFailed"})]

    def test_it_ends_and_goes_on_as_a_command_does(self) -> None:
        assert Parallel().advance(view(Status("running"))) == [Progress(State.RUNNING)]
        ended = view(Status("ended", exit=Exit("ok", code=0)))
        assert Parallel().advance(ended) == [Finish(State.COMPLETED)]
        assert Parallel().advance(view(None, state=State.COMPLETED)) == []
