"""What is said of a pipeline when it is submitted: all that is wrong, and each once."""

from __future__ import annotations

from typing import Any

import pytest

from lazur.errors import SpecError
from lazur.services.assets import assets
from lazur.services.jobs import jobs, planning
from tests.site import ENVIRONMENT, TestSite, call, put_tree

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

    def test_data_that_is_not_there_is_not_a_version_that_is_not_there(
        self, site: TestSite
    ) -> None:
        tree = f"tree:{put_tree(site, {'a.csv': b'1'})}"
        call(site, assets.create, "default", "data", {"name": "x", "path": tree})
        for asset, said, next_step in (
            ("nothing@latest", "there is no data asset 'nothing'.", "data create --name nothing"),
            ("nothing:1", "there is no data asset 'nothing'.", "data create --name nothing"),
            ("x:7", "the data asset 'x' has no version '7'.", "data list --name x"),
            ("x@best", "the data asset 'x' has no label 'best'.", "data list --name x"),
        ):
            data = {"type": "uri_folder", "path": f"azureml:{asset}"}
            with pytest.raises(SpecError) as caught:
                pipeline(site, a=STEP | {"inputs": {"x": data}})
            (one,) = caught.value.details["diagnostics"]
            assert one["message"].endswith(said)
            assert next_step in one["hint"]

    def test_code_that_is_not_there_is_asked_for_as_a_folder(self, site: TestSite) -> None:
        with pytest.raises(SpecError) as caught:
            pipeline(site, a=STEP | {"code": "azureml:nothing:1"})
        (one,) = caught.value.details["diagnostics"]
        assert one["path"] == "jobs.a.code"
        assert "there is no code asset 'nothing'" in one["message"]
        assert one["hint"] == "Name a folder."

    def test_code_that_is_there_is_taken(self, site: TestSite) -> None:
        tree = f"tree:{put_tree(site, {'a.py': b'1'})}"
        call(site, assets.create, "default", "codes", {"name": "c", "path": tree})
        assert pipeline(site, a=STEP | {"code": "azureml:c:1"})["status"]

    def test_what_else_is_wrong_with_the_step_is_told_too(self, site: TestSite) -> None:
        data = {"type": "uri_folder", "path": "azureml:nothing:1"}
        step = STEP | {"inputs": {"x": data}, "environment": "azureml:nothing:1"}
        where = [path for path, _ in told(site, a=step)]
        assert sorted(where) == ["jobs.a.environment", "jobs.a.inputs.x"]

    def test_a_value_that_the_pipeline_lacks_is_asked_for_once_and_there(
        self, site: TestSite
    ) -> None:
        takes = {"inputs": {"x": {"type": "uri_folder"}, "y": {"type": "string", "default": "z"}}}
        component = STEP | takes | {"type": "command", "command": "ls ${{inputs.x}}"}
        given = {"x": "${{parent.inputs.data}}", "y": "${{parent.inputs.word}}"}
        step = {"component": component, "inputs": given}
        spec = {
            "type": "pipeline",
            "jobs": {"a": step, "b": step},
            "inputs": {"data": {"type": "uri_folder"}, "word": None},
        }
        with pytest.raises(SpecError) as caught:
            call(site, jobs.submit, "default", spec)
        found = caught.value.details["diagnostics"]
        assert [one["path"] for one in found] == ["inputs.data"]
        assert "no value, and step 'a' needs it" in found[0]["message"]
        assert "--set inputs.data.path=" in found[0]["hint"]

    def test_of_a_pipeline_that_is_a_component_each_is_told_once(self, site: TestSite) -> None:
        inner = {"type": "pipeline", "jobs": {"a": {"component": "azureml:nothing@latest"}}}
        with pytest.raises(SpecError) as caught:
            call(site, jobs.submit, "default", {"type": "pipeline", "component": inner})
        where = [one["path"] for one in caught.value.details["diagnostics"]]
        assert where == ["jobs.a.component"]

    def test_a_component_that_is_not_there_is_told_from_one_without_the_version(
        self, site: TestSite
    ) -> None:
        made = {"name": "c", "version": "1", "command": "true", "environment": ENVIRONMENT}
        call(site, assets.create, "default", "components", {"type": "command", **made})
        with pytest.raises(SpecError) as caught:
            pipeline(site, a={"component": "azureml:c:7"}, b={"component": "azureml:d:1"})
        assert [one["message"] for one in caught.value.details["diagnostics"]] == [
            "There is no component 'c' with version '7'.",
            "There is no component named 'd'.",
        ]

    def test_what_a_registry_lacks_is_told_of_the_registry(self, site: TestSite) -> None:
        place = "azureml://registries/azureml/components/fine_tuning/versions/0.1"
        with pytest.raises(SpecError) as caught:
            pipeline(site, a={"component": place})
        (one,) = caught.value.details["diagnostics"]
        assert one["message"].endswith("named 'fine_tuning' in the registry azureml.")
        assert "Microsoft's are not here" in one["hint"]

    @pytest.mark.parametrize("flow", [{"nodes": [], "inputs": {}}, {"flow": "./flow.dag.yaml"}])
    def test_a_flow_is_named_as_what_it_is(self, site: TestSite, flow: dict[str, Any]) -> None:
        ((where, said),) = told(site, a={"type": "parallel", "component": flow})
        assert where == "jobs.a.component"
        assert "a flow of prompt flow" in said


class TestWarnings:
    def test_each_is_told_once(self, site: TestSite) -> None:
        spec = {
            "type": "pipeline",
            "jobs": {"a": STEP},
            "outputs": {"nobodys": {"type": "uri_folder"}},
        }
        made = call(site, jobs.submit, "default", spec)
        planned = call(site, planning.plan, "default", spec, write=False)
        (told,) = made["warnings"]
        assert planned["warnings"] == [told]
        assert told.startswith("outputs.nobodys: no step makes the output 'nobodys'. Bind an ")

    def test_fields_that_nobody_knows_are_told_wherever_they_stand(self, site: TestSite) -> None:
        inner = {"type": "pipeline", "descripton": "x", "jobs": {"m": STEP}}
        component = {"type": "command", "isdeterministic": False, "inputs": {}, **STEP}
        sweep = {
            "type": "sweep",
            "trial": {"type": "command", "command": "a ${{inputs.x}}", "environment": "azureml:e"},
            "search_space": {"x": {"type": "choice", "values": [1]}},
            "objective": {"goal": "minimize", "primary_metric": "m"},
            "early_termination": {"type": "bandit", "slack_factor": 1, "slack_factr": 0.1},
            "limits": {"max_total_trials": 1},
        }
        sweep["trial"]["environment"] = STEP["environment"]
        made = pipeline(
            site,
            a=STEP | {"depend_on": "b", "limits": {"timout": 3}},
            b={"component": component, "is_deterministic": True},
            c={"component": component, "isdeterministic": False},
            d={"component": inner, "settings": {"force_rerrun": True}},
            e=sweep,
            f={"type": "if_else", "condition": True, "true_block": "g", "fals_block": "g"},
            g=STEP,
        )

        def said(place: str, field: str, meant: str) -> str:
            return f"{place}: `{field}` is not a known field. Did you mean {meant!r}?"

        assert sorted(made["warnings"]) == [
            said("jobs.a.depend_on", "depend_on", "depends_on"),
            said("jobs.a.limits.timout", "timout", "timeout"),
            said("jobs.b.component.isdeterministic", "isdeterministic", "is_deterministic"),
            said("jobs.c.isdeterministic", "isdeterministic", "is_deterministic"),
            said("jobs.d.component.descripton", "descripton", "description"),
            said("jobs.d.settings.force_rerrun", "force_rerrun", "force_rerun"),
            said("jobs.e.early_termination.slack_factr", "slack_factr", "slack_factor"),
            said("jobs.f.fals_block", "fals_block", "false_block"),
        ]

    def test_what_has_no_effect_is_told_when_it_is_submitted(self, site: TestSite) -> None:
        component = {"type": "command", "resources": {"shm_size": "2g"}, **STEP}
        services = {"nb": {"type": "jupyter_lab"}}
        inner = {"type": "pipeline", "jobs": {"x": STEP | {"services": services}}}
        made = pipeline(site, a={"component": component}, b={"component": component}, n=inner)
        none = "is accepted and has no effect on the local compute"
        assert made["warnings"] == [
            f"jobs.a.component.resources.shm_size: `resources.shm_size` {none}",
            f"jobs.n.jobs.x.services.nb: the service 'nb' (jupyter_lab) {none}",
        ]

    def test_what_is_odd_about_an_environment_too(self, site: TestSite) -> None:
        conda = {"dependencies": ["python=3.11", "pip"], "zzz": 1}
        odd = {"image": "ubuntu:22.04", "conda_file": conda}
        step = {"command": "true", "environment": odd}
        (note,) = call(site, jobs.submit, "default", {"type": "command", **step})["warnings"]
        made = pipeline(site, a=step, b=step)["warnings"]
        assert made == [f"jobs.a.environment: {note}"]


class TestEnvironments:
    def test_that_of_a_parallel_step_is_pinned_and_built_ahead(self, site: TestSite) -> None:
        conda = {"image": "python:3.11", "conda_file": {"dependencies": ["numpy"]}}
        component = {
            "type": "parallel",
            "inputs": {"x": {"type": "uri_folder"}},
            "input_data": "${{inputs.x}}",
            "task": {
                "type": "run_function",
                "code": f"tree:{put_tree(site, {'s.py': b''})}",
                "entry_script": "s.py",
                "environment": conda,
            },
        }
        makes = STEP | {"outputs": {"o": {"type": "uri_folder"}}}
        inputs = {"x": "${{parent.jobs.make.outputs.o}}"}
        steps = {"make": makes, "cut": {"component": component, "inputs": inputs}}
        spec = {"type": "pipeline", "jobs": steps}
        planned = call(site, planning.plan, "default", spec, write=False)
        assert len(planned["environments"]) == 2


class TestCompute:
    def test_one_that_only_a_step_names_is_told_before_anything_runs(self, site: TestSite) -> None:
        site.unknown_compute = ""
        found = told(site, a=STEP | {"compute": "azureml:elsewhere"})
        assert found == [("jobs.a.compute", "There is no compute 'elsewhere'.")]

    def test_where_another_does_its_work_it_is_named_once(self, site: TestSite) -> None:
        step = STEP | {"compute": "azureml:elsewhere"}
        made = pipeline(site, a=step, b=step)
        assert made["warnings"] == [
            "jobs.a.compute: There is no compute 'elsewhere' here: the job runs on 'local'."
        ]

    def test_the_one_that_the_pipeline_names_too_is_named_once(self, site: TestSite) -> None:
        settings = {"default_compute": "azureml:elsewhere"}
        spec = {
            "type": "pipeline",
            "settings": settings,
            "jobs": {"a": STEP | {"compute": "elsewhere"}},
        }
        assert len(call(site, jobs.submit, "default", spec)["warnings"]) == 1
