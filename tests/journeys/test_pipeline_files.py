"""Pipelines whose code lies in several folders, and whose outputs have names: as public files have
them."""

from __future__ import annotations

import pytest

from tests.journeys.conftest import Person

pytestmark = pytest.mark.slow

COMPONENT = """\
type: command
name: train
version: 1
inputs:
  word: {type: string}
outputs:
  model: {type: custom_model}
code: ./train_src
additional_includes: [../../common_src, ../../notes/about.txt]
command: python train.py ${{inputs.word}} ${{outputs.model}}
environment: {image: 'python:3.11'}
"""
TRAIN = """\
import sys, pathlib
from common_src.said import said

folder = pathlib.Path(sys.argv[2])
(folder / "model.txt").write_text(said(sys.argv[1]) + " " + pathlib.Path("about.txt").read_text())
"""
PIPELINE = """\
type: pipeline
outputs:
  kept: {type: custom_model, name: kept-trees}
jobs:
  first:
    component: ./parts/train/train.yml
    inputs: {word: first}
    outputs:
      model: {type: custom_model, name: first-trees, version: '3'}
  second:
    component: ./parts/train/train.yml
    inputs: {word: second}
    outputs: {model: '${{parent.outputs.kept}}'}
"""


class TestIncludes:
    def test_the_snapshot_has_them_and_what_is_made_is_registered(self, person: Person) -> None:
        person.write("parts/train/train.yml", COMPONENT)
        person.write("parts/train/train_src/train.py", TRAIN)
        person.write("common_src/__init__.py", "")
        person.write("common_src/said.py", "def said(word):\n    return f'said {word}'\n")
        person.write("notes/about.txt", "of trees")
        person.write("pipeline.yml", PIPELINE)
        person.run("pipeline.yml")
        for name, version, word in (("first-trees", "3", "first"), ("kept-trees", "1", "second")):
            words = ("-n", name, "-v", version)
            assert person.ok("model", "show", *words)["type"] == "custom_model"
            person("model", "download", *words, "-p", "got")
            (made,) = (person.folder / "got").rglob(f"{name}/**/model.txt")
            assert made.read_text() == f"said {word} of trees"

    def test_what_is_not_there_is_told_in_the_components_file(self, person: Person) -> None:
        person.write("parts/train/train.yml", COMPONENT)
        person.write("parts/train/train_src/train.py", TRAIN)
        person.write("pipeline.yml", PIPELINE)
        ran = person("job", "create", "-f", "pipeline.yml")
        assert ran.code != 0
        assert "train.yml:9:" in ran.err
        assert "common_src" in ran.err
        assert "about.txt" in ran.err
