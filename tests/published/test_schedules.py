"""schedules: a pipeline by the clock, with and without other inputs and settings than its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from tests.journeys.conftest import Person
from tests.published.conftest import Examples, steps

pytestmark = [pytest.mark.published, pytest.mark.slow]

SCHEDULES = {
    "recurrence-job-schedule.yml": "simple_recurrence_job_schedule",
    "cron-job-schedule.yml": "simple_cron_job_schedule",
    "cron-with-settings-job-schedule.yml": "cron_with_settings_job_schedule",
}
ANY = pytest.mark.parametrize("file", SCHEDULES)


@pytest.fixture
def person(examples: Examples) -> Iterator[Person]:
    """Leaves no schedule behind."""
    person = examples.at("schedules")
    yield person
    for name in person.ok("schedule", "list", "--include-disabled", "--query", "[].name"):
        person("schedule", "delete", "-n", name, "--yes")


class TestSchedules:
    @ANY
    def test_is_made_shown_fired_disabled_and_deleted(self, person: Person, file: str) -> None:
        name = SCHEDULES[file]
        person.ok("schedule", "create", "-f", file)
        shown = person.ok("schedule", "show", "-n", name)
        assert shown["is_enabled"]
        job = person.ok("schedule", "trigger", "-n", name)["job_name"]
        assert person("job", "stream", "-n", job).code == 0
        done = steps(person, job)
        assert {step: job["status"] for step, job in done.items()} == dict.fromkeys(
            "abc", "Completed"
        )
        runs = person.ok("schedule", "list-runs", "-n", name)
        by_hand = [run for run in runs if run["trigger"] == "manual"]
        assert [(run["state"], run["job"]) for run in by_hand] == [("fired", job)]
        told = person.ok("schedule", "history", "-n", name)
        assert {"created", "triggered", "fired"} <= {event["type"] for event in told}
        named = f"[?contains(display_name,'{name}')].name"
        assert job in person.ok("job", "list", "--query", named)
        person.ok("schedule", "disable", "-n", name)
        assert person.ok("schedule", "show", "-n", name)["next_runs"] == []
        assert person("schedule", "delete", "-n", name, "--yes").code == 0
        assert person("schedule", "show", "-n", name).code == 3

    def test_comes_at_the_hours_and_minutes_of_its_recurrence(self, person: Person) -> None:
        made = person.ok("schedule", "create", "-f", "recurrence-job-schedule.yml")
        coming = [datetime.fromisoformat(time) for time in made["next_runs"]]
        assert len(coming) == 5
        assert {time.hour for time in coming} <= {4, 5, 10, 11, 12}
        assert {time.minute for time in coming} == {0, 30}
        zones = {time.utcoffset() for time in coming}
        assert zones <= {timedelta(hours=-8), timedelta(hours=-7)}

    def test_a_cron_comes_every_hour(self, person: Person) -> None:
        made = person.ok("schedule", "create", "-f", "cron-job-schedule.yml")
        coming = [datetime.fromisoformat(time) for time in made["next_runs"]]
        assert {time.minute for time in coming} == {0}
        apart = {(later - sooner).total_seconds() for sooner, later in pairwise(coming)}
        assert apart == {3600.0}

    def test_settings_inputs_and_tags_go_over_those_of_the_job(self, person: Person) -> None:
        person.ok("schedule", "create", "-f", "cron-with-settings-job-schedule.yml")
        name = "cron_with_settings_job_schedule"
        job = person.ok("schedule", "trigger", "-n", name)["job_name"]
        assert person("job", "stream", "-n", job).code == 0
        shown = person.ok("job", "show", "-n", job)
        assert shown["tags"]["schedule"] == "cron_with_settings_schedule"
        assert shown["settings"]["continue_on_step_failure"] is True
        assert person.log(steps(person, job)["a"]["job"]) == f"hello {job}\n"
