"""`lazur data …`"""

from __future__ import annotations

from typing import Any

from lazur.cli import assets, specs
from lazur.cli.arguments import option

COMMANDS = assets.commands("data")
ARGUMENTS = assets.arguments(
    "data",
    {
        "path": option("--path", "-p", help="A file or folder here, or an address."),
        "type_": option("--type", "-t", help="uri_file, uri_folder or mltable."),
    },
)
HELP = assets.texts(
    "data",
    "a data asset",
    [
        {"name": "From YAML", "text": "lazur data create -f data.yml"},
        {
            "name": "A file here",
            "text": "lazur data create -n iris --type uri_file --path ./iris.csv",
        },
    ],
)


def create(
    file: str | None = None,
    name: str | None = None,
    version: str | None = None,
    path: str | None = None,
    type_: str | None = None,
    description: str | None = None,
    tags: Any = None,
    sets: Any = None,
    registry_name: str | None = None,
    skip_validation: bool = False,
    no_wait: bool = False,
) -> Any:
    flags = {"name": name, "version": version, "path": specs.here(path), "type": type_}
    flags |= {"description": description, "tags": specs.pairs(tags)}
    return assets.create_from("data", file, sets, flags, registry_name)


show = assets.show_of("data")
list_ = assets.list_of("data")
update = assets.update_of("data")
archive = assets.archive_of("data")
restore = assets.restore_of("data")
share = assets.share_of("data")
download = assets.download_of("data")
delete = assets.delete_of("data")
trash = assets.trash_of("data")
purge = assets.purge_of("data")
