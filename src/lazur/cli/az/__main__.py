"""`az`, as `lazur azure shim` puts it on a path: `python -m lazur.cli.az`."""

from __future__ import annotations

import os
import sys
from itertools import takewhile

from lazur.cli.az import absent, failures, groups
from lazur.cli.az.app import Az
from lazur.errors import LazurError


def main(arguments: list[str] | None = None) -> int:
    given = list(sys.argv[1:] if arguments is None else arguments)
    words = [word.lower() for word in takewhile(lambda word: not word.startswith("-"), given)]
    known = {*groups.GROUPS, *groups.SINGLE, "help"}
    missed = absent.told(words, known, set(groups.ML))
    if missed:
        failures.say(missed[0])
        return missed[1]
    if words and len(words) == len(given) and groups.is_group(words):
        given.append("--help")
    try:
        return Az().invoke(given) or 0
    except LazurError as error:
        return failures.report(error, "")  # the settings cannot be read
    except BrokenPipeError:
        # `az ml job list | head`: what is still buffered must not be tried again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    sys.exit(main())
