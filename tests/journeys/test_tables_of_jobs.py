"""An `MLTable` file in a job that names what other jobs made."""

from __future__ import annotations

import sys

from tests.journeys.conftest import Person

MAKER = """\
command: >-
  mkdir ${{outputs.many}}/in && echo 1 > ${{outputs.many}}/in/a.csv &&
  echo 2 > ${{outputs.many}}/b.csv && echo 3 > ${{outputs.one}}
environment: {image: python}
outputs:
  many: {type: uri_folder}
  one: {type: uri_file}
"""
TABLE = """\
type: mltable
paths:
  - folder: azureml://jobs/NAME/outputs/many/
  - pattern: azureml://jobs/NAME/outputs/many/paths/*/*.csv
  - file: azureml://jobs/NAME/outputs/many/paths/b.csv
  - file: azureml://jobs/NAME/outputs/one
transformations:
  - read_delimited: {header: no_header, infer_column_types: true}
"""
SCRIPT = """\
import sys
from lazur import mltable

print("rows", sorted(mltable.load(sys.argv[1]).to_arrow()["Column1"].to_pylist()))
"""


class TestTablesOfJobs:
    def taking(self, person: Person) -> str:
        person.write("src/read.py", SCRIPT)
        return person.write(
            "taker.yml",
            f"""\
            command: {sys.executable} read.py ${{{{inputs.table}}}}
            code: ./src
            environment: {{image: python}}
            inputs: {{table: {{type: mltable, path: ./table}}}}
            """,
        )

    def test_they_are_followed_and_lineage_tells(self, person: Person) -> None:
        maker = person.run(person.write("maker.yml", MAKER))
        person.write("table/MLTable", TABLE.replace("NAME", maker))
        taker = person.run(self.taking(person))
        assert "rows [1, 1, 2, 2, 3]" in person.log(taker)
        graph = person.ok("lineage", "show", f"job:{taker}", "--up", "--format", "json")
        assert maker in {str(node.get("name")) for node in graph["nodes"]}

    def test_what_is_not_there_is_told(self, person: Person) -> None:
        person.write("table/MLTable", TABLE.replace("NAME", "nowhere"))
        file = self.taking(person)
        name = person.text("job", "create", "--query", "name", "-f", file)
        said = person("job", "stream", "-n", name).out
        assert "There is no job 'nowhere' in workspace" in said
