"""What Azure's client sends of a job, and what it reads."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lazur.errors import Invalid, Unsupported
from lazur.server.arm.translate import jobs
from tests.unit.server.arm.translate.strategies import IDS

WS = IDS.workspace()
COMMAND: dict[str, Any] = {
    "jobType": "Command",
    "command": "echo ${{inputs.a}}",
    "codeId": f"{WS}/codes/0f-1/versions/1",
    "environmentId": f"{WS}/environments/e/versions/1",
    "computeId": f"{WS}/computes/cpu",
    "isArchived": False,
    "properties": {},
    "tags": {},
    "inputs": {
        "a": {"value": "0.1", "jobInputType": "literal"},
        "d": {
            "uri": f"{WS}/data/d/versions/1",
            "mode": "ReadOnlyMount",
            "jobInputType": "uri_folder",
        },
        "n": {"value": None},
    },
    "outputs": {
        "o": {
            "assetName": "reg",
            "uri": "azureml://datastores/x/paths/y",
            "mode": "ReadWriteMount",
            "jobOutputType": "uri_folder",
            "assetVersion": "3",
        }
    },
    "distribution": {"processCountPerInstance": 2, "distributionType": "PyTorch"},
    "identity": {"identityType": "UserIdentity"},
    "resources": {"instanceCount": 2, "properties": {}, "dockerArgs": "--x", "shmSize": "2g"},
    "limits": {"timeout": "PT10M", "jobLimitsType": "Command"},
    "services": {"jl": {"jobServiceType": "JupyterLab", "nodes": {"nodesValueType": "All"}}},
    "queueSettings": {"jobTier": "Standard", "priority": 3},
}
VIEW: dict[str, Any] = {
    "type": "command",
    "name": "j",
    "status": "Completed",
    "command": "true",
    "environment": {"image": "python:3.11"},
    "code": "tree:" + "a" * 64 + "/sub/folder",
    "compute": "local",
    "experiment_name": "exp",
    "tags": {"a": "b"},
    "properties": {},
    "outputs": {
        "o": {"type": "uri_folder", "mode": "rw_mount", "path": "azureml://datastores/b/paths/p/"},
        "default": {"type": "uri_folder", "path": "azureml://datastores/b/paths/q"},
    },
    "services": {"Studio": {"type": "Studio", "endpoint": "https://x"}},
    "creation_context": {"created_at": "2026-01-01T00:00:00Z", "created_by": "ann"},
    "archived": True,
}


class TestFromAzure:
    def test_a_command_is_what_yaml_has(self) -> None:
        assert jobs.from_arm("j", COMMAND) == {
            "name": "j",
            "type": "command",
            "command": "echo ${{inputs.a}}",
            "code": "azureml:0f-1:1",
            "environment": "azureml:e:1",
            "compute": "azureml:cpu",
            "inputs": {
                "a": "0.1",
                "d": {"type": "uri_folder", "path": "azureml:d:1", "mode": "ro_mount"},
                "n": None,
            },
            "outputs": {
                "o": {
                    "type": "uri_folder",
                    "path": "azureml://datastores/x/paths/y",
                    "mode": "rw_mount",
                    "name": "reg",
                    "version": "3",
                }
            },
            "distribution": {"type": "pytorch", "process_count_per_instance": 2},
            "identity": {"type": "user_identity"},
            "resources": {
                "instance_count": 2,
                "properties": {},
                "docker_args": "--x",
                "shm_size": "2g",
            },
            "limits": {"timeout": 600},
            "services": {"jl": {"type": "jupyter_lab", "nodes": "all"}},
            "queue_settings": {"job_tier": "standard", "priority": "high"},
        }

    def test_what_is_not_run_here_is_said_by_name(self) -> None:
        with pytest.raises(Unsupported, match="AutoML"):
            jobs.from_arm("j", {"jobType": "AutoML"})
        with pytest.raises(Unsupported, match="not given"):
            jobs.from_arm("j", {})
        node = {"type": "spark", "componentId": f"{WS}/components/c/versions/1"}
        with pytest.raises(Unsupported, match=r"jobs\.s: Spark"):
            jobs.from_arm("j", {"jobType": "Pipeline", "jobs": {"s": node}})

    def test_a_hyperparameter_that_is_none_is_refused(self) -> None:
        for law in ("x", ["uniform", [1]], ["what", [1, 2]], ["choice", 3], [1, [2]]):
            with pytest.raises(Invalid, match="no hyperparameter"):
                jobs.from_arm("j", {"jobType": "Sweep", "searchSpace": {"x": law}})

    def test_a_time_that_is_none_is_refused(self) -> None:
        for text in ("ten", "P", "PT"):
            with pytest.raises(Invalid, match="no length of time"):
                jobs.from_arm("j", {**COMMAND, "limits": {"timeout": text}})

    def test_nodes_are_in_snake_case_and_ids_are_not(self) -> None:
        node = {
            "name": "b",
            "type": "command",
            "componentId": f"{WS}/components/azureml_anonymous/versions/2",
            "computeId": f"{WS}/computes/gpu",
            "inputs": {
                "m": {
                    "value": "${{parent.jobs.a.outputs.m}}",
                    "job_input_type": "literal",
                    "mode": "Download",
                },
                "lr": {"value": "1", "job_input_type": "literal"},
            },
            "outputs": {
                "f": {"value": "${{parent.outputs.final}}", "type": "literal"},
                "m": {"mode": "Upload", "job_output_type": "uri_folder", "name": "regm"},
            },
            "limits": {"timeout": "PT1M", "job_limits_type": "Command"},
            "distribution": {"process_count_per_instance": 1, "distribution_type": "Mpi"},
            "_source": "CLASS",
            "tags": {},
        }
        found = jobs.from_arm("p", {"jobType": "Pipeline", "jobs": {"b": node}})
        assert found["jobs"]["b"] == {
            "type": "command",
            "component": "azureml:azureml_anonymous:2",
            "compute": "azureml:gpu",
            "inputs": {
                "m": {"path": "${{parent.jobs.a.outputs.m}}", "mode": "download"},
                "lr": "1",
            },
            "outputs": {
                "f": "${{parent.outputs.final}}",
                "m": {"type": "uri_folder", "mode": "upload", "name": "regm"},
            },
            "limits": {"timeout": 60},
            "distribution": {"type": "mpi", "process_count_per_instance": 1},
        }

    def test_a_loop_names_outputs_as_yaml_does(self) -> None:
        node = {
            "type": "do_while",
            "body": "${{parent.jobs.w}}",
            "condition": "ok",
            "mapping": {"${{parent.jobs.w.outputs.f}}": ["m"], "g": "${{parent.jobs.w.inputs.h}}"},
            "limits": {"max_iteration_count": 3},
        }
        found = jobs.from_arm("p", {"jobType": "Pipeline", "jobs": {"loop": node}})
        assert found["jobs"]["loop"] == {
            "type": "do_while",
            "body": "${{parent.jobs.w}}",
            "condition": "${{parent.jobs.w.outputs.ok}}",
            "mapping": {
                "f": ["${{parent.jobs.w.inputs.m}}"],
                "g": ["${{parent.jobs.w.inputs.h}}"],
            },
            "limits": {"max_iteration_count": 3},
        }

    def test_a_condition_that_is_an_expression_stays(self) -> None:
        condition = "${{parent.jobs.w.outputs.ok}}"
        node = {"type": "do_while", "body": "${{parent.jobs.w}}", "condition": condition}
        found = jobs.from_arm("p", {"jobType": "Pipeline", "jobs": {"loop": node}})
        assert found["jobs"]["loop"]["condition"] == condition

    def test_a_pipeline_may_be_a_component_alone(self) -> None:
        body = {"jobType": "Pipeline", "componentId": f"{WS}/components/p/versions/1"}
        assert jobs.from_arm("j", body)["component"] == "azureml:p:1"

    def test_a_sweep_may_have_a_component_for_its_trial(self) -> None:
        body = {"jobType": "Sweep", "trial": {"componentId": f"{WS}/components/t/versions/1"}}
        assert jobs.from_arm("j", body)["trial"] == "azureml:t:1"

    def test_a_step_that_imports_says_what_and_where(self) -> None:
        output = {"uri": "azureml://datastores/x/paths/y", "job_output_type": "mltable"}
        source = {"type": "database", "connection": f"{WS}/connections/c", "query": "q"}
        node = {"type": "data_transfer", "task": "ImportData", "source": source}
        asked = {**node, "computeId": "serverless", "outputs": {"sink": output}}
        made = jobs.from_arm("j", {"jobType": "Pipeline", "jobs": {"a": asked}})
        assert made["jobs"]["a"] == {
            "type": "import_data",
            "source": {**source, "connection": "azureml:c"},
            "compute": "serverless",
            "outputs": {"sink": {"type": "mltable", "path": output["uri"]}},
        }
        with pytest.raises(Invalid, match="one output is needed"):
            jobs.from_arm("j", {"jobType": "Pipeline", "jobs": {"a": node}})

    def test_changes_are_what_can_change(self) -> None:
        body = {
            "displayName": "d",
            "isArchived": True,
            "tags": {"a": 1, "b": None},
            "command": "x",
        }
        found = jobs.changes(body)
        assert found == {"display_name": "d", "archived": True, "tags": {"a": "1"}}

    def test_a_job_that_is_sent_again_leaves_the_first_ones_outputs_alone(self) -> None:
        chosen = "azureml://datastores/workspaceblobstore/paths/azureml/first/"
        outputs = {
            "o": {"uri": f"{chosen}o/", "mode": "ReadWriteMount", "jobOutputType": "uri_folder"},
            "p": {"uri": f"{chosen}x/", "jobOutputType": "uri_folder"},
            "q": {"uri": chosen.replace("first", "${{name}}") + "q/"},
        }
        found = jobs.from_arm("second", {**COMMAND, "outputs": outputs})["outputs"]
        assert found["o"] == {"type": "uri_folder", "mode": "rw_mount"}
        assert found["p"]["path"] == f"{chosen}x/"
        assert "${{name}}" in found["q"]["path"]

    def test_what_a_sweep_leaves_out_is_left_out(self) -> None:
        body = {"jobType": "Sweep", "samplingAlgorithm": {}, "earlyTermination": {}}
        found = jobs.from_arm("j", {**body, "searchSpace": {"x": ["choice", [1]]}})
        assert found == {
            "name": "j",
            "type": "sweep",
            "trial": {},
            "search_space": {"x": {"type": "choice", "values": [1]}},
        }

    def test_keys_that_are_no_list_are_passed_on(self) -> None:
        node = {"type": "parallel", "partition_keys": "[not"}
        found = jobs.from_arm("j", {"jobType": "Pipeline", "jobs": {"a": node}})
        assert found["jobs"]["a"]["partition_keys"] == "[not"


class TestToAzure:
    def test_a_job_is_a_resource(self) -> None:
        found = jobs.to_arm(VIEW, IDS)
        assert found["id"] == f"{WS}/jobs/j"
        assert found["name"] == "j"
        assert found["type"].endswith("/workspaces/jobs")
        assert found["systemData"]["createdBy"] == "ann"
        properties = found["properties"]
        assert properties["status"] == "Completed"
        assert properties["computeId"] == f"{WS}/computes/local"
        assert properties["isArchived"]
        assert properties["services"]["Studio"] == {
            "jobServiceType": "Studio",
            "endpoint": "https://x",
        }

    def test_no_output_is_called_default(self) -> None:
        assert list(jobs.to_arm(VIEW, IDS)["properties"]["outputs"]) == ["o"]

    def test_what_was_written_in_place_has_an_id_too(self) -> None:
        properties = jobs.to_arm(VIEW, IDS)["properties"]
        assert "/environments/CliV2AnonymousEnvironment/versions/" in properties["environmentId"]
        assert properties["codeId"] == f"{WS}/codes/{'a' * 64}~sub~folder/versions/1"
        again = jobs.from_arm("j", properties)
        assert again["code"] == VIEW["code"]

    @pytest.mark.parametrize("kind", ["database", "file_system"])
    def test_a_step_that_imports_is_shown_as_one(self, kind: str) -> None:
        source = {"type": kind, "connection": "azureml:c"}
        told = json.dumps({"source": {**source, "connection_type": "custom"}})
        step = {
            "command": "python -m importing ${{outputs.sink}}",
            "environment_variables": {"LAZUR_IMPORT": told},
            "outputs": {"sink": {"type": "mltable", "name": "x"}},
        }
        made = jobs.definition({"type": "pipeline", "jobs": {"a": step}}, IDS)["jobs"]["a"]
        assert (made["type"], made["task"]) == ("data_transfer", "import_data")
        assert made["source"] == source
        assert made["componentId"].endswith(f"/import_data_{kind}/versions/0.0.1")
        assert made["outputs"] == {"sink": {"job_output_type": "mltable", "name": "x"}}
        other = {**step, "command": "echo"}
        made = jobs.definition({"type": "pipeline", "jobs": {"a": other}}, IDS)["jobs"]["a"]
        assert made["type"] == "command"

    def test_what_is_reused_says_of_which(self) -> None:
        view = {**VIEW, "reuse": {"from": "other", "key": "k"}}
        assert jobs.to_arm(view, IDS)["properties"]["properties"] == {
            "azureml.isreused": "true",
            "azureml.reusedrunid": "other",
        }

    def test_a_parallel_job_is_shown_as_a_command(self) -> None:
        task = {"entry_script": "s.py", "environment": "azureml:e:1", "code": "azureml:c:1"}
        found = jobs.to_arm({**VIEW, "type": "parallel", "task": task}, IDS)["properties"]
        assert found["jobType"] == "Command"
        assert found["command"] == "s.py"

    def test_a_step_that_is_written_in_place_has_the_id_of_a_component_without_a_name(
        self,
    ) -> None:
        """Azure's client reads no step that has none, and so no pipeline with one."""
        plain = {"type": "command", "command": "true", "code": "azureml:c:1", "inputs": {"x": 1}}
        task = {"type": "run_function", "code": "azureml:c:1", "environment": {"image": "python"}}
        steps = {"a": plain, "p": {"type": "parallel", "mini_batch_size": "1", "task": task}}
        found = jobs.definition({"type": "pipeline", "jobs": steps}, IDS)["jobs"]
        for step in found.values():
            assert step["componentId"].startswith(f"{WS}/components/azureml_anonymous/versions/")
        assert not {"command", "code", "environment"} & found["a"].keys()
        assert found["a"]["inputs"]["x"]["value"] == "1"
        assert "task" not in found["a"]
        assert found["p"]["task"]["code"] == f"{WS}/codes/c/versions/1"
        assert f"{WS}/environments/CliV2Anonymous" in found["p"]["task"]["environment"]

    def test_a_component_in_its_place_has_its_id(self) -> None:
        known = {"id": "azureml:c:4", "name": "c", "version": "4", "command": "true"}
        step = {"type": "command", "component": known}
        limits = {"max_total_trials": 1, "timeout": 3600}
        trial = {"type": "sweep", "trial": {"command": "true"}, "limits": limits}
        loop = {"type": "do_while", "body": "${{parent.jobs.a}}"}
        view = {
            "type": "pipeline",
            "jobs": {"a": step, "s": trial, "d": loop, "n": {"type": "command"}},
            "inputs": {"x": None, "y": {"value": 3}},
        }
        found = jobs.definition(view, IDS)
        assert found["jobs"]["a"]["componentId"] == f"{WS}/components/c/versions/4"
        assert found["jobs"]["s"]["limits"] == limits
        assert "azureml_anonymous" in found["jobs"]["s"]["trial"]["componentId"]
        assert found["inputs"] == {"y": {"jobInputType": "literal", "value": "3"}}
        assert found["jobs"]["d"]["mapping"] == {}

    def test_a_loops_condition_is_shown_by_its_port(self) -> None:
        loop = {
            "type": "do_while",
            "body": "${{parent.jobs.a}}",
            "condition": "${{parent.jobs.a.outputs.ok}}",
            "mapping": {"f": ["${{parent.jobs.a.inputs.m}}"], "g": "${{parent.jobs.a.inputs.h}}"},
        }
        found = jobs.definition({"type": "pipeline", "jobs": {"d": loop}}, IDS)["jobs"]["d"]
        assert found["condition"] == "ok"
        assert found["mapping"] == {
            "${{parent.jobs.a.outputs.f}}": ["m"],
            "${{parent.jobs.a.outputs.g}}": ["h"],
        }

    def test_a_sweeps_trial_may_be_named(self) -> None:
        view = {
            "type": "sweep",
            "trial": "azureml:t:1",
            "search_space": {},
            "objective": {"goal": "minimize", "primary_metric": "m"},
            "limits": {"max_total_trials": 1},
        }
        found = jobs.definition(view, IDS)
        assert found["trial"]["componentId"] == f"{WS}/components/t/versions/1"


class TestChanged:
    @pytest.mark.parametrize(
        "said, field",
        [
            ({}, None),
            ({"command": " true\n", "jobType": "command", "tags": {"x": "y"}}, None),
            ({"command": "false"}, "command"),
            ({"codeId": f"{WS}/codes/{'b' * 64}/versions/1"}, "codeId"),
            ({"jobType": "Sweep"}, "jobType"),
        ],
    )
    def test_what_a_job_is_stays(self, said: dict[str, Any], field: str | None) -> None:
        assert jobs.changed(said, VIEW, IDS) == field

    def test_what_is_shown_is_no_change(self) -> None:
        assert jobs.changed(jobs.to_arm(VIEW, IDS)["properties"], VIEW, IDS) is None
