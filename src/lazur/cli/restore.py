"""`lazur restore`: a server's home out of a backup."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lazur.cli import backup, terminal
from lazur.cli.arguments import option
from lazur.sdk import home as homes

COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {
    "restore": ("restore", {"table_transformer": backup.row})
}
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "restore": {
        "place": backup.PLACE,
        "home": option(
            "--home", help="The new home; nothing may be there yet. Default: LAZUR_HOME."
        ),
        "database": option(
            "--database",
            help="Where the backup is of PostgreSQL: an empty database. Default: LAZUR_DATABASE.",
        ),
    }
}
HELP: dict[str, dict[str, Any]] = {
    "restore": {
        "short-summary": "Make a server's home out of a backup.",
        "long-summary": "All of it is read and compared with what was written. Jobs that ran "
        "when the backup was made fail as lost; those that waited run here. So do not leave the "
        "old server running as well.",
        "examples": [
            {"name": "Into LAZUR_HOME", "text": "lazur restore monday.tar.gz"},
            {
                "name": "Elsewhere, to look at it",
                "text": "lazur restore /mnt/backups/lazur --home /tmp/restored",
            },
        ],
    },
}


def restore(place: str, home: str | None = None, database: str | None = None) -> Any:
    folder = Path(home).expanduser().absolute() if home else homes.find()
    # Help must not wait for what opens databases.
    from lazur.sdk import local  # noqa: PLC0415
    from lazur.server import backups  # noqa: PLC0415

    local.check_installed()
    found = backups.restore(Path(place).expanduser(), folder, database)
    terminal.note(f"{folder} is as it was at {found['made_at']}. Start it: lazur server start")
    if found.get("storage"):
        terminal.note(
            f"What lay in {found['storage']} is in the home now. Before the start, empty "
            f"`storage` in {folder / 'config.toml'}; or send the content there again: "
            f"lazur admin storage --to {found['storage']}"
        )
    if found["rows"]["secrets"] and not found["with_key"]:
        terminal.note(
            f"Its secrets cannot be opened without their root key. If that was in a file, copy "
            f"the old keys/ to {folder / 'keys'} before the start."
        )
    return found
