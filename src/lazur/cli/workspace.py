"""`lazur workspace …`"""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Any

from lazur.cli import rooms, session, terminal
from lazur.cli.arguments import MAX_RESULTS, option
from lazur.cli.tables import when
from lazur.errors import NotFound

_PATIENCE = 60.0


def _rows(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [_row(one) for one in found]


def _row(found: dict[str, Any]) -> dict[str, Any]:
    row = OrderedDict(
        Name=found["name"],
        Created=when((found.get("creation_context") or {}).get("created_at")),
        Description=found.get("description") or "",
    )
    if found.get("deleted_at"):
        row["Deleted"], row["Until"] = when(found["deleted_at"]), when(found["purged_after"])
    return row


COMMANDS: rooms.Commands = {
    **rooms.commands(
        "workspace", "Delete this workspace? Its jobs are cancelled; it can be recovered for days."
    ),
    "workspace list": ("list_", {"table_transformer": _rows}),
    "workspace recover": ("recover", {"table_transformer": _row}),
    "workspace purge": (
        "purge",
        {"confirmation": "Purge this workspace? All that it holds is gone, for good."},
    ),
    "workspace export": ("export", {}),
    "workspace import": ("import_", {}),
}
ARGUMENTS = rooms.arguments("workspace")
ARGUMENTS["workspace delete"] = {
    "all_resources": option(
        "--all-resources", help="Accepted for Azure's scripts.", action="store_true"
    ),
    "permanently_delete": option(
        "--permanently-delete",
        "-p",
        help="Not into the trash: all that it holds is gone, for good.",
        action="store_true",
    ),
}
ARGUMENTS["workspace list"] = {
    "max_results": MAX_RESULTS,
    "deleted": option("--deleted", help="Those in the trash.", action="store_true"),
}
ARGUMENTS["workspace export"] = {
    "to": option("--to", help="A new folder, which is made where it is not there.")
}
ARGUMENTS["workspace import"] = {
    "folder": {"options_list": [], "help": "What was exported.", "metavar": "FOLDER"},
    "name": option("--name", "-n", help="Into this workspace. Default: the name it had."),
}
HELP: dict[str, dict[str, Any]] = {
    "workspace create": {
        "short-summary": "Create a workspace.",
        "examples": [
            {"name": "Create", "text": "lazur workspace create -n research"},
            {
                "name": "And use it from now on",
                "text": "lazur configure --defaults workspace=research",
            },
        ],
    },
    "workspace list": {
        "short-summary": "List workspaces.",
        "examples": [
            {"name": "Names", "text": "lazur workspace list --query '[].name' -o tsv"},
            {"name": "What is in the trash", "text": "lazur workspace list --deleted -o table"},
        ],
    },
    "workspace show": {
        "short-summary": "Show a workspace; without a name, the one in use.",
        "examples": [{"name": "Show", "text": "lazur workspace show -n research"}],
    },
    "workspace update": {
        "short-summary": "Change what a workspace says of itself.",
        "examples": [
            {"name": "Tag", "text": "lazur workspace update -n research --set tags.team=vision"}
        ],
    },
    "workspace delete": {
        "short-summary": "Delete a workspace, into the trash.",
        "long-summary": "Its jobs are cancelled, nobody sees it any more, and its name stays "
        "taken. It can be recovered for 14 days, or as many as the server's setting "
        "`workspace_trash_days` says; then it is purged.",
        "examples": [
            {"name": "Delete", "text": "lazur workspace delete -n research --yes"},
            {
                "name": "For good",
                "text": "lazur workspace delete -n research --permanently-delete --yes",
            },
        ],
    },
    "workspace recover": {
        "short-summary": "Take a deleted workspace out of the trash, with all that it holds.",
        "examples": [{"name": "Recover", "text": "lazur workspace recover -n research"}],
    },
    "workspace export": {
        "short-summary": "Write a workspace as plain files: YAML, and what it holds beside it.",
        "long-summary": "Assets, datastores, connections and jobs as one writes them, and runs. "
        "What cannot go along, such as credentials and people, is named in the answer.",
        "examples": [
            {"name": "Export", "text": "lazur workspace export -n research --to ./research"}
        ],
    },
    "workspace import": {
        "short-summary": "Bring in an exported workspace, here or on another server.",
        "long-summary": "Assets keep their names and versions; runs get new ids. What is there "
        "already is left as it is, so a second import changes nothing. Nothing outside of the "
        "folder is read, whatever its files say.",
        "examples": [
            {"name": "Import", "text": "lazur workspace import ./research"},
            {
                "name": "Under another name",
                "text": "lazur workspace import ./research -n research-copy",
            },
        ],
    },
    "workspace purge": {
        "short-summary": "Free all that a workspace holds, for good.",
        "long-summary": "The workspace may be in the trash or not. The audit log keeps what was "
        "done in it.",
        "examples": [{"name": "Purge", "text": "lazur workspace purge -n research --yes"}],
    },
}

create = rooms.create_of("workspaces")
update = rooms.update_of("workspaces")


def show(name: str | None = None) -> Any:
    client = session.client()
    return client.workspaces.get(name or client.workspace_name).to_dict()


def list_(max_results: int | None = None, deleted: bool = False) -> Any:
    workspaces = session.client().workspaces
    found = workspaces.deleted if deleted else workspaces.list
    return [one.to_dict() for one in found(max_results=max_results)]


def delete(
    name: str,
    all_resources: bool = False,
    permanently_delete: bool = False,
    no_wait: bool = False,
) -> None:
    if permanently_delete:
        purge(name, no_wait=no_wait)
        return
    session.client().workspaces.delete(name)
    terminal.note(f"{name} is in the trash. Take it out: lazur workspace recover -n {name}")


def recover(name: str) -> Any:
    return session.client().workspaces.recover(name).to_dict()


def purge(name: str, no_wait: bool = False) -> None:
    workspaces = session.client().workspaces
    workspaces.purge(name)
    until = time.monotonic() + (0.0 if no_wait else _PATIENCE)
    while time.monotonic() < until:
        try:
            workspaces.purge(name)
        except NotFound:
            return
        time.sleep(0.2)
    terminal.note(f"{name} is being purged; its name is free when that is done.")


def export(name: str, to: str) -> Any:
    # Few commands need what reads and writes YAML.
    from lazur.sdk import workspace_export  # noqa: PLC0415

    with session.client(name) as client:
        head = workspace_export.export(client, to, terminal.note)
    for left in head["left_out"]:
        terminal.note(f"left out: {left}", "yellow")
    return {**_counted(head), "left_out": head["left_out"]}


def import_(folder: str, name: str | None = None) -> Any:
    # As above.
    from lazur.sdk import workspace_import  # noqa: PLC0415

    done = workspace_import.import_(session.client, folder, name, terminal.note)
    for left in done["left_out"]:
        terminal.note(f"left out: {left}", "yellow")
    return done


def _counted(head: dict[str, Any]) -> dict[str, Any]:
    kinds = ("assets", "datastores", "connections", "jobs", "runs")
    return {"name": head["name"], **{kind: len(head[kind]) for kind in kinds}}
