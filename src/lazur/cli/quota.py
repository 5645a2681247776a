"""`lazur quota …`"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from knack.util import CLIError

from lazur.cli import session
from lazur.cli.arguments import option
from lazur.errors import NotFound

_SIZES = ("memory", "bytes")
_EACH = "*"


def _row(quota: dict[str, Any]) -> dict[str, Any]:
    made = quota.get("creation_context") or {}
    row: dict[str, Any] = OrderedDict(
        Workspace=quota["workspace"] or "(all)",
        User={None: "(all together)", _EACH: "(each)"}.get(quota["user"], quota["user"]),
        Quota=quota["name"],
        Used=_amount(quota["name"], quota["used"]),
        Limit=_amount(quota["name"], quota["limit"]),
    )
    row["Set by"] = f"{made.get('created_by')} ({quota['set_by']})"
    return row


def _rows(quotas: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [_row(quota) for quota in quotas]


def _amount(name: str, number: int | None) -> str:
    if number is None:
        return ""
    return _size(number) if name in _SIZES else str(number)


def _size(number: float) -> str:
    """In powers of 1024, as sizes are read: what was written as 4GB is shown as 4 GB."""
    units = ["bytes", "KB", "MB", "GB", "TB", "PB"]
    while number >= 1024 and len(units) > 1:
        number, units = number / 1024, units[1:]
    return f"{number:.2f}".rstrip("0").rstrip(".") + f" {units[0]}"


COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {
    "quota set": ("set_", {"table_transformer": _rows}),
    "quota list": ("list_", {"table_transformer": _rows}),
    "quota show": ("show", {"table_transformer": _rows}),
    "quota delete": ("delete", {}),
}
_USER = option(
    "--user",
    "-u",
    help="Of this user or service; `*`: of each. Without it: of all together.",
    metavar="NAME",
)
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "quota": {
        "everywhere": option(
            "--all", help="Of the whole server, all workspaces included.", action="store_true"
        )
    },
    "quota set": {
        "user": _USER,
        "limit": option(
            "--limit",
            help="running-jobs, queued-jobs, cores, memory, gpus, bytes or endpoints, and how "
            "many at most. Repeatable.",
            action="append",
            nargs="+",
            metavar="NAME=NUMBER",
        ),
    },
    "quota show": {"user": {**_USER, "help": "Of this user or service; `*`: of each."}},
    "quota delete": {
        "user": _USER,
        "limit": option("--limit", help="Names of those to take away.", nargs="+", metavar="NAME"),
    },
}
HELP: dict[str, dict[str, Any]] = {
    "quota set": {
        "short-summary": "Say how much a workspace, or a person, may hold at once.",
        "long-summary": (
            "Owners of the server may; owners of a workspace may narrow what those set. "
            "What runs goes on; what is over the quota waits, or is refused and told why."
        ),
        "examples": [
            {
                "name": "Of a workspace",
                "text": "lazur quota set -w vision --limit running-jobs=8 --limit bytes=500GB",
            },
            {
                "name": "Of a person in it",
                "text": "lazur quota set -w vision --user bea --limit gpus=2",
            },
            {
                "name": "Of each person, everywhere",
                "text": "lazur quota set --all --user '*' --limit cores=16 --limit memory=64GB",
            },
        ],
    },
    "quota list": {
        "short-summary": "List the quotas that hold in the workspace, and what is used of them.",
        "examples": [
            {"name": "Here", "text": "lazur quota list -o table"},
            {"name": "All there are", "text": "lazur quota list --all -o table"},
        ],
    },
    "quota show": {
        "short-summary": "Show the quotas of one person, or of all together.",
        "examples": [{"name": "Of bea", "text": "lazur quota show --user bea -o table"}],
    },
    "quota delete": {
        "short-summary": "Take quotas away.",
        "examples": [
            {"name": "One", "text": "lazur quota delete -w vision --user bea --limit gpus"}
        ],
    },
}


def set_(
    limit: list[list[str]] | None = None, user: str | None = None, everywhere: bool = False
) -> Any:
    limits = _limits(limit or [])
    found = session.client().quotas.set(limits, user=user, everywhere=everywhere)
    return [quota.to_dict() for quota in found]


def list_(everywhere: bool = False) -> Any:
    return [quota.to_dict() for quota in session.client().quotas.list(everywhere=everywhere)]


def show(user: str | None = None, everywhere: bool = False) -> Any:
    found = [quota for quota in list_(everywhere) if quota["user"] == user]
    if not found:
        whose = f"of {user!r}" if user else "of all together"
        raise NotFound(f"There is no quota {whose} there.", hint="See: lazur quota list --all")
    return found


def delete(
    limit: list[str] | None = None, user: str | None = None, everywhere: bool = False
) -> None:
    if not limit:
        raise CLIError("Which? Say --limit NAME, as `lazur quota list` shows them.")
    session.client().quotas.delete(limit, user=user, everywhere=everywhere)


def _limits(given: list[list[str]]) -> dict[str, str]:
    words = [word for group in given for word in group]
    if not words:
        raise CLIError("How much? Say --limit NAME=NUMBER, such as --limit running-jobs=4")
    pairs = [word.partition("=") for word in words]
    if wrong := [name for name, equals, _ in pairs if not equals]:
        raise CLIError(f"--limit is NAME=NUMBER, and {wrong[0]!r} is not.")
    return {name: number for name, _, number in pairs}
