"""What is written in YAML goes to Azure's wire and comes back, and nothing is lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings

from lazur.server.arm.translate import jobs
from tests.effort import examples
from tests.unit.server.arm.translate.strategies import IDS, commands, pipelines, sweeps


def there_and_back(spec: dict[str, Any]) -> dict[str, Any]:
    body = json.loads(json.dumps(jobs.definition(spec, IDS)))
    return jobs.from_arm(spec["name"], body)


class TestRoundTrips:
    @given(commands)
    @settings(max_examples=examples(60), deadline=None)
    def test_a_command(self, spec: dict[str, Any]) -> None:
        assert there_and_back(spec) == spec

    @given(sweeps)
    @settings(max_examples=examples(60), deadline=None)
    def test_a_sweep(self, spec: dict[str, Any]) -> None:
        assert there_and_back(spec) == spec

    @given(pipelines)
    @settings(max_examples=examples(60), deadline=None)
    def test_a_pipeline(self, spec: dict[str, Any]) -> None:
        assert there_and_back(spec) == spec

    @pytest.mark.parametrize("strategy", [commands])
    def test_what_comes_back_goes_the_same_way_again(self, strategy: Any) -> None:
        @given(strategy)
        @settings(max_examples=examples(40), deadline=None)
        def check(spec: dict[str, Any]) -> None:
            once = jobs.definition(spec, IDS)
            assert jobs.definition(jobs.from_arm(spec["name"], once), IDS) == once

        check()
