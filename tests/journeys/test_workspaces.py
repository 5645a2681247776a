"""Many jobs, found again; workspaces that keep apart; a database elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journeys.conftest import Person

JOB = "command: echo ${{name}}\nenvironment: {image: 'python:3.11'}\n"


class TestLists:
    def test_find_what_was_tagged_archived_and_failed(self, person: Person) -> None:
        person.write("job.yml", JOB)
        scope = ("--experiment-name", "lists")
        first = person.run("job.yml", "--set", "experiment_name=lists", "tags.team=red")
        second = person.run("job.yml", "--set", "experiment_name=lists", "tags.team=blue")
        bad = person.text(
            *("job", "create", "-f", "job.yml", "--query", "name"),
            *("--set", "experiment_name=lists", "command=exit 3"),
        )
        person("job", "stream", "-n", bad)

        def names(*words: str) -> list[str]:
            return [job["name"] for job in person.ok("job", "list", *scope, *words)]

        assert names() == [bad, second, first]
        assert names("--status", "Failed") == [bad]
        assert names("--tag", "team=red") == [first]
        assert names("--max-results", "1") == [bad]
        assert person("job", "archive", "-n", second).code == 0
        assert names() == [bad, first]
        assert names("--archived-only") == [second]
        assert person("job", "restore", "-n", second).code == 0
        assert names() == [bad, second, first]


class TestWorkspaces:
    def test_each_has_its_own_jobs_and_data(self, person: Person) -> None:
        person.ok("workspace", "create", "-n", "green")
        person.write("job.yml", JOB)
        person.write("a.csv", "1\n")
        name = person.text("job", "create", "-f", "job.yml", "-w", "green", "--query", "name")
        assert person("job", "stream", "-n", name, "-w", "green").out == f"{name}\n"
        assert person("job", "show", "-n", name).code == 3
        flags = ("-n", "only-green", "--path", "a.csv", "--type", "uri_file")
        person.ok("data", "create", *flags, "-w", "green")
        assert person("data", "show", "-n", "only-green", "-v", "1").code == 3
        borrowed = person.write(
            "borrow.yml",
            """\
            command: cat ${{inputs.x}}
            inputs:
              x: {type: uri_file, path: "azureml:only-green:1"}
            environment: {image: "python:3.11"}
            """,
        )
        refused = person("job", "create", "-f", borrowed)
        assert refused.code == 3
        assert "borrow.yml:3:" in refused.err
        assert person("job", "create", "-f", borrowed, "-w", "green", "--stream").out == "1\n"
        taken = f"azureml://jobs/{name}/outputs/artifacts"
        assert person("job", "create", "-f", borrowed, "--set", f"inputs.x.path={taken}").code == 3


@pytest.mark.needs_postgresql
class TestPostgresql:
    def test_a_whole_journey_with_it(self, home: Path, tmp_path: Path, postgresql: str) -> None:
        (home / "config.toml").write_text(f'database = "{postgresql}"\n')
        person = Person(home, tmp_path, {})
        try:
            person.write("data/a.txt", "kept")
            person.write(
                "job.yml",
                """\
                command: cat ${{inputs.x}}/a.txt > ${{outputs.y}}/b.txt; echo done
                inputs:
                  x: {path: data}
                outputs:
                  y: {name: copies}
                environment: {image: "python:3.11"}
                """,
            )
            name = person.run("job.yml")
            assert person.log(name) == "done\n"
            assert person.download(name)["named-outputs/y/b.txt"] == "kept"
            assert person.ok("data", "show", "-n", "copies", "-v", "1")["type"] == "uri_folder"
            assert person("server", "stop").code == 0
            assert person.text("job", "list", "--query", "[].name") == name
            assert not (home / "lazur.db").exists()
        finally:
            person.stop()
