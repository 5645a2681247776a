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

Matcher = Callable[[str], object]

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
    matches: Matcher


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
    matchers = _matchers(pattern.removeprefix("/"), whole_path=whole_path)
    if not matchers:
        return None
    matches = _path_matcher(matchers) if whole_path else matchers[0]
    return Rule(text, ignored, folders_only, whole_path, matches)


def _without_trailing_spaces(line: str) -> str:
    kept = line.rstrip(" ")
    backslashes = len(kept) - len(kept.rstrip("\\"))
    return kept + " " if backslashes % 2 and len(kept) < len(line) else kept


def _path_matcher(parts: list[Matcher]) -> Matcher:
    """Holds a path against the parts of a rule. Keeps the set of places in the path that the rule
    can have come to, so that no rule, however hostile, takes long."""

    def matches(path: str) -> bool:
        names = path.split("/")
        places = {0}
        for at, part in enumerate(parts):
            if part is _any_folders:
                skipped = 1 if at == len(parts) - 1 else 0
                places = set(range(min(places) + skipped, len(names) + 1))
            else:
                places = {n + 1 for n in places if n < len(names) and part(names[n])}
            if not places:
                return False
        return len(names) in places

    return matches


def _any_folders(_: str) -> bool:
    """Stands for `**`, and is looked for by identity."""
    return True


def _matchers(pattern: str, *, whole_path: bool) -> list[Matcher]:
    """One for each part between slashes. None at all when the pattern can match nothing: an open
    bracket, a backslash at the end, an empty part."""
    made: list[Matcher] = []
    chunks, at, begun = [""], 0, 0
    while at <= len(pattern):
        at += pattern.startswith("\\/", at)
        char = pattern[at : at + 1]
        if char in {"", "/"}:
            if at == begun:
                return []
            folders = whole_path and pattern[begun:at] == "**"
            made.append(_any_folders if folders else _compiled(chunks))
            chunks, begun = [""], at + 1
            at += 1
        elif char == "*":
            chunks.append("")
            at += 1
        else:
            piece, at = _piece(pattern, at)
            if not piece:
                return []
            chunks[-1] += piece
    return made


def _piece(pattern: str, at: int) -> tuple[str, int]:
    """One character of a name, and where the next begins; "" when there can be none."""
    char = pattern[at]
    if char == "?":
        return ".", at + 1
    if char == "[":
        return _bracket(pattern, at)
    if char == "\\":
        return re.escape(pattern[at + 1 : at + 2]), at + 2
    return re.escape(char), at + 1


def _compiled(chunks: list[str]) -> Matcher:
    """Of chunks with a star between each two. The first place where a chunk fits is as good as
    any, so nothing is tried again there (`(?>…)`): time stays linear in the number of stars."""
    first, *others = chunks
    middle = "".join(f"(?>.*?{chunk})" for chunk in others[:-1] if chunk)
    regex = first + middle + "".join(f".*{last}" for last in others[-1:])
    return re.compile(regex, re.DOTALL).fullmatch


def _bracket(pattern: str, at: int) -> tuple[str, int]:
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
        return ("." if negated else "(?!)"), end + 1
    return f"[{'^' if negated else ''}{members}]", end + 1


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
