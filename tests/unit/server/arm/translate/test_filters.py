from __future__ import annotations

from typing import Any

import pytest

from lazur.errors import Invalid
from lazur.server.arm.translate import filters

RUN: dict[str, Any] = {
    "runId": "r1",
    "status": "Failed",
    "startTimeUtc": "2026-01-31T10:00:00.000000Z",
    "hidden": False,
    "description": None,
    "tags": {"team": "risk", "azureml.n": "10"},
    "displayName": "it's mine",
}


def meets(text: str) -> bool:
    found = filters.read(text)
    assert found is not None
    return found.meets(RUN)


class TestRead:
    @pytest.mark.parametrize(
        "text",
        [
            "status eq 'Failed'",
            "STATUS EQ 'Failed'",
            "status = 'Failed'",
            "status ne 'Completed' and runId eq 'r1'",
            "status eq 'x' or status eq 'Failed'",
            "status eq 'x' and runId eq 'y' or runId eq 'r1'",
            "not (status eq 'x')",
            "not status eq 'x'",
            "startTimeUtc ge 2026-01-31T09:59:59Z",
            "startTimeUtc lt 2026-02-01",
            "startTimeUtc lt datetime'2026-02-01T00:00:00'",
            "startTimeUtc ge 2026-01-31T12:00:00+02:00",
            "tags/team eq 'risk'",
            "tags/azureml.n gt 9",
            "tags/none eq null",
            "hidden eq false",
            "hidden ne true",
            "description eq null",
            "contains(displayName, 'mine')",
            "startswith(displayName, 'it''s')",
            "endswith(runId, '1')",
            "displayName eq 'it''s mine'",
            "(((status eq 'Failed')))",
            "runId le 'r2' and runId gt 'r0' and runId != 'r2'",
        ],
    )
    def test_what_is_met(self, text: str) -> None:
        assert meets(text)

    @pytest.mark.parametrize(
        "text",
        [
            "status eq 'failed'",
            "hidden eq true",
            "status/x eq 'Failed'",
            "startTimeUtc ge 2027-01-01",
            "description gt 'a'",
            "none eq 'x'",
            "contains(description, 'x')",
            "tags/azureml.n lt 9",
        ],
    )
    def test_what_is_not(self, text: str) -> None:
        assert not meets(text)

    @pytest.mark.parametrize(
        "text",
        [
            "status",
            "status eq",
            "eq 'x'",
            "status is 'x'",
            "status eq x",
            "status eq 'x",
            "status eq 'x' and",
            "(status eq 'x'",
            "status eq 'x') ",
            "'x' eq status",
            "status eq 'x' status eq 'y'",
            "contains(status 'x')",
            "§",
            "a" * 5000,
            "(" * 200 + "a eq 'b'" + ")" * 200,
            3,
            ["status eq 'x'"],
        ],
    )
    def test_what_is_not_understood_is_told(self, text: Any) -> None:
        with pytest.raises(Invalid, match="not understood"):
            filters.read(text)

    @pytest.mark.parametrize("text", ["", None])
    def test_nothing_is_no_filter(self, text: str | None) -> None:
        assert filters.read(text) is None

    def test_it_says_what_it_looks_at(self) -> None:
        found = filters.read("Status eq 'x' and contains(tags/a, 'y')")
        assert found is not None
        assert found.fields == {"status", "tags"}
