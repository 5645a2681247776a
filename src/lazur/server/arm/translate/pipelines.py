"""Pipeline jobs. The bodies of their nodes have fields in snake_case, but for the ids in them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lazur.errors import Invalid, Unsupported
from lazur.server.arm.ids import Ids
from lazur.server.arm.translate import nameless
from lazur.server.arm.translate.cases import given, mapping, snaked
from lazur.server.arm.translate.job_ports import arm_inputs, arm_outputs, inputs, outputs
from lazur.server.arm.translate.job_settings import arm_settings, settings
from lazur.server.arm.translate.references import asset_id, resource_id, written
from lazur.server.arm.translate.sweeps import arm_policy, objective, policy
from lazur.services.results.data_imports import STEP, imported
from lazur.spec.model import squashed

_IDS = {"component_id": "component", "compute_id": "compute"}
_SETTINGS = ("resources", "limits", "distribution", "queue_settings", "identity", "services")
_PORTS = ("inputs", "outputs")
_LOOPS = {"dowhile": "do_while", "parallelfor": "parallel_for", "ifelse": "if_else"}
_UNKNOWN = {"automl": "AutoML", "spark": "Spark", "datatransfer": "data transfer"}
_OF_AZURE = ("_source", "source", "name")
_OF_A_COMPONENT = ("command", "code", "environment", "jobs")
_RETRY = "retry_settings"


def pipeline(body: Mapping[str, Any]) -> dict[str, Any]:
    """`body` has its fields in snake_case."""
    nodes = mapping(body.get("jobs"))
    return {
        "type": "pipeline",
        **given(
            jobs={name: _node(name, mapping(node)) for name, node in nodes.items()} or None,
            component=written(body.get("component_id")) if not nodes else None,
            inputs=inputs(body.get("inputs")) or None,
            outputs=outputs(body.get("outputs")) or None,
            settings=_settings(body.get("settings")) or None,
        ),
        **{k: v for k, v in settings(body).items() if k in ("identity", "services")},
    }


def arm_pipeline(found: Mapping[str, Any], ids: Ids) -> dict[str, Any]:
    nodes = mapping(found.get("jobs"))
    component = found.get("component")
    return {
        **arm_settings({k: found.get(k) for k in ("identity", "services")}, ""),
        "jobs": arm_steps(found, ids),
        "component_id": _component_id(component, ids) if not nodes else None,
        "inputs": arm_inputs(found.get("inputs"), ids),
        "outputs": arm_outputs(found.get("outputs"), ids),
        "settings": _arm_settings(found.get("settings"), ids),
    }


def arm_steps(whole: Mapping[str, Any], ids: Ids) -> dict[str, Any]:
    """Of a pipeline, or of a component that is one."""
    nodes = mapping(whole.get("jobs"))
    return {name: _arm_node(name, mapping(node), whole, ids) for name, node in nodes.items()}


def _settings(body: Any) -> dict[str, Any]:
    made = snaked(body)
    made.pop("_source", None)
    for key in ("default_compute", "default_datastore"):
        if made.get(key):
            made[key] = written(made[key])
    return made


def _arm_settings(found: Any, ids: Ids) -> dict[str, Any]:
    made = mapping(found)
    for key, kind in (("default_compute", "computes"), ("default_datastore", "datastores")):
        if made.get(key):
            made[key] = resource_id(made[key], kind, ids)
    return made


def _node(name: str, node: dict[str, Any]) -> dict[str, Any]:
    body = snaked(node)
    kind = squashed(body.get("type"))
    if kind == "datatransfer" and squashed(body.get("task")) == "importdata":
        return _import(name, body)
    if kind in _UNKNOWN:
        raise Unsupported(
            f"jobs.{name}: {_UNKNOWN[kind]} steps are not run here.",
            hint="Known: command, sweep, parallel, pipeline, if_else, do_while, parallel_for.",
        )
    for theirs, ours in _IDS.items():
        if theirs in body:
            body[ours] = written(body.pop(theirs))
    for key in _OF_AZURE:
        body.pop(key, None)
    if kind in _LOOPS:
        return _control({**body, "type": _LOOPS[kind]})
    made = {key: value for key, value in body.items() if key not in (*_SETTINGS, *_PORTS)}
    if kind == "sweep":
        made |= _sweep(body)
    if isinstance(made.get("partition_keys"), str):
        made["partition_keys"] = _keys(made["partition_keys"])
    made |= settings(body)
    made |= given(
        inputs=inputs(body.get("inputs")) or None, outputs=outputs(body.get("outputs")) or None
    )
    return {key: value for key, value in made.items() if value not in (None, {}, [])}


def _import(name: str, body: dict[str, Any]) -> dict[str, Any]:
    """What is imported, and where to; the job that does it is made of that later."""
    source = snaked(body.get("source"))
    made = outputs(body.get("outputs"))
    if len(made) != 1:
        raise Invalid(f"jobs.{name}: one output is needed: the data that it becomes.")
    return given(
        type=STEP,
        source={**source, "connection": written(source.get("connection"))},
        compute=written(body.get("compute_id")),
        outputs=made,
    )


def _keys(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _sweep(body: Mapping[str, Any]) -> dict[str, Any]:
    """As YAML has it, but for the component and the policy."""
    component = snaked(body.get("trial")).get("component_id")
    return given(
        trial=written(component) if component else body.get("trial"),
        early_termination=policy(body.get("early_termination")),
        objective=objective(body.get("objective")),
    )


def _arm_node(
    name: str, step: dict[str, Any], whole: Mapping[str, Any], ids: Ids
) -> dict[str, Any]:
    kind = str(step.get("type") or "command")
    if squashed(kind) in _LOOPS:
        return _arm_control(step)
    if (source := imported(step)) is not None:
        return _arm_import(name, step, source, ids)
    made = {k: v for k, v in step.items() if k not in (*_SETTINGS, *_PORTS, *_NAMED)}
    component = step.get("component")
    said = {key: step.get(key) for key in _SETTINGS}
    made |= {"name": name, "type": kind, **arm_settings(said, _limits_of(kind), dict)}
    if kind == "sweep":
        made |= given(limits=step.get("limits"))  # whole numbers of seconds, as in YAML
        made["trial"] = {"componentId": _trial_id(step, whole, ids)}
        made |= given(early_termination=arm_policy(step.get("early_termination"), dict))
    elif component is not None:
        made["componentId"] = _component_id(component, ids)
    else:  # what was written in the step itself, Azure makes a component of without a name
        made = {key: value for key, value in made.items() if key not in _OF_A_COMPONENT}
        made["componentId"] = ids.nameless("components", nameless.of_step(step, whole))
        made |= given(task=_arm_task(mapping(step.get("task")), ids) or None)
    if isinstance(made.get("partition_keys"), list):
        made["partition_keys"] = json.dumps(made["partition_keys"])
    made |= given(computeId=resource_id(step.get("compute"), "computes", ids))
    made["inputs"] = arm_inputs(step.get("inputs"), ids, node=True)
    made["outputs"] = arm_outputs(step.get("outputs"), ids, node=True)
    return {key: value for key, value in made.items() if value is not None}


def _arm_import(
    name: str, step: dict[str, Any], source: dict[str, Any], ids: Ids
) -> dict[str, Any]:
    what = "database" if source.get("type") == "database" else "file_system"
    return {
        "name": name,
        "type": "data_transfer",
        "task": "import_data",
        "source": source,
        "componentId": f"{_IMPORTERS}/import_data_{what}/versions/0.0.1",
        "computeId": resource_id(step.get("compute"), "computes", ids) or "serverless",
        "inputs": {},
        "outputs": arm_outputs(step.get("outputs"), ids, node=True),
        "_source": "BUILTIN",
    }


def _arm_task(task: dict[str, Any], ids: Ids) -> dict[str, Any]:
    """Of a parallel step."""
    named = {"code": "codes", "environment": "environments"}
    return task | {
        key: asset_id(task[key], kind, ids) for key, kind in named.items() if key in task
    }


_IMPORTERS = "azureml://registries/azureml/components"
_NAMED = ("component", "compute", "trial")


def _limits_of(kind: str) -> str:
    return "Command" if kind == "command" else ""


def _component_id(component: Any, ids: Ids) -> str | None:
    """One that was looked up stands in its place, and says which it was."""
    return asset_id(mapping(component).get("id") or component, "components", ids)


def _trial_id(step: Mapping[str, Any], whole: Mapping[str, Any], ids: Ids) -> str | None:
    trial = step.get("trial")
    if isinstance(trial, str) or mapping(trial).get("id"):
        return _component_id(trial, ids)
    return ids.nameless("components", nameless.of_trial(step, whole))


def _control(body: dict[str, Any]) -> dict[str, Any]:
    """A loop's condition is an output of its body, by name; what goes from one round to the next
    by the outputs' expressions."""
    loop = {key: value for key, value in body.items() if value is not None}
    if loop["type"] != "do_while":
        return loop
    inner = _bare(loop.get("body"))
    condition = loop.get("condition")
    if isinstance(condition, str) and "${{" not in condition:
        loop["condition"] = f"${{{{parent.jobs.{inner}.outputs.{condition}}}}}"
    loop["mapping"] = {
        _port(key): [
            t if "${{" in str(t) else f"${{{{parent.jobs.{inner}.inputs.{t}}}}}"
            for t in (targets if isinstance(targets, list) else [targets])
        ]
        for key, targets in mapping(loop.get("mapping")).items()
    }
    return loop


def _arm_control(step: dict[str, Any]) -> dict[str, Any]:
    if step.get("type") != "do_while":
        return step
    inner = _bare(step.get("body"))
    made = dict(step)
    if isinstance(made.get("condition"), str):
        made["condition"] = _port(made["condition"])
    made["mapping"] = {
        f"${{{{parent.jobs.{inner}.outputs.{key}}}}}": [
            _port(str(t)) for t in (targets if isinstance(targets, list) else [targets])
        ]
        for key, targets in mapping(step.get("mapping")).items()
    }
    return made


def _bare(text: Any) -> str:
    return str(text or "").removeprefix("${{").removesuffix("}}").strip().rpartition(".")[2]


def _port(text: str) -> str:
    """The last part of an expression; a name stays."""
    return _bare(text) if "${{" in text else text
