"""Experiments as people see them."""

from __future__ import annotations

from typing import Any

import pytest

from lazur.errors import Conflict, Forbidden, Invalid, NotFound
from lazur.services.base.access import Principal
from lazur.services.jobs import jobs
from lazur.services.tracking import experiments, runs, trash
from lazur.store.pages import Query
from tests.services.tracked import Tracked
from tests.site import Clock, Server, TestSite, call, submit


@pytest.fixture
def tracked(site: TestSite) -> Tracked:
    return Tracked(site)


def names(site: TestSite, **filters: Any) -> list[str]:
    page = call(site, experiments.find, "default", Query(filters=filters), write=False)
    return [one["name"] for one in page["value"]]


def get(site: TestSite, name: str) -> dict[str, Any]:
    return call(site, experiments.get, "default", name, write=False)


def make(site: TestSite, name: str, **more: Any) -> dict[str, Any]:
    return call(site, experiments.create, "default", {"name": name, **more})


def ended(site: TestSite, server: Server, name: str, experiment: str) -> None:
    submit(site, name=name, experiment_name=experiment)
    server.settle()
    (key,) = site.engine.going_on()
    site.engine.end(key)
    server.settle()


class TestList:
    def test_the_newest_come_first_page_by_page(self, site: TestSite, clock: Clock) -> None:
        for name in "abc":
            clock.time += 1
            make(site, name)
        first = call(site, experiments.find, "default", Query(limit=2), write=False)
        assert [one["name"] for one in first["value"]] == ["c", "b"]
        rest = Query(limit=2, cursor=first["next"])
        page = call(site, experiments.find, "default", rest, write=False)
        assert [one["name"] for one in page["value"]] == ["a", "Default"]
        assert page["next"] is None

    def test_what_is_in_them_is_told(self, site: TestSite, tracked: Tracked) -> None:
        tracked.run(start=1_699_999_000.0)
        gone = tracked.run(start=1_699_999_900.0)
        call(site, trash.delete, "default", {"runs": [gone]})
        found = get(site, "Default")
        assert (found["runs"], found["running"]) == (1, 0)
        assert found["last_activity_at"] == "2023-11-14T21:56:42.000000Z"

    def test_a_wrong_view_or_cursor_is_told(self, site: TestSite) -> None:
        with pytest.raises(Invalid, match="view is 'x'"):
            names(site, view="x")
        with pytest.raises(Invalid, match="cursor"):
            call(site, experiments.find, "default", Query(cursor="x"), write=False)


class TestMake:
    def test_it_has_what_was_said(self, site: TestSite) -> None:
        made = make(site, "tries", description="of October", tags={"team": "risk"})
        assert (made["description"], made["tags"]) == ("of October", {"team": "risk"})
        assert get(site, made["id"])["name"] == "tries"

    def test_once(self, site: TestSite) -> None:
        make(site, "tries")
        with pytest.raises(Conflict, match="already"):
            make(site, "tries")

    @pytest.mark.parametrize("name", ["", " ", "x" * 257, 3, None, "a\0b"])
    def test_a_name_that_no_table_holds_is_refused(self, site: TestSite, name: Any) -> None:
        with pytest.raises(Invalid, match="1 to 256"):
            make(site, name)

    def test_tags_that_no_table_holds_are_refused(self, site: TestSite) -> None:
        for tags in ({"": "1"}, {"k" * 251: "1"}, {"k": "v" * 5001}, {"k": 1}, [], {"a": "\0"}):
            with pytest.raises(Invalid):
                make(site, "tries", tags=tags)
        with pytest.raises(Invalid, match="no 'colour'"):
            make(site, "tries", colour="red")

    def test_one_that_is_not_there_names_those_that_are(self, site: TestSite) -> None:
        with pytest.raises(NotFound) as caught:
            get(site, "Defaut")
        assert caught.value.hint == "There is: Default."


class TestNotes:
    def test_they_are_added_and_removed(self, site: TestSite) -> None:
        make(site, "tries", tags={"a": "1", "b": "2"})
        changes = {"description": "new", "tags": {"a": None, "c": "3"}}
        made = call(site, experiments.update, "default", "tries", changes)
        assert (made["description"], made["tags"]) == ("new", {"b": "2", "c": "3"})
        made = call(site, experiments.update, "default", "tries", {"description": None})
        assert made["description"] is None
        with pytest.raises(Invalid, match="no 'name'"):
            call(site, experiments.update, "default", "tries", {"name": "x"})


class TestArchive:
    def test_it_goes_with_its_runs_and_comes_back_with_them(
        self, site: TestSite, clock: Clock
    ) -> None:
        server = Server(site)
        ended(site, server, "before", "tries")
        ended(site, server, "with", "tries")
        call(site, trash.delete, "default", {"runs": ["before"]})
        clock.time += 60
        assert call(site, experiments.archive, "default", "tries")["archived"]
        assert names(site) == ["Default"]
        assert names(site, view="archived") == ["tries"]
        assert call(site, jobs.get, "default", "with", write=False)["archived"]
        assert call(site, experiments.archive, "default", "tries")["archived"]
        back = call(site, experiments.restore, "default", "tries")
        assert (back["archived"], back["runs"]) == (False, 1)
        assert not call(site, jobs.get, "default", "with", write=False)["archived"]
        assert call(site, runs.get, "default", "before", write=False)["deleted"]

    def test_what_still_runs_keeps_it(self, site: TestSite) -> None:
        submit(site, name="j", experiment_name="tries")
        with pytest.raises(Conflict, match="is the job 'j'"):
            call(site, experiments.archive, "default", "tries")
        assert not get(site, "tries")["archived"]

    def test_the_one_of_those_that_name_none_stays(self, site: TestSite) -> None:
        with pytest.raises(Conflict, match="Default"):
            call(site, experiments.archive, "default", "Default")

    def test_a_job_may_not(self, site: TestSite) -> None:
        submit(site, name="j", experiment_name="tries")
        with pytest.raises(Forbidden):
            call(
                site, experiments.archive, "default", "tries", who=Principal.of_job("default", "j")
            )
