"""Looking into data, and importing it, as people do."""

from __future__ import annotations

import json
import sqlite3

import pytest

from tests.cli.conftest import Cli

CSV = "id,name,age\n1,Anna,31\n2,Bob,45\n3,Cleo,\n"


@pytest.fixture
def people(lazur: Cli) -> str:
    (lazur.folder / "people.csv").write_text(CSV)
    lazur.ok("data", "create", "-n", "looked", "-t", "uri_file", "-p", "people.csv")
    return "looked"


class TestPreview:
    def test_a_table_to_read(self, lazur: Cli, people: str) -> None:
        ran = lazur("data", "preview", people)
        assert ran.code == 0, ran.err
        head, _, columns, first, *_ = ran.out.splitlines()
        assert head == "looked:1  Delimited text · 1 file, 39 B"
        assert columns.split() == ["id", "name", "age"]
        assert first.split() == ["1", "Anna", "31"]

    @pytest.mark.parametrize("words", [("looked:1",), ("looked@latest",), ("-n", "looked")])
    def test_ways_to_name_it(self, lazur: Cli, people: str, words: tuple[str, ...]) -> None:
        found = lazur.ok("data", "preview", *words, "--rows", "1", "-o", "json")
        assert found["rows"] == [[1, "Anna", 31]]
        assert found["more"] is True

    def test_tables_for_scripts(self, lazur: Cli, people: str) -> None:
        ran = lazur("data", "preview", people, "-o", "table")
        assert ran.out.splitlines()[0].split() == ["Id", "Name", "Age"]

    def test_images_and_what_is_unknown(self, lazur: Cli) -> None:
        (lazur.folder / "odd").mkdir()
        (lazur.folder / "odd" / "x.bin").write_bytes(b"\x80\x04\x95 pickled")
        lazur.ok("data", "create", "-n", "odd", "-p", "odd")
        out = lazur("data", "preview", "odd").out
        assert "x.bin  Python pickle, which is never opened here" in out
        assert "0000  80 04 95 20 70" in out

    def test_which(self, lazur: Cli) -> None:
        assert "Which data?" in lazur("data", "preview").err
        assert lazur("data", "preview", "nothing-there").code == 3


class TestProfile:
    def test_a_table_to_read(self, lazur: Cli, people: str) -> None:
        ran = lazur("data", "profile", people)
        assert ran.code == 0, ran.err
        assert "3 rows, 3 columns" in ran.out
        age = next(line for line in ran.out.splitlines() if line.startswith("age"))
        assert age.split()[:5] == ["age", "int", "1", "(33%)", "2"]

    def test_figures_for_programs(self, lazur: Cli, people: str) -> None:
        query = "columns[?name=='age'].mean | [0]"
        assert lazur.ok("data", "profile", people, "--query", query) == 38


class TestImport:
    @pytest.fixture
    def source(self, lazur: Cli) -> str:
        with sqlite3.connect(lazur.folder / "crm.db") as link:
            link.execute("create table people as select 1 as id, 'Anna' as name")
        spec = {
            "name": "crm",
            "type": "custom",
            "target": f"sqlite:///{lazur.folder}/crm.db",
            "credentials": {"type": "username_password", "username": "a", "password": "b-secret"},
        }
        (lazur.folder / "crm.yml").write_text(json.dumps(spec))
        lazur.ok("connection", "create", "-f", "crm.yml")
        asked = {
            "$schema": "https://azuremlschemas.azureedge.net/latest/dataImport.schema.json",
            "type": "mltable",
            "name": "imported",
            "source": {
                "type": "database",
                "query": "SELECT * FROM people",
                "connection": "azureml:crm",
            },
            "path": "azureml://datastores/workspaceblobstore/paths/crm/${{name}}",
        }
        (lazur.folder / "import.yml").write_text(json.dumps(asked))
        return "import.yml"

    def test_a_driver_that_is_missing_is_named(self, lazur: Cli, source: str) -> None:
        ran = lazur(
            "data", "import", "-f", source, "--stream", "--set", "environment.image=python:3.11"
        )
        assert ran.code == 1
        assert "pip install pyarrow" in ran.out
        assert "b-secret" not in ran.out + ran.err

    def test_what_the_file_lacks_is_said_where(self, lazur: Cli, source: str) -> None:
        ran = lazur("data", "import", "-f", source, "--set", "source.query=")
        assert ran.code == 1
        assert "one of query, table_name, stored_procedure is needed" in ran.err

    @pytest.mark.slow
    @pytest.mark.network
    def test_a_query_becomes_a_version(self, lazur: Cli, source: str) -> None:
        ran = lazur("data", "import", "-f", source, "--stream")
        assert ran.code == 0, ran.err
        assert "Imported 1 rows." in ran.out
        assert lazur.ok("data", "show", "-n", "imported")["type"] == "mltable"
        assert lazur.ok("data", "preview", "imported", "-o", "json")["rows"] == [[1, "Anna"]]
