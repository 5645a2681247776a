"""jobs/basics: pipelines of inline steps."""

from __future__ import annotations

import pytest

from tests.published.conftest import Examples, steps

pytestmark = [pytest.mark.published, pytest.mark.slow]

BASICS = "jobs/basics"


class TestPipelines:
    def test_a_step_reads_what_the_step_before_wrote(self, examples: Examples) -> None:
        person = examples.at(BASICS)
        name = person.run("hello-pipeline-io.yml")
        assert {step: job["status"] for step, job in steps(person, name).items()} == {
            "hello_job": "Completed",
            "world_job": "Completed",
        }
