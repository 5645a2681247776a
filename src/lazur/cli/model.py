"""`lazur model …`"""

from __future__ import annotations

from typing import Any

from lazur.cli import assets, specs
from lazur.cli.arguments import option

COMMANDS = assets.commands("model")
ARGUMENTS = assets.arguments(
    "model",
    {
        "path": option("--path", "-p", help="A file or folder here, or an address."),
        "stage": option("--stage", "-s", help="Such as Staging or Production."),
        "type_": option("--type", "-t", help="custom_model, mlflow_model or triton_model."),
    },
)
HELP = assets.texts(
    "model",
    "a model",
    [
        {"name": "From YAML", "text": "lazur model create -f model.yml"},
        {
            "name": "An MLflow model here",
            "text": "lazur model create -n iris --type mlflow_model --path ./model",
        },
    ],
)


def create(
    file: str | None = None,
    name: str | None = None,
    version: str | None = None,
    path: str | None = None,
    type_: str | None = None,
    stage: str | None = None,
    description: str | None = None,
    tags: Any = None,
    sets: Any = None,
    registry_name: str | None = None,
    skip_validation: bool = False,
    no_wait: bool = False,
) -> Any:
    flags = {"name": name, "version": version, "path": specs.here(path), "type": type_}
    flags |= {"stage": stage, "description": description, "tags": specs.pairs(tags)}
    return assets.create_from("models", file, sets, flags, registry_name)


show = assets.show_of("models")
list_ = assets.list_of("models")
update = assets.update_of("models")
archive = assets.archive_of("models")
restore = assets.restore_of("models")
share = assets.share_of("models")
download = assets.download_of("models")
delete = assets.delete_of("models")
trash = assets.trash_of("models")
purge = assets.purge_of("models")
