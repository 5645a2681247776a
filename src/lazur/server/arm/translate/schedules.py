"""Schedules: when, and which job or data import."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lazur.errors import Unsupported
from lazur.server.arm.ids import Ids, type_of
from lazur.server.arm.translate.cases import camelled, given, mapping, pascal, snaked
from lazur.server.arm.translate.common import resource
from lazur.server.arm.translate.jobs import definition, from_arm, texts
from lazur.server.arm.translate.references import path_uri, resource_id, written
from lazur.spec.model import squashed

_NOTES = ("display_name", "description")
_LISTS = ("hours", "minutes", "week_days", "month_days")
_ACTIONS = {"createmonitor": "create_monitor", "invokebatchendpoint": "invoke_batch_endpoint"}


def schedule(name: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """As YAML has it. Raises Unsupported for what is not run here, Invalid."""
    body = snaked(properties)
    return {
        "name": name,
        **{key: body[key] for key in (*_NOTES, "is_enabled") if key in body},
        **given(
            tags=texts(body.get("tags")) or None, properties=texts(body.get("properties")) or None
        ),
        "trigger": _trigger(body.get("trigger")),
        **_action(body.get("action")),
    }


def to_arm(view: Mapping[str, Any], job: Mapping[str, Any] | None, ids: Ids) -> dict[str, Any]:
    """`job`: what it submits, with all that is changed in it."""
    properties = {
        **camelled({key: view.get(key) for key in _NOTES}),
        "tags": texts(view.get("tags")),
        "properties": texts(view.get("properties")),
        "isEnabled": bool(view.get("is_enabled")),
        "provisioningState": "Succeeded",
        "trigger": _arm_trigger(view.get("trigger")),
        "action": _arm_action(view, job, ids),
    }
    schedule_id = ids.resource("schedules", str(view["name"]))
    return resource(view, schedule_id, type_of("schedules"), properties)


def _trigger(body: Any) -> dict[str, Any]:
    made = snaked(body)
    kind = squashed(made.pop("trigger_type", None))
    if "frequency" in made:
        made["frequency"] = str(made["frequency"]).lower()
    made["schedule"] = _pattern(made.get("schedule"))
    return given(type=kind or None, **made)


def _pattern(body: Any) -> dict[str, Any] | None:
    """The client sends empty lists where nothing was said."""
    found = snaked(body)
    made = {key: _listed(found[key]) for key in _LISTS if found.get(key)}
    if "week_days" in made:
        made["week_days"] = [str(day).lower() for day in made["week_days"] or ()]
    return made or None


def _arm_trigger(found: Any) -> dict[str, Any]:
    made = mapping(found)
    kind = pascal(str(made.pop("type", "")))
    if made.get("frequency"):
        made["frequency"] = pascal(made["frequency"])
    if kind == "Recurrence":
        said = {key: _listed(mapping(made.get("schedule")).get(key)) for key in _LISTS}
        days = [pascal(str(day)) for day in said["week_days"] or ()]
        whole = {**said, "week_days": days or None}
        made["schedule"] = camelled(
            {**whole, "hours": said["hours"] or [], "minutes": said["minutes"] or []}
        )
    return {"triggerType": kind, "timeZone": "UTC", **camelled(made)}


def _listed(value: Any) -> list[Any] | None:
    if value is None or isinstance(value, list):
        return value
    return [value]


def _action(body: Any) -> dict[str, Any]:
    made = snaked(body)
    kind = squashed(made.get("action_type"))
    if kind == "importdata":
        return {"import_data": _import(made.get("data_import_definition"))}
    if kind in _ACTIONS:
        raise Unsupported(
            f"Schedules with `{_ACTIONS[kind]}` are not run here.",
            hint="Supported: create_job and import_data. What create_job names may be a job that "
            "looks at the data, or scores.",
        )
    job = mapping(made.get("job_definition"))
    source = written(job.get("sourceJobId") or job.get("source_job_id"))
    if source and not snaked(job).get("jobs"):
        return {"create_job": source if source.startswith("azureml:") else f"azureml:{source}"}
    found = from_arm("", job) if job else None
    return {"create_job": {key: v for key, v in found.items() if key != "name"} if found else None}


def _arm_action(
    view: Mapping[str, Any], job: Mapping[str, Any] | None, ids: Ids
) -> dict[str, Any]:
    if view.get("import_data") is not None:
        return {
            "actionType": "ImportData",
            "dataImportDefinition": _arm_import(mapping(view["import_data"]), ids),
        }
    return {"actionType": "CreateJob", "jobDefinition": definition(mapping(job), ids)}


def _import(body: Any) -> dict[str, Any]:
    made = snaked(body)
    source = snaked(made.get("source"))
    kind = source.pop("source_type", None) or source.pop("type", None)
    return given(
        type="mltable" if squashed(kind) == "database" else "uri_folder",
        name=made.get("asset_name"),
        path=written(made.get("data_uri")),
        source=given(type=kind, **{**source, "connection": written(source.get("connection"))}),
        description=made.get("description"),
        tags=texts(made.get("tags")) or None,
        properties=texts(made.get("properties")) or None,
    )


def _arm_import(found: dict[str, Any], ids: Ids) -> dict[str, Any]:
    source = mapping(found.get("source"))
    kind = source.pop("type", None)
    source["connection"] = resource_id(source.get("connection"), "connections", ids)
    data_type = str(found.get("type") or "uri_folder")
    return {
        "isAnonymous": False,
        "isArchived": False,
        "dataType": data_type,
        "dataUri": path_uri(found.get("path"), data_type, ids),
        "source": camelled({"source_type": kind, **source}),
        "assetName": found.get("name"),
        **given(
            description=found.get("description"),
            tags=found.get("tags"),
            properties=found.get("properties"),
        ),
    }
