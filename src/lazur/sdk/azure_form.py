"""What is written here as Azure's YAML has it: its schema named, and no field that Azure does not
know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

Spec = dict[str, Any]

_SCHEMAS = "https://azuremlschemas.azureedge.net/latest/{}.schema.json"
_NOTED = "name display_name description tags properties"
_JOB = f"{_NOTED} type experiment_name compute inputs outputs services identity"
_RUN = (
    "command code environment environment_variables distribution resources limits queue_settings"
)
_PARALLEL = (
    "task input_data mini_batch_size partition_keys retry_settings logging_level"
    " max_concurrency_per_instance mini_batch_error_threshold error_threshold program_arguments"
    " resources environment_variables"
)
_SWEEP = (
    "trial search_space sampling_algorithm objective early_termination limits resources"
    " queue_settings"
)
_FIELDS = {
    "command job": f"{_JOB} {_RUN}",
    "sweep job": f"{_JOB} {_SWEEP}",
    "pipeline job": f"{_JOB} jobs settings",
    "step": f"{_JOB} {_RUN} {_PARALLEL} {_SWEEP} jobs settings component"
    " condition true_block false_block body mapping items max_iteration_count",
    "component": f"{_NOTED} version type is_deterministic inputs outputs command code environment"
    f" resources distribution jobs additional_includes {_PARALLEL} {_SWEEP}",
    "environment": f"{_NOTED} version image conda_file build os_type inference_config",
    "data": f"{_NOTED} version type path",
    "model": f"{_NOTED} version type path stage flavors",
    "resources": "instance_count instance_type shm_size docker_args properties locations"
    " max_instance_count",
    "limits": "timeout max_total_trials max_concurrent_trials trial_timeout max_iteration_count",
    "datastore": f"{_NOTED} type account_name container_name file_share_name filesystem protocol"
    " endpoint store_name one_lake_workspace_name artifact credentials",
    "connection": f"{_NOTED} type target credentials metadata is_shared api_base api_key endpoint"
    " azure_endpoint api_version open_ai_resource_id ai_services_resource_id url account_name"
    " container_name one_lake_workspace_name artifact",
    "schedule": f"{_NOTED} trigger create_job import_data is_enabled",
}
_KNOWN = {kind: frozenset(text.split()) for kind, text in _FIELDS.items()}
_SCHEMA = {
    "command job": "commandJob",
    "sweep job": "sweepJob",
    "pipeline job": "pipelineJob",
    "command component": "commandComponent",
    "pipeline component": "pipelineComponent",
    "parallel component": "parallelComponent",
    "environment": "environment",
    "data": "data",
    "model": "model",
    "schedule": "schedule",
    "azure_blob datastore": "azureBlob",
    "azure_file datastore": "azureFile",
    "azure_data_lake_gen2 datastore": "azureDataLakeGen2",
    "connection": "workspaceConnection",
}
_ELSEWHERE = ("s3", "gcs", "http", "https", "local", "storage")
"""Types of datastores that Azure does not have."""


def azure_form(noun: str, spec: Mapping[str, Any]) -> tuple[dict[str, Spec], list[str]]:
    """Files by what is added to the thing's name: a schedule's job has one of its own. None, where
    Azure has no counterpart. The second part says what did not go along.

    `noun` is one of job, component, environment, data, model, datastore, connection, schedule."""
    lost: list[str] = []
    kind = str(spec.get("type") or "command")
    if noun == "datastore" and kind in _ELSEWHERE:
        return {}, [f"Azure has no datastores of type {kind}"]
    if noun == "job":
        made = _job(spec, kind, lost)
        kind = str(made["type"])
    elif noun == "component":
        made = _component(spec, lost)
    elif noun == "schedule":
        return _schedule(spec, lost), lost
    else:
        made = _kept(noun, spec, lost)
    return {"": _headed(f"{kind} {noun}", made)}, lost


def _headed(kind: str, made: Spec) -> Spec:
    schema = _SCHEMA.get(kind) or _SCHEMA.get(kind.rpartition(" ")[2])
    return {**({"$schema": _SCHEMAS.format(schema)} if schema else {}), **made}


def _job(spec: Mapping[str, Any], kind: str, lost: list[str]) -> Spec:
    if kind == "parallel":
        lost.append("a parallel job by itself is Lazur's own: it is the one step of a pipeline")
        return _pipeline_of(spec, lost)
    made = _kept(f"{kind} job", spec, lost)
    return {**_inner(made, lost), "type": kind}


def _pipeline_of(spec: Mapping[str, Any], lost: list[str]) -> Spec:
    outer = {key: spec[key] for key in _JOB.split() if key in spec and key != "type"}
    inputs = cast("Mapping[str, Any]", spec.get("inputs") or {})
    step = {
        **{key: value for key, value in spec.items() if key not in outer},
        "type": "parallel",
        "inputs": {name: f"${{{{parent.inputs.{name}}}}}" for name in inputs},
        "outputs": {name: f"${{{{parent.outputs.{name}}}}}" for name in spec.get("outputs") or {}},
    }
    return {**outer, "type": "pipeline", "jobs": {"step": _step("step", step, lost)}}


def _component(spec: Mapping[str, Any], lost: list[str]) -> Spec:
    return _inner(_kept("component", spec, lost), lost)


def _schedule(spec: Mapping[str, Any], lost: list[str]) -> dict[str, Spec]:
    made = _kept("schedule", spec, lost)
    trigger = cast("Mapping[str, Any]", made.get("trigger") or {})
    if trigger.get("type") not in {"cron", "recurrence"}:
        lost.append(f"Azure has no triggers of type {trigger.get('type')}")
    job = made.get("create_job")
    if not isinstance(job, Mapping):
        return {"": _headed("schedule", made)}
    held = _whole(cast("Mapping[str, Any]", job))
    whole = _job(held, str(held.get("type") or "command"), lost)
    kind = whole["type"]
    made["create_job"] = {"type": kind, "job": f"./{made['name']}.job.yml"}
    return {"": _headed("schedule", made), ".job": _headed(f"{kind} job", whole)}


def _whole(job: Mapping[str, Any]) -> Spec:
    """A job with what the schedule changes of it."""
    base = job.get("job")
    if not isinstance(base, Mapping):
        return dict(job)
    held = cast("Mapping[str, Any]", base)
    changes = {key: value for key, value in job.items() if key != "job" and value is not None}
    inputs = {**(held.get("inputs") or {}), **(changes.get("inputs") or {})}
    return {**held, **changes, **({"inputs": inputs} if inputs else {})}


def _inner(made: Spec, lost: list[str]) -> Spec:
    """What lies within a job or a component."""
    settings = made.get("settings")
    if isinstance(settings, Mapping) and "default_compute" in settings:
        made["settings"] = {**settings, "default_compute": _named(settings["default_compute"])}
    if "compute" in made:
        made["compute"] = _named(made["compute"])
    for part in ("resources", "limits"):
        if isinstance(made.get(part), Mapping):
            made[part] = _kept(part, made[part], lost, part)
    for part in ("environment", "component"):
        if isinstance(made.get(part), Mapping):
            made[part] = _kept(part, made[part], lost, part)
    trial = made.get("trial")
    if isinstance(trial, Mapping):
        made["trial"] = _inner(_kept("step", trial, lost, "trial"), lost)
    steps = made.get("jobs")
    if isinstance(steps, Mapping):
        held = cast("Mapping[str, Any]", steps)
        made["jobs"] = {name: _step(name, step, lost) for name, step in held.items()}
    return made


def _named(compute: Any) -> Any:
    """Azure's computes are named so; those words are no names."""
    plain = isinstance(compute, str) and compute not in {"serverless", ""} and ":" not in compute
    return f"azureml:{compute}" if plain else compute


def _step(name: str, step: Mapping[str, Any], lost: list[str]) -> Spec:
    made = _kept("step", step, lost, f"jobs.{name}")
    for part in ("name", "display_name", "tags", "properties", "experiment_name"):
        if not made.get(part):
            made.pop(part, None)
    return _inner(made, lost)


def _kept(kind: str, spec: Mapping[str, Any], lost: list[str], place: str = "") -> Spec:
    """Fields that say something, of those that Azure knows; the others are named."""
    known = _KNOWN.get(kind)
    said = {key: value for key, value in spec.items() if value not in (None, {}, [])}
    if known is None:
        return said
    lost += [f"{place}.{key}".lstrip(".") for key in said if key not in known | {"$schema"}]
    return {key: value for key, value in said.items() if key in known}
