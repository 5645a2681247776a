"""`lazur token …`"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from knack.util import CLIError

from lazur.cli import session, terminal
from lazur.cli.arguments import option
from lazur.cli.tables import when
from lazur.sdk.places import within


def _row(token: dict[str, Any]) -> dict[str, Any]:
    limited = token.get("role") or token.get("workspace")
    place, role = token.get("workspace") or "/", token.get("role") or "everything"
    return OrderedDict(
        Id=token.get("id") or "",
        Owner=token["name"],
        Kind=token.get("kind") or "",
        Label=token.get("label") or "",
        Only=f"{role} {within(place)}" if limited else "",
        Made=when(token.get("created_at")),
        Ends=when(token.get("expires_at")),
    )


def _rows(tokens: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [_row(token) for token in tokens]


def _made(token: dict[str, Any]) -> dict[str, Any]:
    """Of one for somebody else the answer says little: it is listed among theirs."""
    if "id" not in token:
        return OrderedDict(Token=token["token"], Owner=token["name"], Role=token["role"])
    return OrderedDict(Token=token["token"], **_row(token))


COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {
    "token create": ("create", {"table_transformer": _made}),
    "token list": ("list_", {"table_transformer": _rows}),
    "token delete": (
        "delete",
        {"confirmation": "End it? Whoever uses it is shut out within a second."},
    ),
}
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "token create": {
        "label": option("--label", "-l", "--name", "-n", help="What it is for, to know it by."),
        "days": option(
            "--days", help="Good for so many days. Default: until it is deleted.", type=float
        ),
        "role": option("--role", help="Good for no more than this role."),
        "scope": option(
            "--scope", help="Good in this workspace only. Default: wherever its owner may."
        ),
        "whose": option(
            "--for",
            help="For somebody else, who gets --role in --scope with it; whoever is not known "
            "yet becomes a user.",
            metavar="NAME",
        ),
    },
    "token list": {
        "everybody": option(
            "--all", help="Everybody's, for owners of the server.", action="store_true"
        )
    },
    "token delete": {
        "ids": option("--ids", "--id", help="As `list` shows them.", nargs="+", metavar="ID"),
        "all_of": option(
            "--all-of",
            help="All of this user or service, and what their browsers have.",
            metavar="NAME",
        ),
    },
}
HELP: dict[str, dict[str, Any]] = {
    "token create": {
        "short-summary": "Make a token: of your own, or a first one for somebody new.",
        "long-summary": "The secret is told this once. A token may do no more than its owner.",
        "examples": [
            {
                "name": "For a script that only reads, for a month",
                "text": "lazur token create --label dashboard --days 30 --role Reader"
                " --scope research",
            },
            {
                "name": "The secret alone",
                "text": "lazur token create --label ci -o tsv --query token",
            },
            {
                "name": "Let somebody in, without any provider",
                "text": "lazur token create --for bea --role Contributor --scope research"
                " --days 90",
            },
        ],
    },
    "token list": {
        "short-summary": "List your tokens. Their secrets are kept nowhere.",
        "examples": [{"name": "List", "text": "lazur token list -o table"}],
    },
    "token delete": {
        "short-summary": "End tokens. It acts within a second.",
        "examples": [
            {"name": "One of yours", "text": "lazur token delete --ids 0a1b2c3d4e5f"},
            {"name": "Shut somebody out", "text": "lazur token delete --all-of bea --yes"},
        ],
    },
}


def create(
    label: str | None = None,
    days: float | None = None,
    role: str | None = None,
    scope: str | None = None,
    whose: str | None = None,
) -> Any:
    tokens = session.client().tokens
    if whose is None:
        made = tokens.create(label, days=days, role=role, scope=scope)
    else:
        if role is None or scope is None:
            raise CLIError("What may they do, and where? Say --role NAME --scope WORKSPACE.")
        made = tokens.create_for(whose, role, scope=scope, label=label, days=days)
        terminal.note(f"{made.name} is {made.role} {within(scope)}.")
    terminal.note("The token is shown this once, and kept nowhere. Whoever has it may use it.")
    return made.to_dict()


def list_(everybody: bool = False) -> Any:
    return [token.to_dict() for token in session.client().tokens.list(everybody=everybody)]


def delete(ids: list[str] | None = None, all_of: str | None = None) -> None:
    if not ids and not all_of:
        raise CLIError("Which? Say --ids ID, as `lazur token list` shows them.")
    tokens = session.client().tokens
    for one in ids or []:
        tokens.delete(one)
    if all_of:
        tokens.delete_all_of(all_of)
