from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lazur.spec.expressions import check, check_path, drop_optional, fill, names, parse, replace
from tests.effort import examples

_PIECES = st.lists(
    st.sampled_from(
        [
            "${{",
            "}}",
            "$[[",
            "]]",
            "inputs",
            "outputs",
            ".",
            "x",
            "name",
            " ",
            "${{inputs.x}}",
            "{",
            "$",
            "[",
        ]
    ),
    max_size=25,
).map("".join)


class TestParse:
    def test_all_are_found_with_their_places(self) -> None:
        text = "python a.py --x ${{inputs.x}} > ${{ outputs.y.z }}/f"
        first, second = parse(text).expressions
        assert (first.root, first.name, text[first.start : first.end]) == (
            "inputs",
            "x",
            "${{inputs.x}}",
        )
        assert (second.root, second.name) == ("outputs", "y.z")

    def test_a_block_without_an_expression_is_not_ours(self) -> None:
        parsed = parse("if $[[inputs.x]]; then ${{inputs.y}} $[[--z ${{inputs.z}}]]")
        assert len(parsed.blocks) == 1
        assert [parsed.is_optional(e) for e in parsed.expressions] == [False, True]
        parsed = parse("$[[--y ${{inputs.y}}]] ${{inputs.z}}")
        assert [parsed.is_optional(e) for e in parsed.expressions] == [True, False]

    @pytest.mark.parametrize(
        "text, expressions, wrong",
        [
            ("${{ ${{inputs.x}} }}", ["inputs.x"], ["${{ ${{inputs.x}}"]),
            ("${{a b}} ${{inputs.x}}", ["inputs.x"], ["${{a b}}"]),
            ("${{inputs.x}}}} ${{inputs.y", ["inputs.x"], ["${{inputs.y"]),
            ("${{inputs.x\nand more ${{name}}", ["name"], ["${{inputs.x\nand more ${{name}}"]),
            ("${{one\ntwo", [], ["${{one"]),
        ],
    )
    def test_what_is_malformed_hides_nothing_else(
        self, text: str, expressions: list[str], wrong: list[str]
    ) -> None:
        parsed = parse(text)
        assert [e.text for e in parsed.expressions] == expressions
        assert [mistake.text for mistake in parsed.mistakes] == wrong

    def test_names_are_those_of_one_root(self) -> None:
        text = "${{inputs.a}} ${{outputs.b}} ${{inputs.c.d}} ${{name}}"
        assert names(text, "inputs") == ["a", "c.d"]
        assert names(text, "outputs") == ["b"]

    def test_nothing_is_found_in_ordinary_shell(self) -> None:
        assert parse("echo ${HOME} $((1+2)) {{x}} [[ -n $x ]]").expressions == []

    @settings(max_examples=examples(500), deadline=None)
    @given(_PIECES)
    def test_it_is_total(self, text: str) -> None:
        parsed = parse(text)
        for expression in parsed.expressions:
            written = text[expression.start : expression.end]
            assert written.startswith("${{")
            assert written.endswith("}}")
        assert all(
            a.end <= b.start
            for a, b in zip(parsed.expressions, parsed.expressions[1:], strict=False)
        )

    @pytest.mark.parametrize(
        "text",
        ["${{" * 10_000, "${{a}}" * 20_000, "$[[" * 50_000 + "${{a}}", "${{" + "a." * 50_000],
    )
    def test_long_hostile_texts_are_read(self, text: str) -> None:
        parsed = parse(text)
        assert parsed.expressions or parsed.mistakes


class TestCheck:
    def test_declared_names_pass(self) -> None:
        assert check("${{inputs.a.b}} ${{outputs.o}} ${{name}}", {"a.b"}, {"o"}) == []

    @pytest.mark.parametrize(
        "text,words",
        [
            ("${{inputs.epoch}}", "Did you mean 'epochs'?"),
            ("${{input.epochs}}", "Did you mean 'inputs'?"),
            ("${{inputs}}", "There are: epochs."),
            ("${{outputs.x}}", "Declare it under `outputs:`"),
            ("${{parent.inputs.x}}", "steps of a pipeline"),
            ("${{search_space.x}}", "sweep"),
            ("${{ __class__ }}", "There are"),
            ("${{inputs.__class__.__mro__}}", "There are"),
            ("${{name.x}}", "Did you mean 'name'?"),
            ("${{inputs.epochs", "Close the expression"),
            ("${{}}", "dotted name"),
            ("${{inputs.epochs + 1}}", "dotted name"),
            ("${{ ${{inputs.epochs}} }}", "dotted name"),
            ("${{inputs['epochs']}}", "dotted name"),
        ],
    )
    def test_everything_else_is_a_mistake_with_a_next_step(self, text: str, words: str) -> None:
        mistakes = check(text, ["epochs"], [])
        assert mistakes
        assert words in str(mistakes[0].hint)

    def test_each_is_shown_where_it_stands_first(self) -> None:
        text = "${{inputs.b}} ${{inputs.a}} ${{inputs.b}}"
        assert [mistake.start for mistake in check(text, [], [])] == [0, 14]
        assert [mistake.start for mistake in check_path(text, (), "a path")] == [0, 14]

    @pytest.mark.parametrize(
        "text, message",
        [
            ("${{inputs.x}}", "${{inputs.x}} is not defined: there is no input 'x'"),
            ("${{outputs.x}}", "${{outputs.x}} is not defined: there is no output 'x'"),
            (
                "${{search_space.x}}",
                "${{search_space.x}} is not defined: there is no hyperparameter 'x'",
            ),
            ("${{strange.x}}", "${{strange.x}} is not defined"),
            ("${{parent.x}}", "${{parent.x}} means nothing here"),
            ("a ${{b c}}", "'${{b c}}' is no expression"),
        ],
    )
    def test_what_there_is_not_is_named(self, text: str, message: str) -> None:
        (found,) = check(text, [], [], space=[])
        assert found.message == message

    def test_the_same_mistake_is_said_once(self) -> None:
        assert len(check("${{inputs.x}} " * 1000, [], [])) == 1

    def test_thousands_of_mistakes_stay_few(self) -> None:
        text = "".join(f"${{{{inputs.x{n}}}}}" for n in range(5000))
        assert len(check(text, [f"y{n}" for n in range(400)], [])) == 20


class TestCheckPath:
    def test_what_is_filled_in_passes(self) -> None:
        known = {"name", "inputs.day"}
        assert check_path("x/${{ name }}/${{inputs.day}}", known, "a path") == []
        assert check_path("x/plain", (), "a path") == []

    @pytest.mark.parametrize(
        "text, said, hint",
        [
            ("x/${{nam}}", "${{nam}} means nothing in a path", "Did you mean 'name'?"),
            (
                "x/${{inputs.z}}",
                "${{inputs.z}} means nothing in a path",
                "Known there: ${{name}}, ${{output_name}}.",
            ),
            ("x/${{name", "'${{name' is never closed with }}", "Close the expression"),
        ],
    )
    def test_all_else_would_be_a_folder_of_that_name(
        self, text: str, said: str, hint: str
    ) -> None:
        (found,) = check_path(text, {"name", "output_name"}, "a path")
        assert found.message == said
        assert hint in str(found.hint)
        assert text[found.start :].startswith(found.text)

    def test_mistakes_are_said_once_and_stay_few(self) -> None:
        assert len(check_path("${{a}}/" * 100, {"name"}, "a path")) == 1
        many = "".join(f"${{{{a{n}}}}}" for n in range(5000))
        assert len(check_path(many, {"name"}, "a path")) == 20


class TestDropOptional:
    def test_a_block_goes_when_its_input_is_not_given(self) -> None:
        text = "run $[[--a ${{inputs.a}}]] $[[--b ${{inputs.b}}]]"
        assert drop_optional(text, {"b"}) == "run  --b ${{inputs.b}}"

    def test_a_block_needs_all_of_its_inputs(self) -> None:
        text = "$[[--ab ${{inputs.a}} ${{inputs.b}}]]"
        assert drop_optional(text, {"a"}) == ""
        assert drop_optional(text, {"a", "b"}) == "--ab ${{inputs.a}} ${{inputs.b}}"

    def test_what_stands_before_it_is_no_part_of_it(self) -> None:
        text = "${{inputs.y}} $[[--z ${{inputs.z}}]]"
        assert drop_optional(text, {"z"}) == "${{inputs.y}} --z ${{inputs.z}}"

    def test_outputs_are_always_given(self) -> None:
        assert drop_optional("$[[--o ${{outputs.o}}]]", set()) == "--o ${{outputs.o}}"

    def test_a_malformed_block_reaches_the_shell_as_written(self) -> None:
        text = "--m $[[inputs.model]] ${{inputs.x}}"
        assert drop_optional(text, set()) == text

    def test_an_unclosed_block_reaches_the_shell_as_written(self) -> None:
        assert drop_optional("$[[--a ${{inputs.a}}", set()) == "$[[--a ${{inputs.a}}"

    @settings(max_examples=examples(300), deadline=None)
    @given(_PIECES)
    def test_doing_it_with_everything_given_only_takes_brackets(self, text: str) -> None:
        made = drop_optional(text, set(names(text, "inputs")))
        assert made.replace("$[[", "").replace("]]", "") == text.replace("$[[", "").replace(
            "]]", ""
        )


class TestFill:
    def test_known_ones_are_replaced_and_others_stay(self) -> None:
        path = "azureml://datastores/${{default_datastore}}/paths/${{ name }}/${{inputs.x}}"
        made = fill(path, {"name": "job_1", "default_datastore": "blob"})
        assert made == "azureml://datastores/blob/paths/job_1/${{inputs.x}}"

    def test_values_are_not_read_again(self) -> None:
        assert fill("${{inputs.x}}", {"inputs.x": "${{name}}", "name": "n"}) == "${{name}}"

    def test_replace_is_asked_for_each(self) -> None:
        assert replace("${{inputs.a}}-${{outputs.b}}", lambda e: e.name.upper()) == "A-B"
