from __future__ import annotations

from typing import Any

from azure.ai.ml._version import VERSION
from azure.ai.ml.data_transfer import Database
from azure.ai.ml.entities import ApiKeyConfiguration, Data, DataImport, WorkspaceConnection
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

from tests.parity.cases.operations import operation, raises
from tests.parity.local import database, folder, fresh

BROKEN = "1.35.2 hands `asset_name` to its HTTP library, which fails; older releases list them"
IMPORTS = "azureml://datastores/workspaceblobstore/paths/imports"
REMOTE = "azureml://datastores/workspaceblobstore/paths/some/folder/"


@operation("data.create_or_update", "a local file")
@operation("data.get")
def a_file_is_uploaded(client: Any) -> None:
    asked = Data(
        name=fresh("file"), path=str(folder() / "a.csv"), type="uri_file", tags={"a": "b"}
    )
    made = client.data.create_or_update(asked)
    found = client.data.get(made.name, "1")
    assert found.path.endswith("/a.csv")
    assert (found.type, found.tags) == ("uri_file", {"a": "b"})


@operation("data.create_or_update", "a local folder, the next version each time")
@operation("data.get", "by label")
@operation("data.list", "versions of one")
def a_folder_is_uploaded_once(client: Any) -> None:
    name, place = fresh("folder"), str(folder())
    first = client.data.create_or_update(Data(name=name, path=place, type="uri_folder"))
    second = client.data.create_or_update(Data(name=name, path=place, type="uri_folder"))
    assert (first.version, second.version) == ("1", "2")
    assert first.path == second.path
    assert client.data.get(name, label="latest").version == "2"
    assert [one.version for one in client.data.list(name=name)] == ["2", "1"]


@operation("data.create_or_update", "an MLTable")
def a_table_is_uploaded(client: Any) -> None:
    place = folder()
    (place / "MLTable").write_text("paths:\n  - file: ./a.csv\n")
    made = client.data.create_or_update(
        Data(name=fresh("table"), version="1", path=str(place), type="mltable")
    )
    assert made.type == "mltable"


@operation("data.create_or_update", "a path in a datastore, and a URL")
def what_lies_elsewhere_is_named(client: Any) -> None:
    made = client.data.create_or_update(
        Data(name=fresh("remote"), version="3", path=REMOTE, type="uri_folder")
    )
    assert made.path.endswith("/datastores/workspaceblobstore/paths/some/folder/")
    web = "https://example.org/x.csv"
    found = client.data.create_or_update(
        Data(name=fresh("web"), version="1", path=web, type="uri_file")
    )
    assert found.path == web


@operation("data.create_or_update", "changed tags and description")
def what_is_said_about_data_changes(client: Any) -> None:
    made = client.data.create_or_update(
        Data(name=fresh("noted"), version="1", path=REMOTE, type="uri_folder")
    )
    made.description, made.tags = "new", {"c": "d"}
    found = client.data.create_or_update(made)
    assert (found.description, found.tags) == ("new", {"c": "d"})


@operation("data.create_or_update", "another path for a version that is there")
def a_version_is_one_thing_for_ever(client: Any) -> None:
    name = fresh("fixed")
    client.data.create_or_update(Data(name=name, version="1", path=REMOTE, type="uri_folder"))
    with raises(ResourceExistsError, "exists already"):
        client.data.create_or_update(
            Data(name=name, version="1", path=REMOTE + "x/", type="uri_folder")
        )


@operation("data.get", "a version that is not there")
def absent_data_is_not_found(client: Any) -> None:
    with raises(ResourceNotFoundError, "nothing"):
        client.data.get("nothing", "1")


@operation("data.archive")
@operation("data.restore")
@operation("data.list")
def data_is_archived_and_restored(client: Any) -> None:
    name = fresh("old")
    client.data.create_or_update(Data(name=name, version="1", path=REMOTE, type="uri_folder"))
    client.data.archive(name, version="1")
    assert not list(client.data.list(name=name))
    client.data.restore(name, version="1")
    assert [one.version for one in client.data.list(name=name)] == ["1"]
    client.data.archive(name)
    assert name not in {one.name for one in client.data.list()}
    client.data.restore(name)
    assert name in {one.name for one in client.data.list()}


@operation("data.import_data", "rows of a database")
@operation("data.list_materialization_status", lacks=BROKEN)
def rows_of_a_database_become_data(client: Any) -> None:
    connection, name = fresh("shop"), fresh("sales")
    kind, keys = "custom", ApiKeyConfiguration(key="none")
    asked = WorkspaceConnection(name=connection, type=kind, target=database(), credentials=keys)
    client.connections.create_or_update(asked)
    source = Database(query="select * from sales", connection=f"azureml:{connection}")
    made = client.data.import_data(DataImport(name=name, source=source, path=IMPORTS))
    assert made.type == "pipeline"
    client.jobs.stream(made.name)
    found = client.data.get(name, "1")
    assert found.type == "mltable"
    assert f"paths/imports/{made.name}" in found.path
    (step,) = client.jobs.get(made.name).jobs.values()
    assert step.source.query == "select * from sales"
    if VERSION.startswith("1.35."):
        with raises(TypeError, "asset_name"):
            list(client.data.list_materialization_status(name))
        return
    assert [one.name for one in client.data.list_materialization_status(name)] == [made.name]
    assert not list(client.data.list_materialization_status("nothing"))
