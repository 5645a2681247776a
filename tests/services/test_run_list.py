"""Lists of runs: filtered, ordered and paged, on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from lazur.errors import Forbidden, Invalid, NotFound
from lazur.services.base.access import Principal
from lazur.services.tracking import searches, trash
from lazur.store.pages import Query
from tests.services.tracked import Tracked
from tests.site import TestSite, call, submit


@pytest.fixture
def tracked(site: TestSite) -> Tracked:
    return Tracked(site)


def page(site: TestSite, query: Query, workspace: str = "default", **more: Any) -> Any:
    return call(site, searches.find_page, workspace, query, write=False, **more)


def names(site: TestSite, order_by: str | None = None, **filters: str) -> list[str]:
    found = page(site, Query(50, None, order_by, filters))
    return [run["name"] for run in found["value"]]


class TestFilter:
    def test_by_metric_and_param(self, site: TestSite, tracked: Tracked) -> None:
        tracked.run("low", metrics={"auc": [0.95, 0.5]}, params={"lr": "0.1"})
        tracked.run("other", metrics={"auc": [0.95]}, params={"lr": "0.2"})
        tracked.run("good", metrics={"auc": [0.5, 0.95]}, params={"lr": "0.1"})
        assert names(site, filter="metrics.auc > 0.9 and params.lr = '0.1'") == ["good"]

    def test_keys_with_a_slash_need_no_quotes(self, site: TestSite, tracked: Tracked) -> None:
        tracked.run("here", metrics={"val/loss-1": [0.5]}, tags={"team": "params.a/b"})
        assert names(site, filter="metrics.val/loss-1 < 1") == ["here"]
        assert names(site, filter="tags.team = 'params.a/b'") == ["here"]

    def test_by_what_a_job_is(self, site: TestSite, tracked: Tracked) -> None:
        tracked.run("script")
        name = submit(site, display_name="mine")["name"]
        found = page(site, Query(filters={"filter": "run_name = 'mine'"}))["value"]
        assert [run["job"] for run in found] == [name]

    def test_by_experiment(self, site: TestSite, tracked: Tracked) -> None:
        tracked.run("here")
        submit(site, experiment_name="there", display_name="job")
        assert names(site, experiment_name="Default") == ["here"]
        assert names(site, experiment_name="there") == ["job"]

    def test_an_experiment_that_is_not_there_leads_to_those_that_are(
        self, site: TestSite, tracked: Tracked
    ) -> None:
        with pytest.raises(NotFound, match="There is: Default"):
            names(site, experiment_name="Defaul")

    def test_what_is_not_understood_is_named(self, site: TestSite, tracked: Tracked) -> None:
        with pytest.raises(Invalid, match=r"not understood: params\.lr = 0\.1"):
            names(site, filter="metrics.auc > 0.9 and params.lr = 0.1")
        with pytest.raises(Invalid, match=r"metrics\.auc DESC"):
            names(site, order_by="auc!")
        with pytest.raises(Invalid, match="twice"):
            names(site, order_by="metrics.a, metrics.a DESC")
        with pytest.raises(Invalid, match="Known: active"):
            names(site, view="archived")

    def test_the_trash_is_a_list_of_its_own(self, site: TestSite, tracked: Tracked) -> None:
        gone = tracked.run("gone")
        tracked.run("here")
        call(site, trash.delete, "default", {"runs": [gone]})
        assert names(site) == ["here"]
        assert names(site, view="deleted") == ["gone"]
        assert sorted(names(site, view="all")) == ["gone", "here"]
        call(site, trash.purge, "default", {})
        assert names(site, view="all") == ["here"]


class TestOrder:
    def test_newest_first(self, site: TestSite, tracked: Tracked) -> None:
        for number in (2, 3, 1):
            tracked.run(str(number), start=1_699_999_000.0 + number)
        assert names(site) == ["3", "2", "1"]

    def test_by_a_metric_and_those_without_it_last(self, site: TestSite, tracked: Tracked) -> None:
        tracked.run("none")
        tracked.run("nan", metrics={"auc": [float("nan")]})
        for value in (0.5, 0.9, 0.7):
            tracked.run(str(value), metrics={"auc": [value]})
        assert names(site, order_by="metrics.auc DESC") == ["0.9", "0.7", "0.5", "nan", "none"]
        assert names(site, order_by="metrics.auc") == ["0.5", "0.7", "0.9", "nan", "none"]

    def test_by_one_thing_and_then_another(self, site: TestSite, tracked: Tracked) -> None:
        for lr, auc in (("1", 0.5), ("2", 0.5), ("1", 0.9)):
            tracked.run(f"{lr} {auc}", params={"lr": lr}, metrics={"auc": [auc]})
        assert names(site, order_by="params.lr, metrics.auc DESC") == ["1 0.9", "1 0.5", "2 0.5"]


class TestPages:
    def test_show_every_run_once(self, site: TestSite, tracked: Tracked) -> None:
        made = {tracked.run(metrics={"a": [float(number % 3)]}) for number in range(25)}
        seen: list[str] = []
        cursor = None
        while True:
            found = page(site, Query(10, cursor, "metrics.a DESC"))
            seen += [run["id"] for run in found["value"]]
            cursor = found["next"]
            if cursor is None:
                break
        assert len(seen) == 25
        assert set(seen) == made

    @pytest.mark.parametrize("cursor", ["x", "-1", "1e3", "٣", "9" * 30])
    def test_a_cursor_of_somebody_else_is_refused(self, site: TestSite, cursor: str) -> None:
        with pytest.raises(Invalid, match="cursor"):
            page(site, Query(10, cursor))


class TestWhose:
    def test_other_workspaces_are_not_in_it(self, site: TestSite, tracked: Tracked) -> None:
        Tracked(site, "other").run("theirs")
        tracked.run("ours")
        assert names(site) == ["ours"]

    def test_a_token_of_another_workspace_may_not(self, site: TestSite) -> None:
        other = Principal.of_job("other", "some")
        with pytest.raises((Forbidden, NotFound)):
            page(site, Query(), who=other)
