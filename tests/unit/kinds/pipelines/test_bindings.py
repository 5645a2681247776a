"""What an expression of a pipeline names."""

from __future__ import annotations

from typing import Any

import pytest

from lazur.kinds.pipelines import bindings
from lazur.kinds.pipelines.bindings import Ref


class TestWhole:
    @pytest.mark.parametrize(
        "text, kind, step, name",
        [
            ("${{parent.inputs.x}}", "input", "", "x"),
            ("  ${{ parent.inputs.a.b }} ", "input", "", "a.b"),
            ("${{parent.outputs.x}}", "output", "", "x"),
            ("${{parent.outputs.x.y}}", "output", "", "x.y"),
            ("${{parent.jobs.s}}", "step", "s", ""),
            ("${{parent.jobs.s.inputs.x}}", "step_input", "s", "x"),
            ("${{parent.jobs.s.inputs.x.y}}", "step_input", "s", "x.y"),
            ("${{parent.jobs.s.outputs.y.z}}", "step_output", "s", "y.z"),
        ],
    )
    def test_every_form(self, text: str, kind: Any, step: str, name: str) -> None:
        assert bindings.whole(text) == Ref(kind, step, name, text.strip())

    @pytest.mark.parametrize(
        "value",
        [
            None,
            3,
            {"path": "${{parent.inputs.x}}"},
            "",
            "x",
            "a ${{parent.inputs.x}}",
            "${{parent.inputs.x}}${{parent.inputs.y}}",
            "${{inputs.x}}",
            "${{name}}",
            "${{parent}}",
            "${{parent.inputs}}",
            "${{parent.outputs}}",
            "${{parent.jobs.s.inputs}}",
            "${{parent.jobs.s.outputs}}",
            "${{parent.jobs.s.other.x}}",
        ],
    )
    def test_what_is_none(self, value: Any) -> None:
        assert bindings.whole(value) is None


class TestRefs:
    def test_are_found_however_deep(self) -> None:
        value = {
            "a": ["x ${{parent.inputs.p}} ${{inputs.q}}", {"b": "${{parent.jobs.s}}"}],
            "c": 3,
        }
        assert [ref.kind for ref in bindings.refs(value)] == ["input", "step"]


class TestFilled:
    def known(self, ref: Ref) -> Any:
        return {"p": 7, "d": {"path": "x"}, "t": "text"}.get(ref.name)

    @pytest.mark.parametrize(
        "written, filled",
        [
            ("${{parent.inputs.p}}", 7),
            ("n=${{parent.inputs.p}}", "n=7"),
            ("${{parent.inputs.unknown}}", "${{parent.inputs.unknown}}"),
            ("-${{parent.inputs.unknown}}", "-${{parent.inputs.unknown}}"),
            ("-${{parent.inputs.d}} ${{inputs.p}}", "-${{parent.inputs.d}} ${{inputs.p}}"),
            (["${{parent.inputs.t}}", 1], ["text", 1]),
            ({"a": {"b": "${{parent.inputs.d}}"}}, {"a": {"b": {"path": "x"}}}),
            (None, None),
            ("${{inputs.p}}", "${{inputs.p}}"),
        ],
    )
    def test_every_form(self, written: Any, filled: Any) -> None:
        assert bindings.filled(written, self.known) == filled
