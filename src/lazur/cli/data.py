"""`lazur data …`"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from knack.util import CLIError

from lazur.cli import assets, data_looks, session, specs, terminal
from lazur.cli.arguments import FILE, VERSION, option
from lazur.cli.job import watch
from lazur.cli.tables import job_row

COMMANDS = {
    **assets.commands("data"),
    "data preview": ("preview", {"table_transformer": data_looks.preview_table}),
    "data import": ("import_", {"table_transformer": job_row}),
    "data profile": ("profile", {"table_transformer": data_looks.profile_table}),
}
_WHICH: dict[str, Any] = {
    "options_list": [],
    "help": "The data: its name, NAME:VERSION or NAME@LABEL.",
    "metavar": "NAME",
    "nargs": "?",
}
ARGUMENTS = assets.arguments(
    "data",
    {
        "path": option("--path", "-p", help="A file or folder here, or an address."),
        "type_": option("--type", "-t", help="uri_file, uri_folder or mltable."),
        "_datastore": assets.DATASTORE,
    },
)
ARGUMENTS["data preview"] = {
    "which": _WHICH,
    "rows": option("--rows", help="At most so many. Default: 20.", type=int),
}
ARGUMENTS["data import"] = {
    "file": FILE,
    "version": {**VERSION, "help": "Version. Without it, the next number."},
    "path": option("--path", "-p", help="Where it is put: a path of a datastore."),
    "type_": option("--type", "-t", help="mltable, uri_folder or uri_file."),
    "datastore": option("--datastore", help="The datastore that it is put into."),
    "compute": option("--compute", help="Where the job runs."),
    "stream": option("--stream", help="Watch the job until it is done.", action="store_true"),
}
ARGUMENTS["data profile"] = {"which": _WHICH}
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

HELP["data preview"] = {
    "short-summary": "Show the first rows.",
    "long-summary": (
        "CSV, JSON lines, Parquet, Delta and MLTable as a table; images with their sizes; text as"
        " it is; of anything else how it begins. It is read by a process without network that sees"
        " this data and nothing else."
    ),
    "examples": [
        {"name": "The latest version", "text": "lazur data preview NAME"},
        {"name": "A version, more rows", "text": "lazur data preview NAME:3 --rows 100"},
        {"name": "For a program", "text": "lazur data preview NAME -o json"},
    ],
}
HELP["data import"] = {
    "short-summary": "Copy data from a database or a file system.",
    "long-summary": (
        "A job copies it: a query to Parquet files with an MLTable, files as they are. What it"
        " leaves becomes a version of the data asset."
    ),
    "examples": [
        {"name": "From YAML", "text": "lazur data import -f import.yml --stream"},
        {
            "name": "A query",
            "text": (
                "lazur data import -n people --type mltable --set source.type=database"
                " source.connection=azureml:crm source.query='SELECT * FROM people'"
            ),
        },
    ],
}
HELP["data profile"] = {
    "short-summary": "Show what is in each column.",
    "long-summary": (
        "Counts, nulls, distinct and frequent values, quantiles and histograms of all rows. What"
        " never changes is computed once; JSON has more than the table."
    ),
    "examples": [
        {"name": "The latest version", "text": "lazur data profile NAME"},
        {
            "name": "One figure of a column",
            "text": "lazur data profile NAME:3 --query \"columns[?name=='age'].quantiles\"",
        },
    ],
}


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


def import_(
    file: str | None = None,
    name: str | None = None,
    version: str | None = None,
    path: str | None = None,
    type_: str | None = None,
    datastore: str | None = None,
    compute: str | None = None,
    description: str | None = None,
    tags: Any = None,
    sets: Any = None,
    stream: bool = False,
    skip_validation: bool = False,
    no_wait: bool = False,
) -> Any:
    flags = {"name": name, "version": version, "path": path, "type": type_}
    flags |= {"description": description, "compute": compute, "datastore": datastore}
    source = specs.source(file, sets, {**flags, "tags": specs.pairs(tags)})
    with terminal.Progress("Uploading") as progress:
        job = session.client().data.import_data(source, specs.watch(progress))
    specs.warn(job.to_dict())
    return watch(session.client(), job) if stream else job.to_dict()


def preview(
    which: str | None = None,
    name: str | None = None,
    version: str | None = None,
    label: str | None = None,
    rows: int = 20,
    registry_name: str | None = None,
) -> Any:
    chosen = _chosen(which, name, version, label)
    found = session.client().data.preview(*chosen, rows=rows, registry=registry_name).to_dict()
    return _shown(found, data_looks.preview)


def profile(
    which: str | None = None,
    name: str | None = None,
    version: str | None = None,
    label: str | None = None,
    registry_name: str | None = None,
) -> Any:
    chosen = _chosen(which, name, version, label)
    with terminal.Status("Reading") as status:
        found = session.client().data.profile(
            *chosen, registry=registry_name, progress=lambda done: status(_done(done))
        )
    return _shown(found.to_dict(), data_looks.profile)


def _chosen(
    which: str | None, name: str | None, version: str | None, label: str | None
) -> tuple[str, str | None, str | None]:
    """`NAME:VERSION` and `NAME@LABEL`, or the flags."""
    if which and not name:
        name, at, told = which.removeprefix("azureml:").partition("@")
        if not at:
            name, _, told = name.partition(":")
        version, label = (version, told or label) if at else (told or version, label)
    if not name:
        raise CLIError("Which data? Give its name. See: lazur data list")
    return name, version, label


def _done(progress: dict[str, Any]) -> str:
    return ", ".join(f"{count:,} {what}" for what, count in progress.items())


def _shown(
    found: dict[str, Any], told: Callable[[dict[str, Any], int, Any], list[str]]
) -> dict[str, Any] | None:
    """The answer itself for machines, and its lines for people."""
    if session.current.is_read_by_machine:
        return found
    for line in told(found, terminal.width(200), sys.stdout):
        print(line)
    return None
