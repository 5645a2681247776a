"""What a job finds at its inputs, in every mode, and what it cannot do to them."""

from __future__ import annotations

import pytest

from tests.journeys.conftest import Person

TABLE = "paths:\n  - file: ./a.csv\n"
MODES = ["ro_mount", "rw_mount", "download"]
TYPES = {
    "uri_file": ("data/a.csv", "cat {}"),
    "uri_folder": ("data", "cat {}/a.csv"),
    "mltable": ("table", "cat {}/MLTable"),
    "custom_model": ("data", "cat {}/a.csv"),
    "mlflow_model": ("data", "cat {}/a.csv"),
}


@pytest.fixture
def data(person: Person) -> Person:
    person.write("data/a.csv", "one,two\n")
    person.write("table/MLTable", TABLE)
    return person


def job(person: Person, command: str, kind: str, path: str, mode: str) -> str:
    return person.write(
        "job.yml",
        f"""\
        type: command
        command: {command}
        inputs:
          x: {{type: {kind}, path: "{path}", mode: {mode}}}
        environment:
          image: python:3.11
        """,
    )


class TestModes:
    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize("kind", TYPES)
    def test_the_data_are_there(self, data: Person, kind: str, mode: str) -> None:
        path, command = TYPES[kind]
        file = job(data, command.format("${{inputs.x}}"), kind, path, mode)
        expected = TABLE if kind == "mltable" else "one,two\n"
        assert data.log(data.run(file)) == expected

    @pytest.mark.parametrize("mode", ["eval_mount", "eval_download"])
    def test_a_table_may_be_asked_for_as_one(self, data: Person, mode: str) -> None:
        file = job(data, "cat ${{inputs.x}}/MLTable", "mltable", "table", mode)
        assert data.log(data.run(file)) == TABLE

    @pytest.mark.parametrize("mode", MODES)
    def test_a_file_keeps_its_name(self, data: Person, mode: str) -> None:
        file = job(data, "basename ${{inputs.x}}", "uri_file", "data/a.csv", mode)
        assert data.log(data.run(file)) == "a.csv\n"

    def test_direct_gives_the_reference(self, data: Person) -> None:
        place = "azureml://datastores/workspaceblobstore/paths/x/y.csv"
        file = job(data, "echo ${{inputs.x}}", "uri_file", place, "direct")
        assert data.log(data.run(file)).strip().endswith("x/y.csv")


class TestReadOnly:
    def test_writing_fails_and_the_stored_data_stay(self, data: Person) -> None:
        command = (
            "echo harm >> ${{inputs.x}}/a.csv; rm -f ${{inputs.x}}/a.csv; touch ${{inputs.x}}/b"
        )
        file = job(data, f"'{command}'", "uri_folder", "data", "ro_mount")
        ran = data("job", "create", "-f", file, "--stream")
        assert ran.code == 1
        assert "Read-only file system" in ran.out or "Permission denied" in ran.out
        again = job(
            data, "ls ${{inputs.x}}; cat ${{inputs.x}}/a.csv", "uri_folder", "data", "ro_mount"
        )
        assert data.log(data.run(again)) == "a.csv\none,two\n"

    @pytest.mark.parametrize("mode", ["rw_mount", "download"])
    def test_a_private_copy_may_be_changed_and_nobody_sees_it(
        self, data: Person, mode: str
    ) -> None:
        command = "'echo mine >> ${{inputs.x}}/a.csv && cat ${{inputs.x}}/a.csv'"
        changed = data.run(job(data, command, "uri_folder", "data", mode))
        assert data.log(changed) == "one,two\nmine\n"
        seen = data.run(job(data, "cat ${{inputs.x}}/a.csv", "uri_folder", "data", mode))
        assert data.log(seen) == "one,two\n"


class TestRegistered:
    def test_latest_is_what_it_is_when_the_job_is_made(self, data: Person) -> None:
        data.write("asset.yml", "name: table\ntype: uri_folder\npath: data\n")
        data.ok("data", "create", "-f", "asset.yml")
        file = job(
            data, "cat ${{inputs.x}}/a.csv", "uri_folder", "azureml:table@latest", "ro_mount"
        )
        assert data.log(data.run(file)) == "one,two\n"
        data.write("data/a.csv", "three\n")
        data.ok("data", "create", "-f", "asset.yml")
        assert data.log(data.run(file)) == "three\n"
        pinned = data.run(file, "--set", "inputs.x.path=azureml:table:1")
        assert data.log(pinned) == "one,two\n"

    def test_a_path_in_the_workspaces_store_is_the_file_itself(self, data: Person) -> None:
        place = "azureml://datastores/workspaceblobstore/paths/shared/"
        data.write(
            "write.yml",
            f"""\
            command: echo kept > ${{{{outputs.x}}}}/k.txt
            outputs:
              x: {{path: "{place}"}}
            environment: {{image: "python:3.11"}}
            """,
        )
        data.run("write.yml")
        file = job(data, "cat ${{inputs.x}}", "uri_file", f"{place}k.txt", "ro_mount")
        assert data.log(data.run(file)) == "kept\n"
