"""What is said of a pipeline when it is submitted: all that is wrong, and each once."""

from __future__ import annotations

from typing import Any

import pytest

from lazur.errors import SpecError
from lazur.services import jobs
from tests.site import TestSite, call

IMAGE = {"image": "python:3.11"}
STEP: dict[str, Any] = {"command": "true", "environment": IMAGE}


def pipeline(site: TestSite, **steps: Any) -> Any:
    return call(site, jobs.submit, "default", {"type": "pipeline", "jobs": steps})


def told(site: TestSite, **steps: Any) -> list[tuple[str, str]]:
    with pytest.raises(SpecError) as caught:
        pipeline(site, **steps)
    return [(one["path"], one["message"]) for one in caught.value.details["diagnostics"]]


class TestProblems:
    def test_a_component_that_is_not_there_is_told_once(self, site: TestSite) -> None:
        where = [path for path, _ in told(site, a={"component": "azureml:nothing:3"})]
        assert where == ["jobs.a.component"]

    def test_what_comes_out_of_it_is_not_told_to_be_missing(self, site: TestSite) -> None:
        after = STEP | {"inputs": {"x": "${{parent.jobs.a.outputs.o}}"}}
        where = [path for path, _ in told(site, a={"component": "azureml:no@latest"}, b=after)]
        assert where == ["jobs.a.component"]

    def test_data_that_is_not_there_is_told_once_for_each(self, site: TestSite) -> None:
        data = {"type": "uri_folder", "path": "azureml:nothing@latest"}
        found = told(site, a=STEP | {"inputs": {"x": data}}, b=STEP | {"inputs": {"y": data}})
        assert [path for path, _ in found] == ["jobs.a.inputs.x.path", "jobs.b.inputs.y.path"]

    def test_what_else_is_wrong_with_the_step_is_told_too(self, site: TestSite) -> None:
        data = {"type": "uri_folder", "path": "azureml:nothing:1"}
        step = STEP | {"inputs": {"x": data}, "environment": "azureml:nothing:1"}
        where = [path for path, _ in told(site, a=step)]
        assert sorted(where) == ["jobs.a.environment", "jobs.a.inputs.x"]


class TestCompute:
    def test_one_that_only_a_step_names_is_told_before_anything_runs(self, site: TestSite) -> None:
        site.unknown_compute = ""
        found = told(site, a=STEP | {"compute": "azureml:elsewhere"})
        assert found == [("jobs.a.compute", "There is no compute 'elsewhere'.")]

    def test_where_another_does_its_work_it_is_named_once(self, site: TestSite) -> None:
        step = STEP | {"compute": "azureml:elsewhere"}
        made = pipeline(site, a=step, b=step)
        assert made["warnings"] == [
            "There is no compute 'elsewhere' here: the job runs on 'local'."
        ]

    def test_the_one_that_the_pipeline_names_too_is_named_once(self, site: TestSite) -> None:
        settings = {"default_compute": "azureml:elsewhere"}
        spec = {
            "type": "pipeline",
            "settings": settings,
            "jobs": {"a": STEP | {"compute": "elsewhere"}},
        }
        assert len(call(site, jobs.submit, "default", spec)["warnings"]) == 1
