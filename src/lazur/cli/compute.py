"""`lazur compute …`"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from lazur.cli import session
from lazur.cli.arguments import MAX_RESULTS, name, option
from lazur.cli.terminal import size


def _row(compute: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = OrderedDict(Name=compute["name"], Type=compute.get("type"))
    slots, used = compute.get("slots") or {}, compute.get("used") or {}
    for what, shown in (("cpus", str), ("gpus", str), ("memory", size)):
        if slots.get(what):
            free = slots[what] - used.get(what, 0)
            row[f"Free {what}"] = f"{shown(free)} of {shown(slots[what])}"
    row["Running"] = len(compute.get("running") or [])
    return row


def _rows(computes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [_row(compute) for compute in computes]


COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {
    "compute list": ("list_", {"table_transformer": _rows}),
    "compute show": ("show", {"table_transformer": _row}),
}
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "compute": {"name": name("compute")},
    "compute list": {
        "max_results": MAX_RESULTS,
        "type_": option("--type", help="Only computes of this type."),
    },
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
}


def list_(max_results: int | None = None, type_: str | None = None) -> Any:
    found = [c.to_dict() for c in session.client().compute.list(max_results=max_results)]
    return [c for c in found if type_ is None or str(c.get("type")).lower() == type_.lower()]


def show(name: str) -> Any:
    return session.client().compute.get(name).to_dict()
