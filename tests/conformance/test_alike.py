"""Upstream's server and ours, by the cases that are quick; `make mlflow-conformance` has all."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.conformance import differences, report, sides, suite, surface

QUICK = (
    "runs",
    "experiments",
    "searching",
    "models",
    "artifacts.raw",
    "datasets.life",
    "fluent.runs",
    "fluent.broken",
    "prompts.life",
    "registry",
    "traces.by_client",
    "webhooks",
)


@pytest.mark.slow
class TestBothServers:
    def test_are_alike_to_their_client(self, tmp_path: Path) -> None:
        names = suite.cases(QUICK)
        with (
            sides.upstream(tmp_path / "upstream") as upstream,
            sides.ours(tmp_path / "ours") as ours,
        ):
            found = report.compared(*suite.run_both([upstream, ours], names), whole=False)
        assert not found.failed, "\n".join(report.summary(found))

    def test_functions_and_routes_are_reached_or_excepted(self) -> None:
        """By what the cases say in their text; the whole suite sees what they do."""
        text = "".join(path.read_text() for path in suite.FOLDER.glob("*.py"))
        words = set(re.findall(r"[.\"](\w+)", text))
        names = {name for name in surface.functions() if name.rpartition(".")[2] in words}
        assert differences.uncovered_functions(surface.functions(), names) == set()

    def test_no_exception_is_made_for_what_is_not_there(self) -> None:
        assert differences.FUNCTIONS.keys() <= set(surface.functions())
        shorts = [route.short for route in surface.routes()]
        unused = [p for p in differences.ROUTES if not differences.excepted(shorts, p)]
        assert unused == []


class TestComparison:
    def test_what_nobody_explains_fails(self) -> None:
        found = report.compared(_told("200 {}"), _told("500 {}"), whole=False)
        assert found.failed
        assert "DIFFERS runs.life: exchanges: GET /x" in "\n".join(report.summary(found))

    def test_what_is_the_same_does_not(self) -> None:
        assert not report.compared(_told("200 {}"), _told("200 {}"), whole=False).failed

    def test_what_has_no_order_may_come_in_any(self) -> None:
        theirs, ours = (
            _told('200\n[{"a": <id 1>}, {"b": 2}]'),
            _told('200\n[{"b": 2}, {"a": <id 2>}]'),
        )
        assert report.compared(theirs, ours, whole=False).failed
        assert not report.compared(theirs, ours, whole=False, ordered=False).failed
        other = _told('200\n[{"b": 3}, {"a": <id 2>}]')
        assert report.compared(theirs, other, whole=False, ordered=False).failed

    def test_rows_that_only_one_side_has_are_told(self) -> None:
        found = report.compared(_told("", rows=["+ runs a"]), _told(""), whole=False)
        assert found.cases["runs.life"] == ["rows: upstream only: + runs a"]

    def test_a_case_that_broke_on_both_sides_is_no_agreement(self) -> None:
        both = _told("", broke="KeyError")
        assert report.compared(both, both, whole=False).failed

    def test_a_declared_difference_is_listed_and_no_failure(self) -> None:
        theirs, ours = _told("200 text/html\n<p>"), _told("200 text/html\nattachment\n<p>")
        found = report.compared(theirs, ours, whole=False)
        assert not found.failed
        assert len(found.explanations) == 1

    def test_another_status_is_not_covered_by_a_declared_header(self) -> None:
        theirs, ours = _told("200 text/html\n<p>"), _told("404 text/html\nattachment\n<p>")
        assert report.compared(theirs, ours, whole=False).failed

    @pytest.mark.parametrize(
        "message, explained", [("No such artifact: 'a'", True), ("another", False)]
    )
    def test_errors_about_files_say_the_same_in_another_form(
        self, message: str, explained: bool
    ) -> None:
        theirs = '{"error_code": "A", "message": "No such artifact: \'a\'", "sqlstate": "KAM00", '
        theirs += '"error_class": "B"}'
        ours = f'{{"error_code": "A", "message": "{message}", "error": {{"code": "NotFound"}}}}'
        assert report.compared(_told(theirs), _told(ours), whole=False).failed != explained

    def test_a_function_without_a_case_is_uncovered(self) -> None:
        there = ["MlflowClient.create_run", "mlflow.new_thing", "mlflow.doctor"]
        called = ["MlflowClient.create_run"]
        assert differences.uncovered_functions(there, called) == {"mlflow.new_thing"}

    def test_a_route_without_an_answer_is_uncovered(self) -> None:
        there = ["GET 2.0/mlflow/runs/get", "GET 4.0/mlflow/new", "POST /gateway/gemini/b"]
        assert differences.uncovered_routes(there, there[:1]) == {"GET 4.0/mlflow/new"}


def _told(answer: str, **more: Any) -> dict[str, Any]:
    told = {"exchanges": [f"GET /x\n{answer}"], "steps": [], "rows": [], "broke": None, **more}
    return {"runs.life": told}
