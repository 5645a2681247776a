"""`lazur role assignment …` and `lazur role definition …`, with the options of `az role`."""

from __future__ import annotations

import json
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from knack.prompting import NoTTYException, prompt_y_n
from knack.util import CLIError

from lazur.cli import session, terminal
from lazur.cli.arguments import name, option
from lazur.cli.role_texts import HELP
from lazur.cli.tables import when
from lazur.errors import NotFound
from lazur.sdk.places import within, words

if TYPE_CHECKING:
    from lazur.sdk.people import Roles

__all__ = ["ARGUMENTS", "COMMANDS", "HELP"]

_PROVIDER = "Microsoft.MachineLearningServices/"


def _row(assignment: dict[str, Any]) -> dict[str, Any]:
    return OrderedDict(
        Id=assignment["id"],
        Who=assignment["principal"],
        Kind=assignment["principal_kind"],
        Role=assignment["role"],
        Where=words(assignment["scope"]),
        Since=when((assignment.get("creation_context") or {}).get("created_at")),
        By=(assignment.get("creation_context") or {}).get("created_by") or "",
    )


def _rows(assignments: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [_row(assignment) for assignment in assignments]


def _defined(role: dict[str, Any]) -> dict[str, Any]:
    return OrderedDict(
        Name=role["name"],
        Custom="yes" if role["is_custom"] else "",
        Actions=_short(role["actions"]),
        Not=_short(role["not_actions"]),
    )


def _short(actions: list[str]) -> str:
    return ", ".join(action.removeprefix(_PROVIDER) for action in actions)


def _all_defined(roles: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """In one line each: the built-in ones are long."""
    cut = terminal.width(120) // 3
    return [
        OrderedDict((key, _cut(text, cut)) for key, text in _defined(role).items())
        for role in roles
    ]


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _is_meant(given: dict[str, Any]) -> bool:
    """Of one role nobody is asked; of all that somebody has, they are."""
    if given.get("ids") or given.get("role") or not given.get("assignee"):
        return True
    try:
        return prompt_y_n(f"Take away every role that {given['assignee']} has there?")
    except NoTTYException:
        raise CLIError(
            "Without --role all of them would be taken away. Say --role NAME, or --yes."
        ) from None


COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {
    "role assignment create": ("assign", {"table_transformer": _row}),
    "role assignment list": ("assignments", {"table_transformer": _rows}),
    "role assignment delete": ("unassign", {"confirmation": _is_meant}),
    "role definition create": ("define", {"table_transformer": _defined}),
    "role definition update": ("redefine", {"table_transformer": _defined}),
    "role definition list": ("definitions", {"table_transformer": _all_defined}),
    "role definition show": ("definition", {"table_transformer": _defined}),
    "role definition delete": (
        "undefine",
        {"confirmation": "Delete this role? What it allows is written nowhere else."},
    ),
}
_DEFINITION = {
    "role_definition": option(
        "--role-definition", help="Azure's JSON: the text itself, or @ and a file.", metavar="JSON"
    )
}
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "role assignment": {
        "assignee": option(
            "--assignee", "--assignee-object-id", help="Name of a user, a group or a service."
        ),
        "assignee_type": option(
            "--assignee-principal-type", help="Accepted for Azure's scripts: names are enough."
        ),
        "role": option("--role", help="Name of the role."),
        "scope": option(
            "--scope",
            help="A workspace, /registries/NAME, or / for the whole server. Default: the "
            "workspace in use.",
        ),
    },
    "role assignment list": {
        "everywhere": option("--all", help="In all places.", action="store_true"),
        "include_inherited": option(
            "--include-inherited",
            help="Also those of the whole server, which hold in each workspace.",
            action="store_true",
        ),
    },
    "role assignment delete": {
        "ids": option("--ids", help="As `list` shows them.", nargs="+", metavar="ID")
    },
    "role definition": {"name": name("role")},
    "role definition create": _DEFINITION,
    "role definition update": _DEFINITION,
    "role definition list": {
        "custom_only": option(
            "--custom-role-only", help="Without those that are built in.", action="store_true"
        )
    },
}


def assign(
    assignee: str, role: str, scope: str | None = None, assignee_type: str | None = None
) -> Any:
    made = session.client().role_assignments.create(assignee, role, scope=scope)
    terminal.note(f"{made.principal} is {made.role} {within(made.scope)}.")
    return made.to_dict()


def assignments(
    assignee: str | None = None,
    role: str | None = None,
    scope: str | None = None,
    everywhere: bool = False,
    include_inherited: bool = False,
) -> Any:
    room = session.client().role_assignments
    found = list(room.list(scope=scope, everywhere=everywhere, principal=assignee, role=role))
    if include_inherited and not everywhere and scope != "/":
        found += room.list(scope="/", principal=assignee, role=role)
    return [assignment.to_dict() for assignment in found]


def unassign(
    assignee: str | None = None,
    role: str | None = None,
    scope: str | None = None,
    ids: list[str] | None = None,
) -> None:
    client = session.client()
    room = client.role_assignments
    if ids:
        for one in ids:
            room.delete(one, scope=scope)
        return
    if assignee is None:
        raise CLIError("Whose? Say --assignee NAME, or --ids.")
    found = list(room.list(scope=scope, principal=assignee, role=role))
    if not found:
        where = within(scope or client.workspace_name)
        raise NotFound(
            f"{assignee} has no {'role' if role is None else f'role {role!r}'} {where}.",
            hint="See: lazur role assignment list --all",
        )
    for assignment in found:
        room.delete(assignment.id, scope=scope)
        terminal.note(f"{assignee} is no longer {assignment.role} {within(assignment.scope)}.")


def define(role_definition: str) -> Any:
    roles, wanted = session.client().roles, _definition(role_definition)
    if _known(roles, wanted):
        raise CLIError("There is a role of that name. To replace it: lazur role definition update")
    return roles.create_or_update(wanted).to_dict()


def redefine(role_definition: str) -> Any:
    roles, wanted = session.client().roles, _definition(role_definition)
    if not _known(roles, wanted):
        raise CLIError("There is no role of that name. To make it: lazur role definition create")
    return roles.create_or_update(wanted).to_dict()


def definitions(name: str | None = None, custom_only: bool = False) -> Any:
    found = [role.to_dict() for role in session.client().roles.list()]
    return [
        role
        for role in found
        if (role["is_custom"] or not custom_only)
        and (name is None or role["name"].casefold() == name.casefold())
    ]


def definition(name: str) -> Any:
    return session.client().roles.get(name).to_dict()


def undefine(name: str) -> None:
    session.client().roles.delete(name)


def _known(roles: Roles, definition: dict[str, Any]) -> bool:
    names = [str(value) for key, value in definition.items() if key.lower() == "name"]
    return any(role.name.casefold() == names[0].casefold() for role in roles.list() if names)


def _definition(text: str) -> dict[str, Any]:
    """Knack has put a file's text in the place of `@file`; a path alone is read too."""
    if not text.lstrip().startswith("{") and Path(text).is_file():
        text = Path(text).read_text("utf-8")
    try:
        found = json.loads(text)
    except ValueError as error:
        raise CLIError(
            f"--role-definition is no JSON: {error}. Write @file.json, or the JSON itself."
        ) from None
    if not isinstance(found, dict):
        raise CLIError('A role is a mapping: {"Name": "…", "Actions": ["…"]}')
    return found
