"""`lazur admin …`: on the server's own machine, by who has its files."""

from __future__ import annotations

import os
import pwd
from collections import OrderedDict
from pathlib import Path
from typing import Any

from knack.util import CLIError

import lazur
from lazur.cli import session, terminal
from lazur.cli.arguments import option
from lazur.sdk import home


def row(moved: dict[str, Any]) -> dict[str, Any]:
    return OrderedDict(
        Storage=moved["storage"],
        Content=f"{moved['copied']:,} of {moved['blobs']:,} copied",
        Outputs=f"{moved['outputs_copied']:,} of {moved['outputs']:,} copied",
    )


COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {
    "admin recover": ("recover", {}),
    "admin storage": ("storage", {"table_transformer": row}),
}
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "admin recover": {
        "name": option(
            "--name", "-n", help="Who shall own the server. Default: the name of this account."
        )
    },
    "admin storage": {
        "to": option(
            "--to", help="The new value of the setting `storage`, or `home` for the server's home."
        )
    },
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
    "admin storage": {
        "short-summary": "Copy the content of this machine's server to another place.",
        "long-summary": (
            "From its home to an object store, from there back, or to another store, with the "
            "outputs of jobs that lie in the store. No server may run on the home meanwhile, and "
            "no job. It may be broken off and repeated: only what is "
            "lacking is copied, and the old place keeps all. Afterwards set `storage` to the new "
            "place. Credentials are in storage.toml in the home."
        ),
        "examples": [
            {"name": "To S3", "text": "lazur admin storage --to s3://team-bucket/lazur"},
            {"name": "Back", "text": "lazur admin storage --to home"},
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


def storage(to: str) -> Any:
    if session.current.url:
        raise CLIError("This works on the server of this machine's own home; leave out --server.")
    folder = home.find()
    check_ours(folder)
    check_version(folder)
    # Help must not wait for what opens databases.
    from lazur.server import moving  # noqa: PLC0415

    done = moving.move(folder, to)
    written = "" if to == "home" else to.rstrip("/")
    terminal.note(f'All of it is there. Write into config.toml: storage = "{written}"')
    return done


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
