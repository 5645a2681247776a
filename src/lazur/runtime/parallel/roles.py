"""Which of its processes this is. Each imports what it needs."""

from __future__ import annotations

import importlib
import os

_ROLES = {
    "worker": "lazur.runtime.parallel.worker",
    "cut": "lazur.runtime.parallel.tables",
    "0": "lazur.runtime.parallel.coordinator",
}
_NODE = "lazur.runtime.parallel.node"


def main(argv: list[str]) -> int:
    role = os.environ.pop("LAZUR_ROLE", "") or os.environ.get("AZUREML_CR_NODE_RANK", "0")
    # By name, so that no process pays for the modules of another.
    return importlib.import_module(_ROLES.get(role, _NODE)).main(argv)
