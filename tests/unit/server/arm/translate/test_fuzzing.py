"""Whatever stands in a body: it is translated, or refused with a reason."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lazur.errors import LazurError
from lazur.server.arm.translate import jobs, runs, schedules
from tests.effort import examples
from tests.unit.server.arm.translate.strategies import IDS, commands, pipelines, sweeps
from tests.unit.server.arm.translate.test_jobs import COMMAND
from tests.unit.server.arm.translate.test_schedules import jobs as scheduled
from tests.unit.server.arm.translate.test_schedules import known

anything = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)
bodies = st.one_of(
    st.just(COMMAND),
    *(s.map(lambda spec: jobs.definition(spec, IDS)) for s in (commands, sweeps, pipelines)),
)

bodies_of_schedules = st.builds(
    lambda spec, job: schedules.to_arm(spec, job, IDS)["properties"], known, scheduled
)


@st.composite
def spoiled(draw: st.DrawFn, whole: st.SearchStrategy[dict[str, Any]]) -> Any:
    """A good body with something else in some places."""
    return _spoil(draw, draw(whole), draw(st.integers(0, 12)))


def _spoil(draw: st.DrawFn, value: Any, after: int) -> Any:
    if not isinstance(value, dict | list) or not value or after == 0:
        return draw(anything)
    places = list(value) if isinstance(value, dict) else list(range(len(value)))
    chosen = draw(st.sampled_from(places))
    made = dict(value) if isinstance(value, dict) else list(value)
    made[chosen] = _spoil(draw, value[chosen], after - 1 if after < 5 else 3)
    return made


class TestNothingBreaks:
    @given(spoiled(bodies))
    @settings(max_examples=examples(150), deadline=None)
    def test_jobs(self, body: Any) -> None:
        with suppress(LazurError):
            found = jobs.from_arm("j", body if isinstance(body, dict) else {})
            assert found["name"] == "j"

    @given(spoiled(bodies_of_schedules))
    @settings(max_examples=examples(100), deadline=None)
    def test_schedules(self, body: Any) -> None:
        with suppress(LazurError):
            schedules.schedule("s", body if isinstance(body, dict) else {})

    @given(
        st.dictionaries(st.sampled_from("tags properties displayName hidden".split()), anything)
    )
    @settings(max_examples=examples(100), deadline=None)
    def test_changes(self, body: Any) -> None:
        runs.changes(body)
        jobs.changes({**body, "isArchived": body.get("hidden")})
