"""Tables for people: as wide as the terminal, and no wider."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any, TextIO

from lazur.cli import terminal

GAP = 2
_LEAST = 11
"""Narrower, no text column is made: a time of day still fits."""
_BARS = "▁▂▃▄▅▆▇█"


def lines(
    head: Sequence[str], rows: Sequence[Sequence[str]], width: int, stream: TextIO
) -> list[str]:
    """Columns that hold nothing are not shown. Those that do not fit are shortened, the widest
    first, but no figures; the last ones are left out when even that is not enough. Figures stand
    to the right."""
    if not rows:
        return []
    columns = [column for column in zip(head, *rows, strict=True) if any(column[1:])]
    right = [_are_figures(column[1:]) for column in columns]
    fitting = _fitted([max(map(cells, column)) for column in columns], right, width)
    made = [_line(row, fitting, right) for row in zip(*columns, strict=True)]
    made[0] = terminal.paint(made[0], "bold", stream)
    left_out = [column[0] for column in columns[len(fitting) :]]
    if left_out:
        names = ", ".join(left_out)
        made.append(terminal.paint(f"(no room for: {short(names, width - 16)})", "dim", stream))
    return made


def short(text: str, width: int) -> str:
    """At most `width` cells wide, on one line."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if cells(text) <= width:
        return text
    cut = ""
    for character in text:
        if cells(cut + character) > width - 1:
            break
        cut += character
    return cut + "…"


def padded(text: str, width: int, *, right: bool = False) -> str:
    text = short(text, width)
    blank = " " * (width - cells(text))
    return blank + text if right else text + blank


def cells(text: str) -> int:
    """How wide a terminal shows it: Chinese characters take two cells, accents none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def figure(value: Any) -> str:
    """As many digits as tell something."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return str(value) if isinstance(value, int) else f"{value:.6g}"


def spark(values: Sequence[float]) -> str:
    """A curve in one line, a cell for each value."""
    low, high = min(values), max(values)
    scale = (len(_BARS) - 1) / (high - low) if high > low else 0.0
    return "".join(_BARS[round((value - low) * scale)] for value in values)


def _fitted(widths: list[int], firm: list[bool], room: int) -> list[int]:
    fitting = list(widths)
    while sum(fitting) + GAP * (len(fitting) - 1) > room:
        loose = [at for at, width in enumerate(fitting) if width > _LEAST and not firm[at]]
        if loose:
            fitting[max(loose, key=lambda at: fitting[at])] -= 1
        elif len(fitting) > 1:
            fitting = widths[: len(fitting) - 1]
        else:
            break
    return fitting


def _are_figures(column: Sequence[str]) -> bool:
    filled = [cell for cell in column if cell]
    return bool(filled) and all(_is_figure(cell) for cell in filled)


def _is_figure(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _line(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    made = [
        padded(cell, width, right=side)
        for cell, width, side in zip(row[: len(widths)], widths, right[: len(widths)], strict=True)
    ]
    return (" " * GAP).join(made).rstrip()
