"""`openapi.json`: write it from the routes, or say that it is behind them.

python -m tools.openapi            exit 1 when the file and the routes differ
python -m tools.openapi --write
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from lazur.server.app import create_api, create_site
from lazur.server.settings import Settings

FILE = Path(__file__).resolve().parent.parent / "openapi.json"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    current = describe()
    if parser.parse_args().write:
        FILE.write_text(current)
    elif not FILE.exists() or FILE.read_text() != current:
        print("openapi.json is behind the routes: python -m tools.openapi --write")
        return 1
    return 0


def describe() -> str:
    """The description that a server with an empty home gives."""
    with tempfile.TemporaryDirectory(prefix="lazur-openapi-") as folder:
        settings = Settings(home=Path(folder) / "home")
        description = create_api(create_site(settings), settings).openapi()
    return json.dumps(description, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main())
