"""`lazur usage …`"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from lazur.cli import session, terminal
from lazur.cli.ages import moment
from lazur.cli.arguments import option
from lazur.cli.tables import when

_NAMES = ("person", "workspace", "experiment", "job", "asset", "status")


def _rows(found: dict[str, Any]) -> list[dict[str, Any]]:
    """With the sum below; columns that nobody has are left out."""
    lines = [*found["value"], *([found["total"]] if len(found["value"]) > 1 else [])]
    rows = [_row(line, found["currency"]) for line in lines]
    used = [name for name in (rows[0] if rows else ()) if any(row[name] for row in rows)]
    if rows and len(rows) > 1:
        rows[-1][used[0]] = "Total"
    return [OrderedDict((name, row[name]) for name in used) for row in rows]


def _row(line: dict[str, Any], currency: str | None) -> dict[str, Any]:
    job = line.get("job") or line.get("run_id")
    row: dict[str, Any] = OrderedDict(
        (name.capitalize(), (job if name == "job" else line.get(name)) or "") for name in _NAMES
    )
    measured = line.get("measured") or {}
    row["Jobs"] = str(line["jobs"] or "")
    row["Core hours"] = _number(line["core_hours"])
    row["Measured"] = _number(measured.get("core_hours"))
    row["GPU hours"] = _number(line["gpu_hours"])
    row["Memory (GB h)"] = _number(line["memory_gb_hours"])
    row["Stored"] = terminal.size(line["stored_bytes"]) if line["stored_bytes"] else ""
    row["Stored (GB months)"] = _number(line["stored_gb_months"])
    row[f"Cost ({currency})" if currency else "Cost"] = _number(
        line["cost"], 2 if (line["cost"] or 0) >= 1 else 4
    )
    return row


def _number(amount: float | None, digits: int = 3) -> str:
    return f"{amount:,.{digits}f}" if amount else ""


def _price_rows(prices: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        OrderedDict(
            Id=price["id"],
            Compute=price["compute"] or "(all others)",
            From=when(price["valid_from"]),
            Core=price["core_hour"],
            GPU=price["gpu_hour"],
            Memory=price["memory_hour"],
            Storage=price["storage_month"],
            Currency=price["currency"],
        )
        for price in prices
    ]


COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {
    "usage show": ("show", {"table_transformer": _rows}),
    "usage prices set": ("set_price", {"table_transformer": _price_rows}),
    "usage prices list": ("list_prices", {"table_transformer": _price_rows}),
    "usage prices delete": ("delete_price", {}),
}
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "usage show": {
        "everywhere": option(
            "--all", help="Of the whole server, all workspaces included.", action="store_true"
        ),
        "by": option(
            "--by", help="person (default), experiment, workspace, job or asset.", metavar="WHAT"
        ),
        "since": option(
            "--since", help="From then on: a time, or an age such as 12h. Default: 30d."
        ),
        "until": option("--until", help="Before then: likewise. Default: now."),
        "person": option("--user", "-u", help="Only of this user or service.", metavar="NAME"),
    },
    "usage prices set": {
        "currency": option("--currency", help="Such as EUR. The same for all prices."),
        "core_hour": option("--core-hour", help="Of a core for an hour.", type=float),
        "gpu_hour": option("--gpu-hour", help="Of a GPU for an hour.", type=float),
        "memory_hour": option("--memory-hour", help="Of a GB of memory for an hour.", type=float),
        "storage_month": option("--storage-month", help="Of a GB stored for 30 days.", type=float),
        "compute": option("--compute", help="Only on this compute. Without it: on all others."),
        "valid_from": option("--valid-from", help="From then on. Default: from now on."),
    },
    "usage prices delete": {"price": option("--id", help="As `list` shows it.", metavar="ID")},
}
HELP: dict[str, dict[str, Any]] = {
    "usage show": {
        "short-summary": "Show what was used: core, GPU and memory hours, stored bytes, cost.",
        "long-summary": (
            "Your own use; for owners of the workspace, or with --all of the server, everybody's. "
            "Hours are what jobs asked for, as long as they had it; by job also what was measured."
        ),
        "examples": [
            {"name": "By person", "text": "lazur usage show --since 7d -o table"},
            {
                "name": "By experiment, everywhere",
                "text": "lazur usage show --all --by experiment",
            },
            {"name": "Of somebody", "text": "lazur usage show --by job --user bea -o table"},
        ],
    },
    "usage prices": {"type": "group", "short-summary": "What an hour costs."},
    "usage prices set": {
        "short-summary": "Set prices, from now on or from a day on.",
        "examples": [
            {
                "name": "Of all computes",
                "text": "lazur usage prices set --currency EUR --core-hour 0.04"
                " --memory-hour 0.005 --storage-month 0.02",
            },
            {
                "name": "Of one with GPUs",
                "text": "lazur usage prices set --compute gpus --core-hour 0.04 --gpu-hour 2.5"
                " --valid-from 2026-01-01",
            },
        ],
    },
    "usage prices list": {
        "short-summary": "List the prices there are and were.",
        "examples": [{"name": "List", "text": "lazur usage prices list -o table"}],
    },
    "usage prices delete": {
        "short-summary": "Delete a price, as if it had never been.",
        "examples": [{"name": "Delete", "text": "lazur usage prices delete --id 3"}],
    },
}


def show(
    by: str = "person",
    since: str | None = None,
    until: str | None = None,
    person: str | None = None,
    everywhere: bool = False,
) -> Any:
    found = session.client().usage.show(
        by, since=moment(since), until=moment(until), person=person, everywhere=everywhere
    )
    shown = found.to_dict()
    if shown["only"] and not person:
        terminal.note(f"The use of {shown['only']}. Owners see everybody's.")
    if shown["left_out"]:
        terminal.note(f"{shown['left_out']} smaller ones are left out.")
    return shown


def set_price(
    currency: str | None = None,
    core_hour: float | None = None,
    gpu_hour: float | None = None,
    memory_hour: float | None = None,
    storage_month: float | None = None,
    compute: str | None = None,
    valid_from: str | None = None,
) -> Any:
    session.client().usage.prices.set(
        currency=currency,
        core_hour=core_hour,
        gpu_hour=gpu_hour,
        memory_hour=memory_hour,
        storage_month=storage_month,
        compute=compute,
        valid_from=moment(valid_from),
    )
    return list_prices()


def list_prices() -> Any:
    return [price.to_dict() for price in session.client().usage.prices.list()]


def delete_price(price: str) -> None:
    session.client().usage.prices.delete(price)
