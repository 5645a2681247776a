"""What users, groups and services have in common: everything but members."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from knack.util import CLIError

from lazur.cli import session
from lazur.cli.arguments import MAX_RESULTS, name, option
from lazur.cli.assets import Arguments, Commands
from lazur.cli.tables import when

if TYPE_CHECKING:
    from lazur.sdk.people import Principals

_LOST = {
    "user": "Delete this user, with their tokens and roles? What they made stays.",
    "group": "Delete this group? Its members lose the roles that they have through it.",
    "service": "Delete this service, with its tokens and roles? What it made stays.",
}


def commands(noun: str) -> Commands:
    return {
        f"{noun} create": ("create", {"table_transformer": row}),
        f"{noun} list": ("list_", {"table_transformer": rows}),
        f"{noun} show": ("show", {"table_transformer": row}),
        f"{noun} update": ("update", {"table_transformer": row}),
        f"{noun} delete": ("delete", {"confirmation": _LOST[noun]}),
    }


def arguments(noun: str) -> Arguments:
    return {
        noun: {
            "name": name(noun),
            "display_name": option("--display-name", help="Name that people see."),
            "email": option("--email", "--mail", help="E-mail address; empty removes it."),
            "max_results": MAX_RESULTS,
        },
        f"{noun} update": {
            "disable": option(
                "--disable",
                help="Shut them out, within a second; what they have is kept.",
                action="store_true",
            ),
            "enable": option("--enable", help="Let them in again.", action="store_true"),
        },
    }


def texts(noun: str, example: str, create: list[dict[str, str]]) -> dict[str, dict[str, Any]]:
    return {
        f"{noun} create": {
            "short-summary": f"Create a {noun}.",
            "long-summary": (
                "Names are unique among users, groups and services. Nobody may do anything before "
                "they have a role: lazur role assignment create"
            ),
            "examples": create,
        },
        f"{noun} list": {
            "short-summary": f"List {noun}s.",
            "examples": [{"name": "List", "text": f"lazur {noun} list -o table"}],
        },
        f"{noun} show": {
            "short-summary": f"Show a {noun}"
            + (" with its members." if noun == "group" else " with the groups that it is in."),
            "examples": [{"name": "Show", "text": f"lazur {noun} show -n {example}"}],
        },
        f"{noun} update": {
            "short-summary": f"Change what is known of a {noun}, or shut it out.",
            "examples": [
                {"name": "Shut out at once", "text": f"lazur {noun} update -n {example} --disable"}
            ],
        },
        f"{noun} delete": {
            "short-summary": f"Delete a {noun}. To keep what it has, disable it.",
            "examples": [{"name": "Delete", "text": f"lazur {noun} delete -n {example}"}],
        },
    }


def row(principal: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = OrderedDict(Name=principal["name"])
    display = principal.get("display_name")
    shown["Display name"] = display if display != principal["name"] else ""
    shown["E-mail"] = principal.get("email") or ""
    if principal["kind"] != "group":
        shown["Signs in by"] = ", ".join(principal.get("signs_in_by") or [])
    if "groups" in principal:
        shown["Groups"] = ", ".join(principal["groups"])
    if "members" in principal:
        shown["Members"] = ", ".join(member["name"] for member in principal["members"])
    shown["State"] = "disabled" if principal.get("disabled") else ""
    shown["Created"] = when((principal.get("creation_context") or {}).get("created_at"))
    return shown


def rows(principals: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row(principal) for principal in principals]


def create_of(noun: str) -> Callable[..., Any]:
    def create(name: str, display_name: str | None = None, email: str | None = None) -> Any:
        given = _given(display_name=display_name, email=email)
        return _room(noun).create(name, **given).to_dict()

    return create


def list_of(noun: str) -> Callable[..., Any]:
    def list_(max_results: int | None = None) -> Any:
        return [found.to_dict() for found in _room(noun).list(max_results=max_results)]

    return list_


def show_of(noun: str) -> Callable[..., Any]:
    def show(name: str) -> Any:
        return _room(noun).get(name).to_dict()

    return show


def update_of(noun: str) -> Callable[..., Any]:
    def update(
        name: str,
        display_name: str | None = None,
        email: str | None = None,
        disable: bool = False,
        enable: bool = False,
    ) -> Any:
        if disable and enable:
            raise CLIError("Either --disable or --enable.")
        changes = _given(display_name=display_name, email=email)
        if disable or enable:
            changes["disabled"] = disable
        if not changes:
            raise CLIError("Nothing to change was given. Write, for example: --display-name TEXT")
        return _room(noun).update(name, **changes).to_dict()

    return update


def delete_of(noun: str) -> Callable[..., Any]:
    def delete(name: str) -> None:
        _room(noun).delete(name)

    return delete


def _given(**values: str | None) -> dict[str, Any]:
    """An empty text takes away."""
    return {key: value or None for key, value in values.items() if value is not None}


def _room(noun: str) -> Principals:
    client = session.client()
    return {"user": client.users, "group": client.groups, "service": client.services}[noun]
