from __future__ import annotations

from dataclasses import replace

from lazur.kinds.assets.component import CommandComponent
from lazur.kinds.catalog import validate
from lazur.kinds.jobs.command import CommandJob
from lazur.kinds.pipelines import slips
from lazur.spec.diagnostics import Diagnostic

SAID = {"command": "true", "environment": "azureml:e:1"}


def found(**more: object) -> list[Diagnostic]:
    return slips.of_part(CommandJob, {**SAID, **more})


class TestOfPart:
    def test_only_what_nobody_knows(self) -> None:
        (one,) = found(limits={"timout": 3}, resources={"instance_count": 0})
        assert (one.path, one.hint) == ("limits.timout", "Did you mean 'timeout'?")

    def test_also_where_it_cannot_be_a_job(self) -> None:
        (one,) = slips.of_part(CommandJob, {"environmnt": "azureml:e:1"})
        assert one.path == "environmnt"

    def test_who_says_what_a_component_does_not(self) -> None:
        said = {**SAID, "name": "x", "compute": "azureml:big"}
        (one,) = slips.of_part(CommandComponent, said)
        assert one.path == "compute"
        assert "settings.default_compute" in str(one.hint)


class TestOfStep:
    def test_what_the_step_says_itself(self) -> None:
        told = found(zzz=1, limits={"timout": 3})
        assert [one.path for one in slips.of_step({"limits": {}}, told)] == ["limits.timout"]
        assert [one.path for one in slips.of_step({"zzz": 1}, told)] == ["zzz"]
        assert list(slips.of_step({"command": "true"}, told)) == []

    def test_not_what_is_wrong_with_what_it_is_given(self) -> None:
        told = found(inputs={"x": {"type": "uri_file", "path": "a.csv", "pth": 1}})
        assert [one.path for one in told] == ["inputs.x.pth"]
        assert list(slips.of_step({"inputs": {"x": "${{parent.inputs.x}}"}}, told)) == []
        assert list(slips.of_step({"inputs": {"x": {"pth": 1}}}, told)) == told

    def test_the_words_of_steps_are_known_too(self) -> None:
        hints = {
            one.path: one.hint
            for one in slips.of_step(
                {"depend_on": "a", "limits": {}, "zzz": 1, "enviroment": ""},
                found(depend_on="a", limits={"depend_on": 3}, zzz=1, enviroment=""),
            )
        }
        assert hints == {
            "depend_on": "Did you mean 'depends_on'?",
            "limits.depend_on": None,
            "zzz": None,
            "enviroment": "Did you mean 'environment'?",
        }

    def test_what_has_no_effect_is_told_where_it_stands(self) -> None:
        services = {"nb": {"type": "jupyter_lab"}}
        _, told = validate("command-job", {**SAID, "services": services})
        (one,) = [d for d in told if d.severity == "warning"]
        assert [d.path for d in slips.of_step({"services": services}, told)] == [one.path]
        (below,) = slips.of_step({"component": {"services": services}}, told)
        assert below == replace(one, path=f"component.{one.path}")
        assert list(slips.of_step({"component": "azureml:c:1"}, told)) == []

    def test_what_nobody_knows_of_a_component_is_told_of_that(self) -> None:
        assert list(slips.of_step({"component": {"zzz": 1}}, found(zzz=1))) == []
