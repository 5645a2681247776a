"""`lazur schedule`, as somebody sees it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.conftest import Cli


@pytest.fixture
def schedule(lazur: Cli) -> str:
    """Path of a schedule's file, beside that of its job."""
    lazur.job("cat data.txt", code="./src", tags={"a": "b"})
    (lazur.folder / "src").mkdir(exist_ok=True)
    (lazur.folder / "src" / "data.txt").write_text("from the folder")
    return write(lazur, {"name": "daily", "create_job": "./job.yml"})


def write(lazur: Cli, more: dict[str, Any]) -> str:
    path = lazur.folder / "schedule.yml"
    trigger = {"type": "cron", "expression": "0 5 * * *", "time_zone": "Tokyo Standard Time"}
    schema = {"$schema": "https://azuremlschemas.azureedge.net/latest/schedule.schema.json"}
    path.write_text(json.dumps({**schema, "trigger": trigger, **more}))
    return str(path)


class TestTables:
    def test_a_list_says_when_and_what_was(self, lazur: Cli, schedule: str) -> None:
        lazur.ok("schedule", "create", "-f", schedule)
        job = lazur.ok("schedule", "trigger", "-n", "daily")["job_name"]
        listed = lazur("schedule", "list", "-o", "table").out.splitlines()
        row = next(line for line in listed if line.startswith("daily"))
        assert "0 5 * * * (Tokyo Standard Time)" in row
        assert "05:00 +0900" in row
        assert job in row
        told = lazur("schedule", "list-runs", "-n", "daily", "-o", "table").out
        assert "manual" in told
        assert "fired" in told
        happened = lazur("schedule", "history", "-n", "daily", "-o", "table").out
        assert "created" in happened
        assert "triggered" in happened
        lazur("schedule", "delete", "-n", "daily", "--yes")

    def test_set_changes_a_part_of_it(self, lazur: Cli, schedule: str) -> None:
        lazur.ok("schedule", "create", "-f", schedule, "--set", "name=other", "tags.x=y")
        changed = lazur.ok(
            "schedule", "update", "-n", "other", "--set", "trigger.expression=30 6 * * *"
        )
        assert changed["trigger"]["time_zone"] == "Tokyo Standard Time"
        assert changed["next_runs"][0].endswith("T06:30:00+09:00")
        assert changed["create_job"]["job"]["code"].startswith("tree:")
        changed = lazur.ok("schedule", "update", "-n", "other", "--set", "create_job.job.tags.a=c")
        assert changed["create_job"]["job"]["tags"] == {"a": "c"}
        lazur("schedule", "delete", "-n", "other", "--yes")

    def test_its_file_changes_what_is_in_it_and_not_whether_it_is_on(
        self, lazur: Cli, schedule: str
    ) -> None:
        lazur.ok("schedule", "create", "-f", schedule, "--set", "description=kept")
        lazur.ok("schedule", "disable", "-n", "daily")
        (lazur.folder / "src" / "data.txt").write_text("changed")
        words = ("schedule", "update", "-f", schedule)
        changed = lazur.ok(*words, "--set", "trigger.expression=15 7 * * *")
        assert changed["trigger"]["expression"] == "15 7 * * *"
        assert not changed["is_enabled"]
        assert changed["description"] == "kept"
        job = lazur.ok("schedule", "trigger", "-n", "daily")["job_name"]
        assert "changed" in lazur("job", "stream", "-n", job).out
        assert lazur("schedule", "update", "-f", schedule, "-n", "nobody").code == 3
        nameless = lazur("schedule", "update", "--set", "tags.a=b")
        assert "Give its --name, or a --file that says it" in nameless.err
        lazur("schedule", "delete", "-n", "daily", "--yes")

    def test_disabled_ones_are_listed_when_asked_for(self, lazur: Cli, schedule: str) -> None:
        lazur.ok("schedule", "create", "-f", schedule, "--name", "off")
        lazur.ok("schedule", "disable", "-n", "off")
        names = [
            lazur.ok("schedule", "list", *more, "--query", "[].name")
            for more in ((), ("--include-disabled",), ("--disabled-only",))
        ]
        assert "off" not in names[0]
        assert "off" in names[1]
        assert names[2] == ["off"]
        lazur("schedule", "delete", "-n", "off", "--yes")


class TestMoving:
    def test_an_exported_workspace_takes_its_schedules_along(
        self, lazur: Cli, schedule: str
    ) -> None:
        lazur.ok("workspace", "create", "-n", "from")
        lazur.ok("schedule", "create", "-f", schedule, "-w", "from")
        lazur.ok("workspace", "export", "-n", "from", "--to", "exported")
        told = lazur.ok("workspace", "import", "exported", "-n", "into")
        assert any("daily.yml: it is disabled" in line for line in told["left_out"])
        assert lazur.ok("schedule", "show", "-n", "daily", "-w", "into")["is_enabled"] is False
        job = lazur.ok("schedule", "trigger", "-n", "daily", "-w", "into")["job_name"]
        assert "from the folder" in lazur("job", "stream", "-n", job, "-w", "into").out
        again = lazur.ok("workspace", "import", "exported", "-n", "into")
        assert again["there"] >= 1
