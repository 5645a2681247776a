from __future__ import annotations

import pytest

from lazur.errors import Invalid
from lazur.spec.overrides import apply


class TestApply:
    def test_deep_places_are_set_and_made(self) -> None:
        value = {"inputs": {"a": {"path": "x"}}, "l": [{"b": 1}]}
        made = apply(
            value, ["inputs.a.path=./y=z", "l[0].b=True", "settings.force_rerun=true", "lr=1e-3"]
        )
        assert made == {
            "inputs": {"a": {"path": "./y=z"}},
            "l": [{"b": True}],
            "settings": {"force_rerun": True},
            "lr": "1e-3",
        }

    def test_the_original_is_left_alone(self) -> None:
        value = {"a": {"b": [1, 2]}}
        apply(value, ["a.b[1]=3"])
        assert value == {"a": {"b": [1, 2]}}

    def test_the_last_one_wins(self) -> None:
        assert apply({}, ["a=1", "a=2"]) == {"a": 2}

    def test_text_takes_the_place_of_a_mapping(self) -> None:
        assert apply({"environment": {"image": "x"}}, ["environment=azureml:e:1"]) == {
            "environment": "azureml:e:1"
        }

    @pytest.mark.parametrize(
        "bad", ["a", "=x", "a..b=1", "a[0]=1", "a[x]=1", "[0]=1", "a.=1", "n=.inf"]
    )
    def test_what_names_no_place_is_refused(self, bad: str) -> None:
        with pytest.raises(Invalid):
            apply({"a": []}, [bad])
