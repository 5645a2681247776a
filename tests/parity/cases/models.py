from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any

from azure.ai.ml.entities import Model
from azure.core.exceptions import ResourceNotFoundError

from tests.parity.cases.operations import operation, raises
from tests.parity.local import files, folder, fresh


@operation("models.create_or_update", "a local folder")
@operation("models.get")
@operation("models.download", "a folder")
def a_folder_comes_back(client: Any) -> None:
    place = folder()
    made = client.models.create_or_update(
        Model(name=fresh("model"), path=str(place), type="custom_model", description="x")
    )
    assert made.version == "1"
    assert client.models.get(made.name, "1").description == "x"
    target = Path(tempfile.mkdtemp())
    client.models.download(made.name, "1", str(target))
    top = target / made.name / place.name
    assert files(top) == ["a.csv", "inner/b.txt"]
    assert (top / "inner/b.txt").read_text() == place.name


@operation("models.create_or_update", "a large file, in blocks")
@operation("models.download", "a large file, in ranges")
def a_large_file_comes_back(client: Any) -> None:
    place = Path(tempfile.mkdtemp()) / "large.bin"
    place.write_bytes(os.urandom(70 << 20))
    made = client.models.create_or_update(Model(name=fresh("large"), path=str(place)))
    target = Path(tempfile.mkdtemp())
    client.models.download(made.name, "1", str(target))
    [name] = files(target)
    wanted = hashlib.md5(place.read_bytes()).hexdigest()
    assert hashlib.md5((target / name).read_bytes()).hexdigest() == wanted


@operation("models.create_or_update", "the next version")
@operation("models.get", "by label")
@operation("models.list", "versions of one")
def versions_are_counted(client: Any) -> None:
    name = fresh("counted")
    for number in ("1", "2"):
        made = client.models.create_or_update(Model(name=name, path=str(folder())))
        assert made.version == number
    assert client.models.get(name, label="latest").version == "2"
    assert [one.version for one in client.models.list(name=name)] == ["2", "1"]


@operation("models.create_or_update", "changed tags and description")
def what_is_said_about_a_model_changes(client: Any) -> None:
    made = client.models.create_or_update(Model(name=fresh("noted"), path=str(folder())))
    made.tags, made.description = {"k": "v"}, "better"
    found = client.models.create_or_update(made)
    assert (found.tags, found.description) == ({"k": "v"}, "better")


@operation("models.archive")
@operation("models.restore")
@operation("models.list")
def a_model_is_archived_and_restored(client: Any) -> None:
    name = fresh("old")
    client.models.create_or_update(Model(name=name, path=str(folder())))
    client.models.archive(name, version="1")
    assert not list(client.models.list(name=name))
    client.models.restore(name, version="1")
    client.models.archive(name)
    assert name not in {one.name for one in client.models.list()}
    client.models.restore(name)
    assert name in {one.name for one in client.models.list()}


@operation("models.get", "one that is not there")
def an_absent_model_is_not_found(client: Any) -> None:
    with raises(ResourceNotFoundError, "nothing"):
        client.models.get("nothing", "1")
