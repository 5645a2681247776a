"""`lazur component …`"""

from __future__ import annotations

from typing import Any

from lazur.cli import assets, specs

COMMANDS = assets.commands("component")
ARGUMENTS = assets.arguments("component", {})
HELP = assets.texts(
    "component",
    "a component",
    [
        {"name": "From YAML", "text": "lazur component create -f component.yml"},
        {
            "name": "As a version of its own",
            "text": "lazur component create -f component.yml -v 7",
        },
    ],
)


def create(
    file: str,
    name: str | None = None,
    version: str | None = None,
    description: str | None = None,
    tags: Any = None,
    sets: Any = None,
    registry_name: str | None = None,
    skip_validation: bool = False,
) -> Any:
    flags = {
        "name": name,
        "version": version,
        "description": description,
        "tags": specs.pairs(tags),
    }
    return assets.create_from("components", file, sets, flags, registry_name)


show = assets.show_of("components")
list_ = assets.list_of("components")
update = assets.update_of("components")
archive = assets.archive_of("components")
restore = assets.restore_of("components")
share = assets.share_of("components")
download = assets.download_of("components")
delete = assets.delete_of("components")
trash = assets.trash_of("components")
purge = assets.purge_of("components")
