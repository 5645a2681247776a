"""`lazur`, and `python -m lazur.cli`."""

from __future__ import annotations

import os
import sys

from lazur.cli import nouns
from lazur.cli.app import App


def main(arguments: list[str] | None = None) -> int:
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return App().invoke(_named(given)) or 0
    except BrokenPipeError:
        # `lazur job list | head`: whoever read has enough. What is still buffered must not be
        # tried again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _named(given: list[str]) -> list[str]:
    """`lazur server` alone runs one in the foreground, `lazur backup --to …` makes one; a group
    cannot be a command too. `lazur job replay --debug` is under a debugger. Any other noun alone,
    or a group of its verbs, shows its help."""
    helped = {"-h", "--help"} & set(given[1:])
    if given[:1] == ["server"] and (len(given) == 1 or given[1].startswith("-")) and not helped:
        return ["server", "run", *given[1:]]
    if given[:1] == ["backup"] and given[1:2] and given[1].startswith("-") and not helped:
        return ["backup", "create", *given[1:]]
    if given[:2] == ["job", "replay"]:
        return ["--debugger" if word == "--debug" else word for word in given]
    if nouns.is_group([word.lower() for word in given]):
        return [*given, "--help"]
    return given


if __name__ == "__main__":
    sys.exit(main())
