"""`-o table` on a terminal: as knack makes it where that fits, and else no wider than the
terminal."""

from __future__ import annotations

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
"""Of names; less tells nothing."""

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
    """Sentences are shortened, then names, but never the first column. Where that is not enough,
    columns are left out, and a last line says which."""
    names = dict.fromkeys(name for row in rows for name in row)
    every: Columns = {name: [_text(row.get(name)) for row in rows] for name in names}
    shown = {name: texts for name, texts in every.items() if any(texts)}
    spared: list[str] = []
    while (widths := _widths(shown, width)) is None:
        others = list(shown)[1:]
        spared.append(next((name for name in _SPARED if name in others), others[-1]))
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


def _widths(shown: Columns, width: int) -> dict[str, int] | None:
    """None where they do not fit, however short they are made."""
    wide = {name: max(map(cells, [name, *texts])) for name, texts in shown.items()}
    others = list(wide)[1:]
    sentences = [name for name in others if any(" " in text for text in shown[name])]
    least = dict.fromkeys(others, _LEAST) | dict.fromkeys(sentences, _SMALL)
    least = {name: max(cells(name), size) for name, size in least.items() if wide[name] > _SMALL}
    least = wide | least
    room = width - GAP * len(others)
    if sum(least.values()) > room and others:
        return None
    for loose in (sentences, others):
        while sum(wide.values()) > room:
            longer = [name for name in loose if wide[name] > least[name]]
            if not longer:
                break
            wide[max(longer, key=lambda name: wide[name])] -= 1
    return wide


def _line(texts: Iterable[str], widths: Iterable[int]) -> str:
    made = [_cell(text, wide) for text, wide in zip(texts, widths, strict=True)]
    return (" " * GAP).join(made).rstrip()


def _cell(text: str, wide: int) -> str:
    """Blanks at its beginning are the branches of a tree, and stay."""
    blank = wide - cells(text)
    return text + " " * blank if blank >= 0 and text.isprintable() else padded(text, wide)
