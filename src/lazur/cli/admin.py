"""`lazur admin …`: on the server's own machine, by who has its files."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import Any

from knack.util import CLIError

import lazur
from lazur.cli import session, terminal
from lazur.cli.arguments import option
from lazur.sdk import home

COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {"admin recover": ("recover", {})}
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "admin recover": {
        "name": option(
            "--name", "-n", help="Who shall own the server. Default: the name of this account."
        )
    }
}
HELP: dict[str, dict[str, Any]] = {
    "admin recover": {
        "short-summary": "Become an owner of this machine's server again, or make somebody one.",
        "long-summary": (
            "For when nobody can sign in any more. It writes to the database in LAZUR_HOME, "
            "whether or not the server runs, and to the audit log. The user is made where there "
            "is none of that name, enabled where they were shut out, and their token lies in "
            "the home afterwards."
        ),
        "examples": [
            {"name": "This account", "text": "lazur admin recover"},
            {"name": "Somebody else", "text": "lazur admin recover -n bea"},
        ],
    },
}


def recover(name: str | None = None) -> Any:
    if session.current.url:
        raise CLIError("This works on the server of this machine's own home; leave out --server.")
    folder = home.find()
    check_ours(folder)
    check_version(folder)
    # Help must not wait for what opens databases.
    from lazur.server import recovery  # noqa: PLC0415

    done = recovery.recover(folder, name)
    secret, path = done.pop("token"), folder / "token"
    if secret is not None:
        home.write_private(path, secret + "\n")
    terminal.note(f"{done['name']} owns this server. The token is in {path}.")
    return {**done, "role": "Owner", "token_file": str(path)}


def check_ours(folder: Path) -> None:
    """Of root, too: what root wrote here, the server could not write any more."""
    if not folder.is_dir():
        raise CLIError(f"There is no folder {folder}. If the server's is elsewhere: LAZUR_HOME")
    for path in (folder, folder / "lazur.db", folder / "token"):
        if path.exists() and path.stat().st_uid != os.geteuid():
            owner = _name_of(path.stat().st_uid)
            raise CLIError(
                f"{path} belongs to {owner}, and this is {_name_of(os.geteuid())}. Do it as that "
                f"account: sudo -u {owner} env LAZUR_HOME={folder} lazur admin recover"
            )


def check_version(folder: Path) -> None:
    from lazur.sdk import local  # noqa: PLC0415 - as above

    local.check_installed()
    found = local.running(folder)
    if found is not None and found.version != lazur.__version__:
        raise CLIError(
            f"The server that runs is Lazur {found.version}, this is {lazur.__version__}: its "
            "database might not fit both. Stop it first: lazur server stop"
        )


def _name_of(account: int) -> str:
    try:
        return pwd.getpwuid(account).pw_name
    except KeyError:
        return f"#{account}"
