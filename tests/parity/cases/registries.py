from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from azure.ai.ml import MLClient, load_component
from azure.ai.ml.entities import (
    BuildContext,
    Data,
    Environment,
    Model,
    Registry,
    RegistryRegionDetails,
)
from azure.identity import DefaultAzureCredential

from tests.parity.cases.operations import operation
from tests.parity.local import files, folder, fresh


def make(client: Any) -> str:
    name = fresh("registry")
    regions = [RegistryRegionDetails(location="local")]
    asked = Registry(name=name, location="local", replication_locations=regions, tags={"a": "b"})
    assert client.registries.begin_create(asked).result().tags == {"a": "b"}
    return name


def inside(name: str) -> Any:
    return MLClient(DefaultAzureCredential(), registry_name=name)


@operation("registries.begin_create")
@operation("registries.get")
@operation("registries.list")
@operation("registries.begin_delete")
def a_registry_is_made_and_deleted(client: Any) -> None:
    name = make(client)
    assert client.registries.get(name).name == name
    assert name in {one.name for one in client.registries.list()}
    client.registries.begin_delete(name=name).result()
    assert name not in {one.name for one in client.registries.list()}


@operation("models.create_or_update", "in a registry")
@operation("models.download", "from a registry")
def a_model_of_a_registry(client: Any) -> None:
    shared, place = inside(make(client)), folder()
    made = shared.models.create_or_update(Model(name="m", version="1", path=str(place)))
    assert made.id.endswith("/models/m/versions/1")
    target = Path(tempfile.mkdtemp())
    shared.models.download("m", "1", str(target))
    assert files(target / "m" / place.name) == ["a.csv", "inner/b.txt"]
    assert [one.name for one in shared.models.list()] == ["m"]
    shared.models.archive("m", version="1")
    assert not list(shared.models.list(name="m"))


@operation("data.create_or_update", "in a registry")
@operation("environments.create_or_update", "in a registry")
@operation("components.create_or_update", "in a registry, with code")
def other_assets_of_a_registry(client: Any) -> None:
    name = make(client)
    shared, place = inside(name), folder()
    (place / "Dockerfile").write_text("FROM python:3.11\n")
    data = Data(name="d", version="1", path=str(place / "a.csv"), type="uri_file")
    assert shared.data.create_or_update(data).version == "1"
    shared.environments.create_or_update(Environment(name="e", version="1", image="python:3.11"))
    built = Environment(name="b", version="1", build=BuildContext(path=str(place)))
    assert shared.environments.create_or_update(built).build.path
    file = place / "component.yml"
    file.write_text(
        "type: command\nname: c\nversion: 1\ncode: ./inner\ncommand: ls\n"
        f"environment: azureml://registries/{name}/environments/e/versions/1\n"
    )
    shared.components.create_or_update(load_component(str(file)))
    assert shared.components.get("c", "1").command == "ls"


@operation("models.share")
@operation("environments.share")
@operation("data.share")
def assets_are_shared(client: Any) -> None:
    name, place, own = make(client), folder(), fresh("own")
    client.models.create_or_update(Model(name=own, version="1", path=str(place)))
    to = {"share_with_version": "5", "registry_name": name}
    model = client.models.share(own, "1", share_with_name="m", **to)
    assert model.id == f"azureml://registries/{name}/models/m/versions/5"
    client.environments.create_or_update(Environment(name=own, version="1", image="python:3.11"))
    shared = client.environments.share(own, "1", share_with_name="e", **to)
    assert shared.image == "python:3.11"
    client.data.create_or_update(
        Data(name=own, version="1", path=str(place / "a.csv"), type="uri_file")
    )
    assert client.data.share(own, "1", share_with_name="d", **to).version == "5"


@operation("environments.get", "of the registry azureml")
def curated_environments_are_there(client: Any) -> None:
    shared = inside("azureml")
    name = next(iter(shared.environments.list())).name
    assert shared.environments.get(name, label="latest").image
