"""Schedules as a person has them: from YAML, with a real server that fires them."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Callable
from typing import Any

import httpx

import lazur
from tests.journeys.conftest import Person

JOB = """\
    command: python say.py ${{inputs.at}} ${{inputs.who}}
    code: ./src
    environment: {image: 'python:3.11'}
    inputs: {at: never, who: nobody}
    """


def until(true: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 120
    while not (found := true()):
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.1)
    return found


def fired(person: Person, name: str, count: int = 1) -> list[str]:
    """The jobs, the first one first, once there are so many."""

    def look() -> list[str] | None:
        runs = person.ok("schedule", "list-runs", "-n", name)
        assert not [run for run in runs if run["state"] == "failed"], runs
        jobs = [run["job"] for run in reversed(runs) if run["state"] == "fired"]
        return jobs if len(jobs) >= count else None

    return until(look)


class TestByTheClock:
    def test_a_cron_runs_the_job_of_a_file_with_other_inputs(self, person: Person) -> None:
        person.write("src/say.py", "import sys; print('said', *sys.argv[1:])")
        person.write("jobs/job.yml", JOB.replace("./src", "../src"))
        person.write(
            "cron.yml",
            """\
            $schema: https://azuremlschemas.azureedge.net/latest/schedule.schema.json
            name: nightly
            display_name: Every night
            trigger:
              type: cron
              expression: "30 2 * * 1-5"
              start_time: "2022-07-10T10:00:00"
              time_zone: "Pacific Standard Time"
            create_job:
              type: command
              job: ./jobs/job.yml
              inputs:
                at: ${{creation_context.trigger_time}}
                who: ${{name}}
            """,
        )
        made = person.ok("schedule", "create", "-f", "cron.yml")
        assert all(
            time.endswith(("T02:30:00-08:00", "T02:30:00-07:00")) for time in made["next_runs"]
        )
        person.ok("schedule", "disable", "-n", "nightly")
        listed = person.ok("schedule", "list", "--include-disabled", "--query", "[].name")
        assert "nightly" in listed
        told = person.ok(
            "schedule", "trigger", "-n", "nightly", "--schedule-time", "2026-05-01T10:00:00Z"
        )
        assert told["job_name"] == "nightly-20260501T100000Z"
        assert f"said 2026-05-01T10:00:00Z {told['job_name']}" in person.log(told["job_name"])
        person.ok("schedule", "enable", "-n", "nightly")
        assert person("schedule", "delete", "-n", "nightly", "--yes").code == 0
        assert person("schedule", "show", "-n", "nightly").code != 0

    def test_python_makes_it_of_a_command(self, person: Person) -> None:
        person.write("src/say.py", "import sys; print('said', *sys.argv[1:])")
        job = lazur.command(
            command="python say.py ${{inputs.at}}",
            code="./src",
            environment=lazur.Environment(image="python:3.11"),
            inputs={"at": "${{creation_context.trigger_time}}"},
        )
        job.base_path = person.folder
        weekly = lazur.RecurrenceTrigger(frequency="week", interval=1, start_time="2026-05-01")
        with lazur.connect(home=person.home, workspace="default") as client:
            made = client.schedules.create_or_update(
                lazur.JobSchedule(name="weekly", trigger=weekly, create_job=job)
            )
            assert made.is_enabled
            told = client.schedules.trigger("weekly", schedule_time="2026-05-08T00:00:00Z")
            assert "said 2026-05-08T00:00:00Z" in person.log(told.job_name)
            assert [run.job for run in client.schedules.runs("weekly")] == [told.job_name]
            made.trigger.interval, made.description = 2, "every other week"
            made = client.begin_create_or_update(made).result()
            assert (made.trigger.interval, made.description) == (2, "every other week")
            assert made.create_job.inputs.at == "${{creation_context.trigger_time}}"
            client.schedules.begin_delete("weekly").result()

    def test_a_server_that_is_killed_fires_nothing_twice(self, newcomer: Person) -> None:
        newcomer.write("src/say.py", "import sys; print('said', *sys.argv[1:])")
        newcomer.write("job.yml", JOB)
        newcomer.write(
            "often.yml",
            """\
            name: often
            trigger: {type: recurrence, frequency: minute, interval: 30}
            create_job: ./job.yml
            """,
        )
        newcomer.ok("schedule", "create", "-f", "often.yml")
        (job,) = fired(newcomer, "often")
        for _ in range(3):
            os.kill(newcomer.server, signal.SIGKILL)
            assert fired(newcomer, "often") == [job]
        assert newcomer("job", "stream", "-n", job).code == 0
        assert len(newcomer.ok("job", "list")) == 1

    def test_a_mistake_in_the_file_of_the_job_is_shown_there(self, person: Person) -> None:
        person.write("bad/job.yml", "command: echo ${{inputs.x}}\nenvironment: {image: a}\n")
        person.write(
            "s.yml",
            """\
            name: s
            trigger: {type: cron, expression: '0 0 * * *'}
            create_job: ./bad/job.yml
            """,
        )
        ran = person("schedule", "create", "-f", "s.yml")
        assert ran.code != 0
        assert "job.yml:1:15" in ran.err


class TestUponEvents:
    def test_a_scheduled_import_leads_to_a_job_on_its_data(self, person: Person) -> None:
        database = person.folder / "shop.db"
        with sqlite3.connect(database) as link:
            link.execute("create table sales (day text, n int)")
            link.execute("insert into sales values ('mon', 1), ('tue', 2)")
        person.write("shop.yml", f"name: shop\ntype: custom\ntarget: sqlite:///{database}\n")
        person.ok("connection", "create", "-f", "shop.yml")
        person.write(
            "after.yml",
            """\
            name: after
            trigger: {type: event, event: data_updated, name: sales}
            create_job:
              command: ls ${{inputs.sales}}
              environment: {image: 'python:3.11'}
              inputs:
                sales: {type: mltable, path: "${{trigger.path}}"}
            """,
        )
        person.ok("schedule", "create", "-f", "after.yml")
        person.write(
            "import.yml",
            """\
            name: nightly-import
            trigger: {type: cron, expression: '15 2 * * *'}
            import_data:
              name: sales
              type: mltable
              source: {type: database, query: select * from sales, connection: azureml:shop}
            """,
        )
        person.ok("schedule", "create", "-f", "import.yml")
        imported = person.ok("schedule", "trigger", "-n", "nightly-import")["job_name"]
        assert person("job", "stream", "-n", imported).code == 0
        (job,) = fired(person, "after")
        assert "MLTable" in person.log(job)
        came = person.ok("lineage", "show", f"job:{job}", "-o", "json")
        names = {node["id"] for node in came["nodes"]}
        assert {"schedule:after", "data:sales:1", "schedule:nightly-import"} <= names
        for name in ("after", "nightly-import"):
            person("schedule", "delete", "-n", name, "--yes")


class TestUponRequests:
    def test_a_pipeline_of_somebody_else_fires_it_with_a_key(self, person: Person) -> None:
        person.write(
            "hook.yml",
            """\
            name: retrain
            trigger: {type: webhook}
            create_job:
              command: echo branch ${{inputs.branch}}
              environment: {image: 'python:3.11'}
              inputs: {branch: main}
            """,
        )
        made = person.ok("schedule", "create", "-f", "hook.yml")
        key = {"Authorization": f"Bearer {made['key']}"}
        value = "dev; touch /tmp/owned $(id)"
        answer = httpx.post(made["url"], headers=key, json={"inputs": {"branch": value}})
        assert answer.status_code == 202
        assert f"branch {value}" in person.log(answer.json()["job"])
        new = person.ok("schedule", "regenerate-key", "-n", "retrain")
        until(lambda: httpx.post(made["url"], headers=key, json={}).status_code == 401)
        assert new["key"] != made["key"]
        person("schedule", "delete", "-n", "retrain", "--yes")
