"""A data import: what a job copies from a database or a file system, to become a data asset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast

from pydantic import Discriminator, Field, Tag

from lazur.kinds.assets.common import Asset
from lazur.kinds.assets.environment import AnonymousEnvironment
from lazur.kinds.resources.common import refuse_secrets_at
from lazur.spec.checking import Check
from lazur.spec.model import Map, Spec, TextValue, spelled, squashed

_Type = Literal["uri_file", "uri_folder", "mltable"]
_Database = Literal["database"]
_Files = Literal["file_system"]
_ASKS = ("query", "table_name", "stored_procedure")


class Parameter(Spec):
    """Of a stored procedure."""

    name: str
    value: TextValue | None = None
    type: str | None = None


class Database(Spec):
    """What is read out of a database: one of `query`, `table_name` and `stored_procedure`."""

    type: Annotated[_Database, spelled(_Database)]
    connection: str
    """`azureml:<connection>`; its credentials reach the job that reads, and nobody else."""
    query: str | None = None
    table_name: str | None = None
    """With its schema's in front where it has one."""
    stored_procedure: str | None = None
    stored_procedure_params: list[Parameter] = Field(default_factory=list[Parameter])


class FileSystem(Spec):
    """Which files are copied."""

    type: Annotated[_Files, spelled(_Files)]
    connection: str
    """`azureml:<connection>`."""
    path: str | None = None
    """A file, a folder or a pattern such as `data/*.csv`; all there is when left out."""


def _source(value: Any) -> str | None:
    if isinstance(value, Mapping):
        word = squashed(cast("Mapping[str, Any]", value).get("type"))
    else:
        word = squashed(getattr(value, "type", None))
    return f"\0{word}" if word in {"database", "filesystem"} else None


Source = Annotated[
    Annotated[Database, Tag("\0database")] | Annotated[FileSystem, Tag("\0filesystem")],
    Discriminator(
        _source,
        custom_error_type="source",
        custom_error_message="a source is a mapping whose `type` is database or file_system",
    ),
]


class DataImport(Asset):
    """Data from a database or a file system, copied by a job."""

    path: str | None = None
    """Where it is put: a datastore path, in which `${{name}}` is the job's name."""
    type: Annotated[_Type, spelled(_Type)] | None = None
    """`mltable` of a database, `uri_folder` of files, when left out."""
    source: Source
    properties: Map[Any] = Field(default_factory=dict)
    compute: str | None = None
    """Where the job runs; `local` when left out."""
    environment: str | AnonymousEnvironment | None = None
    """With the database's driver; one is made when this is left out."""


def check_data_import(check: Check) -> None:
    value = _mapping(check.value)
    check.reference(("path",), value.get("path"))
    refuse_secrets_at(check, ("path",), value.get("path"))
    if not value.get("name"):
        check.error("the data asset that it becomes needs a `name`", ("name",))
    source = _mapping(value.get("source"))
    word, kind = squashed(source.get("type")), squashed(value.get("type"))
    if word == "database":
        if sum(bool(source.get(name)) for name in _ASKS) != 1:
            check.error(f"one of {', '.join(_ASKS)} is needed", ("source",), key=True)
        if kind not in {"", "mltable"}:
            check.error("what is read out of a database becomes an `mltable`", ("type",))
    elif word == "filesystem" and kind == "mltable":
        message = "files are copied as they are: an `mltable` only if one of them says so"
        check.warning(message, ("type",))


def _mapping(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}
