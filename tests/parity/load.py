"""`python -m tests.parity.load FOLDER`, where Azure's client is: reads every file of an exported
workspace as it does, and says what it does not take."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any


def main() -> int:
    warnings.simplefilter("ignore")
    top = Path(sys.argv[1])
    for path in sorted(top.rglob("*.yml")):
        kind = path.relative_to(top).parts[0]
        if kind == "content":
            continue
        try:
            _loader("jobs" if path.name.endswith(".job.yml") else kind)(path)
            error = None
        except Exception as failure:  # noqa: BLE001 - it is the result
            error = f"{type(failure).__name__}: {failure}"[:2000]
        print(json.dumps({"file": str(path.relative_to(top)), "error": error}), flush=True)
    return 0


def _loader(kind: str) -> Any:
    from azure.ai.ml.entities import (  # noqa: PLC0415  # pyright: ignore[reportMissingImports]
        _load_functions as known,
    )

    nouns = {"data": "data", "connections": "workspace_connection"}
    return getattr(known, f"load_{nouns.get(kind, kind.removesuffix('s'))}")


if __name__ == "__main__":
    sys.exit(main())
