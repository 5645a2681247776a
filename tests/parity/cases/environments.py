from __future__ import annotations

from typing import Any

from azure.ai.ml.entities import BuildContext, Environment

from tests.parity.cases.operations import operation
from tests.parity.local import folder, fresh

IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04"
CONDA = {"name": "e", "dependencies": ["python=3.11", {"pip": ["packaging"]}]}


@operation("environments.create_or_update", "an image with conda's file")
@operation("environments.get", "by label")
def an_image_with_conda(client: Any) -> None:
    asked = Environment(name=fresh("env"), image=IMAGE, conda_file=CONDA, description="x")
    made = client.environments.create_or_update(asked)
    found = client.environments.get(made.name, label="latest")
    assert (found.version, found.image, found.conda_file) == ("1", IMAGE, CONDA)


@operation("environments.create_or_update", "again, the same and another")
def the_next_version_is_another_one(client: Any) -> None:
    name = fresh("env")
    first = client.environments.create_or_update(Environment(name=name, image=IMAGE))
    same = client.environments.create_or_update(Environment(name=name, image=IMAGE))
    other = client.environments.create_or_update(Environment(name=name, image=IMAGE + ":1"))
    assert (first.version, same.version, other.version) == ("1", "1", "2")


@operation("environments.create_or_update", "a folder to build")
@operation("environments.get")
def a_folder_is_built(client: Any) -> None:
    place = folder()
    (place / "Dockerfile").write_text("FROM python:3.11\nRUN pip install packaging\n")
    name = fresh("built")
    client.environments.create_or_update(
        Environment(name=name, version="1", build=BuildContext(path=str(place)))
    )
    found = client.environments.get(name, "1")
    assert found.build.dockerfile_path == "Dockerfile"
    found.tags = {"again": "yes"}
    assert client.environments.create_or_update(found).tags == {"again": "yes"}


@operation("environments.list")
@operation("environments.archive")
@operation("environments.restore")
def an_environment_is_archived_and_restored(client: Any) -> None:
    name = fresh("env")
    client.environments.create_or_update(Environment(name=name, version="1", image=IMAGE))
    client.environments.archive(name, version="1")
    assert not list(client.environments.list(name=name))
    client.environments.restore(name, version="1")
    assert [one.version for one in client.environments.list(name=name)] == ["1"]
    assert name in {one.name for one in client.environments.list()}
