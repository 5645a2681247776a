"""`lazur model …`"""

from __future__ import annotations

from typing import Any

from lazur.cli import assets, many_models, session, specs
from lazur.cli.arguments import option
from lazur.cli.many_models import create_many

__all__ = ["create_many"]

COMMANDS = {
    **assets.commands("model"),
    "model create-many": ("create_many", {"table_transformer": many_models.rows}),
}
_TYPE = option("--type", "-t", help="custom_model, mlflow_model or triton_model.")
ARGUMENTS = assets.arguments(
    "model",
    {
        "path": option("--path", "-p", help="A file or folder here, or an address."),
        "stage": option("--stage", "-s", help="Such as Staging or Production."),
        "type_": _TYPE,
        "_datastore": assets.DATASTORE,
    },
)
ARGUMENTS["model create-many"] = many_models.arguments(_TYPE)
ARGUMENTS["model list"]["tag"] = option(
    "--tag", help="Only what has this tag: key=value, or key.", action="append"
)
ARGUMENTS["model list"]["stage"] = option(
    "--stage", "-s", help="Only what is in it, such as Production; None is none."
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
HELP["model create-many"] = many_models.TEXT


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


def list_(
    name: str | None = None,
    stage: str | None = None,
    tag: list[str] | None = None,
    max_results: int | None = None,
    include_archived: bool = False,
    archived_only: bool = False,
    registry_name: str | None = None,
) -> Any:
    found = session.client().models.list(
        name,
        max_results=max_results,
        list_view_type=specs.list_view(include_archived, archived_only),
        registry=registry_name,
        stage=stage,
        tag=tag,
    )
    return [model.to_dict() for model in found]


update = assets.update_of("models")
archive = assets.archive_of("models")
restore = assets.restore_of("models")
share = assets.share_of("models")
download = assets.download_of("models")
delete = assets.delete_of("models")
trash = assets.trash_of("models")
purge = assets.purge_of("models")
