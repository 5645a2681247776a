"""What was tracked, as the run history and the metrics' service show it: runs that are no jobs,
experiments, metrics, files."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from lazur.server.arm.translate.cases import given, mapping
from lazur.server.arm.translate.jobs import texts
from lazur.server.arm.translate.runs import span
from lazur.services.base.times import iso

_STATES = {
    "SCHEDULED": "NotStarted",
    "RUNNING": "Running",
    "FINISHED": "Completed",
    "FAILED": "Failed",
    "KILLED": "Canceled",
}
_OWN = ("mlflow.", "lazur.")
LIGHT = frozenset(
    "runid status starttimeutc endtimeutc createdutc displayname name tags parameters hidden"
    " parentrunid experimentid description datacontainerid".split()
)
"""Of a run, what is known without looking at its job."""


def run(view: Mapping[str, Any], experiment: str) -> dict[str, Any]:
    """`experiment`: its id."""
    by = {"userName": view.get("user"), "userTenantId": None}
    name = view["job"] or view["id"]
    return {
        "runId": name,
        "dataContainerId": container(view["id"]),
        "experimentId": experiment,
        "displayName": view.get("name"),
        "name": view.get("name"),
        "description": view.get("description"),
        "status": _STATES.get(str(view.get("status")), "Running"),
        "runType": None,
        "runTypeV2": {"orchestrator": None, "traits": []},
        "tags": own(texts(view.get("tags"))),
        "parameters": texts(view.get("params")),
        "properties": {},
        "hidden": bool(view.get("deleted")),
        "createdUtc": view.get("started_at"),
        "createdBy": by,
        "lastModifiedBy": by,
        "createdFrom": "API",
        "target": None,
        "services": {},
        "inputs": {},
        "outputs": {},
        **given(
            parentRunId=view.get("parent"),
            rootRunId=mapping(view.get("tags")).get("mlflow.rootRunId")
            or view.get("parent")
            or name,
            startTimeUtc=view.get("started_at"),
            endTimeUtc=view.get("ended_at"),
            duration=span(view.get("duration")) if view.get("ended_at") else None,
        ),
    }


def details(view: Mapping[str, Any], experiment: str) -> dict[str, Any]:
    """Of a run that is no job, which has no log."""
    whole = run(view, experiment)
    whole.pop("dataContainerId")
    return {**whole, "logFiles": {}, "warnings": []}


def own(tags: Mapping[str, str]) -> dict[str, str]:
    """Those that people wrote."""
    return {key: value for key, value in tags.items() if not key.startswith(_OWN)}


def experiment(view: Mapping[str, Any], experiment_id: str) -> dict[str, Any]:
    return {
        "experimentId": experiment_id,
        "name": view["name"],
        "description": view.get("description"),
        "createdUtc": view.get("created_at"),
        "tags": own(texts(view.get("tags"))),
        "archivedTime": view.get("updated_at") if view.get("archived") else None,
        "retainForLifetimeOfWorkspace": False,
        "artifactLocation": view.get("artifact_uri"),
    }


def experiment_changes(body: Mapping[str, Any]) -> dict[str, Any]:
    made = given(description=body.get("description"), tags=body.get("tags"))
    if isinstance(made.get("tags"), Mapping):
        made["tags"] = texts(made["tags"])
    return made


def definition(name: str) -> dict[str, Any]:
    """That a run has this metric."""
    key = {"namespace": "", "name": name, "labels": None, "columnNames": [name]}
    return {"metricKey": key, **_schema(name)}


def metric(
    run_id: str, name: str, points: Iterable[Mapping[str, Any]], token: str | None = None
) -> dict[str, Any]:
    """Some of its points; `token` leads to the next."""
    return {
        "dataContainerId": container(run_id),
        "name": name,
        **_schema(name),
        "namespace": "",
        "standardSchemaId": None,
        "value": [_point(run_id, name, point) for point in points],
        "continuationToken": token,
        "nextLink": None,
    }


def artifact(run_id: str, path: str, modified: str) -> dict[str, Any]:
    return {
        "artifactId": f"ExperimentRun/{container(run_id)}/{path}",
        "origin": "ExperimentRun",
        "container": container(run_id),
        "path": path,
        "etag": None,
        "createdTime": modified,
        "dataPath": None,
        "tags": {},
    }


def content(run_id: str, path: str, url: str) -> dict[str, Any]:
    """Where a file is fetched."""
    place = {"origin": "ExperimentRun", "container": container(run_id), "path": path}
    return {"contentUri": url, **place, "tags": {}}


def page(values: list[Any], token: str | None, link: str | None = None) -> dict[str, Any]:
    """What is searched by a body has no link: the token goes into the body."""
    return {"value": values, "continuationToken": token, "nextLink": link}


def container(run_id: str) -> str:
    return f"dcid.{run_id}"


def _schema(name: str) -> dict[str, Any]:
    return {"columns": {name: "Double"}, "properties": {"uxMetricType": "azureml.v1.scalar"}}


def _point(run_id: str, name: str, point: Mapping[str, Any]) -> dict[str, Any]:
    text = f"{run_id}/{name}/{point['step']}/{point['timestamp']}/{point['value']}"
    return {
        "metricId": str(uuid.uuid5(uuid.NAMESPACE_URL, text)),
        "createdUtc": _time(point["timestamp"]),
        "step": point["step"],
        "data": {name: point["value"]},
    }


def _time(milliseconds: int) -> str | None:
    """None for what a script has logged as a time and is none."""
    try:
        return iso(milliseconds / 1000)
    except (OverflowError, ValueError, OSError):
        return None
