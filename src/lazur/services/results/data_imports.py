"""Importing data: a job of its own copies it, and what it leaves becomes a data asset.

The job's code is `lazur.importing`, its environment the driver of the database. Where from and
with which credentials are parts of the connection that its variables name: the row of the job has
the names, and only its process the values.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from lazur import importing
from lazur.engine.tree import File, Manifest
from lazur.errors import Unsupported
from lazur.kinds import catalog
from lazur.kinds.assets.data_import import DataImport
from lazur.kinds.resources.common import FIELDS
from lazur.services.base.access import Resource
from lazur.services.base.site import Context, Site
from lazur.services.base.workspaces import open_workspace
from lazur.services.jobs import jobs
from lazur.services.resources import resources
from lazur.services.resources.resources import CONNECTIONS
from lazur.spec.diagnostics import raise_if_errors, told
from lazur.store.db import AnyRow

DATABASES = {
    "azure_postgres_db": ["psycopg[binary]>=3.1"],
    "azure_my_sql_db": ["pymysql>=1.1"],
    "azure_sql_db": ["pymssql>=2.2"],
    "azure_synapse_analytics": ["pymssql>=2.2"],
    "snowflake": ["snowflake-connector-python>=3"],
    "custom": [],
}
"""By type of connection, what reads it."""
FILES = {"s3": ["botocore>=1.34"], "azure_blob": ["azure-storage-blob>=12.20"]}
_SCHEMES = {
    "postgresql": "azure_postgres_db",
    "postgres": "azure_postgres_db",
    "mysql": "azure_my_sql_db",
    "mariadb": "azure_my_sql_db",
    "mssql": "azure_sql_db",
    "sqlserver": "azure_sql_db",
    "snowflake": "snowflake",
}
_PYTHON = "python=3.11"
_PREFIX, _TOLD = "LAZUR_IMPORT_", "LAZUR_IMPORT"
_COMMAND = "python -m importing"
STEP = "import_data"
"""The type of a pipeline's step that says what is imported."""
_OF_JOBS = ("experiment_name", "description", "tags")
"""Of a job, and of no step."""


def submit(context: Context, workspace: str, spec: dict[str, Any]) -> dict[str, Any]:
    """The job that imports. It takes the rights to write data, to run jobs, and to see the
    connection's secrets, since the job gets them."""
    resource = Resource(workspace, "data", str(spec.get("name") or ""))
    context.require("workspaces/data/write", resource)
    model, notes = _checked(spec)
    with context.looking() as early:
        home = open_workspace(early, workspace, "workspaces/data/write", "data")
        connection = resources.find_row(early, CONNECTIONS, home, _name(model.source.connection))
    code = _code(context.site)
    made = jobs.submit(context, workspace, _job(model, connection, code))
    return {**made, "warnings": [*notes, *(made.get("warnings") or [])]}


def in_steps(context: Context, workspace: str, spec: dict[str, Any]) -> dict[str, Any]:
    """A pipeline with the jobs that import in place of its steps that say what (`STEP`). What
    there is to write is asked for here, all else where the pipeline is submitted."""
    steps = cast("dict[str, dict[str, Any]]", spec.get("jobs") or {})
    if not any(step.get("type") == STEP for step in steps.values()):
        return spec
    return {**spec, "jobs": {name: _step(context, workspace, steps[name]) for name in steps}}


def imported(step: Mapping[str, Any]) -> dict[str, Any] | None:
    """The source, as it was written, where a step is one that `in_steps` made."""
    variables = cast("Mapping[str, str]", step.get("environment_variables") or {})
    told = variables.get(_TOLD)
    if told is None or not str(step.get("command")).startswith(_COMMAND):
        return None
    source: dict[str, Any] = json.loads(told)["source"]
    return {key: value for key, value in source.items() if key != "connection_type"}


def _step(context: Context, workspace: str, step: dict[str, Any]) -> dict[str, Any]:
    if step.get("type") != STEP:
        return step
    ((output, found),) = step["outputs"].items()
    place = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    name = str(place.get("name") or "")
    context.require("workspaces/data/write", Resource(workspace, "data", name))
    model, _ = _checked({"source": step.get("source"), "compute": step.get("compute"), **place})
    with context.looking() as early:
        home = open_workspace(early, workspace, "workspaces/data/write", "data")
        connection = resources.find_row(early, CONNECTIONS, home, _name(model.source.connection))
    made = _job(model, connection, _code(context.site), output)
    return {key: value for key, value in made.items() if key not in _OF_JOBS}


def check(context: Context, workspace: str, spec: dict[str, Any]) -> list[str]:
    """All that `submit` checks, and nothing of what it does. Returns what is odd about it."""
    context.require(
        "workspaces/data/write", Resource(workspace, "data", str(spec.get("name") or ""))
    )
    context.require("workspaces/jobs/write", Resource(workspace, "jobs"))
    model, notes = _checked(spec)
    home = open_workspace(context, workspace, "workspaces/data/write", "data")
    resources.find_row(context, CONNECTIONS, home, _name(model.source.connection))
    return notes


def _checked(spec: dict[str, Any]) -> tuple[DataImport, list[str]]:
    kind = catalog.kind_of({**spec, "$schema": "DataImport.schema.json"}, "data-import")
    model, found = catalog.validate(kind, spec)
    raise_if_errors(found)
    assert isinstance(model, DataImport)
    return model, told(found)


def _job(model: DataImport, connection: AnyRow, code: str, output: str = "data") -> dict[str, Any]:
    database = model.source.type == "database"
    source = {**model.source.dump(), "type": model.source.type, "connection_type": connection.type}
    kind = model.type or ("mltable" if database else "uri_folder")
    port: dict[str, Any] = {"type": kind, "mode": "upload", "name": model.name}
    written = {"path": model.path or _place(model), "version": model.version}
    return {
        "type": "command",
        "display_name": f"Import of {model.name}",
        "experiment_name": "data-import",
        "description": model.description,
        "tags": {**model.tags, "import": model.name},
        "code": code,
        "command": f"{_COMMAND} ${{{{outputs.{output}}}}}",
        "environment": _environment(model, connection, database=database),
        "environment_variables": {
            _TOLD: json.dumps({"source": source}),
            **_variables(connection),
        },
        "outputs": {output: {**port, **{k: v for k, v in written.items() if v is not None}}},
        **({"compute": model.compute} if model.compute else {}),
    }


def _place(model: DataImport) -> str | None:
    if not model.datastore:
        return None
    store = model.datastore.removeprefix("azureml:")
    return f"azureml://datastores/{store}/paths/data-imports/{model.name}/${{{{name}}}}"


def _variables(connection: AnyRow) -> dict[str, str]:
    """References, which are opened when the job starts."""
    fields = FIELDS.get(connection.credential, ())
    parts = {"target": "target", **{field: f"credentials/{field}" for field in fields}}
    return {
        f"{_PREFIX}{name.upper()}": f"${{{{azureml://connections/{connection.name}/{part}}}}}"
        for name, part in parts.items()
    }


def _environment(model: DataImport, connection: AnyRow, *, database: bool) -> Any:
    known = DATABASES if database else FILES
    if connection.type not in known:
        what = "database" if database else "file system"
        raise Unsupported(
            f"The connection {connection.name!r} is of type {connection.type}, which is no {what}"
            " that can be imported from.",
            hint=f"Known: {', '.join(known)}.",
        )
    if model.environment is not None:
        written = model.environment
        return written if isinstance(written, str) else written.dump()
    packages = [*known[connection.type], *(["pyarrow>=14.0.1"] if database else [])]
    if connection.type == "custom":
        scheme = str(connection.settings.get("target") or "").removeprefix("jdbc:")
        packages += DATABASES.get(_SCHEMES.get(scheme.partition(":")[0].partition("+")[0], ""), [])
    pip = {"pip": sorted(packages)}
    return {"image": "python:3.11", "conda_file": {"dependencies": [_PYTHON, "pip", pip]}}


def _code(site: Site) -> str:
    """What the job runs, as a tree."""
    folder = Path(importing.__file__).parent
    found: list[File] = []
    for path in sorted(folder.glob("*.py")):
        data = path.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        site.blobs.put(digest, iter([data]))
        found.append(File(f"importing/{path.name}", digest, len(data)))
    manifest = Manifest.of(found)
    site.blobs.put(manifest.digest, iter([manifest.encode()]))
    return f"tree:{manifest.digest}"


def _name(written: str) -> str:
    """`azureml:<name>`, a bare name, or the end of a long form."""
    return written.removeprefix("azureml:").rstrip("/").rpartition("/")[2]
