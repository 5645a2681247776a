"""Curves of runs, as people and pages ask for them."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from lazur.errors import Invalid, NotFound
from lazur.services.base.access import Principal
from lazur.services.tracking import curves
from tests.services.tracked import Tracked
from tests.site import OWNER, TestSite, call, submit


@pytest.fixture
def tracked(site: TestSite) -> Tracked:
    return Tracked(site)


def find(site: TestSite, who: Principal = OWNER, **asked: Any) -> dict[str, Any]:
    return call(site, curves.find, "default", asked, who=who, write=False)


class TestFind:
    def test_tells_each_run_and_metric_that_has_points(
        self, site: TestSite, tracked: Tracked
    ) -> None:
        one = tracked.run(metrics={"loss": [3.0, 1.0, 2.0, 8.0]})
        two = tracked.run(metrics={"loss": [5.0], "auc": [0.5]})
        found = find(site, runs=[one, two], metrics=["loss", "auc"], buckets=2)
        told = [(curve["run"], curve["metric"], curve["last"]) for curve in found["value"]]
        assert told == [(one, "loss", 8.0), (two, "loss", 5.0), (two, "auc", 0.5)]
        assert found["value"][0] == {
            "run": one,
            "metric": "loss",
            "min": 1.0,
            "max": 8.0,
            "last": 8.0,
            "points": 4,
            "buckets": {
                "first": [0, 2],
                "end": [1, 3],
                "min": [1.0, 2.0],
                "max": [3.0, 8.0],
                "mean": [2.0, 5.0],
                "last": [1.0, 8.0],
                "points": [2, 2],
            },
        }

    def test_what_json_has_no_numbers_for_is_named(self, site: TestSite, tracked: Tracked) -> None:
        """As upstream names it."""
        run = tracked.run(metrics={"loss": [math.nan], "auc": [1.7976931348623157e308]})
        nan, infinite = find(site, runs=[run], metrics=["loss", "auc"])["value"]
        assert (nan["min"], nan["last"], nan["points"]) == (None, "NaN", 0)
        assert nan["buckets"]["last"] == ["NaN"]
        assert (infinite["max"], infinite["buckets"]["max"]) == ("Infinity", ["Infinity"])
        json.dumps([nan, infinite], allow_nan=False)

    def test_jobs_are_runs(self, site: TestSite, tracked: Tracked) -> None:
        name = submit(site)["name"]
        assert find(site, runs=[name], metrics=["loss"])["value"] == []

    def test_axes(self, site: TestSite, tracked: Tracked) -> None:
        run = tracked.run(metrics={"loss": [3.0, 1.0]})
        by = {
            x: find(site, runs=[run], metrics=["loss"], x=x)["value"][0]["buckets"]["first"]
            for x in ("step", "time", "relative")
        }
        assert by["step"] == [0, 1]
        assert by["relative"] == [0, by["time"][1] - by["time"][0]]

    @pytest.mark.parametrize(
        "wrong",
        [
            {"runs": []},
            {"runs": "one"},
            {"runs": [1]},
            {"metrics": []},
            {"metrics": ["m"] * 101},
            {"buckets": 0},
            {"buckets": 10_001},
            {"buckets": True},
            {"buckets": "9"},
            {"x": "sideways"},
            {"x": []},
            {"metrics": [f"m{n}" for n in range(100)], "runs": [f"r{n}" for n in range(51)]},
            {"metrics": [f"m{n}" for n in range(100)], "runs": ["a", "b"], "buckets": 5001},
        ],
    )
    def test_wrong_questions_are_refused(self, site: TestSite, wrong: dict[str, Any]) -> None:
        with pytest.raises(Invalid):
            find(site, **{"runs": ["a"], "metrics": ["loss"], **wrong})

    def test_runs_of_others_are_not_there(self, site: TestSite, tracked: Tracked) -> None:
        elsewhere = Tracked(site, "other").run(metrics={"loss": [1.0]})
        with pytest.raises(NotFound):
            find(site, runs=[elsewhere], metrics=["loss"])

    def test_strangers_learn_nothing(self, site: TestSite, tracked: Tracked) -> None:
        run = tracked.run(metrics={"loss": [1.0]})
        stranger = Principal.of_job("other", "some")
        with pytest.raises(NotFound, match="workspace"):
            find(site, stranger, runs=[run], metrics=["loss"])
