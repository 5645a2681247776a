from __future__ import annotations

import contextlib
import json

import pytest
import yaml as pyyaml
from hypothesis import given, settings
from hypothesis import strategies as st

from lazur.errors import SpecError
from lazur.spec import yaml
from lazur.spec.yaml import load
from tests.effort import examples


def refusal(text: str | bytes) -> dict[str, object]:
    with pytest.raises(SpecError) as caught:
        load(text, "job.yml")
    (diagnostic,) = caught.value.details["diagnostics"]
    return diagnostic


class TestValues:
    @pytest.mark.parametrize(
        "text",
        [
            "01",
            "1",
            "0x1f",
            "0b11",
            "-7",
            "1_000",
            "1.0",
            "1.10",
            "1e-3",
            "1.0e-3",
            "1.5e+3",
            "yes",
            "No",
            "on",
            "off",
            "True",
            "~",
            "null",
            "",
            "08",
            "190:20:30",
            "12:30:45.5",
            "text",
            "1.2.3",
            "a: b",
            "'01'",
            '"yes"',
            "!!str 01",
            "!!int '3'",
            "!!float '3'",
            "-0x10",
            "+12",
        ],
    )
    def test_are_what_pyyaml_makes_of_them(self, text: str) -> None:
        body = f"key: {text}" if ": " not in text else f"key:\n  {text}"
        assert load(body).value == pyyaml.safe_load(body)

    def test_dates_stay_as_they_were_written(self) -> None:
        assert load("day: 2024-01-01").value == {"day": "2024-01-01"}

    def test_keys_are_text_whatever_they_look_like(self) -> None:
        assert load("on: 1\n1.10: 2\n~: 3").value == {"on": 1, "1.10": 2, "~": 3}

    def test_folded_and_literal_commands_keep_their_lines(self) -> None:
        value = load("a: >-\n  x\n  y\nb: |\n  x\n  y\n").value
        assert value == {"a": "x y", "b": "x\ny\n"}

    def test_merge_keys_let_what_is_written_here_win(self) -> None:
        value = load("a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  y: 3\nc:\n  <<: [{x: 9}, *a]\n").value
        assert value["b"] == {"x": 1, "y": 3}
        assert value["c"] == {"x": 9, "y": 2}

    def test_bytes_with_a_byte_order_mark_are_read(self) -> None:
        assert load(b"\xef\xbb\xbfa: \xc3\xa9").value == {"a": "é"}

    @settings(max_examples=examples(200), deadline=None)
    @given(
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers(-(2**63), 2**63 - 1)
            | st.floats(allow_nan=False, allow_infinity=False)
            | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20),
            lambda inner: (
                st.lists(inner, max_size=4)
                | st.dictionaries(
                    st.text(st.characters(categories=["Ll"]), max_size=8), inner, max_size=4
                )
            ),
            max_leaves=12,
        )
    )
    def test_what_json_writes_is_read_back(self, value: object) -> None:
        text = json.dumps(value, ensure_ascii=False).replace("\x7f", "")
        assert load(text).value == pyyaml.safe_load(text)

    @settings(max_examples=examples(300), deadline=None)
    @given(st.text(max_size=60))
    def test_any_text_is_read_as_json_values_or_refused(self, text: str) -> None:
        with contextlib.suppress(SpecError):
            json.dumps(load(text).value, allow_nan=False)


class TestPlaces:
    def test_a_value_and_its_key_are_found(self) -> None:
        document = load("a: 1\nb:\n  - x\n  - {c: 2}\n")
        assert document.locate(("b", 1, "c")) == (3, 8)
        assert document.locate(("b", 1, "c"), key=True) == (3, 5)

    def test_what_is_missing_is_placed_at_the_key_that_should_hold_it(self) -> None:
        document = load("a: 1\ninputs:\n  data:\n    type: uri_file\n")
        assert document.locate(("inputs", "data", "path")) == (2, 2)

    def test_text_inside_a_block_is_found(self) -> None:
        document = load("command: >-\n  python main.py\n  --x ${{inputs.x}}\n")
        found = document.diagnostic("error", "no", ("command",), find="${{inputs.x}}")
        assert (found.line, found.column) == (3, 7)

    def test_numbers_remember_how_they_were_written(self) -> None:
        assert load("version: 01").written(("version",)) == "01"

    def test_base_sixty_is_warned_about(self) -> None:
        (warning,) = load("at: 12:30:00").warnings
        assert "45000" in warning.message


class TestRefusals:
    @pytest.mark.parametrize(
        "text",
        [
            "a: !!python/object/apply:os.system [x]",
            "!foo x",
            "a: !!binary aGk=",
            "!!python/name:os.system",
            "!!set {a}",
            "a: !!python/tuple [1]",
            "!!map [a]",
            "? !x a\n: b",
        ],
    )
    def test_tags(self, text: str) -> None:
        assert "tag" in str(refusal(text)["message"]) or "not YAML" in str(
            refusal(text)["message"]
        )

    def test_duplicate_keys_name_both_lines(self) -> None:
        found = refusal("a: 1\nb: 2\na: 3\n")
        assert (found["line"], found["column"]) == (3, 1)
        assert "line 1" in str(found["hint"])

    def test_a_quoted_twin_is_a_duplicate_too(self) -> None:
        assert "twice" in str(refusal("a: 1\n'a': 2")["message"])

    def test_alias_bombs(self) -> None:
        lines = ["a: &a [x,x,x,x,x,x,x,x,x]"]
        for before, name in zip("abcdefgh", "bcdefghi", strict=True):
            lines.append(f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]")
        assert "too much" in str(refusal("\n".join(lines))["message"])

    def test_aliases_of_long_text_count_their_length(self) -> None:
        text = f"a: &a {'x' * 3_000_000}\nb: [*a, *a, *a]"
        assert "too much" in str(refusal(text)["message"])

    def test_aliases_of_themselves(self) -> None:
        assert "contains it" in str(refusal("a: &a [*a]")["message"])

    @pytest.mark.parametrize(
        "text", ["[" * 2000, "{a: " * 2000, "- " * 2000, "? " * 2000, "[" * 1_000_000]
    )
    def test_depth(self, text: str) -> None:
        assert refusal(text)["severity"] == "error"

    def test_size(self) -> None:
        assert "larger" in str(refusal("a" * (yaml.MAX_BYTES + 1))["message"])

    def test_number_of_nodes(self) -> None:
        assert "too much" in str(refusal("- a\n" * (yaml.MAX_NODES + 1))["message"])

    @pytest.mark.parametrize(
        "number", ["9" * 30, "-" + "9" * 30, ".inf", "-.INF", ".nan", "1.0e+999"]
    )
    def test_numbers_that_json_cannot_hold(self, number: str) -> None:
        assert "quote" in str(refusal(f"a: {number}")["hint"]).lower()

    @pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "---\n...\n---"])
    def test_nothing_to_read(self, text: str) -> None:
        assert refusal(text)["severity"] == "error" if text != "---\n...\n---" else True

    def test_a_second_document(self) -> None:
        assert "second document" in str(refusal("a: 1\n---\nb: 2")["message"])

    @pytest.mark.parametrize("text", [b"a: \xff", "a: \ud800", "a: \x00", "a: \x1b"])
    def test_bytes_that_are_no_text(self, text: str | bytes) -> None:
        assert refusal(text)["severity"] == "error"

    def test_tabs_are_explained(self) -> None:
        assert "tab" in str(refusal("a:\n\tb: 1")["hint"])

    def test_expressions_in_flow_style_are_explained(self) -> None:
        assert "Quote" in str(refusal("a: {path: ${{inputs.x}}}")["hint"])

    def test_long_lines_are_cut(self) -> None:
        found = refusal("a: !x " + "y" * 100_000)
        assert len(str(found["text"])) < 200


class TestTemplates:
    @pytest.mark.parametrize(
        "text,column",
        [
            ("name: {{ENDPOINT_NAME}}", 7),
            ("name: {{ name }}", 7),
            ("name: {{NAME}}/foo", 7),
            ("model: azureml:{{MODEL}}:1", 8),
            ("a: [{{X}}]", 5),
            ("{{X}}: a", 1),
        ],
    )
    def test_unquoted_ones_are_refused_with_their_place(self, text: str, column: int) -> None:
        found = refusal(f"a_key: 1\n{text}\n")
        assert "template" in str(found["message"])
        assert (found["line"], found["column"]) == (2, column)
        assert "quote it" in str(found["hint"])

    @pytest.mark.parametrize(
        "text",
        [
            'name: "{{X}}"',
            "command: |\n  echo {{X}}",
            "x: ${{inputs.X}}",
            "c: docker ps --format {{.Names}}",
        ],
    )
    def test_quoted_ones_and_expressions_are_text(self, text: str) -> None:
        assert load(text).value


class TestFallback:
    def test_the_python_parser_gives_the_same(self, monkeypatch: pytest.MonkeyPatch) -> None:
        text = "a: 01\nb: [x, {c: 1.5}]\nd: &d {e: ~}\nf: *d\n"
        fast = load(text)
        monkeypatch.setattr(yaml, "_Parser", pyyaml.SafeLoader)
        slow = load(text)
        assert slow.value == fast.value
        assert slow.locate(("b", 1, "c")) == fast.locate(("b", 1, "c"))
        assert "deeper" in str(refusal("[" * 2000)["message"])
