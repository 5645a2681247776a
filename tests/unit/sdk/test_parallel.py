from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import lazur
from lazur import Input, Output
from lazur.errors import Invalid
from lazur.kinds import catalog
from lazur.parallel import ParallelJob, RunFunction, parallel_run_function


def scores(**more: Any) -> ParallelJob:
    return parallel_run_function(
        name="scores",
        inputs={"files": Input(type="mltable", description="What is cut"), "top": 3},
        outputs={"lines": Output(type="uri_file")},
        input_data="${{inputs.files}}",
        mini_batch_size="5",
        retry_settings={"max_retries": 1},
        instance_count=2,
        task=RunFunction(
            code="src",
            entry_script="score.py",
            program_arguments="--top ${{inputs.top}}",
            append_row_to="${{outputs.lines}}",
            environment=lazur.Environment(image="python:3.11"),
        ),
        **more,
    )


class TestParallelRunFunction:
    def test_is_a_step_within_a_pipeline(self) -> None:
        score = scores(environment_variables={"A": "b"})

        @lazur.pipeline
        def whole(files: Any) -> dict[str, Any]:
            made = score(files=files, top=4)
            made.inputs.files.mode = "eval_mount"
            return {"lines": made.outputs.lines}

        spec = whole(files=Input(type="mltable", path="data")).to_spec()
        step = spec["jobs"]["made"]
        assert step["component"]["task"]["code"] == str(Path("src").absolute())
        assert step["component"]["inputs"] == {
            "files": {"type": "mltable", "description": "What is cut"},
            "top": {"type": "integer", "default": 3},
        }
        assert step["inputs"] == {
            "files": {"type": "mltable", "path": "${{parent.inputs.files}}", "mode": "eval_mount"},
            "top": 4,
        }
        assert (step["resources"], step["environment_variables"]) == (
            {"instance_count": 2},
            {"A": "b"},
        )
        assert spec["outputs"] == {"lines": {"type": "uri_file"}}
        assert _problems(spec, "pipeline-job") == []

    def test_is_a_job_by_itself(self, tmp_path: Path) -> None:
        job = scores(compute="local")(files=Input(type="uri_folder", path="data"))
        job.retry_settings.timeout = 9
        assert _problems(job.to_spec(), "parallel-job") == []
        job.dump(tmp_path / "job.yml")
        again = lazur.load_job(tmp_path / "job.yml")
        assert isinstance(again, ParallelJob)
        spec = again.to_spec()
        assert spec["inputs"]["files"]["path"] == str(Path("data").absolute())
        assert spec["task"]["code"] == str(Path("src").absolute())
        same = {**job.to_spec(), "inputs": spec["inputs"], "task": spec["task"]}
        assert spec == same

    def test_is_given_values_and_not_what_is_swept(self) -> None:
        with pytest.raises(Invalid, match="'top' is a Choice"):
            scores()(top=lazur.Choice([1, 2])).to_spec()
        with pytest.raises(AttributeError, match="Did you mean 'mini_batch_size'"):
            scores().mini_bath_size = 3  # pyright: ignore[reportAttributeAccessIssue]


def _problems(spec: dict[str, Any], kind: str) -> list[str]:
    return [one.render() for one in catalog.validate(kind, spec)[1] if one.severity == "error"]
