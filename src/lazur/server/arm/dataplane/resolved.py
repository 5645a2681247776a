"""Where assets lie, for clients that have an id and want the files: data and models, by their own
ids and by those of jobs' outputs."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any
from urllib.parse import unquote

from lazur.errors import Invalid, NotFound
from lazur.server.arm import addresses, ids
from lazur.server.arm.calls import Call
from lazur.server.arm.replies import Reply
from lazur.server.arm.routes import Routes
from lazur.server.arm.translate.cases import mapping
from lazur.services.assets import assets
from lazur.services.base.site import Context
from lazur.services.jobs import jobs
from lazur.spec import references
from lazur.spec.references import JobOutput

routes = Routes()

_LOCATED = re.compile(
    r"azureml://locations/[^/]+/workspaces/[^/]+/(?P<kind>[^/]+)/(?P<name>[^/]+)"
    r"(?:/versions/(?P<version>[^/]+))?"
)
_TYPES = {
    "uri_folder": "UriFolder",
    "uri_file": "UriFile",
    "mltable": "MLTable",
    "custom_model": "CustomModel",
    "mlflow_model": "MLFlowModel",
    "triton_model": "TritonModel",
}
_MOST = 1000


@routes.post("/data/v1.0WS/dataversion/batchGetResolvedUris", "workspaces/data/read")
def data_uris(call: Call) -> Reply:
    return _resolved(call, "data")


@routes.post("/modelregistry/v1.0WS/models/batchGetResolvedUris", "workspaces/models/read")
def model_uris(call: Call) -> Reply:
    return _resolved(call, "models")


@routes.post("/data/v1.0WS/dataversion/getByAssetId", "workspaces/data/read")
def by_id(call: Call) -> Reply:
    """One version, by its id."""
    asset_id = str(call.json().get("value") or call.json().get("assetId") or "")
    call.check_own({"assetId": asset_id})
    name, version = _named(asset_id, "data")
    found = call.read(lambda c: assets.get(c, call.shelf, "data", name, version))
    told = {
        "dataContainerName": found["name"],
        "dataType": _TYPES.get(str(found.get("type")), "UriFolder"),
        "dataUri": addresses.here(call).uri(found.get("path")),
        "versionId": found["version"],
        "assetId": asset_id,
        "tags": found.get("tags") or {},
        "properties": found.get("properties") or {},
        "isArchived": bool(found.get("archived")),
        "description": found.get("description"),
    }
    return Reply({"dataVersion": told, "entityMetadata": {"etag": found.get("etag")}})


def _resolved(call: Call, kind: str) -> Reply:
    asked = call.json().get("values")
    if not isinstance(asked, list) or len(asked) > _MOST:
        raise Invalid(f'The body is {{"values": [id, …]}}, of at most {_MOST} ids.')
    made: dict[str, Any] = {}
    for one in asked:
        with suppress(NotFound):
            made[str(one)] = _uri(call, kind, str(one))
    return Reply({"values": made})


def _uri(call: Call, kind: str, asset_id: str) -> dict[str, Any]:
    here = addresses.here(call)
    found = references.parse(asset_id) if asset_id.startswith("azureml://jobs/") else None
    if isinstance(found, JobOutput):
        output = call.read(lambda c: _output(c, call.workspace, found.job, found.output))
        told, at = output.get("type"), output.get("uri") or output.get("path")
    else:
        name, version = _named(asset_id, kind)
        view = call.read(lambda c: assets.get(c, call.shelf, kind, name, version))
        told, at = view.get("type"), view.get("path")
    uri = here.uri(at)
    # The client reads one name of data and the other of models.
    kind_of = _TYPES.get(str(told), "UriFolder")
    return {"uri": uri, "path": uri, "type": kind_of, "isDirectory": True}


def _output(context: Context, workspace: str, job: str, output: str) -> dict[str, Any]:
    view = jobs.get(context, workspace, job)
    outputs = mapping(view.get("outputs"))
    if output not in outputs:
        raise NotFound(f"Job {job!r} has no output {output!r}.")
    return mapping(outputs[output])


def _named(asset_id: str, kind: str) -> tuple[str, str]:
    """`azureml://locations/…`, an id of the resource manager, or `name:version`. Raises NotFound
    for what is of another kind."""
    located = _LOCATED.fullmatch(asset_id)
    if located is not None:
        told, name, version = located["kind"].lower(), unquote(located["name"]), located["version"]
    elif (found := ids.parse(asset_id)) is not None:
        told, name, version = found.kind, found.name, found.version
    else:
        told, (name, _, version) = kind, asset_id.removeprefix("azureml:").partition(":")
    if told != kind:
        raise NotFound(f"{asset_id[:200]!r} is none of {kind}.")
    return name, version or "@latest"
