"""`lazur group …`"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from lazur.cli import principals, session
from lazur.cli.arguments import option


def _member_rows(members: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Who came in by a provider's word is taken out by it, too."""
    return [
        OrderedDict(
            Name=member["name"],
            Kind=member["kind"],
            By="the provider" if member.get("claimed") else "hand",
        )
        for member in members
    ]


_MEMBERS = {"table_transformer": _member_rows}
COMMANDS = {
    **principals.commands("group"),
    "group member add": ("add_member", _MEMBERS),
    "group member remove": ("remove_member", _MEMBERS),
    "group member list": ("list_members", _MEMBERS),
}
_GROUP = {"name": option("--name", "-n", "--group", help="Name of the group.")}
_WHO = option(
    "--member", "--member-id", "-m", help="Names of users and services.", nargs="+", metavar="NAME"
)
ARGUMENTS = {**principals.arguments("group"), "group member": {**_GROUP, "member": _WHO}}
HELP: dict[str, dict[str, Any]] = {
    **principals.texts(
        "group", "vision", [{"name": "Create", "text": "lazur group create -n vision"}]
    ),
    "group member": {"type": "group", "short-summary": "Who is in a group."},
    "group member add": {
        "short-summary": "Put users and services into a group; its roles are theirs at once.",
        "examples": [{"name": "Two", "text": "lazur group member add -n vision --member bea tom"}],
    },
    "group member remove": {
        "short-summary": "Take users and services out of a group.",
        "examples": [{"name": "One", "text": "lazur group member remove -n vision --member tom"}],
    },
    "group member list": {
        "short-summary": "List who is in a group.",
        "examples": [{"name": "List", "text": "lazur group member list -n vision -o table"}],
    },
}

create = principals.create_of("group")
list_ = principals.list_of("group")
show = principals.show_of("group")
update = principals.update_of("group")
delete = principals.delete_of("group")


def add_member(name: str, member: list[str]) -> Any:
    groups = session.client().groups
    return [groups.add_member(name, one).to_dict()["members"] for one in member][-1]


def remove_member(name: str, member: list[str]) -> Any:
    groups = session.client().groups
    return [groups.remove_member(name, one).to_dict()["members"] for one in member][-1]


def list_members(name: str) -> Any:
    return session.client().groups.get(name).to_dict()["members"]
