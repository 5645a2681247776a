from __future__ import annotations

from typing import Any

from azure.ai.ml import Input, Output, command, load_component
from azure.ai.ml.entities import Environment
from marshmallow.exceptions import ValidationError

from tests.parity.cases.operations import operation, raises
from tests.parity.local import folder, fresh

TEXT = """\
type: command
name: {name}
version: 1
display_name: Train
inputs:
  lr: {{type: number, default: 0.1, min: 0, max: 1}}
  steps: {{type: integer, default: 3}}
  fast: {{type: boolean, default: true}}
  data: {{type: uri_folder, optional: true}}
outputs:
  model: {{type: uri_folder}}
code: .
environment: azureml:{environment}:1
command: >-
  python train.py ${{{{outputs.model}}}} --lr ${{{{inputs.lr}}}} $[[--data ${{{{inputs.data}}}}]]
"""


def environment(client: Any) -> str:
    name = fresh("env")
    client.environments.create_or_update(Environment(name=name, version="1", image="python:3.11"))
    return name


@operation("components.create_or_update", "a file with code beside it")
@operation("components.get")
def a_file_is_registered_once(client: Any) -> None:
    place, name = folder(), f"train_{fresh('x')[2:]}"
    (place / "train.py").write_text("print(1)\n")
    file = place / "component.yml"
    file.write_text(TEXT.format(name=name, environment=environment(client)))
    first = client.components.create_or_update(load_component(str(file)))
    again = client.components.create_or_update(load_component(str(file)))
    assert first.id == again.id
    found = client.components.get(name, "1")
    assert found.display_name == "Train"
    assert (found.inputs["lr"]["default"], found.inputs["lr"]["max"]) == (0.1, 1.0)
    assert found.inputs["fast"]["default"] is True
    assert found.inputs["data"]["optional"] is True
    assert "/codes/" in found.code


@operation("components.create_or_update", "written in Python, the next version")
@operation("components.get", "by label")
@operation("components.list")
@operation("components.archive")
@operation("components.restore")
def one_from_python_has_versions(client: Any) -> None:
    made = command(
        name="hello",
        command="echo ${{inputs.word}} > ${{outputs.out}}/x",
        environment=f"azureml:{environment(client)}:1",
        inputs={"word": Input(type="string", default="hi")},
        outputs={"out": Output(type="uri_folder")},
    ).component
    made.name, made.version = f"hello_{fresh('x')[2:]}", None
    assert client.components.create_or_update(made).version == "1"
    made.command = "echo other"
    client.components.create_or_update(made, version="7")
    assert client.components.get(made.name, label="latest").version == "7"
    client.components.archive(made.name, version="7")
    assert [one.version for one in client.components.list(name=made.name)] == ["1"]
    client.components.restore(made.name, version="7")
    assert made.name in {one.name for one in client.components.list()}


@operation("components.validate")
@operation("components.prepare_for_sign")
def a_component_is_validated_and_made_ready_to_sign(client: Any) -> None:
    place = folder()
    (place / "train.py").write_text("print(1)\n")
    file = place / "component.yml"
    file.write_text(TEXT.format(name="train", environment=environment(client)))
    good = load_component(str(file))
    assert client.components.validate(good).passed
    client.components.prepare_for_sign(good)
    assert "train.py" in (place / "catalog.json").read_text()
    file.write_text(file.read_text().replace("type: integer", "type: nothing"))
    with raises(ValidationError, "nothing"):
        load_component(str(file))


@operation("components.download")
def a_component_is_downloaded_with_its_code(client: Any) -> None:
    place, name = folder(), f"train_{fresh('x')[2:]}"
    (place / "train.py").write_text("print(1)\n")
    file = place / "component.yml"
    file.write_text(TEXT.format(name=name, environment=environment(client)))
    client.components.create_or_update(load_component(str(file)))
    into = folder() / "here"
    client.components.download(name, into, version="1")
    assert (into / "code/train.py").read_text() == "print(1)\n"
    assert (into / "code/inner/b.txt").exists()
    again = load_component(str(into / "component_spec.yaml"))
    assert again.command == client.components.get(name, "1").command
