from __future__ import annotations

from typing import Any

import pytest

from lazur.errors import Invalid
from lazur.spec.overrides import apply, apply_all, parse, split, value_at


def changed(spec: dict[str, Any], *assignments: str) -> dict[str, Any]:
    for assignment in assignments:
        apply(spec, *parse(assignment))
    return spec


class TestSplit:
    @pytest.mark.parametrize(
        "path, steps",
        [
            ("a", ["a"]),
            ("a.b.c", ["a", "b", "c"]),
            ("a[0].b", ["a", 0, "b"]),
            ("a['b.c'].d", ["a", "b.c", "d"]),
            ('tags["x y"]', ["tags", "x y"]),
            ("identity.user_assigned_identities[0].resource_id",
             ["identity", "user_assigned_identities", 0, "resource_id"]),
        ],
    )  # fmt: skip
    def test_reads_paths(self, path: str, steps: list[str | int]) -> None:
        assert split(path) == steps

    @pytest.mark.parametrize("path", ["", ".", "a..b", "a[", "a[x]", "a[-1]", "[", "]"])
    def test_what_is_no_path_is_empty(self, path: str) -> None:
        assert split(path) == []


class TestParse:
    @pytest.mark.parametrize(
        "text, value",
        [
            ("a=1", 1),
            ("a=0.5", 0.5),
            ("a=True", True),
            ("a=false", False),
            ("a=null", None),
            ("a=text with = sign", "text with = sign"),
            ("a=", None),
            ('a="1"', "1"),
            ("a=[1, 2]", [1, 2]),
            ('a={"b": [true]}', {"b": [True]}),
            ("a={unclosed", "{unclosed"),
            ("a=azureml:env:1", "azureml:env:1"),
            ("a=${{inputs.x}}", "${{inputs.x}}"),
            ("name=007", "007"),
            ("inputs.version=1.0", "1.0"),
        ],
    )
    def test_a_value_is_what_it_would_be_in_the_file(self, text: str, value: Any) -> None:
        assert parse(text)[1] == value

    @pytest.mark.parametrize("text", ["", "a", "=1", "a..b=1", "a[=1"])
    def test_refuses_what_is_no_assignment(self, text: str) -> None:
        with pytest.raises(Invalid, match="no assignment"):
            parse(text)


class TestApply:
    def test_makes_what_is_on_the_way(self) -> None:
        assert changed({}, "a.b[0].c=1") == {"a": {"b": [{"c": 1}]}}

    def test_changes_within_what_is_there(self) -> None:
        spec = {"inputs": {"lr": {"value": 1, "keep": 2}}, "list": [1, 2, 3]}
        assert changed(spec, "inputs.lr.value=5", "list[1]=9", "list[3]=4") == {
            "inputs": {"lr": {"value": 5, "keep": 2}},
            "list": [1, 9, 3, 4],
        }

    def test_the_last_one_wins(self) -> None:
        assert changed({}, "a=1", "a=2") == {"a": 2}

    def test_what_is_null_in_the_file_counts_as_absent(self) -> None:
        assert changed({"outputs": None}, "outputs.m.mode=upload") == {
            "outputs": {"m": {"mode": "upload"}}
        }

    @pytest.mark.parametrize(
        "text", ["environment.image=x", "environment[0]=x", "list[5]=1", "list.a=1"]
    )
    def test_says_what_stands_in_the_way(self, text: str) -> None:
        spec = {"environment": "azureml:env:1", "list": [1]}
        with pytest.raises(Invalid) as caught:
            changed(spec, text)
        assert text.partition("[")[0].partition(".")[0] in str(caught.value)

    def test_takes_params_override_as_azures_client_does(self) -> None:
        spec: dict[str, Any] = {}
        apply_all(spec, [{"inputs.lr": 0.1}, {"name": "x"}])
        assert spec == {"inputs": {"lr": 0.1}, "name": "x"}


class TestValueAt:
    @pytest.mark.parametrize(
        "steps, value",
        [
            ([], {"a": [{"b": 1}]}),
            (["a", 0, "b"], 1),
            (["a", 1], None),
            (["a", "b"], None),
            (["x", "y"], None),
            (["a", 0, "b", "c"], None),
        ],
    )
    def test_what_is_not_there_is_none(self, steps: list[Any], value: Any) -> None:
        assert value_at({"a": [{"b": 1}]}, steps) == value
