"""What the items of a loop made, as a step after it finds it."""

from __future__ import annotations

import sys

import pytest

from tests.journeys.conftest import Person

PIPELINE = """\
type: pipeline
settings: {{force_rerun: {anew}}}
jobs:
  each:
    type: parallel_for
    body: ${{{{parent.jobs.one}}}}
    items: '{{"red": {{"n": 1}}, "blue/sky": {{"n": 2}}}}'
  one:
    command: echo ${{{{inputs.n}}}} > {target}
    environment: {{image: python}}
    inputs: {{n: 0}}
    outputs:
      o: {{type: {kind}}}
  all:
    command: >-
      cd ${{{{inputs.all}}}} && find . -type f | sort && cat MLTable && {python} $OLDPWD/read.py .
    code: src
    environment: {{image: python}}
    inputs:
      all: {{path: "${{{{parent.jobs.each.outputs.o}}}}", type: {taken}, mode: {mode}}}
"""
READ = """\
import sys
from lazur import mltable

paths = mltable.load(sys.argv[1]).to_arrow()["Path"].to_pylist()
files = [{"file": path} for path in paths]
table = mltable.from_delimited_files(files, header="no_header").to_arrow()
print("rows", sorted(table["Column1"].to_pylist()))
"""


class TestLoops:
    @pytest.mark.parametrize("taken, mode", [("mltable", "ro_mount"), ("uri_folder", "download")])
    @pytest.mark.parametrize(
        "kind, target, entry",
        [
            ("uri_folder", "${{{{outputs.o}}}}/n.csv", "folder"),
            ("uri_file", "${{{{outputs.o}}}}", "file"),
        ],
    )
    def test_what_they_made_is_one_table_with_an_entry_for_each(
        self, person: Person, kind: str, target: str, entry: str, taken: str, mode: str
    ) -> None:
        person.write("src/read.py", READ)
        text = PIPELINE.format(
            kind=kind,
            target=target.format(),
            python=sys.executable,
            taken=taken,
            mode=mode,
            anew=True,
        )
        name = person.run(person.write("p.yml", text))
        log = person.log(f"{name}_all").splitlines()
        assert "./MLTable" in log
        assert sum(line.startswith("./red/") for line in log) == 1
        assert sum(line.startswith("./_1/") for line in log) == 1
        assert sum(line.startswith(f'  - {entry}: "./') for line in log) == 2
        assert log[-1] == "rows [1, 2]"
        graph = person.ok("lineage", "show", f"job:{name}_all", "--up", "--format", "json")
        made = {str(node.get("name")) for node in graph["nodes"]}
        assert sum(one.startswith(f"{name}_one") for one in made) == 2

    def test_it_can_be_an_output_of_the_pipeline(self, person: Person) -> None:
        text = """\
            type: pipeline
            outputs:
              all: {type: mltable, name: told-by-items}
            jobs:
              each:
                type: parallel_for
                body: one
                items: [{n: 1}, {n: 2}]
                outputs: {o: "${{parent.outputs.all}}"}
              one:
                command: echo ${{inputs.n}} > ${{outputs.o}}/n.csv
                environment: {image: python}
                inputs: {n: 0}
                outputs: {o: {type: uri_folder}}
            """
        name = person.run(person.write("p.yml", text))
        into = str(person.folder / "got")
        ran = person("job", "download", "-n", name, "--output-name", "all", "-p", into)
        assert ran.code == 0, ran.err
        found = (person.folder / "got").rglob("n.csv")
        assert {path.parent.name: path.read_text() for path in found} == {"0": "1\n", "1": "2\n"}
        taking = """\
            command: cat ${{inputs.all}}/*/n.csv
            environment: {image: python}
            inputs: {all: {type: mltable, path: "azureml:told-by-items@latest"}}
            """
        later = person.run(person.write("later.yml", taking))
        assert person.log(later).split() == ["1", "2"]

    def test_done_before_it_is_not_done_again(self, person: Person) -> None:
        person.write("src/read.py", READ + "# again")
        text = PIPELINE.format(
            kind="uri_folder",
            target="${{outputs.o}}/again.csv",
            python=sys.executable,
            taken="mltable",
            mode="ro_mount",
            anew=False,
        )
        file = person.write("p.yml", text)
        first, second = person.run(file), person.run(file)
        steps = person.ok("job", "show", "-n", second)["steps"]
        assert {step["name"]: step["reused_from"] for step in steps}["all"] == f"{first}_all"
