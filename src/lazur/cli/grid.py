"""Tables for people: as wide as the terminal, and no wider."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any, TextIO

from lazur.cli import terminal

GAP = 2
_LEAST = 6
_BARS = "▁▂▃▄▅▆▇█"


def lines(
    head: Sequence[str], rows: Sequence[Sequence[str]], width: int, stream: TextIO
) -> list[str]:
    """Columns that do not fit are shortened, the widest first; the last ones are left out when
    even that is not enough. Figures stand to the right."""
    if not rows:
        return []
    widths = [max(map(cells, column)) for column in zip(head, *rows, strict=True)]
    fitting = _fitted(widths, width)
    right = [_are_figures([row[at] for row in rows]) for at in range(len(fitting))]
    made = [_line(row, fitting, right) for row in (head, *rows)]
    made[0] = terminal.paint(made[0], "bold", stream)
    left_out = len(head) - len(fitting)
    if left_out:
        names = ", ".join(head[len(fitting) :])
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


def spark(values: Sequence[float], width: int) -> str:
    """A curve in one line; each cell is the mean of its part."""
    if not values:
        return ""
    size = max(1, -(-len(values) // width))
    parts = [values[at : at + size] for at in range(0, len(values), size)]
    means = [sum(part) / len(part) for part in parts]
    low, high = min(means), max(means)
    scale = (len(_BARS) - 1) / (high - low) if high > low else 0.0
    return "".join(_BARS[round((mean - low) * scale)] for mean in means)


def _fitted(widths: list[int], room: int) -> list[int]:
    fitting = list(widths)
    while sum(fitting) + GAP * (len(fitting) - 1) > room:
        widest = max(range(len(fitting)), key=lambda at: fitting[at])
        if fitting[widest] > _LEAST:
            fitting[widest] -= 1
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
        for cell, width, side in zip(row[: len(widths)], widths, right, strict=True)
    ]
    return (" " * GAP).join(made).rstrip()
