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
            ({"mini_batch_size": "many"}, "no size of a mini-batch"),
            ({"error_threshold": -2}, "greater than or equal to -1"),
            ({"retry_settings": {"timeout": 0}}, "not a whole number from 1"),
            ({"retry_settings": {"max_retries": "often"}}, "not a whole number"),
            ({"task": {**TASK, "append_row_to": "${{outputs.score}}"}}, "score"),
            ({"task": {**TASK, "append_row_to": "scores.csv"}}, "no output of the job"),
            ({"task": {**TASK, "entry_script": "../score.py"}}, "must lie in the folder"),
            ({"task": {**TASK, "entry_script": None}}, "`task.entry_script` is missing"),
            ({"task": {**TASK, "environment": None}}, "`task.environment` is missing"),
            ({"task": {**TASK, "code": None}}, "`task.code` is missing"),
            ({"task": {**TASK, "type": "model"}}, "only tasks of type run_function"),
            ({"task": {**TASK, "program_arguments": "'open"}}, "split into words"),
        ],
    )
    def test_mistakes_are_told(self, more: dict[str, Any], message: str) -> None:
        assert message in problem(**more)

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

    @pytest.mark.parametrize("written", ["a;b", "*.csv", "$HOME", "`id`", '"a b"', "x > y", "'q'"])
    def test_arguments_are_text_and_nothing_else(self, written: str) -> None:
        made = command(task={**TASK, "program_arguments": f"--x {written}"})
        words = shlex.split(made.command)[5:]
        assert words == ["--x", *shlex.split(written)]

    def test_optional_blocks_stay(self) -> None:
        made = command(task={**TASK, "program_arguments": "$[[--x ${{inputs.word}}]] --y"})
        assert made.command.endswith('$[[--x "${{inputs.word}}"]] --y')

    def test_lines_are_words_apart(self) -> None:
        made = command(task={**TASK, "program_arguments": "--x 1\n--y 2\n"})
        assert made.command.endswith(" --x 1 --y 2")

    def test_settings_travel_as_json(self) -> None:
        made = command(
            mini_batch_size="10kb",
            partition_keys=["Store"],
            retry_settings={"timeout": 5, "max_retries": 1},
            error_threshold=3,
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
        }

    def test_an_input_may_be_the_size(self) -> None:
        inputs = {**MINIMAL["inputs"], "size": 7}
        assert (
            told(command(inputs=inputs, mini_batch_size="${{inputs.size}}"))["mini_batch_size"]
            == "7"
        )

    def test_a_node_has_as_many_workers_as_its_share_of_the_cores(self) -> None:
        made = command(resources={"instance_count": 2})
        assert told(made)["workers"] == 4
        assert made.resources is not None
        assert made.resources.properties == {"cpus": 4}

    def test_cores_that_were_asked_for_stay(self) -> None:
        made = command(resources={"properties": {"cpus": 3}}, max_concurrency_per_instance=2)
        assert made.resources is not None
        assert made.resources.properties == {"cpus": 3}


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
        "status", [KILLED, Status("lost"), Status("ended", exit=Exit("lost"))]
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

    def test_a_job_that_gave_up_has_failed(self) -> None:
        (decision,) = Parallel().advance(view(Status("ended", exit=Exit("exit", code=1))))
        assert isinstance(decision, Finish)
        assert decision.state is State.FAILED

    def test_it_ends_and_goes_on_as_a_command_does(self) -> None:
        assert Parallel().advance(view(Status("running"))) == [Progress(State.RUNNING)]
        ended = view(Status("ended", exit=Exit("ok", code=0)))
        assert Parallel().advance(ended) == [Finish(State.COMPLETED)]
        assert Parallel().advance(view(None, state=State.COMPLETED)) == []
