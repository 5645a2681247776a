"""`lazur job create --plan`: what would run, be reused, sent and built."""

from __future__ import annotations

from collections import Counter, OrderedDict
from typing import Any, TextIO

from lazur.cli import grid, terminal
from lazur.cli.tables import Row, job_row

_WORDS = {
    "run": "run",
    "reuse": "done before",
    "maybe": "perhaps",
    "skip": "left out",
    "decide": "decided",
}
_STYLES = {"run": "cyan", "reuse": "green"}


def or_job(made: dict[str, Any]) -> Row | list[Row]:
    """`job create -o table`, with `--plan` or without."""
    if "steps" not in made or "upload" not in made:
        return job_row(made)
    return [
        OrderedDict(
            Step=step["name"],
            Type=step["type"],
            Will=_WORDS.get(step["will"], step["will"]),
            Why=step["why"],
        )
        for step in made["steps"]
    ]


def text(plan: dict[str, Any], stream: TextIO) -> str:
    steps = plan["steps"]
    wide = max((len(step["name"]) for step in steps), default=0)
    longest = max(len(word) for word in _WORDS.values())
    room = terminal.width(140) - wide - longest - 4
    lines = [_line(step, wide, longest, max(30, room), stream) for step in steps]
    count = Counter(step["will"] for step in steps if step["type"] != "pipeline")
    told = ", ".join(f"{number} {_WORDS[will]}" for will, number in count.items())
    lines += ["", f"Steps: {told or 'none'}"]
    upload = plan["upload"]
    size = terminal.size(upload["bytes"])
    what = f"{upload['files']} file{'s' if upload['files'] != 1 else ''}, {size}"
    lines.append(f"To upload: {what if upload['files'] else 'nothing'}")
    built = [env["name"] for env in plan["environments"] if env["build"]]
    lines.append(f"To build: {', '.join(built) or 'nothing'}")
    return "\n".join(lines)


def _line(step: dict[str, Any], wide: int, longest: int, room: int, stream: TextIO) -> str:
    word = f"{_WORDS.get(step['will'], step['will']):<{longest}}"
    style = _STYLES.get(step["will"], "dim")
    why = grid.short(step["why"], room)
    return f"{step['name']:<{wide}}  {terminal.paint(word, style, stream)}  {why}".rstrip()
