"""Answers as Azure's command line gives them: its ids, and no fields of ours. What a command shows
is what Azure's Python client calls the entity's dictionary, without what is not set."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote

from lazur.cli.az.place import Place

View = dict[str, Any]

_OURS = {
    "job": "archived attempt build duration ended_at error etag git phases started_at waiting_for"
    " warnings steps reused trials labels cluster nodes",
    "data": "archived etag labels latest registry warnings",
    "model": "archived etag labels latest registry warnings",
    "environment": "archived etag labels latest registry warnings",
    "component": "archived etag labels latest registry warnings",
    "compute": "etag jobs running runs_on slots used",
    "datastore": "etag creation_context is_default",
    "connection": "etag creation_context in_jobs",
    "workspace": "etag creation_context",
    "registry": "etag creation_context",
    "schedule": "acts_as etag last_run next_runs key missed runs warnings",
}
_MARKED = frozenset({"job", "model", "environment", "component"})
"""Whose ids begin with `azureml:`."""
_WORKSPACE = re.compile(r"/workspaces/([^/]+)/")


def shape(noun: str, answer: Any, place: Place, workspace: str, url: str = "") -> Any:
    """`noun` as in `az ml NOUN …`; what no shape is known of stays as it is. `workspace` is the
    one in use: what is the server's own, such as its compute, says none. `url` is the
    server's."""
    if isinstance(answer, list):
        return [shape(noun, one, place, workspace, url) for one in answer]
    if noun not in _OURS or not isinstance(answer, dict) or "id" not in answer:
        return answer
    view: View = answer
    ours = _OURS[noun].split()
    said = _WORKSPACE.match(str(view["id"]))
    workspace = unquote(said[1]) if said else workspace
    latest = view.get("latest")
    kept = {key: value for key, value in view.items() if key not in ours and value is not None}
    if "creation_context" in kept:
        kept["creation_context"] = _made(kept["creation_context"])
    kept["id"] = _id(noun, str(view["id"]), place, workspace)
    if "/resourceGroups/" in kept["id"]:
        kept["resourceGroup"] = place.group
    if isinstance(latest, str) and "version" not in kept:
        kept["latest_version"] = latest
    if noun == "workspace":
        kept["mlflow_tracking_uri"] = (
            f"{url}/mlflow/workspaces/{quote(str(view['name']), safe='')}"
        )
    more = _MORE.get(noun)
    return more(kept, place, workspace) if more else kept


def _id(noun: str, ours: str, place: Place, workspace: str) -> str:
    if not ours.startswith("/"):
        return ours  # of a registry, which names itself
    parts = [unquote(part) for part in ours.strip("/").split("/")]
    if parts[0] == "registries" and len(parts) > 2:
        return f"azureml:/{ours}"
    if parts[0] not in {"workspaces", "registries"}:
        parts = ["workspaces", workspace, *parts]
    return ("azureml:" if noun in _MARKED else "") + place.id(*parts)


def _made(context: View) -> View:
    """With who changed it last, and times as Azure's client writes them."""
    found = {**context}
    for what in ("at", "by", "by_type"):
        found.setdefault(f"last_modified_{what}", context.get(f"created_{what}"))
    for name in ("created_at", "last_modified_at"):
        found[name] = str(found[name]).replace("Z", "+00:00")
    return found


def _job(view: View, place: Place, workspace: str) -> View:
    compute = view.get("compute")
    if isinstance(compute, str) and compute and ":" not in compute:
        view["compute"] = f"azureml:{compute}"
    usual: View = {"inputs": {}, "outputs": {}, "properties": {}, "tags": {}}
    if view.get("type") == "command":
        usual |= {"environment_variables": {}, "parameters": {}}
    return {**usual, **view}


def _workspace(view: View, place: Place, workspace: str) -> View:
    """What of Azure a workspace here has no counterpart of is named after it."""
    name, providers = view["name"], f"{place.group_id}/providers"
    usual: View = {
        "application_insights": f"{providers}/Microsoft.Insights/components/{name}",
        "hbi_workspace": False,
        "key_vault": f"{providers}/Microsoft.KeyVault/vaults/{name}",
        "location": "local",
        "public_network_access": "Enabled",
        "resource_group": place.group,
        "storage_account": f"{providers}/Microsoft.Storage/storageAccounts/{name}",
    }
    return {**usual, **view}


def _compute(view: View, place: Place, workspace: str) -> View:
    usual: View = {"location": "local", "provisioning_state": "Succeeded", "tags": {}}
    made = view.pop("creation_context", None)
    if made:
        usual["created_on"] = made["created_at"]
    if view.get("type") == "amlcompute":
        usual |= {
            "idle_time_before_scale_down": 120,
            "min_instances": 0,
            "size": "local",
            "ssh_public_access_enabled": False,
            "tier": "dedicated",
        }
    return {**usual, **view}


def _data(view: View, place: Place, workspace: str) -> View:
    return {"type": "uri_folder", **view}


def _datastore(view: View, place: Place, workspace: str) -> View:
    """Those of the server are what Azure's storage was: an account of the workspace's name."""
    if view.get("type") == "local":
        account = {"account_name": workspace, "container_name": view["name"]}
        view = {**view, **account, "credentials": {}, "type": "azure_blob"}
    if str(view.get("type")).startswith("azure_"):
        return {"endpoint": "core.windows.net", "protocol": "https", **view}
    return view


def _schedule(view: View, place: Place, workspace: str) -> View:
    """What it creates stands in place, wherever it was written."""
    action = view.get("create_job")
    if isinstance(action, dict) and isinstance(action.get("job"), dict):
        job = {**action["job"]}
        for name, value in action.items():
            if name != "job":
                both = isinstance(value, dict) and isinstance(job.get(name), dict)
                job[name] = {**job[name], **value} if both else value
        view = {**view, "create_job": job}
    return {"properties": {}, "provisioning_state": "Succeeded", "tags": {}, **view}


def _environment(view: View, place: Place, workspace: str) -> View:
    return {"os_type": "linux", "tags": {}, **view}


def _component(view: View, place: Place, workspace: str) -> View:
    return {"is_deterministic": True, "tags": {}, **view}


def _registry(view: View, place: Place, workspace: str) -> View:
    return {
        "location": "local",
        "properties": {},
        "public_network_access": "Enabled",
        "resource_group": place.group,
        **view,
    }


_MORE: dict[str, Callable[[View, Place, str], View]] = {
    "job": _job,
    "data": _data,
    "workspace": _workspace,
    "compute": _compute,
    "datastore": _datastore,
    "schedule": _schedule,
    "environment": _environment,
    "component": _component,
    "registry": _registry,
}
