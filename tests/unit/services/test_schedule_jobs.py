"""What a tick's job is made of."""

from __future__ import annotations

from typing import Any

import pytest

from lazur.errors import Invalid
from lazur.services.schedules import schedule_jobs
from lazur.services.schedules.schedule_jobs import Facts

AT = 1_777_629_600.0  # 2026-05-01T10:00:00Z
TIME = "${{creation_context.trigger_time}}"


def job(written: dict[str, Any], **more: Any) -> dict[str, Any]:
    return schedule_jobs.job(written, Facts("s", AT, "time", "s-1", **more))


class TestExpressions:
    def test_values_are_filled_in_and_what_is_executed_is_not(self) -> None:
        made = job(
            {
                "command": f"echo {TIME}",
                "code": TIME,
                "environment": {"name": TIME},
                "inputs": {"code": TIME, "at": f"at {TIME}"},
                "outputs": {"o": {"path": f"azureml://datastores/d/paths/{TIME}/${{{{name}}}}"}},
                "tags": {"t": TIME},
                "jobs": {"a": {"command": TIME, "inputs": {"x": TIME, "n": "${{name}}"}}},
            }
        )
        told = "2026-05-01T10:00:00Z"
        assert (made["command"], made["code"]) == (f"echo {TIME}", TIME)
        assert made["environment"] == {"name": TIME}
        assert made["inputs"] == {"code": told, "at": f"at {told}"}
        assert made["outputs"]["o"]["path"].endswith(f"/{told}/${{{{name}}}}")
        assert made["tags"] == {"t": told}
        assert made["jobs"]["a"] == {"command": TIME, "inputs": {"x": told, "n": "${{name}}"}}

    def test_the_name_of_the_job_is_known_in_its_own_inputs(self) -> None:
        made = job({"inputs": {"who": "${{name}}", "p": {"path": "a/${{name}}"}}})
        assert made["inputs"] == {"who": "s-1", "p": {"path": "a/${{name}}"}}

    def test_what_an_event_is_about_can_be_named(self) -> None:
        event = {"name": "d", "path": "azureml:d:3"}
        written = {"inputs": {"d": {"path": "${{trigger.path}}"}, "v": "${{trigger.version}}"}}
        made = job(written, event=event)
        assert made["inputs"] == {"d": {"path": "azureml:d:3"}, "v": ""}, "it did not say"
        assert schedule_jobs.event_words(written) == {"path", "version"}
        assert schedule_jobs.event_words({"inputs": {"a": TIME}}) == set()

    def test_where_nobody_says_it_the_job_is_not_made(self) -> None:
        written = {
            "command": "${{trigger.status}}",
            "inputs": {"command": "${{trigger.name}}", "b": 1},
            "jobs": {"a": {"inputs": {"x": ["${{trigger.job}}"]}}},
        }
        assert schedule_jobs.event_words(written) == {"name", "job"}
        with pytest.raises(Invalid, match=r"needs \$\{\{trigger.job\}\}"):
            schedule_jobs.check_told(job(written))
        schedule_jobs.check_told(job(written, event={"name": "d"}))
        given = job({"inputs": {"n": "${{trigger.name}}"}}, inputs={"n": "d"})
        schedule_jobs.check_told(given)

    @pytest.mark.parametrize(
        "word, event, hint",
        [
            ("path", None, "Events alone tell that: `type: event`."),
            ("pth", "data_updated", "${{trigger.path}}, ${{trigger.version}}."),
            ("version", "job_finished", "${{trigger.name}}, ${{trigger.status}}."),
            ("status", "model_registered", "${{trigger.event}}, ${{trigger.job}}"),
        ],
    )
    def test_what_no_such_event_tells_is_said_before(
        self, word: str, event: str | None, hint: str
    ) -> None:
        with pytest.raises(Invalid) as caught:
            schedule_jobs.check_events({"inputs": {"x": f"${{{{trigger.{word}}}}}"}}, event)
        assert caught.value.message.startswith(f"${{{{trigger.{word}}}}} means nothing")
        assert hint in str(caught.value.hint)
        schedule_jobs.check_events({"inputs": {"x": "${{trigger.name}}"}}, "job_finished")
        schedule_jobs.check_events({"inputs": {"x": TIME}}, None)


class TestMerging:
    def test_what_stands_beside_the_job_changes_it(self) -> None:
        base = {
            "name": "old",
            "display_name": "Old",
            "type": "pipeline",
            "settings": {"force_rerun": True, "default_compute": "a"},
            "inputs": {"x": 1, "y": 2},
            "compute": "a",
        }
        made = job(
            {
                "type": "command",
                "job": base,
                "settings": {"default_compute": "b"},
                "inputs": {"x": 5},
                "compute": "b",
                "experiment_name": "e",
            }
        )
        assert made["type"] == "pipeline"
        assert made["settings"] == {"force_rerun": True, "default_compute": "b"}
        assert made["inputs"] == {"x": 5, "y": 2}
        assert (made["compute"], made["experiment_name"]) == ("b", "e")
        assert (made["name"], made["display_name"]) == ("s-1", "s-1")

    def test_a_display_name_of_its_own_is_kept(self) -> None:
        assert job({"command": "a", "display_name": f"Of {TIME}"})["display_name"].startswith(
            "Of 2"
        )


class TestInputs:
    def test_a_request_sets_plain_values(self) -> None:
        written = {"inputs": {"x": 1, "d": {"type": "uri_file", "path": "azureml:d:1"}}}
        assert schedule_jobs.settable(written, None) == {"x"}
        assert schedule_jobs.settable(written, ["d"]) == {"d"}
        made = job(written, inputs={"x": 2, "d": "azureml:d:2"})
        assert made["inputs"] == {"x": 2, "d": {"type": "uri_file", "path": "azureml:d:2"}}

    def test_what_a_request_sets_is_not_looked_at_for_expressions(self) -> None:
        made = job({"inputs": {"x": 1}}, inputs={"x": "${{name}} $(id)"})
        assert made["inputs"] == {"x": "${{name}} $(id)"}

    @pytest.mark.parametrize("given", [{"y": 1}, {"x": [1]}, {"x": {"path": "a"}}, {"x": None}])
    def test_others_are_refused(self, given: dict[str, Any]) -> None:
        with pytest.raises(Invalid):
            schedule_jobs.check_inputs(given, {"x"})
