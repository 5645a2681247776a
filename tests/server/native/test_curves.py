"""Curves over HTTP."""

from __future__ import annotations

import pytest

from tests.server.native.conftest import Api, W
from tests.services.tracked import Tracked
from tests.site import TestSite

CURVES = f"{W}/runs/curves"


@pytest.fixture
def tracked(site: TestSite) -> Tracked:
    return Tracked(site)


class TestCurves:
    def test_many_runs_in_one_call(self, api: Api, tracked: Tracked) -> None:
        made = [tracked.run(metrics={"loss": [float(n), n / 2]}) for n in range(60)]
        answer = api.as_("Reader").post(CURVES, {"runs": made, "metrics": ["loss", "absent"]})
        assert answer.status_code == 200
        told = [(curve["run"], curve["last"]) for curve in answer.json()["value"]]
        assert told == [(run, n / 2) for n, run in enumerate(made)]

    def test_a_wrong_question_is_told_what_is_right(self, api: Api, tracked: Tracked) -> None:
        answer = api.post(CURVES, {"runs": [tracked.run()], "metrics": ["loss"], "buckets": 0})
        assert answer.status_code == 400
        assert "1 to 10,000" in answer.json()["error"]["message"]

    def test_who_may_not_look_learns_nothing(self, api: Api, tracked: Tracked) -> None:
        run = tracked.run(metrics={"loss": [1.0]})
        answer = api.with_(None).post(CURVES, {"runs": [run], "metrics": ["loss"]})
        assert answer.status_code == 401
