"""What several cases are made of."""

from __future__ import annotations

import contextlib
import io
import tempfile
import uuid
from pathlib import Path
from typing import Any

from azure.ai.ml import command  # pyright: ignore[reportMissingImports]
from azure.ai.ml.entities import (  # pyright: ignore[reportMissingImports]
    AmlCompute,
    Environment,
)

IMAGE = "python:3.11"
PIPELINE = """
$schema: https://azuremlschemas.azureedge.net/latest/pipelineJob.schema.json
type: pipeline
experiment_name: parity
settings: {{default_compute: azureml:local}}
inputs: {{text: {text}}}
outputs: {{final: {{type: uri_folder}}}}
jobs:
  write: {{type: command, component: ./write.yml, inputs: {{text: "${{{{parent.inputs.text}}}}"}}}}
  copy:
    type: command
    command: cat ${{{{inputs.from}}}}/t.txt; cp ${{{{inputs.from}}}}/t.txt ${{{{outputs.to}}}}/
    environment: {{image: "{image}"}}
    inputs: {{from: {{path: "${{{{parent.jobs.write.outputs.made}}}}", mode: download}}}}
    outputs: {{to: "${{{{parent.outputs.final}}}}"}}
"""
WRITE = """
$schema: https://azuremlschemas.azureedge.net/latest/commandComponent.schema.json
type: command
name: write_{name}
version: "1"
command: python main.py ${{{{inputs.text}}}} ${{{{outputs.made}}}}
code: ./src
environment: {{image: "{image}"}}
inputs: {{text: {{type: string}}}}
outputs: {{made: {{type: uri_folder}}}}
"""
MAIN = "import pathlib, sys\npathlib.Path(sys.argv[2], 't.txt').write_text(sys.argv[1])\n"


def environment() -> Environment:
    return Environment(image=IMAGE)


def folder(**files: str) -> Path:
    """`main_py="…"` is main.py."""
    made = Path(tempfile.mkdtemp())
    for name, text in files.items():
        (made / name.replace("_", ".")).write_text(text)
    return made


def streamed(client: Any, name: str) -> str:
    """What the client prints of a job."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        client.jobs.stream(name)
    return out.getvalue()


def simple(text: str = "echo hello", **more: Any) -> Any:
    return command(command=text, environment=environment(), experiment_name="parity", **more)


def compute(client: Any) -> str:
    name = f"c{uuid.uuid4().hex[:8]}"
    made = AmlCompute(name=name, size="STANDARD_DS3_V2", min_instances=0, max_instances=2)
    client.compute.begin_create_or_update(made).result()
    return name


def written(text: str) -> Path:
    """A pipeline and its component, in files."""
    made = folder(main_py=MAIN)
    (made / "src").mkdir()
    (made / "main.py").rename(made / "src/main.py")
    names = {"name": uuid.uuid4().hex[:8], "image": IMAGE, "text": text}
    (made / "write.yml").write_text(WRITE.format(**names))
    (made / "pipeline.yml").write_text(PIPELINE.format(**names))
    return made
