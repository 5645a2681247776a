from __future__ import annotations

import pytest

from lazur.sdk.views import (
    Asset,
    Compute,
    Connection,
    Datastore,
    Job,
    Registry,
    Schedule,
    Trial,
    View,
    Workspace,
)

VIEW = {
    "name": "nice_pear",
    "status": "Failed",
    "services": {"Studio": {"endpoint": "http://127.0.0.1/jobs/x"}},
    "phases": [{"name": "queued", "seconds": 0.1}],
    "error": {"message": "no such module"},
}


class TestJob:
    def test_reads_by_attribute_and_by_key(self) -> None:
        job = Job(VIEW)
        assert job.name == job["name"] == "nice_pear"
        assert job.services["Studio"].endpoint == job.studio_url == "http://127.0.0.1/jobs/x"
        assert job.phases[0].seconds == 0.1

    def test_a_field_that_was_not_sent_is_none(self) -> None:
        assert Job(VIEW).display_name is None
        assert Job({"name": "x"}).studio_url is None
        assert Job(VIEW).error.hint is None

    def test_fields_of_every_type_of_job_are_known(self) -> None:
        for name in ("distribution", "search_space", "jobs", "mini_batch_size"):
            assert getattr(Job(VIEW), name) is None

    def test_a_name_that_it_does_not_have_is_told(self) -> None:
        with pytest.raises(AttributeError, match=r"A Job has no 'sttus'. Did you mean 'status'"):
            _ = Job(VIEW).sttus
        with pytest.raises(AttributeError, match=r"A Fault has no 'mesage'. Did you mean 'messag"):
            _ = Job(VIEW).error.mesage
        with pytest.raises(AttributeError, match="What the server gave has no 'secs'"):
            _ = Job(VIEW).phases[0].secs
        assert getattr(Job(VIEW), "uri", None) is None
        assert not hasattr(Job(VIEW), "uri")

    def test_shows_what_matters(self) -> None:
        assert repr(Job(VIEW)) == "Job(name='nice_pear', status='Failed', error='no such module')"

    def test_gives_plain_data_back(self) -> None:
        assert Job(VIEW).to_dict() == VIEW

    def test_is_listed_by_completion(self) -> None:
        assert "services" in dir(Job(VIEW))

    def test_tags_are_changed_in_place_and_are_nobody_elses(self) -> None:
        sent = {"name": "x", "tags": {"a": "1"}}
        job = Job(sent)
        job.tags["b"] = "2"
        job.properties["p"] = "3"
        assert job.to_dict() == {
            "name": "x",
            "tags": {"a": "1", "b": "2"},
            "properties": {"p": "3"},
        }
        assert type(job["tags"]) is dict
        assert sent == {"name": "x", "tags": {"a": "1"}}

    def test_takes_what_may_change_and_refuses_the_rest(self) -> None:
        job = Job(VIEW)
        job.display_name = "second"
        assert job.display_name == job["display_name"] == "second"
        with pytest.raises(AttributeError, match=r"'status' of a Job .* display_name"):
            job.status = "Completed"
        assert job.status == "Failed"


class TestSchedule:
    def test_its_trigger_is_assigned_to_as_in_azures_client(self) -> None:
        sent = {"name": "s", "trigger": {"type": "cron", "expression": "1 * * * *"}}
        schedule = Schedule(sent)
        schedule.trigger.expression = "2 * * * *"
        assert schedule.to_dict()["trigger"] == {"type": "cron", "expression": "2 * * * *"}
        assert sent["trigger"] == {"type": "cron", "expression": "1 * * * *"}
        with pytest.raises(AttributeError, match="'type' of a Trigger"):
            schedule.trigger.type = "recurrence"


class TestTrial:
    def test_its_values_are_those_of_the_hyperparameters(self) -> None:
        trial = Trial({"number": 3, "name": "x_3", "values": {"rate": 0.1}, "best": True})
        assert trial.values == trial["values"] == {"rate": 0.1}
        assert (trial.best, trial.score, trial.to_dict()["values"]) == (True, None, {"rate": 0.1})


class TestOthers:
    @pytest.mark.parametrize("cls", [Asset, Compute, Connection, Datastore, Registry, Workspace])
    def test_have_the_fields_of_their_yaml(self, cls: type[View]) -> None:
        assert cls({}).description is None
        with pytest.raises(AttributeError, match="Did you mean 'description'"):
            _ = cls({}).descripton


class TestView:
    def test_a_field_called_tags_is_read_as_any_other(self) -> None:
        assert View({"tags": {"x": {"y": 1}}}).tags.x.y == 1

    def test_has_no_private_fields(self) -> None:
        with pytest.raises(AttributeError):
            _ = View({"_x": 1})._x
