from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest

from lazur.sdk.ignore import line_for, parse, verdict
from lazur.sdk.walk import walk

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def ignored(rules: str, path: str, *, folder: bool = False) -> bool | None:
    return verdict(parse(rules), path, path.rpartition("/")[2], folder=folder)


class TestVerdict:
    @pytest.mark.parametrize(
        "rules,path,expected",
        [
            ("*.pyc", "a/b/c.pyc", True),
            ("*.pyc", "a/b/c.py", None),
            ("/a", "a", True),
            ("/a", "b/a", None),
            ("a/b", "c/a/b", None),
            ("**/b", "a/b", True),
            ("**/b", "b", True),
            ("a/**", "a/b/c", True),
            ("a/**", "a", None),
            ("a/**/c", "a/c", True),
            ("a/**/c", "a/x/y/c", True),
            ("a/*", "a/b/c", None),
            ("*\n!keep", "keep", False),
            ("!keep\n*", "keep", True),
            ("# comment", "# comment", None),
            ("\\# name", "# name", True),
            ("\\!name", "!name", True),
            ("name   ", "name", True),
            ("name\\ ", "name ", True),
            ("a\r\nb\r\n", "a", True),
            ("\ufeffa", "a", True),
            ("[a-c]", "b", True),
            ("[!a-c]", "b", None),
            ("[z-a]", "z", None),
            ("[", "[", None),
            ("[]]", "]", True),
            ("a[/]b", "a/b", None),
            ("[[:digit:]]", "7", True),
            ("?", "/", None),
            ("a\\", "a", None),
            ("/", "a", None),
            ("", "a", None),
        ],
    )
    def test_as_gitignore_documents_it(self, rules: str, path: str, expected: bool | None) -> None:
        assert ignored(rules, path) is expected

    def test_a_rule_with_a_slash_at_its_end_is_for_folders(self) -> None:
        assert ignored("build/", "a/build", folder=True) is True
        assert ignored("build/", "a/build") is None

    def test_hostile_rules_are_fast(self) -> None:
        assert ignored("a*" * 40 + "b", "a" * 250) is None
        assert ignored("**/a*a/" * 40 + "b", "/".join(["a" * 10] * 300)) is None

    @pytest.mark.parametrize("path", ["a", "a b/", "x*y", "[a]", "a\\b", "#a", "!a", "d/e/"])
    def test_the_line_for_a_path_means_that_path(self, path: str) -> None:
        folder = path.endswith("/")
        assert ignored(line_for(path), path.rstrip("/"), folder=folder) is True
        assert ignored(line_for(path), "q/" + path.rstrip("/"), folder=folder) is None


_NAMES = ["a", "b", "foo", "foo.py", "x.txt", "data", "a b", "keep", ".env", "[a]"]
_SEGMENTS = [
    "a",
    "b",
    "foo",
    "*",
    "**",
    "f*",
    "?",
    "*.py",
    "*.txt",
    "[ab]",
    "[!a]",
    "data",
    "keep",
    "fo[o]",
    "a\\ b",
    "a b",
    ".*",
    "**a",
    "a\\",
    "x.*",
    "[[:alpha:]]",
    "\\a",
    "[",
    "[z-a]",
    "fo?",
    "[]a]",
    "\\[a]",
    "[^b-z]*",
]


def _folder(root: Path, dice: random.Random, depth: int = 0) -> None:
    for name in dice.sample(_NAMES, dice.randint(2, 5)):
        if "." not in name and depth < 3 and dice.random() < 0.6:
            (root / name).mkdir()
            _folder(root / name, dice, depth + 1)
        else:
            (root / name).touch()


def _rule(dice: random.Random) -> str:
    rule = "/".join(dice.choice(_SEGMENTS) for _ in range(dice.choice([1, 1, 1, 2, 2, 3])))
    rule = "/" + rule if dice.random() < 0.25 else rule
    rule = rule + "/" if dice.random() < 0.3 else rule
    rule = "!" + rule if dice.random() < 0.3 else rule
    return rule + "  " if dice.random() < 0.05 else rule


def _rules(dice: random.Random) -> str:
    return "".join(f"{_rule(dice)}\n" for _ in range(dice.randint(1, 5)))


@needs_git
class TestAgainstGit:
    @pytest.mark.parametrize("seed", range(60))
    def test_random_rules_leave_out_what_git_leaves_out(self, tmp_path: Path, seed: int) -> None:
        dice = random.Random(seed)
        _folder(tmp_path, dice)
        (tmp_path / ".gitignore").write_text(_rules(dice))
        for name in ("a", "b", "data"):
            if (tmp_path / name).is_dir() and dice.random() < 0.4:
                (tmp_path / name / ".gitignore").write_text(_rules(dice))
        subprocess.run(["git", "init", "-q", tmp_path], check=True)
        listing = ["git", "ls-files", "-z", "--others", "--exclude-standard"]
        said = subprocess.run(listing, cwd=tmp_path, check=True, capture_output=True).stdout
        expected = sorted(filter(None, said.decode().split("\0")))
        assert sorted(found.path for found in walk(str(tmp_path), "code").files) == expected
