"""Reads the source and fills the folder."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from . import databases, files
from ._tools import Failed, say

_PREFIX = "LAZUR_IMPORT_"


def main() -> int:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    asked = json.loads(os.environ.pop("LAZUR_IMPORT"))
    given = {
        name[len(_PREFIX) :].lower(): os.environ.pop(name)
        for name in list(os.environ)
        if name.startswith(_PREFIX)
    }
    try:
        if asked["source"]["type"] == "database":
            databases.copy(asked, given, folder)
        else:
            files.copy(asked, given, folder)
    except Failed as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
