"""`lazur compute …`"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from lazur.cli import session, specs
from lazur.cli.arguments import (
    DESCRIPTION,
    FILE,
    MAX_RESULTS,
    NO_WAIT,
    SET,
    TAGS,
    name,
    option,
)
from lazur.cli.terminal import size


def _row(compute: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = OrderedDict(Name=compute["name"], Type=compute.get("type"))
    slots, used = compute.get("slots") or {}, compute.get("used") or {}
    for what, shown in (("cpus", str), ("gpus", str), ("memory", size)):
        if slots.get(what):
            free = slots[what] - used.get(what, 0)
            row[f"Free {what}"] = f"{shown(free)} of {shown(slots[what])}"
    jobs = compute.get("jobs") or {}
    row["Nodes"] = compute.get("max_instances", compute.get("state", ""))
    row["Running"] = jobs.get("Running", 0)
    row["Waiting"] = jobs.get("Queued", 0) + jobs.get("Preparing", 0)
    return row


def _rows(computes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each with the columns of all, so that the table has them."""
    found = [_row(compute) for compute in computes]
    heads = list(dict.fromkeys(head for row in found for head in row))
    tail = ["Nodes", "Running", "Waiting"]
    heads = [*(head for head in heads if head not in tail), *tail] if found else []
    return [OrderedDict((head, row.get(head, "")) for head in heads) for row in found]


_WRITTEN = {
    "description": DESCRIPTION,
    "tags": TAGS,
    "sets": SET,
    "no_wait": NO_WAIT,
    "max_instances": option(
        "--max-instances", help="Nodes of its jobs that run at a time. Default: 4.", type=int
    ),
    "min_instances": option("--min-instances", help="Kept, without effect here.", type=int),
    "idle_time_before_scale_down": option(
        "--idle-time-before-scale-down", help="Seconds. Kept, without effect here.", type=int
    ),
    "identity_type": option(
        "--identity-type", "-i", help="Kept, without effect here: jobs act for who submits them."
    ),
    "user_assigned_identities": option(
        "--user-assigned-identities", help="Kept, without effect here."
    ),
}
COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {
    "compute list": ("list_", {"table_transformer": _rows}),
    "compute show": ("show", {"table_transformer": _row}),
    "compute create": ("create", {"table_transformer": _row}),
    "compute update": ("update", {"table_transformer": _row}),
    "compute delete": ("delete", {"confirmation": "Delete this compute?"}),
    "compute start": ("start", {"table_transformer": _row}),
    "compute stop": ("stop", {"table_transformer": _row}),
    "compute restart": ("restart", {"table_transformer": _row}),
}
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "compute": {"name": name("compute"), "no_wait": NO_WAIT},
    "compute list": {
        "max_results": MAX_RESULTS,
        "type_": option("--type", help="Only computes of this type."),
    },
    "compute create": {
        **_WRITTEN,
        "file": FILE,
        "name": name("compute", required=False),
        "type_": option("--type", "-t", help="amlcompute or computeinstance."),
        "size": option("--size", "-s", help="Kept, without effect here."),
        "tier": option("--tier", help="Kept, without effect here."),
        "location": option("--location", "-l", help="Kept, without effect here."),
    },
    "compute update": _WRITTEN,
}
HELP: dict[str, dict[str, Any]] = {
    "compute list": {
        "short-summary": "List computes with what is free there.",
        "examples": [{"name": "List", "text": "lazur compute list -o table"}],
    },
    "compute show": {
        "short-summary": "Show a compute.",
        "examples": [
            {
                "name": "What this machine has, and what is in use",
                "text": "lazur compute show -n local --query [slots,used]",
            }
        ],
    },
    "compute create": {
        "short-summary": "Name a share of the server's compute, or replace what is so named.",
        "long-summary": "Its jobs run on the server's own compute, so many nodes at a time.",
        "examples": [
            {"name": "From YAML", "text": "lazur compute create -f cluster.yml"},
            {
                "name": "As Azure's scripts do",
                "text": "lazur compute create -n cpu-cluster --type amlcompute --min-instances 0 "
                "--max-instances 4",
            },
        ],
    },
    "compute update": {
        "short-summary": "Change a compute of the workspace's own.",
        "examples": [
            {
                "name": "More jobs at a time",
                "text": "lazur compute update -n cpu-cluster --max-instances 8",
            }
        ],
    },
    "compute delete": {
        "short-summary": "Delete a compute of the workspace's own, once no job is there.",
        "examples": [{"name": "Delete", "text": "lazur compute delete -n cpu-cluster --yes"}],
    },
    "compute start": {
        "short-summary": "Start a compute instance: jobs run there again.",
        "examples": [{"name": "Start", "text": "lazur compute start -n my-instance"}],
    },
    "compute stop": {
        "short-summary": "Stop a compute instance: its running jobs go on, the others wait.",
        "examples": [{"name": "Stop", "text": "lazur compute stop -n my-instance"}],
    },
    "compute restart": {
        "short-summary": "Stop and start a compute instance.",
        "examples": [{"name": "Restart", "text": "lazur compute restart -n my-instance"}],
    },
}


def list_(max_results: int | None = None, type_: str | None = None) -> Any:
    found = session.client().compute.list(compute_type=type_, max_results=max_results)
    return [compute.to_dict() for compute in found]


def show(name: str) -> Any:
    return session.client().compute.get(name).to_dict()


def create(
    file: str | None = None,
    name: str | None = None,
    type_: str | None = None,
    size: str | None = None,
    tier: str | None = None,
    location: str | None = None,
    description: str | None = None,
    tags: Any = None,
    min_instances: int | None = None,
    max_instances: int | None = None,
    idle_time_before_scale_down: int | None = None,
    identity_type: str | None = None,
    user_assigned_identities: str | None = None,
    sets: Any = None,
    no_wait: bool = False,
) -> Any:
    flags = {
        "name": name,
        "type": type_,
        "size": size,
        "tier": tier,
        "location": location,
        **_flags(
            description,
            tags,
            min_instances,
            max_instances,
            idle_time_before_scale_down,
            identity_type,
            user_assigned_identities,
        ),
    }
    return _told(session.client().compute.submit(specs.source(file, sets, flags)))


def update(
    name: str,
    description: str | None = None,
    tags: Any = None,
    min_instances: int | None = None,
    max_instances: int | None = None,
    idle_time_before_scale_down: int | None = None,
    identity_type: str | None = None,
    user_assigned_identities: str | None = None,
    sets: Any = None,
    no_wait: bool = False,
) -> Any:
    computes = session.client().compute
    flags = _flags(
        description,
        tags,
        min_instances,
        max_instances,
        idle_time_before_scale_down,
        identity_type,
        user_assigned_identities,
    )
    current = computes.get(name).to_dict() if sets else {}
    return _told(computes.change(name, specs.changes(sets, current, **flags)))


def delete(name: str, no_wait: bool = False) -> None:
    session.client().compute.delete(name)


def start(name: str, no_wait: bool = False) -> Any:
    return session.client().compute.start(name).to_dict()


def stop(name: str, no_wait: bool = False) -> Any:
    return session.client().compute.stop(name).to_dict()


def restart(name: str, no_wait: bool = False) -> Any:
    session.client().compute.stop(name)
    return session.client().compute.start(name).to_dict()


def _flags(
    description: str | None,
    tags: Any,
    least: int | None,
    most: int | None,
    idle: int | None,
    identity: str | None,
    identities: str | None,
) -> dict[str, Any]:
    resources = [{"resource_id": one} for one in (identities or "").split(",") if one]
    return {
        "description": description,
        "tags": specs.pairs(tags),
        "min_instances": least,
        "max_instances": most,
        "idle_time_before_scale_down": idle,
        "identity": {
            "type": identity,
            **({"user_assigned_identities": resources} if resources else {}),
        }
        if identity
        else None,
    }


def _told(made: dict[str, Any]) -> dict[str, Any]:
    specs.warn(made)
    return {name: value for name, value in made.items() if name != "warnings"}
