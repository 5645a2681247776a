from __future__ import annotations

from collections.abc import Callable

import pytest

from lazur.spec.names import check_component_name, check_input_name, check_name, check_title, fold

_HOSTILE = [
    "",
    ".",
    "..",
    "a/b",
    "a\\b",
    "a:b",
    "a b",
    " a",
    "a ",
    "a\n",
    "a\0",
    "a\x1b",
    "-a",
    ".hidden",
    "a.",
    "CON",
    "con.txt",
    "Lpt1",
    "a" * 256,
    "é",
    "e\u0301",
    "\u202eabc",
    "a\u200bb",
    "ſ",
    "%2e%2e",
    "~",
    "a;b",
    "$(x)",
    "`x`",
    "<your name>",
    "{{X}}",
]


class TestName:
    @pytest.mark.parametrize(
        "name", ["a", "A-b_c.1", "_x", "0", "a" * 255, "sklearn-1.5", "nifty_pepper_0x"]
    )
    def test_ordinary_names_pass(self, name: str) -> None:
        assert check_name(name) == name

    @pytest.mark.parametrize("name", _HOSTILE)
    def test_hostile_names_do_not(self, name: str) -> None:
        with pytest.raises(ValueError, match=r"."):
            check_name(name)

    def test_a_placeholder_is_called_one(self) -> None:
        with pytest.raises(ValueError, match="placeholder"):
            check_name("<cluster-name>")


class TestOtherNames:
    @pytest.mark.parametrize(
        "check,good,bad",
        [
            (check_component_name, "train_data2", "TF-hello-world"),
            (check_input_name, "data.train-1", "a..b"),
            (check_input_name, "C", "a b"),
            (check_title, "Ünïcode experiment 1", "a/b"),
            (check_title, "e", "two\nlines"),
            (check_title, "e", "\u202egnp"),
            (check_title, "e", ".."),
        ],
    )
    def test_have_rules_of_their_own(
        self, check: Callable[[str], str], good: str, bad: str
    ) -> None:
        assert check(good) == good
        with pytest.raises(ValueError, match=r"."):
            check(bad)

    def test_titles_are_kept_in_one_form(self) -> None:
        assert check_title("e\u0301") == check_title("é") == "é"

    def test_look_alikes_fold_to_the_same(self) -> None:
        assert fold("Ŝtraße") == fold("S\u0302TRASSE")
        assert fold("ſ") == fold("s")
        assert fold("a") != fold("b")
