"""A YAML document as it was read: the value, and where each part of it stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lazur.spec.diagnostics import Diagnostic, Path, Severity, path_text

Span = tuple[int, int]
"""Line and column, from 0."""

_WIDEST = 160


@dataclass(slots=True)
class Mark:
    line: int
    column: int
    keys: dict[str, Span] = field(default_factory=dict[str, Span])
    children: dict[str | int, Mark] = field(default_factory=dict[str | int, "Mark"])
    written: str | None = None
    """The text of a scalar that was not read as text: `01` for 1."""


@dataclass(frozen=True)
class Document:
    value: Any
    name: str
    root: Mark
    lines: list[str]
    warnings: list[Diagnostic]

    def diagnostic(
        self,
        severity: Severity,
        message: str,
        path: Path = (),
        *,
        key: bool = False,
        find: str | None = None,
        hint: str | None = None,
    ) -> Diagnostic:
        """`key`: point at the key, not its value. `find`: point at this text inside the value."""
        line, column = self.locate(path, key=key)
        if find:
            line, column = self._search(find, (line, column))
        where = path_text(path)
        return placed(severity, message, (line, column), self.lines, self.name, where, hint)

    def locate(self, path: Path, *, key: bool = False) -> Span:
        """Of the part of `path` that exists: what is missing is reported at what should hold
        it."""
        mark, span = self.root, (self.root.line, self.root.column)
        for depth, part in enumerate(path):
            if part not in mark.children:
                return self._key_of(path[:depth], span)
            parent, mark = mark, mark.children[part]
            span = (mark.line, mark.column)
            if key and depth == len(path) - 1 and isinstance(part, str):
                span = parent.keys[part]
        return span

    def written(self, path: Path) -> str | None:
        """How the scalar at `path` was written, when it was read as something else than text."""
        mark = self.root
        for part in path:
            if part not in mark.children:
                return None
            mark = mark.children[part]
        return mark.written

    def _key_of(self, path: Path, span: Span) -> Span:
        return self.locate(path, key=True) if path else span

    def _search(self, text: str, start: Span) -> Span:
        line, column = start
        for number in range(line, len(self.lines)):
            found = self.lines[number].find(text, column if number == line else 0)
            if found >= 0:
                return (number, found)
        return start


def placed(
    severity: Severity,
    message: str,
    span: Span,
    lines: list[str],
    name: str,
    path: str = "",
    hint: str | None = None,
) -> Diagnostic:
    line, column = span
    text = _shown(lines[line] if line < len(lines) else "", column)
    return Diagnostic(severity, message, path, line + 1, column + 1, text, hint, name)


def _shown(text: str, column: int) -> str | None:
    """Lines that no terminal shows are cut, or left out when the cut would hide the place
    itself."""
    if column >= _WIDEST:
        return None
    return text if len(text) <= _WIDEST else f"{text[:_WIDEST]}…"
