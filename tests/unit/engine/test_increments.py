from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lazur.engine.increments import between, merged

_VALUES = st.none() | st.integers(0, 2) | st.text("ab", max_size=2)
_STEPS = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from("abcdef"), "status": st.integers(0, 2)}),
    unique_by=lambda step: step["name"],
)
_VIEWS = st.builds(
    lambda fields, steps: {**fields, **({"steps": steps} if steps is not None else {})},
    st.dictionaries(st.sampled_from(["etag", "status", "tags", "error"]), _VALUES),
    st.none() | _STEPS,
)


class TestIncrements:
    @given(_VIEWS, _VIEWS)
    def test_what_is_told_makes_the_one_view_the_other(
        self, before: dict[str, Any], now: dict[str, Any]
    ) -> None:
        told = json.loads(json.dumps(between(before, now)))
        assert merged(before, told) == now

    def test_of_many_steps_the_one_that_changed_is_told(self) -> None:
        steps = [{"name": f"s{number}", "status": "Running"} for number in range(1000)]
        before = {"etag": "1", "jobs": {"s0": {"command": "x" * 1000}}, "steps": steps}
        ended = {**steps[7], "status": "Completed"}
        now = {**before, "etag": "2", "steps": [*steps[:7], ended, *steps[8:]]}
        assert between(before, now) == {"fields": {"etag": "2"}, "gone": [], "steps": [ended]}

    def test_what_a_newer_server_adds_is_left_alone(self) -> None:
        told = {"fields": {"status": "Completed"}, "more": 1}
        assert merged({"status": "Running", "name": "j"}, told) == {
            "status": "Completed",
            "name": "j",
        }
