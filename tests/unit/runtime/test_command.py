from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lazur.runtime.command import Value, render
from lazur.runtime.plan import Unprepared
from tests.effort import examples

NASTY = (
    "$(touch canary)`touch canary`;touch canary\n|touch canary&touch canary"
    ">canary<x(){}'\"\\#!*?[~"
)


def script(command: str, *, splits: bool = True, **values: str) -> str:
    known = {f"inputs.{k}": Value(v, splits=splits) for k, v in values.items()}
    return render(command, known.get)


def bash(text: str, folder: Path) -> str:
    done = subprocess.run(
        ["bash", "-c", text], cwd=folder, capture_output=True, check=False, timeout=120
    )
    return done.stdout.decode("utf-8", "surrogateescape")


def arguments(command: str, folder: Path, **values: str) -> list[str]:
    """What a program is given where the command says `show …`."""
    show = "show() { local a; for a; do printf '%s\\0' \"$a\"; done; }\n"
    return bash(show + script(command, splits=True, **values), folder).split("\0")[:-1]


class TestPlainValues:
    """What most commands hold is written as it stands."""

    @pytest.mark.parametrize(
        "value", ["0.1", "1e-3", "True", "adam", "azureml://x/y.csv", "a,b", "-5", "50%", "a@b"]
    )
    def test_a_harmless_value_is_plain_text(self, value: str) -> None:
        assert script("run --x ${{inputs.x}}", x=value) == f"run --x {value}"

    def test_a_command_without_expressions_is_not_touched(self) -> None:
        command = "echo $HOME ${x:-1} $[[inputs.y]] # it's"
        assert script(command) == command

    def test_spaces_inside_the_braces_do_not_matter(self) -> None:
        assert script("${{ inputs.x }}", x="1") == "1"

    def test_an_empty_value_leaves_nothing(self, tmp_path: Path) -> None:
        assert arguments('show a ${{inputs.x}} "${{inputs.x}}"', tmp_path, x="") == ["a", ""]

    def test_an_expression_without_a_value_is_an_error(self) -> None:
        with pytest.raises(Unprepared, match=r"\$\{\{inputs.y\}\}, which has no value"):
            script("echo ${{inputs.y}}", x="1")

    @pytest.mark.parametrize("text", ["echo ${{inputs.x", "echo }} ${{", "${{"])
    def test_a_half_expression_is_text(self, text: str) -> None:
        assert script(text, x="1") == text


class TestWords:
    def test_spaces_separate_words_as_ever(self, tmp_path: Path) -> None:
        assert arguments("show ${{inputs.x}}", tmp_path, x="--a 1  --b\n2") == [
            "--a",
            "1",
            "--b",
            "2",
        ]

    def test_stars_are_no_file_names(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        assert arguments("show ${{inputs.x}}", tmp_path, x="*") == ["*"]
        assert arguments("show ${{inputs.x}} z", tmp_path, x="a * b") == ["a", "*", "b", "z"]

    def test_text_beside_a_value_stays_beside_it(self, tmp_path: Path) -> None:
        assert arguments("show a${{inputs.x}}b", tmp_path, x="1 2") == ["a1", "2b"]
        assert arguments("show a${{inputs.x}}b", tmp_path, x="1 *") == ["a1", "*b"]
        assert arguments("show a${{inputs.x}}b", tmp_path, x=" * ") == ["a", "*", "b"]

    def test_a_path_stays_whole(self, tmp_path: Path) -> None:
        text = script("printf '<%s>' ${{inputs.x}}/a", splits=False, x="/my data/*")
        assert bash(text, tmp_path) == "</my data/*/a>"

    def test_an_assignment_takes_the_whole_value(self, tmp_path: Path) -> None:
        for value in ("a touch canary", "* touch canary"):
            assert arguments('X=${{inputs.x}}; show "$X"', tmp_path, x=value) == [value]
        assert not (tmp_path / "canary").exists()

    def test_only_whitespace_is_no_word(self, tmp_path: Path) -> None:
        assert arguments("show a${{inputs.x}}b", tmp_path, x="  ") == ["a", "b"]

    def test_a_value_is_no_comment(self, tmp_path: Path) -> None:
        assert arguments("show ${{inputs.x}} b", tmp_path, x="#a") == ["#a", "b"]

    def test_a_value_is_no_home_folder(self, tmp_path: Path) -> None:
        assert arguments("show ${{inputs.x}}", tmp_path, x="~") == ["~"]

    def test_braces_are_text(self, tmp_path: Path) -> None:
        assert arguments("show ${{inputs.x}}", tmp_path, x="{a,b}") == ["{a,b}"]


PLACES = {
    "double": 'show "${{inputs.x}}"',
    "double, amid text": 'show "a b ${{inputs.x}} c"',
    "single": "show '${{inputs.x}}'",
    "single, amid text": "show 'a b ${{inputs.x}} c'",
    "ansi": "show $'a\\tb ${{inputs.x}}'",
    "escaped quote before": 'show \\" "${{inputs.x}}"',
    "after a comment": "# it's a \"comment\nshow '${{inputs.x}}'",
    "substitution": 'show "$(printf %s "${{inputs.x}}")"',
    "substitution in single quotes": "show \"$(printf %s '${{inputs.x}}')\"",
    "backticks": 'show "`printf %s "${{inputs.x}}"`"',
    "default": 'show "${NOPE:-${{inputs.x}}}"',
    "subshell": '(show "${{inputs.x}}")',
    "function": 'f() { show "${{inputs.x}}"; }; f',
    "list": 'true && { show "${{inputs.x}}"; } || echo no',
    "case": "case a in a) show '${{inputs.x}}';; esac",
    "here-document": 'show "$(cat <<EOF\n${{inputs.x}}\nEOF\n)"',
    "here-string": 'show "$(cat <<< "${{inputs.x}}")"',
    "after a here-document": "cat <<'A' <<B >/dev/null\nit's\nA\n\"\nB\nshow '${{inputs.x}}'",
    "arithmetic before": "((1 << 2)); show '${{inputs.x}}' $((1 + (2)))",
}


class TestQuotes:
    @pytest.mark.parametrize("command", PLACES.values(), ids=PLACES.keys())
    def test_a_nasty_value_arrives_unharmed(self, command: str, tmp_path: Path) -> None:
        found = arguments(command, tmp_path, x=NASTY)
        assert any(NASTY in word for word in found), found
        assert not (tmp_path / "canary").exists()

    def test_a_quoted_here_document_takes_one_line(self, tmp_path: Path) -> None:
        command = "show \"$(cat <<'EOF'\nx = ${{inputs.x}} $HOME\nEOF\n)\""
        assert arguments(command, tmp_path, x="it's $x") == ["x = it's $x $HOME"]

    @pytest.mark.parametrize("value", ["a\nEOF\ntouch canary", "EOF "])
    def test_a_quoted_here_document_refuses_what_could_end_it(self, value: str) -> None:
        with pytest.raises(Unprepared, match="here-document"):
            script("cat <<'EOF'\n${{inputs.x}}\nEOF\n", x=value)

    @pytest.mark.parametrize("place", ["$((${{inputs.x}}))", "((y = ${{inputs.x}}))"])
    def test_arithmetic_refuses_what_the_shell_would_run(self, place: str) -> None:
        with pytest.raises(Unprepared, match="calculates"):
            script(place, x="a[$(touch canary)]")

    def test_arithmetic_takes_numbers(self, tmp_path: Path) -> None:
        assert arguments("show $((${{inputs.x}} + 1))", tmp_path, x="2 * 3") == ["7"]

    def test_nul_is_refused(self) -> None:
        with pytest.raises(Unprepared, match="NUL"):
            script("echo '${{inputs.x}}'", x="a\0b")

    def test_equal_values_share_a_variable(self) -> None:
        assert script("a ${{inputs.x}} ${{inputs.x}}", x="$").count("='$'") == 1


PIECES = st.sampled_from(
    [
        *("show ", "a", " ", "'", '"', "`", "$(", ")", "(", "${", "}", "\\", "\n", ";", "#", "$'"),
        *("<<E\n", "<<'E'\n", "E\n", "<<<", "((", "))", "$((", "X=", "&", "|", "${{inputs.x}}"),
    ]
)
VALUES = st.one_of(
    st.lists(
        st.sampled_from([*"$`;|&<>()\n'\"\\ {}[]*#!~=", ">canary", "$(>canary)", "EOF", "E"])
    ).map("".join),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20),
)


class TestFuzz:
    """Whatever the command looks like, even where no shell can read it, a value never acts. The
    canary sings by a redirection alone: a value may be a command's name where its author wants
    that."""

    @settings(max_examples=examples(150), deadline=None)
    @given(st.lists(PIECES, max_size=12).map("".join), VALUES)
    @example("echo # it's\n'${{inputs.x}}'", "';>canary;'")
    @example("cat <<E\n'\nE\n${{inputs.x}}", "'$(>canary)")
    def test_the_canary_never_runs(self, command: str, value: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            try:
                text = script(command + "${{inputs.x}}", x=value)
            except Unprepared:
                return
            bash(text, Path(folder))
            assert not (Path(folder) / "canary").exists()

    @settings(max_examples=examples(100), deadline=None)
    @given(
        VALUES,
        st.sampled_from(
            ['show "${{inputs.x}}"', "show '${{inputs.x}}'", 'X=${{inputs.x}}; show "$X"']
        ),
    )
    def test_quoted_values_arrive_unchanged(self, value: str, command: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            assert arguments(command, Path(folder), x=value) == [value]

    @settings(max_examples=examples(100), deadline=None)
    @given(st.text("ab$`;|&<>()'\"\\*{}[]#~= \n\t\v\xa0", max_size=12))
    def test_unquoted_values_arrive_as_their_words(self, value: str) -> None:
        words = [w for w in re.split("[ \t\n]", value) if w]
        with tempfile.TemporaryDirectory() as folder:
            assert arguments("show ${{inputs.x}}", Path(folder), x=value) == words
