"""`.gitignore` rules as git itself reads them (gitignore(5), dir.c, wildmatch.c).

Written out here rather than taken from `pathspec`, which was tried: it matches a file's whole path
at once, so one random set of rules in forty came out otherwise than in git; it raises on `[z-a]`.
Here a path is only held against the rules after its parents have been, as git does; a test runs
random rules against the real git.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

_CLASSES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "blank": " \\t",
    "cntrl": "\\x00-\\x1f\\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": "!-/:-@\\[-`{-~",
    "space": "\\s",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}


class Rule(NamedTuple):
    text: str
    ignored: bool
    """False for `!rule`."""
    folders_only: bool
    whole_path: bool
    """Has a slash within, so it is held against the path from the rules' folder; else against the
    last name."""
    matches: Callable[[str], object]


def parse(text: str) -> list[Rule]:
    """Rules of one file, last first: the first that matches decides."""
    lines = text.removeprefix("\ufeff").split("\n")
    found = [rule for line in lines if (rule := _rule(line.removesuffix("\r")))]
    return found[::-1]


def verdict(rules: Iterable[Rule], path: str, name: str, *, folder: bool) -> bool | None:
    """Whether `path` (relative to the rules' folder, its last part `name`) is ignored; None: not
    mentioned."""
    for rule in rules:
        if rule.folders_only and not folder:
            continue
        if rule.matches(path if rule.whole_path else name):
            return rule.ignored
    return None


def line_for(path: str) -> str:
    """The rule that means exactly this path from the rules' own folder."""
    return "/" + re.sub(r"([\\*?\[ ])", r"\\\1", path)


def _rule(line: str) -> Rule | None:
    text = _without_trailing_spaces(line)
    if not text or text.startswith("#"):
        return None
    ignored = not text.startswith("!")
    pattern = text if ignored else text[1:]
    folders_only = pattern.endswith("/")
    pattern = pattern.removesuffix("/")
    whole_path = "/" in pattern
    regex = _regex(pattern.removeprefix("/"), whole_path=whole_path)
    if regex is None:
        return None
    return Rule(text, ignored, folders_only, whole_path, re.compile(regex, re.DOTALL).fullmatch)


def _without_trailing_spaces(line: str) -> str:
    kept = line.rstrip(" ")
    backslashes = len(kept) - len(kept.rstrip("\\"))
    return kept + " " if backslashes % 2 and len(kept) < len(line) else kept


def _regex(pattern: str, *, whole_path: bool) -> str | None:
    """None for a pattern that matches nothing: empty, an open bracket, a backslash at the end."""
    made, at = "", 0
    while at < len(pattern):
        char = pattern[at]
        if char == "*":
            piece, at = _stars(pattern, at, whole_path=whole_path)
        elif char == "?":
            piece, at = "[^/]", at + 1
        elif char == "[":
            piece, at = _bracket(pattern, at)
        elif char == "\\":
            piece, at = re.escape(pattern[at + 1 : at + 2]), at + 2
        else:
            piece, at = re.escape(char), at + 1
        if not piece:
            return None
        made += piece
    return made or None


def _stars(pattern: str, at: int, *, whole_path: bool) -> tuple[str, int]:
    end = at
    while pattern[end : end + 1] == "*":
        end += 1
    before = at == 0 or pattern[at - 1] == "/"
    if not whole_path or end - at < 2 or not before:
        return "[^/]*", end
    if end == len(pattern):
        return ".*", end
    if pattern[end] == "/":
        return "(?:.*/)?", end + 1
    return "[^/]*", end


def _bracket(pattern: str, at: int) -> tuple[str, int]:
    """`[…]` as a lookahead and one character, for a slash is never matched by it."""
    end = at + 1
    negated = pattern[end : end + 1] in {"!", "^"}
    end += negated
    members, first = "", True
    while first or pattern[end : end + 1] != "]":
        member, end = _member(pattern, end)
        if member is None:
            return "", end
        members += member
        first = False
    if not members:
        return ("[^/]" if negated else "(?!)"), end + 1
    return f"(?!/)[{'^' if negated else ''}{members}]", end + 1


def _member(pattern: str, at: int) -> tuple[str | None, int]:
    """A character, range or class within brackets; "" for a range that is empty, None for a broken
    one."""
    if pattern.startswith("[:", at):
        close = pattern.find(":]", at + 2)
        if close >= 0:
            return _CLASSES.get(pattern[at + 2 : close]), close + 2
    low, at = _literal(pattern, at)
    if low is None:
        return None, at
    if pattern[at : at + 1] != "-" or pattern[at + 1 : at + 2] in {"]", ""}:
        return re.escape(low), at
    high, at = _literal(pattern, at + 1)
    if high is None:
        return None, at
    return (f"{re.escape(low)}-{re.escape(high)}" if low <= high else ""), at


def _literal(pattern: str, at: int) -> tuple[str | None, int]:
    if pattern[at : at + 1] == "\\":
        at += 1
    char = pattern[at : at + 1]
    return char or None, at + 1
