"""`-o table` on a terminal: as knack makes it where that fits, and else no wider than the
terminal."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from knack.output import OutputProducer, format_table
from knack.util import CommandResultItem

from lazur.cli import terminal
from lazur.cli.grid import GAP, cells, padded, short

_SPARED = ("Experiment", "Type", "Began", "Created", "Display name", "Description")
"""What a narrow terminal goes without first."""
_SMALL = 16
"""Columns up to this, a date and a time, are whole or not there."""
_LEAST = 12
"""Less tells nothing."""
_DATE = re.compile(r"\d{4}-\d\d-\d\d ")

Columns = dict[str, list[str]]


class Output(OutputProducer):
    def get_formatter(self, format_type: str) -> Callable[[Any], str]:
        if format_type == "table" and sys.stdout.isatty():
            return on_terminal
        return super().get_formatter(format_type)


def on_terminal(result: Any) -> str:
    """What --query made is shown as it was asked for."""
    if result.is_query_active or not callable(result.table_transformer):
        return format_table(result)
    made: Any = result.table_transformer(result.result)
    rows: list[Mapping[str, Any]] = made if isinstance(made, list) else [made]
    plain = format_table(CommandResultItem(rows, is_query_active=True))
    width = shutil.get_terminal_size().columns
    if all(cells(line) <= width for line in plain.splitlines()):
        return plain
    return narrow(rows, width)


def narrow(rows: Sequence[Mapping[str, Any]], width: int) -> str:
    """Sentences are shortened, then what can be spared is left out, then names are shortened, but
    never the first column; then the last columns go. A last line says which have no room."""
    names = dict.fromkeys(name for row in rows for name in row)
    every: Columns = {name: [_text(row.get(name)) for row in rows] for name in names}
    shown = {name: texts for name, texts in every.items() if any(texts)}
    spared: list[str] = []
    while (widths := _widths(shown, width, _SMALL, whole=True)) is None:
        found = next((name for name in _SPARED if name in list(shown)[1:]), None)
        if found is None:
            break
        spared.append(found)
        del shown[found]
    widths = widths or _widths(shown, width, _LEAST, whole=True)
    while widths is None and (widths := _widths(shown, width, _LEAST, whole=False)) is None:
        spared.append(list(shown)[-1])
        del shown[spared[-1]]
    body = zip(*shown.values(), strict=True)
    drawn = [shown, ["-" * wide for wide in widths.values()], *body]
    lines = [_line(texts, widths.values()) for texts in drawn]
    if spared:
        left = short(f"(no room for: {', '.join(spared)})", width)
        lines.append(terminal.paint(left, "dim", sys.stdout))
    return "\n".join(lines) + "\n"


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _widths(shown: Columns, width: int, least: int, *, whole: bool) -> dict[str, int] | None:
    """None where they do not fit with `least` cells for sentences, and names that are whole."""
    wide = {name: max(map(cells, [name, *texts])) for name, texts in shown.items()}
    others = [name for name in list(wide)[1:] if wide[name] > _SMALL and not _is_date(shown[name])]
    sentences = [name for name in others if any(" " in text for text in shown[name])]
    shrinking = dict.fromkeys(sentences if whole else others, least)
    smallest = wide | {name: max(cells(name), size) for name, size in shrinking.items()}
    room = width - GAP * (len(wide) - 1)
    if sum(smallest.values()) > room and len(wide) > 1:
        return None
    for loose in (sentences, others):
        while sum(wide.values()) > room:
            longer = [name for name in loose if wide[name] > smallest[name]]
            if not longer:
                break
            wide[max(longer, key=lambda name: wide[name])] -= 1
    return wide


def _is_date(texts: list[str]) -> bool:
    return all(_DATE.match(text) for text in texts if text)


def _line(texts: Iterable[str], widths: Iterable[int]) -> str:
    made = [_cell(text, wide) for text, wide in zip(texts, widths, strict=True)]
    return (" " * GAP).join(made).rstrip()


def _cell(text: str, wide: int) -> str:
    """Blanks at its beginning are the branches of a tree, and stay."""
    blank = wide - cells(text)
    return text + " " * blank if blank >= 0 and text.isprintable() else padded(text, wide)
