"""Jobs as the run history shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lazur.server.arm.translate.cases import given, mapping
from lazur.server.arm.translate.jobs import reuse, texts
from lazur.spec.references import JobOutput

_DATA = {"uri_file": "UriFile", "uri_folder": "UriFolder", "mltable": "MLTable"}
"""As releases of Azure's client before 1.35 know them, which pass over what they do not."""
_TYPES = {"pipeline": "azureml.PipelineRun", "sweep": "azureml.HyperDriveRun"}
_SUMMARY = {"pipeline": "logs/azureml/executionlogs.txt", "sweep": "azureml-logs/hyperdrive.txt"}
"""What Azure's client prints of a job that only decides: it looks for these names."""


def run(view: Mapping[str, Any], experiment: str) -> dict[str, Any]:
    """`experiment`: its id."""
    made = mapping(view.get("creation_context"))
    by = {"userName": made.get("created_by"), "userTenantId": None}
    return {
        "runId": view["name"],
        "dataContainerId": f"dcid.{view.get('run_id') or view['name']}",
        "experimentId": experiment,
        "displayName": view.get("display_name"),
        "name": view.get("display_name"),
        "description": view.get("description"),
        "status": view["status"],
        "runType": _TYPES.get(view["type"], "azureml.scriptrun"),
        "runTypeV2": {"orchestrator": "Execution", "traits": []},
        "tags": texts(view.get("tags")),
        "properties": {**texts(view.get("properties")), **reuse(view)},
        "hidden": bool(view.get("archived")),
        "createdUtc": made.get("created_at"),
        "lastModifiedUtc": made.get("last_modified_at"),
        "createdBy": by,
        "lastModifiedBy": by,
        "createdFrom": "API",
        "compute": {"target": view.get("compute"), "targetType": view.get("compute")},
        "services": {},
        "outputs": _outputs(view),
        **given(
            parentRunId=view.get("parent_job_name"),
            rootRunId=view.get("parent_job_name") or view["name"],
            startTimeUtc=view.get("started_at"),
            endTimeUtc=view.get("ended_at"),
            duration=span(view.get("duration")),
            error=_error(view.get("error")),
        ),
    }


def details(
    view: Mapping[str, Any], experiment: str, logs: Mapping[str, str], status: str
) -> dict[str, Any]:
    """`logs`: addresses of files by their paths. `status` may be held back."""
    whole = run(view, experiment)
    same = "runId experimentId displayName tags properties services outputs".split()
    return {
        **{key: whole[key] for key in same},
        **given(
            parentRunId=whole.get("parentRunId"),
            startTimeUtc=whole.get("startTimeUtc"),
            endTimeUtc=whole.get("endTimeUtc"),
            createdUtc=whole.get("createdUtc"),
            duration=whole.get("duration"),
            error=whole.get("error"),
        ),
        "target": view.get("compute"),
        "status": status,
        "logFiles": dict(logs),
        "warnings": [{"source": "Lazur", "message": text} for text in view.get("warnings") or ()],
    }


def data(view: Mapping[str, Any], experiment: str, *, old: bool = False) -> dict[str, Any]:
    """`old`: for a release before 1.35."""
    made = run(view, experiment)
    if old:
        named = made["outputs"].items()
        made["outputs"] = {n: {**body, "type": _DATA[body["type"]]} for n, body in named}
    return {"runMetadata": made, "runDefinition": None, "jobSpecification": None}


def changes(body: Mapping[str, Any]) -> dict[str, Any]:
    """What of a job a run's change is about, as the service calls it."""
    names = {"displayName": "display_name", "description": "description", "hidden": "archived"}
    made = {ours: body[theirs] for theirs, ours in names.items() if body.get(theirs) is not None}
    for key in ("tags", "properties"):
        if body.get(key) is not None:
            made[key] = texts(body[key]) if isinstance(body[key], Mapping) else body[key]
    return made


def summary_name(kind: str) -> str | None:
    """Under which name a job of this kind shows what became of its steps."""
    return _SUMMARY.get(kind)


def summary(view: Mapping[str, Any]) -> str:
    """One line for each thing that happened, in order: it only grows. The last line says the end,
    so that nobody misses what came just before."""
    found = sorted(_told(mapping(step) for step in view.get("steps") or ()))
    lines = [f"[{at}] {text}" for at, text in found]
    if view.get("ended_at"):
        lines.append(f"[{view['ended_at']}] {view['name']} is {view['status']}.")
    return "".join(f"{line}\n" for line in lines)


def _told(steps: Iterable[dict[str, Any]]) -> Iterable[tuple[str, str]]:
    for step in steps:
        who = f"{step['name']} ({step['job']})"
        if step.get("started_at"):
            again = f", as it was in {step['reused_from']}" if step.get("reused_from") else ""
            yield step["started_at"], f"{who} began{again}."
        if step.get("ended_at"):
            said = mapping(step.get("error")).get("message")
            yield step["ended_at"], f"{who} is {step['status']}" + (f": {said}" if said else ".")


def _outputs(view: Mapping[str, Any]) -> dict[str, Any]:
    """Each is named as an output of the job, which `batchGetResolvedUris` knows. Models are
    folders to who downloads them."""
    return {
        name: {
            "assetId": str(JobOutput(view["name"], name)),
            "type": _kind(mapping(body).get("type")),
        }
        for name, body in mapping(view.get("outputs")).items()
        if name != "default"
    }


def _kind(kind: Any) -> str:
    return kind if kind in _DATA else "uri_folder"


def _error(found: Any) -> dict[str, Any] | None:
    body = mapping(found)
    if not body:
        return None
    said = str(body.get("message") or _reason(body))
    message = f"{said} {body['hint']}" if body.get("hint") else said
    error = {"code": "UserError", "message": message, "messageFormat": message, "details": []}
    inner = {"code": str(body.get("code") or body.get("reason") or "Failed"), "innerError": None}
    return {"error": {**error, "innerError": inner}}


def _reason(body: Mapping[str, Any]) -> str:
    if body.get("reason") == "exit":
        return f"The command ended with exit code {body.get('code')}."
    return f"The job failed: {body.get('reason') or 'for a reason that is not known'}."


def span(seconds: Any) -> str | None:
    """As .NET writes a length of time, `1.02:03:04.5000000`."""
    if seconds is None:
        return None
    whole, part = divmod(round(float(seconds) * 10_000_000), 10_000_000)
    days, rest = divmod(whole, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, left = divmod(rest, 60)
    text = f"{hours:02}:{minutes:02}:{left:02}.{part:07}"
    return f"{days}.{text}" if days else text
