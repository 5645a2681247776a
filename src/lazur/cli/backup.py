"""`lazur backup …`: on the server's own machine, by who has its files."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

from knack.util import CLIError

from lazur.cli import admin, session, terminal
from lazur.cli.arguments import option
from lazur.cli.tables import when
from lazur.sdk import home

_SUFFIXES = (".tar", ".tgz", ".tar.gz")


def row(found: dict[str, Any]) -> dict[str, Any]:
    return OrderedDict(
        Made=when(found["made_at"]),
        Of=found["workspace"] or "the server",
        Lazur=found["lazur"],
        Jobs=found["rows"]["jobs"],
        Runs=found["rows"]["runs"],
        Assets=found["rows"]["assets"],
        Files=found["files"],
        Size=terminal.size(found["bytes"]),
        Key="yes" if found["with_key"] else "no",
    )


COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {
    "backup create": ("create", {"table_transformer": row}),
    "backup verify": ("verify", {"table_transformer": row}),
}
PLACE = {"options_list": [], "help": "The folder or file.", "metavar": "FROM"}
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "backup create": {
        "to": option(
            "--to",
            help="A folder, to which later backups add what is new; or a file that does not exist "
            f"yet: {', '.join(_SUFFIXES)}.",
        ),
        "workspace": option(
            "--workspace", help="Of this workspace alone, without people, tokens and keys."
        ),
        "with_key": option(
            "--with-key",
            help="Take the root key along, and the vault's settings and the passwords of "
            "config.toml. Whoever has the backup can then read every secret.",
            action="store_true",
        ),
        "without_outputs": option(
            "--without-outputs",
            help="Leave out what jobs wrote to the server's own object store, and say whose it "
            "is. It stays where it is.",
            action="store_true",
        ),
    },
    "backup verify": {"place": PLACE},
}
HELP: dict[str, dict[str, Any]] = {
    "backup create": {
        "short-summary": "Back up this machine's server, while it runs.",
        "long-summary": "The word `create` may be left out. Rows, content, logs and artifacts as "
        "they are at one moment, and what MLflow keeps. Environments are not in it: they are "
        "built again. Secrets are in it sealed, and the root key that opens them is not.",
        "examples": [
            {"name": "One file", "text": "lazur backup create --to monday.tar.gz"},
            {
                "name": "A folder, where each backup adds what is new",
                "text": "lazur backup create --to /mnt/backups/lazur",
            },
            {
                "name": "One workspace",
                "text": "lazur backup create --to research.tar --workspace research",
            },
        ],
    },
    "backup verify": {
        "short-summary": "Read all of a backup, and say whether it is as it was written.",
        "examples": [{"name": "Verify", "text": "lazur backup verify monday.tar.gz"}],
    },
}


def create(
    to: str,
    workspace: str | None = None,
    with_key: bool = False,
    without_outputs: bool = False,
) -> Any:
    if session.current.url:
        raise CLIError("This works on the server of this machine's own home; leave out --server.")
    workspace = workspace or session.current.workspace
    if workspace and with_key:
        raise CLIError("The key is the whole server's: back that up, without --workspace.")
    folder = home.find()
    admin.check_ours(folder)
    admin.check_version(folder)
    # Help must not wait for what opens databases.
    from lazur.server import backups  # noqa: PLC0415

    made = backups.make(
        folder,
        Path(to).expanduser().absolute(),
        workspace,
        with_key=with_key,
        with_outputs=not without_outputs,
    )
    _tell(made, to, folder)
    return made


def verify(place: str) -> Any:
    # As above.
    from lazur.server import backups  # noqa: PLC0415

    found = backups.verify(Path(place).expanduser())
    terminal.note(f"{place} is whole: {found['files']:,} files, {terminal.size(found['bytes'])}.")
    return found


def _tell(made: dict[str, Any], to: str, folder: Path) -> None:
    terminal.note(
        f"{to}: {made['files']:,} files, {terminal.size(made['bytes'])}, of which "
        f"{terminal.size(made['added'])} were new; {made['seconds']} s."
    )
    if made["elsewhere"]:
        terminal.note("Not in it, and still in the store: " + "; ".join(made["elsewhere"]))
    if made["masked"]:
        terminal.note(
            "config.toml is in it without its passwords: " + ", ".join(made["masked"]) + ". Set "
            "them again after a restore, or take them along: --with-key",
            "yellow",
        )
    if made["with_key"]:
        terminal.note(
            "WARNING: the root key is in it. Whoever can read this backup can read every secret "
            "of the server. Keep it as you would keep those.",
            "red",
        )
    elif made["rows"]["secrets"]:
        terminal.note(
            f"Its {made['rows']['secrets']} secrets are sealed, and the root key is not in it: "
            f"keep {folder / 'keys'}, or what your vault has, in another place."
        )
